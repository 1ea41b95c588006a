"""A dream as a Gymnasium environment, one trajectory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from reverie.engine import library
from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamBatch
from reverie.games.gym_vector import checked_options, checked_render_mode

Frame = NDArray[np.uint8]
OPTIONS = ("start",)
"""Options of a reset. start: number of the game's start history to begin from."""


class DreamEnv(gymnasium.Env[Frame, np.int64]):
    """A dream of a game, stepped by an agent.

    Observations are frames (H, W, 3) uint8, actions indices into `actions`. The model predicts reward and end of each
    step; where a bundle predicts neither (`predicts_rewards` is false), the reward is 0 and no round ends. An episode
    is a round: it is terminated when the round is lost, and `reset` begins another dream, that of the seed where one
    is given. The observation that comes with an end already shows the next round, as reverie.games.world.Step has it.

    `info` of a reset has the `seed` and the `start` it began from; `metadata` has the game, the names of its actions
    and its frames a second. `dream` is the dream itself, whose settings may be changed at any time.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 - the base has it so

    def __init__(
        self,
        bundle: str | Path | Bundle,
        game: str | None = None,
        backend: str = "onnx",
        threads: int | None = None,
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        """bundle: name, folder, or an open bundle, which is then shared and runs as it was opened.

        game: which of the bundle's games to dream, by default its first. backend, threads: see `Bundle.load`.
        settings: of the dream, such as mode or temperature; by default the bundle's own.
        Raises BundleError for a bundle that cannot be opened, ValueError for a setting that it does not have.
        """
        self.render_mode = checked_render_mode(render_mode)
        self.bundle = opened(bundle, backend, threads)
        self.dream = Dream(self.bundle, game=game, **settings)
        self.actions = self.dream.actions
        self.metadata = self.metadata | metadata_of(self.dream)
        self.predicts_rewards = self.bundle.dynamics.predicts_outcome
        self.action_space = gymnasium.spaces.Discrete(len(self.actions))
        self.observation_space = gymnasium.spaces.Box(0, 255, (self.dream.size, self.dream.size, 3), np.uint8)

    def get_action_meanings(self) -> list[str]:
        """The names of the actions, in their order."""
        return list(self.actions)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frame, dict[str, Any]]:
        """Begin a new dream. The same seed and actions give the same dream.

        options: `start`, the number of one of the game's start histories; by default seed % N.
        Raises ValueError for another option, or a start that does not exist.
        """
        super().reset(seed=seed)
        chosen = seed if seed is not None else int(self.np_random.integers(2**31))
        start = checked_options(options, OPTIONS).get("start", chosen % len(self.dream.starts))
        return self.dream.reset(chosen, start).copy(), {"seed": chosen, "start": start}

    def step(self, action: np.int64) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Dream one frame. Returns picture, reward, terminated (the round was lost), truncated (never), info."""
        frame, reward, ended = self.dream.step(int(action))
        return frame.copy(), reward, ended, False, {}

    def render(self) -> Frame | None:
        """The present frame, (H, W, 3) uint8; None without a render mode."""
        return None if self.render_mode is None else self.dream.frame.copy()


def opened(bundle: str | Path | Bundle, backend: str, threads: int | None) -> Bundle:
    """The bundle of a name or folder; an open bundle is returned as it is. Raises BundleError."""
    return bundle if isinstance(bundle, Bundle) else Bundle.load(library.resolve(bundle), backend, threads)


def metadata_of(dream: Dream | DreamBatch) -> dict[str, Any]:
    """The metadata of an environment that a dream decides."""
    manifest = dream.bundle.manifest
    return {"render_fps": manifest.fps, "game": dream.game, "actions": dream.actions, "bundle": manifest.name}
