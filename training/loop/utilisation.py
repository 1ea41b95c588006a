"""Speed and utilisation (MFU): the counted FLOPs of a step over the peak in the maker's data sheet."""

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
    """Return the peak FLOP/s of a device by its name; None where it is not in the table."""
    known = [key for key in PEAKS if key in name]
    if not known:
        return None
    bf16, fp32 = PEAKS[max(known, key=len)]
    return 1e12 * (bf16 if precision == torch.bfloat16 else fp32)


def flop_of(work: Callable[[], object]) -> int:
    """Count the FLOPs of the matrix products, attentions and convolutions that `work` runs.

    All else (normalisation, softmax, the optimizer) counts as nothing, as is usual for MFU. A compiled function hides
    its operations; count the function that it was compiled from.
    """
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


class Meter:
    """Steps a second, share of the time spent waiting for data, and utilisation, since it was last read."""

    def __init__(self, flop_per_step: float, peak: float | None, step: int = 0) -> None:
        """flop_per_step: of one device. peak: its FLOP/s, None if unknown. step: the steps so far."""
        self.flop, self.peak = flop_per_step, peak
        self.restart(step, 0.0)

    def restart(self, step: int, waited: float) -> None:
        """Count from here, after work that is no training, such as held-out figures."""
        self.step, self.waited, self.began = step, waited, time.perf_counter()

    def line(self, step: int, waited: float) -> str:
        """Return what was measured since the last call, on one line."""
        seconds = time.perf_counter() - self.began
        text = f"{(step - self.step) / seconds:.2f} steps/s, waited {(waited - self.waited) / seconds:.1%}"
        if self.flop:
            flops = self.flop * (step - self.step) / seconds
            text += f", {flops / 1e12:.1f} TFLOP/s"
            text += f", MFU {flops / self.peak:.1%}" if self.peak else ""
        self.restart(step, waited)
        return text
