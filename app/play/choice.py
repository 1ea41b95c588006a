"""What a person asked to play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reverie.games.environment import Environment
from reverie.games.world import Frame

if TYPE_CHECKING:
    from reverie.engine.settings import Value


@dataclass(frozen=True)
class Choice:
    """What to play.

    bundle: name or folder, None for the real game only. game: which of the bundle's games, or which real game; None
    for the first. real: every game begins as the real one. settings: of the dream; the bundle's own hold for those that
    are left out. seed: of the first start of every game. start: which of the first game's start histories, None to
    let the seed choose. picture: (H, W, 3) uint8 that the first dream begins at instead. tape: note down what replays
    the first dream. environment: how the real game is made, None for what its name and the bundle say. lucid: a dream
    that loses the game goes back by itself.
    """

    bundle: str | None = None
    game: str | None = None
    real: bool = False
    settings: Mapping[str, Value] = field(default_factory=dict)
    seed: int = 0
    start: int | None = None
    picture: Frame | None = None
    backend: str = "onnx"
    tape: bool = False
    environment: Environment | None = None
    lucid: bool = False
