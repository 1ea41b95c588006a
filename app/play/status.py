"""What the HUD says about a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reverie.app.play.mind import Thoughts
    from reverie.engine.settings import Settings


@dataclass(frozen=True)
class Status:
    """What the HUD says about the session at one frame.

    settings: of the dream, empty for the real game. shown: the same in one line. compared: what a frame costs with each
    choice of the mode, where all were played. score: None where a dream predicts no
    rewards. games: all that can be played here, in order. far: how far the picture is from what the game shows, see
    `Likeness`; None where it is not measured. thoughts: what goes on in the dream; None while that is hidden.
    """

    real: bool
    bundle: str
    game: str
    games: tuple[str, ...]
    settings: Settings
    shown: str
    compared: str
    history: int
    slots: int
    seed: int
    timings: Mapping[str, float]
    score: float | None
    faults: int
    far: float | None
    thoughts: Thoughts | None
