"""Plays a game by what its pictures show, as a person would: the real game, or a dream of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from reverie.games import registry
from reverie.games.policies import HeldKeys
from reverie.games.world import Frame

READ_FRAMES = 4
"""The last pictures that the state is read off: which way creatures go shows in several alone."""
LOST = 3
"""Readings without a game after which no key is pressed."""


class SelfPlayer:
    """One trajectory's player.

    In a built-in game whose state can be read off its pictures, the game's own exploring policy plays. Where they show
    no game it presses no key. In every other game it holds random keys.

    A reading takes up to a third of a second. Who cannot wait for it has it made on another thread: until it is there
    the policy plays a real game of its own, under the same keys, that began at the reading before.
    """

    def __init__(self, game: str, actions: int, seed: int = 0, waits: bool = True, rules: int | None = None) -> None:
        """actions: how many the game has; 0 is no key. waits: every action is by the last pictures themselves.

        rules: those that a built-in game is played by, None for the newest.
        """
        self._game, self._seed, self._readings, self._lost = game, seed, 0, LOST
        self._keys: HeldKeys | None = None
        self._reader = None if waits else ThreadPoolExecutor(1, "reader")
        self._reading: Future[Any] | None = None
        self._since: list[int] = []
        if registry.has_reader(game):
            self._real = registry.get(game)(1, rules)
            self._policy = registry.policy(game, "explore", 1, seed)
        else:
            self._keys = HeldKeys(actions, np.random.default_rng(seed))

    def act(self, frames: Sequence[Frame]) -> int:
        """The next action. frames: each (H, W, 3) uint8, the newest last, of which the last `READ_FRAMES` are read."""
        if self._keys:
            return self._keys.act()
        if self._reader is None:
            self._take(lambda: self._read(frames))
        else:
            if self._reading and self._reading.done():
                self._take(self._reading.result)
                self._reading = None
            if self._reading is None:
                self._reading, self._since = self._reader.submit(self._read, tuple(frames)), []
        if self._lost >= LOST or (self._lost and self._reader is None):
            return 0
        action = int(self._policy.act(self._real)[0])
        if self._reader:
            self._real.step(np.array([action]))
            self._since.append(action)
        return action

    def _read(self, frames: Sequence[Frame]) -> Any:
        self._readings += 1
        pictures = np.stack(list(frames)[-READ_FRAMES:])
        return registry.state_from_frames(self._game, pictures, self._seed + self._readings - 1)

    def _take(self, read: Any) -> None:
        """Go on from a reading, under the keys that were pressed since its pictures."""
        try:
            self._real.restore(read())
        except ValueError:
            self._lost += 1
            return
        self._lost = 0
        for action in self._since:
            self._real.step(np.array([action]))
