"""Many dreams in one batch as a Gymnasium vector environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.agents.dream_env import OPTIONS, metadata_of, opened
from reverie.engine.bundle import Bundle
from reverie.engine.dream_batch import DreamBatch
from reverie.games.gym_vector import Bools, Frames, Ints, RoundsVectorEnv


class DreamVectorEnv(RoundsVectorEnv):
    """B dreams of one bundle that share one run of each graph a tick; see RoundsVectorEnv and DreamEnv.

    `info` has the `seed` and the `start` of every dream that has just begun. `dreams` is the batch itself, whose
    settings may be changed at any time.
    """

    known_options = OPTIONS

    def __init__(
        self,
        bundle: str | Path | Bundle,
        num_envs: int = 1,
        game: str | None = None,
        backend: str = "onnx",
        threads: int | None = None,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        """The arguments, and the errors raised, are those of DreamEnv and RoundsVectorEnv."""
        self.bundle = opened(bundle, backend, threads)
        self.dreams = DreamBatch(self.bundle, num_envs, game=game, **settings)
        super().__init__(num_envs, self.dreams.actions, self.dreams.size, max_episode_steps, render_mode)
        self.metadata = self.metadata | metadata_of(self.dreams)
        self.predicts_rewards = self.bundle.dynamics.predicts_outcome

    def _begin(self, mask: Bools, seeds: list[int], options: dict[str, Any]) -> dict[str, Ints]:
        starts = [options.get("start", seed % len(self.dreams.starts)) for seed in seeds]
        if mask.all():
            self.dreams.reset(seeds, starts)
        else:
            self.dreams.reset_where(mask, seeds, starts)
        return {"start": np.where(mask, starts, 0)}

    def _advance(self, actions: Ints) -> tuple[NDArray[Any], Bools]:
        self.dreams.step(actions)
        numpy = self.bundle.dynamics.arrays.numpy
        return numpy(self.dreams.rewards), numpy(self.dreams.ended)

    def _pictures(self) -> Frames:
        return self.bundle.dynamics.arrays.numpy(self.dreams.frames)
