"""On which device and in which precision a run computes, alone or in several processes that share every batch.

Several processes are started by torchrun and joined by Lightning Fabric, which is imported for them alone: a machine
with nothing but torch and numpy trains on its one GPU.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from reverie.training.errors import RunError

PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}
"""Precisions of matrix products. Weights, gradients and optimizers are always float32."""
AUTO = "auto"
"""The precision that is faster on the device."""
PATIENCE = timedelta(hours=12)
"""Longest wait of one process for another: the first one trains some stages while the others wait."""
T = TypeVar("T", bound=Callable[..., Any])


@cache
def faster_precision(kind: str) -> torch.dtype:
    """Return the precision in which a `cpu` or `cuda` device of this machine multiplies faster.

    A processor is timed: with instructions for bf16 it is faster in bf16, without them far slower than in fp32.
    """
    if kind == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return min(PRECISIONS.values(), key=_seconds_of_a_product)


def _seconds_of_a_product(precision: torch.dtype) -> float:
    square, times = torch.ones(256, 256, dtype=precision), []
    for _ in range(6):
        began = time.perf_counter()
        square @ square
        times.append(time.perf_counter() - began)
    return min(times)


@dataclass(frozen=True)
class DeviceContext:
    """Device, precision and processes of a run, as one process sees them.

    device: of this process. precision: of matrix products, by default what the processor is faster in. fabric: what
    joins the processes (`lightning_fabric.Fabric`); None where there is one process.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: torch.dtype = field(default_factory=lambda: faster_precision("cpu"))
    fabric: Any = None

    @property
    def rank(self) -> int:
        """Number of this process."""
        return self.fabric.global_rank if self.fabric else 0

    @property
    def processes(self) -> int:
        """Number of processes that share a batch."""
        return self.fabric.world_size if self.fabric else 1

    @property
    def first(self) -> bool:
        """Whether this process writes the files and the log."""
        return self.rank == 0

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.type == "cuda"

    def autocast(self) -> AbstractContextManager[Any]:
        """Return a context manager in which matrix products are computed in `precision`."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16)

    def compile(self, function: T) -> T:
        """Return a function or network compiled on a GPU, and as it is on a processor."""
        return torch.compile(function, dynamic=False) if self.on_gpu else function  # type: ignore[return-value]

    def to_device(self, tensor: Tensor) -> Tensor:
        """Return a tensor on the device. The processor does not wait for the copy to a GPU."""
        return tensor.pin_memory().to(self.device, non_blocking=True) if self.on_gpu else tensor

    def shared(self, module: nn.Module) -> nn.Module:
        """Return a network whose gradients are the mean over all processes."""
        return self.fabric.setup_module(module) if self.fabric else module

    def backward(self, loss: Tensor) -> None:
        """Put the gradients of a loss into the parameters that it depends on."""
        if self.fabric:
            self.fabric.backward(loss)
        else:
            loss.backward()

    def mean(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the mean of each value over all processes."""
        return self.fabric.all_reduce(values, reduce_op="mean") if self.fabric else values

    def broadcast(self, value: float) -> float:
        """Return the value that the first process has."""
        return float(self.fabric.broadcast(value)) if self.fabric else value

    def wait(self) -> None:
        """Wait until all processes have called this."""
        if self.fabric:
            self.fabric.barrier()


def find_device_context(devices: str, precision: str) -> DeviceContext:
    """Return the device context that the command line asks for. Raises RunError where this machine has none.

    devices: `auto` (a GPU where there is one), `cpu`, `cuda`, or a number of GPUs on this machine; `cpu:N` and `cuda:N`
    say the number too. More than one process is to be started by torchrun, one for each device.
    """
    if precision not in (AUTO, *PRECISIONS):
        raise RunError(f"--precision must be {AUTO}, {' or '.join(PRECISIONS)}, not {precision}.")
    kind, _, number = (f"cuda:{devices}" if devices.isdecimal() else devices).partition(":")
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if kind not in ("cpu", "cuda") or (number and not number.isdecimal()):
        raise RunError(f"--devices must be auto, cpu, cuda, or a number of GPUs, not {devices}.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise RunError("torch sees no GPU here; train with --devices cpu, or install a torch that fits its driver.")
    computed = faster_precision(kind) if precision == AUTO else PRECISIONS[precision]
    local = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if number and int(number) != local:
        raise RunError(
            f"--devices {devices} needs {number} processes and there is {local}: "
            f"start it as `torchrun --nproc-per-node {number} -m reverie.app.cli train …`."
        )
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return DeviceContext(torch.device(kind), computed)
    fabric = _joined(kind, local)
    # Each process has timed its own processor; the first one's answer counts.
    return DeviceContext(fabric.device, fabric.broadcast(computed), fabric)


def _joined(kind: str, local: int) -> Any:
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies import DDPStrategy
    except ImportError:
        how = '`pip install -c constraints.txt ".[gpu]"` in the folder of the project'
        raise RunError(f"more than one process needs Lightning Fabric: {how}.") from None
    nodes = int(os.environ["WORLD_SIZE"]) // local
    fabric = Fabric(accelerator=kind, devices=local, num_nodes=nodes, strategy=DDPStrategy(timeout=PATIENCE))
    fabric.launch()
    return fabric
