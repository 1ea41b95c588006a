"""How hard a device works: FLOPs counted, over the peak of the device."""

from __future__ import annotations

import pytest
import torch

from reverie.training.loop.utilisation import Meter, flop_of, peak_flops
from tests.training.loop.stages import TRAINING, trainer


def test_flops_are_those_of_the_matrix_products_forwards_and_backwards() -> None:
    a, b = torch.randn(8, 16, requires_grad=True), torch.randn(16, 4, requires_grad=True)
    assert flop_of(lambda: (a @ b).sum().backward()) == 3 * 2 * 8 * 16 * 4
    one = trainer()
    positions = TRAINING.batch * TRAINING.window * 16
    matrices = sum(p.numel() for name, p in one.network.named_parameters() if "layers" in name and p.ndim == 2)
    assert one.flop_per_step() > 6 * positions * matrices * 0.9, "six for each weight and position, and more"
    assert all(parameter.grad is None for parameter in one.network.parameters())


def test_utilisation_is_over_the_peak_that_the_maker_names() -> None:
    assert peak_flops("NVIDIA H100 80GB HBM3", torch.bfloat16) == 989e12
    assert peak_flops("NVIDIA H100 PCIe", torch.bfloat16) == 756e12
    assert peak_flops("NVIDIA H200", torch.float32) == 67e12
    assert peak_flops("a device of another maker", torch.bfloat16) is None


def test_the_meter_says_speed_waiting_and_utilisation_since_it_was_last_read(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("reverie.training.loop.utilisation.time.perf_counter", lambda: now[0])
    meter, unknown = Meter(2e12, 100e12, 50), Meter(2e12, None, 50)
    fresh = Meter(0, None, 10)
    now[0] += 4
    assert fresh.line(10, 0.0).startswith("0.00 steps/s"), "what an earlier run did is not this one's"
    assert meter.line(60, 1.0) == "2.50 steps/s, waited 25.0%, 5.0 TFLOP/s, MFU 5.0%"
    assert unknown.line(60, 1.0) == "2.50 steps/s, waited 25.0%, 5.0 TFLOP/s"
    now[0] += 10
    assert meter.line(160, 1.5) == "10.00 steps/s, waited 5.0%, 20.0 TFLOP/s, MFU 20.0%"
