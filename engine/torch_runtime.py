"""Runs the networks of a bundle with torch, on the processor or on a GPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from reverie.engine.manifest import Manifest
from reverie.engine.torch_networks import load_networks

WARM_UP = 3
"""Runs of a graph before it is captured, in which libraries choose their kernels."""


@dataclass(frozen=True)
class Runnable:
    """A module that a family runs. rounded: its matrix products may be computed in half precision.

    captured: on a GPU it is captured; not worth it for what runs on batches of many sizes and in no loop.
    """

    module: nn.Module
    rounded: bool
    captured: bool


class TorchRuntime:
    """The networks of one bundle, and what their family runs of them. It holds no trajectory.

    networks: by name. note: why it does not run where it was asked to, in one sentence; '' where it does.
    runs: how often each module was run.

    On a GPU the weights stay there, matrix products are computed in half precision, and each module is captured at its
    first run with inputs of a shape: from then on it is one launch between buffers that never move.
    """

    note = ""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        threads: int | None,
        cuda: bool = False,
        half: torch.dtype | None = None,
    ) -> None:
        """folder: of the bundle, whose manifest describes networks. threads: for all of torch in this process, None
        leaves it as it is. cuda: on a GPU, where there is one; otherwise `note` says why not.
        half: float16 or bfloat16 for matrix products; None for float16 on a GPU and float32 on the processor.

        Raises BundleError for networks that cannot be built or filled.
        """
        assert manifest.networks is not None
        if threads is not None:
            torch.set_num_threads(threads)
        if cuda and not torch.cuda.is_available():
            self.note = "torch sees no GPU here, so the dream runs on the processor."
        self.device = torch.device("cuda" if cuda and not self.note else "cpu")
        self.half = half or (torch.float16 if self.device.type == "cuda" else None)
        self.networks = {
            name: network.to(self.device) for name, network in load_networks(folder, manifest.networks).items()
        }
        self.runs: Counter[str] = Counter()
        self._runnable: dict[str, Runnable] = {}
        self._captured: dict[tuple[object, ...], Captured] = {}

    def add(self, name: str, module: nn.Module, rounded: bool, captured: bool) -> None:
        """Make a module of the networks known under a name, as `Runnable` describes it."""
        self._runnable[name] = Runnable(module, rounded, captured)

    @torch.inference_mode()
    def run(self, name: str, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Run a module on tensors of the device. What it returns on a GPU holds until the module's next run."""
        self.runs[name] += 1
        runnable = self._runnable[name]
        if self.device.type != "cuda" or not runnable.captured:
            return self._compute(runnable, inputs)
        key = (name, *(x.shape for x in inputs))
        if key not in self._captured:
            self._captured[key] = Captured(lambda given: self._compute(runnable, given), inputs)
        return self._captured[key](inputs)

    def _compute(self, runnable: Runnable, inputs: Sequence[Tensor]) -> list[Tensor]:
        rounded = self.half is not None and runnable.rounded
        # Nothing may be kept from one run for the next: a captured graph would not see it change.
        with torch.autocast(self.device.type, self.half, enabled=rounded, cache_enabled=False):
            out = runnable.module(*inputs)
        tensors = (out,) if isinstance(out, Tensor) else out
        return [x.float() if x.is_floating_point() else x for x in tensors]


class Captured:
    """A module recorded on the GPU for inputs of one shape: static buffers in, static buffers out, one launch."""

    def __init__(self, compute: Callable[[Sequence[Tensor]], list[Tensor]], inputs: Sequence[Tensor]) -> None:
        self.inputs = [x.clone() for x in inputs]
        beside, here = torch.cuda.Stream(), torch.cuda.current_stream()
        beside.wait_stream(here)
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                compute(self.inputs)
        here.wait_stream(beside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.outputs = compute(self.inputs)

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        for mine, given in zip(self.inputs, inputs, strict=True):
            mine.copy_(given, non_blocking=True)
        self.graph.replay()
        return self.outputs
