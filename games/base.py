"""What every built-in game is: many trajectories stepped at once, in numpy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
ACTIONS = ("noop", "up", "down", "left", "right", "a", "b")
"""What a player can press in any game: four directions, the main button and a second one. Each game has some of these,
in this order, noop first."""
FIRST_HELD_OUT_SEED = 1_000_000
"""Seeds of games from here on are for evaluation; recordings for training stay below."""


class BatchGame(ABC):
    """A batch of B independent trajectories of one game.

    title: what people call it. goal: what to do in it, in one sentence. turn_round: of a first-person game, the action
    that turns on the spot, and how often it is pressed for the same view to come back. RULES: number of the newest
    rules; every lower number from 1 on can still be played, for what was trained by it.

    The randomness of a trajectory is a hash of (its seed, its tick, what it is for), so the same seed and actions
    give the same trajectory whatever else is in the batch.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    goal: ClassVar[str]
    actions: ClassVar[tuple[str, ...]]
    sizes: ClassVar[tuple[int, ...]] = (64, 128)
    fps: ClassVar[int] = 20
    turn_round: ClassVar[tuple[int, int] | None] = None
    RULES: ClassVar[int] = 1

    def __init__(self, batch: int, rules: int | None = None) -> None:
        """rules: the number of the rules to play by; None for the newest.

        Raises ValueError for a batch of none and for rules that there are not.
        """
        if batch < 1:
            raise ValueError(f"A batch needs at least one trajectory, not {batch}.")
        self.batch = batch
        self.rules = self.RULES if rules is None else rules
        if not 1 <= self.rules <= self.RULES:
            known = "rules 1" if self.RULES == 1 else f"rules 1 to {self.RULES}"
            raise ValueError(f"{self.name} is played by {known}, not by rules {rules}.")

    @abstractmethod
    def reset(self, seeds: Ints, vary: bool = False) -> None:
        """Start every trajectory anew. seeds: (B,) int. vary: start from varied states (for recorders)."""

    @abstractmethod
    def reset_where(self, mask: Bools, seeds: Ints, vary: bool = False) -> None:
        """Start those trajectories anew whose mask (B,) is true, from their entry in seeds (B,)."""

    @abstractmethod
    def step(self, actions: Ints) -> tuple[NDArray[np.float32], Bools]:
        """One tick. actions: (B,) int. Returns reward (B,) float32 and ended (B,) bool: the round was just lost.

        After an end the state already is that of the next round in the same room.
        Raises ValueError for a wrong shape or an action outside `actions`.
        """

    @abstractmethod
    def render(self, size: int) -> NDArray[np.uint8]:
        """The pictures, (B, size, size, 3) uint8 RGB, C-contiguous: a pure function of the state.

        Raises ValueError for a size that is not in `sizes`.
        """

    @abstractmethod
    def snapshot(self) -> Any:
        """A copy of everything that decides what comes next."""

    @abstractmethod
    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot, which stays usable. Raises ValueError where it is of another batch size."""

    @abstractmethod
    def branch(self, salt: int) -> None:
        """Give every trajectory other luck from here on: what is left to chance differs between salts."""

    def checked_actions(self, actions: Ints) -> Ints:
        """The actions as (B,) int64. Raises ValueError with one sentence where they are not legal."""
        array = np.asarray(actions, dtype=np.int64)
        if array.shape != (self.batch,):
            raise ValueError(f"{self.name} needs {self.batch} actions, not an array of shape {array.shape}.")
        if array.min() < 0 or array.max() >= len(self.actions):
            raise ValueError(f"An action of {self.name} is a number from 0 to {len(self.actions) - 1}.")
        return array

    def checked_size(self, size: int) -> int:
        """The size itself. Raises ValueError with one sentence where the game is not drawn at it."""
        if size not in self.sizes:
            known = ", ".join(map(str, self.sizes))
            raise ValueError(f"{self.name} is drawn at {known} pixels, not at {size}.")
        return size


class Policy(Protocol):
    """Something that plays a batch of trajectories, from a seed of its own."""

    def act(self, game: BatchGame) -> Ints:
        """The next action of every trajectory, (B,) int64."""
