"""What is checked before training: the colours that the environment draws, or that only the person can know."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from reverie.app.commands.train_check import fresh_play
from reverie.games.environment import Environment
from reverie.training.data.check import Finding, check_recording
from reverie.training.data.record import record
from reverie.training.data.recording import Recording
from tests.games.toy import Toy

HERE = "tests.app.test_train_check"


@pytest.fixture(autouse=True)
def short_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverie.app.commands.train_check.REFERENCE_FRAMES", 300)


class BlueFirst:
    """It draws red first, and shows an agent blue first."""

    action_names = Toy.action_names
    closed = 0

    def __init__(self) -> None:
        self.toy = Toy()
        self.action_space = self.toy.action_space

    def reset(self, seed: int | None = None) -> tuple[np.ndarray, dict]:
        shown, info = self.toy.reset(seed=seed)
        return shown[..., ::-1], info

    def step(self, action: int) -> tuple[Any, ...]:
        shown, *rest = self.toy.step(action)
        return shown[..., ::-1], *rest

    def render(self) -> Any:
        return self.toy.render()

    def close(self) -> None:
        type(self).closed += 1


class OnlyShows(BlueFirst):
    """It draws nothing: what it shows an agent is the only picture."""

    def render(self) -> Any:
        return None


class Breaks(BlueFirst):
    """Whoever asks it to draw gets an error."""

    def render(self) -> Any:
        raise RuntimeError("no screen")


def findings(recorded: Environment, out: Path) -> list[Finding]:
    """What is found wrong with a recording that was made as its game.toml says."""
    record(recorded, out, 600, "random", seed=1)
    return check_recording(Recording(out), reference=fresh_play(recorded, 64))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("BlueFirst", {}),
        ("BlueFirst", {"picture": "observation", "colour_order": "bgr"}),
        ("OnlyShows", {"colour_order": "bgr"}),
        ("Breaks", {"picture": "observation", "colour_order": "bgr"}),
    ],
)
def test_colours_that_are_right_are_not_refused(kind: str, settings: dict[str, str], tmp_path: Path) -> None:
    assert findings(Environment(f"{HERE}:{kind}", **settings), tmp_path) == []


@pytest.mark.parametrize("settings", [{"colour_order": "bgr"}, {"picture": "observation"}])
def test_colours_other_than_those_drawn_are_found(settings: dict[str, str], tmp_path: Path) -> None:
    [found] = findings(Environment(f"{HERE}:BlueFirst", **settings), tmp_path)
    assert found.broken
    assert "Red and blue are swapped" in found.sentence


def test_what_was_opened_to_be_looked_at_is_closed() -> None:
    kind = importlib.import_module(HERE).BlueFirst
    before = kind.closed
    assert fresh_play(Environment(f"{HERE}:BlueFirst"), 64) is not None
    assert kind.closed == before + 1
    assert fresh_play(Environment(f"{HERE}:Missing"), 64) is None
