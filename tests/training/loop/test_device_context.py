"""Which device and precision the command line chooses."""

from __future__ import annotations

import pytest
import torch

from reverie.training.errors import RunError
from reverie.training.loop import device_context
from reverie.training.loop.device_context import DeviceContext, find_device_context


def test_the_command_line_says_where_and_in_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device_context("auto", "bf16") == DeviceContext(torch.device("cpu"), torch.bfloat16)
    assert find_device_context("cpu", "fp32") == DeviceContext(torch.device("cpu"), torch.float32)
    for devices, precision, message in (
        ("cuda", "bf16", "no GPU here"),
        ("tpu", "bf16", "auto, cpu, cuda"),
        ("cpu", "fp8", "auto, bf16 or fp32"),
        ("cpu:2", "bf16", "torchrun --nproc-per-node 2"),
    ):
        with pytest.raises(RunError, match=message):
            find_device_context(devices, precision)


@pytest.mark.parametrize("faster", [torch.bfloat16, torch.float32])
def test_products_are_computed_in_what_the_processor_is_faster_in(
    faster: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_context, "_seconds_of_a_product", lambda precision: 1.0 if precision == faster else 50.0)
    device_context.faster_precision.cache_clear()
    try:
        assert find_device_context("cpu", "auto").precision == DeviceContext().precision == faster
        assert find_device_context("cpu", "fp32").precision == torch.float32
    finally:
        device_context.faster_precision.cache_clear()
