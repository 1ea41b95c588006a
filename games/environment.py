"""Which environment is played, and how: all that a person can say of a game that does not come with the project."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reverie.games.errors import UnsuitableGame
from reverie.schema import SchemaError, read_object


@dataclass(frozen=True)
class Environment:
    """An environment with the Gymnasium interface, and how it becomes a World.

    source: a registered id (`ALE/Freeway-v5`), `module:Id-v0` for one that is registered once that module is imported,
    or `module:Class`.
    actions: names of those that are used, all of them where empty. frame_skip: steps that one action is held for.
    options: arguments of the environment. picture: "render" for what it draws, "observation" for what it gives an
    agent, "" for the first of the two that is a picture. colour_order: of that picture, "rgb" or "bgr".
    fps: frames a second it is played at, 0 for what the environment says.
    """

    source: str
    actions: tuple[str, ...] = ()
    frame_skip: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    picture: str = ""
    colour_order: str = "rgb"
    fps: int = 0

    def __post_init__(self) -> None:
        """Raises UnsuitableGame with one sentence."""
        if not self.source or self.source.startswith(":") or self.source.endswith(":"):
            raise UnsuitableGame(
                f"'{self.source}' is no game: name a Gymnasium id such as ALE/Freeway-v5, or module:Class."
            )
        if self.frame_skip < 1 or self.fps < 0:
            raise UnsuitableGame(f"{self.source}: frame_skip must be at least 1 and fps not below 0.")
        if self.picture not in ("", "render", "observation"):
            raise UnsuitableGame(f"{self.source}: picture must be render or observation, not {self.picture!r}.")
        if self.colour_order not in ("rgb", "bgr"):
            raise UnsuitableGame(f"{self.source}: colour_order must be rgb or bgr, not {self.colour_order!r}.")

    def to_json(self) -> dict[str, Any]:
        """What a recording and a run write down."""
        return {**asdict(self), "actions": list(self.actions)}

    @staticmethod
    def from_json(content: dict[str, Any]) -> Environment:
        """What `to_json` gave. Raises UnsuitableGame where it is something else."""
        try:
            return read_object(Environment, content, "environment")
        except SchemaError as error:
            raise UnsuitableGame(f"This does not describe an environment: {error}; record the game again.") from error

    @property
    def module(self) -> str:
        """What `module:Id-v0` and `module:Class` have imported, code that the person chose; '' for a plain id."""
        return self.source.partition(":")[0] if ":" in self.source else ""

    @property
    def name(self) -> str:
        """The id or the class itself."""
        return self.source.partition(":")[2] or self.source

    @property
    def is_class(self) -> bool:
        """True for `module:Class`: no class is called as an id is, which ends with its version."""
        return bool(self.module) and re.search(r"-v\d+$", self.source) is None


SEARCH: list[Path] = [Path()]
"""Folders in which the module of a `module:Class` or `module:Id-v0` is looked for, before those of Python itself."""
