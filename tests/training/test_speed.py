"""How fast a recipe trains here is measured before it is planned how long it trains."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reverie.training import recipe as recipes
from reverie.training.data.record import record
from reverie.training.errors import RunError
from reverie.training.loop.device_context import DeviceContext
from reverie.training.speed import COMPILED_GAIN, measure_speed
from reverie.training.tokens.recipe import TokenRecipe

STEP_S = 0.25


def test_the_steps_of_a_run_are_foretold_from_a_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, taken = [0.0], []

    class Timed:
        """A trainer whose first step takes long, and every other one `STEP_S`."""

        def __init__(self, stage: Any, context: DeviceContext) -> None:
            self.prefetch = SimpleNamespace(close=lambda: None)

        def step(self, share: float) -> None:
            now[0] += STEP_S if taken else 100.0
            taken.append(share)

    monkeypatch.setattr("reverie.training.speed.Trainer", Timed)
    monkeypatch.setattr("reverie.training.speed.time", SimpleNamespace(perf_counter=lambda: now[0]))
    recording, plan = record("garden", tmp_path / "data", 400), recipes.load("tiny")
    assert isinstance(plan, TokenRecipe)
    for minutes, gain in ((5.0, 1.0), (50.0, COMPILED_GAIN)):
        folder = tmp_path / f"{minutes}"
        folder.mkdir()
        taken.clear()
        speed = measure_speed("tiny", recording, minutes, folder, 2.0, DeviceContext())
        assert speed.steps == int(60 * minutes * (1 - plan.decoder_share) / STEP_S * gain)
        assert len(taken) == 1 + 8


def test_what_takes_as_long_for_any_recording_is_told_from_what_grows_with_it(tmp_path: Path) -> None:
    recording = record("garden", tmp_path / "data", 400)
    (tmp_path / "probe").mkdir()
    speed = measure_speed("tiny", recording, 1.0, tmp_path / "probe", 0.1, DeviceContext())
    assert speed.building > 0
    assert 0 < speed.preparing < 0.1


def test_a_recording_that_cannot_be_learnt_is_said_at_once(tmp_path: Path) -> None:
    recording = record("garden", tmp_path / "data", 100, size=128)
    with pytest.raises(RunError, match="takes frames of 64 pixels"):
        measure_speed("v1", recording, 1.0, tmp_path, 1.0, DeviceContext())
