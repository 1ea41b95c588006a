"""How fast a recipe trains here is measured before it is planned how long it trains."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from reverie.training.data.record import record
from reverie.training.errors import RunError
from reverie.training.loop.device_context import DeviceContext
from reverie.training.speed import measure_speed


def test_twice_the_minutes_are_twice_the_steps(tmp_path: Path) -> None:
    recording = record("garden", tmp_path / "data", 1000)
    speeds = []
    for minutes in (1.0, 2.0):
        folder = tmp_path / f"{minutes}"
        folder.mkdir()
        speeds.append(measure_speed("tiny", recording, minutes, folder, 1.0, DeviceContext()))
    assert speeds[0].steps > 0
    assert 1.0 < speeds[1].steps / speeds[0].steps < 4.0, "as far as the machine is as fast both times"
    assert speeds[0].preparing > 0


def test_a_recording_that_cannot_be_learnt_is_said_at_once(tmp_path: Path) -> None:
    recording = record("garden", tmp_path / "data", 100, size=128)
    with pytest.raises(RunError, match="takes frames of 64 pixels"):
        measure_speed("v1", recording, 1.0, tmp_path, 1.0, DeviceContext())
