"""What an agent sees and does at one decision: small pictures of now and just before, and a key held for some ticks."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

SIDE = 32
"""Pixels of a look's side."""
Looks = NDArray[np.uint8]


class HeldKeys:
    """A vector environment whose every action is held for `hold` ticks, shown in small pictures.

    A game that runs at 20 ticks a second changes little in one of them, and a policy that lets go of the key in each
    would tremble on the spot. Looks are (B, 6, 32, 32) uint8: the present picture and that of the decision before,
    from which one sees what moves where.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], hold: int) -> None:
        """Raises ValueError where the pictures cannot be made small by whole pixels."""
        size = env.single_observation_space.shape[0]  # type: ignore[index]
        if size % SIDE:
            raise ValueError(f"The pictures must be a multiple of {SIDE} pixels wide, not {size}.")
        self.env, self.hold = env, hold
        self.batch, self.actions = env.num_envs, int(env.single_action_space.n)  # type: ignore[attr-defined]
        self._now: Looks = np.zeros((self.batch, 3, SIDE, SIDE), np.uint8)

    def reset(self, seeds: list[int]) -> Looks:
        """Begin every round anew, from one seed each. Returns looks."""
        # Gymnasium's own vectors take a list too, though the type of their base class says one number.
        frames, _ = self.env.reset(seed=seeds)  # type: ignore[arg-type]
        self._now = small(frames)
        return np.concatenate([self._now, self._now], axis=1)

    def step(self, actions: NDArray[np.int64]) -> tuple[Looks, NDArray[np.float64], NDArray[np.bool_]]:
        """Hold actions (B,). Returns looks, what all these ticks earned (B,), and whose round was over in one of them.

        A round that is over in mid-hold has begun anew when the hold is over, so the look then shows the new one.
        """
        rewards, over = np.zeros(self.batch), np.zeros(self.batch, np.bool_)
        for _ in range(self.hold):
            frames, reward, ended, cut, _ = self.env.step(actions)
            rewards += reward
            over |= ended | cut
        before, self._now = self._now, small(frames)
        # What stood there before the new round has nothing to do with it.
        before = np.where(over[:, None, None, None], self._now, before)
        return np.concatenate([self._now, before], axis=1), rewards, over


def small(frames: NDArray[np.uint8]) -> Looks:
    """Frames (B, H, H, 3) uint8, H a multiple of 32, to (B, 3, 32, 32) uint8: each pixel the mean of those under it."""
    batch, size = frames.shape[:2]
    edge = size // SIDE
    blocks = frames.reshape(batch, SIDE, edge, SIDE, edge, 3)
    return np.ascontiguousarray(blocks.mean(axis=(2, 4), dtype=np.float32).transpose(0, 3, 1, 2)).astype(np.uint8)
