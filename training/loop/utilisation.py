"""How hard a device works: the FLOPs of a step, counted, over what its maker says it can do."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

PEAKS = {
    "B200": (2250.0, 80.0),
    "H200": (989.0, 67.0),
    "GH200": (989.0, 67.0),
    "H100 NVL": (835.0, 60.0),
    "H100 PCIe": (756.0, 51.0),
    "H100": (989.0, 67.0),
    "A100": (312.0, 19.5),
    "L40S": (362.0, 91.6),
    "L4": (121.0, 30.3),
    "RTX 4090": (165.2, 82.6),
}
"""Dense TFLOP/s in bf16 and in fp32, from the makers' data sheets, by what torch calls the device."""


def peak_flops(name: str, precision: torch.dtype) -> float | None:
    """FLOP/s that a device of this name can do; None for one that is not in the table."""
    known = [key for key in PEAKS if key in name]
    if not known:
        return None
    bf16, fp32 = PEAKS[max(known, key=len)]
    return 1e12 * (bf16 if precision == torch.bfloat16 else fp32)


def flop_of(work: Callable[[], object]) -> int:
    """FLOPs of the matrix products, attentions and convolutions in some work, forwards and backwards.

    Counted as they are run, from their shapes. All else (normalisation, softmax, the optimizer) counts as nothing, as
    is the custom where utilisation is reported. Compiled functions hide what they do: count those they were made of.
    """
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


class Meter:
    """Steps a second, share of the time spent waiting for data, and utilisation, since it was last read."""

    def __init__(self, flop_per_step: float, peak: float | None, step: int = 0) -> None:
        """flop_per_step: of one device. peak: its FLOP/s, None where it is not known. step: where a run goes on."""
        self.flop, self.peak = flop_per_step, peak
        self.restart(step, 0.0)

    def restart(self, step: int, waited: float) -> None:
        """Count from here: what came before, such as a look at held-out episodes, was no training."""
        self.step, self.waited, self.began = step, waited, time.perf_counter()

    def line(self, step: int, waited: float) -> str:
        """What was measured, on one line; begins anew."""
        seconds = time.perf_counter() - self.began
        text = f"{(step - self.step) / seconds:.2f} steps/s, waited {(waited - self.waited) / seconds:.1%}"
        if self.flop:
            flops = self.flop * (step - self.step) / seconds
            text += f", {flops / 1e12:.1f} TFLOP/s"
            text += f", MFU {flops / self.peak:.1%}" if self.peak else ""
        self.restart(step, waited)
        return text
