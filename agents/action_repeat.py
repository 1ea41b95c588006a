"""What an agent sees and does at one decision: two small pictures, and an action repeated for some ticks."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from reverie.engine.agent import small
from reverie.engine.manifest import OBSERVED

Observations = NDArray[np.uint8]


class ActionRepeat:
    """A vector environment whose every action is repeated for `repeat` ticks and whose pictures are small.

    At 20 ticks a second little changes in one of them, and a policy that chose anew in each would tremble on the spot.
    Observations are (B, 6, 32, 32) uint8: the present picture and that of the decision before, which shows what moves.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], repeat: int) -> None:
        """Raises ValueError where the pictures cannot be made small by whole pixels."""
        size = env.single_observation_space.shape[0]  # type: ignore[index]
        if size % OBSERVED:
            raise ValueError(f"The pictures must be a multiple of {OBSERVED} pixels wide, not {size}.")
        self.env, self.repeat = env, repeat
        self.batch, self.actions = env.num_envs, int(env.single_action_space.n)  # type: ignore[attr-defined]
        self._now: Observations = np.zeros((self.batch, 3, OBSERVED, OBSERVED), np.uint8)

    def reset(self, seeds: list[int]) -> Observations:
        """Begin every round anew, from one seed each. Returns observations (B, 6, 32, 32)."""
        # Gymnasium's own vectors take a list too, though the type of their base class says one number.
        frames, _ = self.env.reset(seed=seeds)  # type: ignore[arg-type]
        self._now = small(frames)
        return np.concatenate([self._now, self._now], axis=1)  # (B, 6, 32, 32)

    def step(self, actions: NDArray[np.int64]) -> tuple[Observations, NDArray[np.float64], NDArray[np.bool_]]:
        """Repeat actions (B,). Returns observations, the summed rewards (B,), and whose round was over (B,).

        A round that is over begins anew while the action is still repeated. The rewards are those of the round in
        which the action was chosen: what the new round brings in the remaining ticks is not counted. The observation
        shows the new round.
        """
        rewards, over = np.zeros(self.batch), np.zeros(self.batch, np.bool_)
        for _ in range(self.repeat):
            frames, reward, ended, cut, _ = self.env.step(actions)
            rewards += np.where(over, 0.0, reward)
            over |= ended | cut
        before, self._now = self._now, small(frames)
        # The picture before the new round has nothing to do with it.
        before = np.where(over[:, None, None, None], self._now, before)
        return np.concatenate([self._now, before], axis=1), rewards, over
