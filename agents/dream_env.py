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
"""What a reset may be told: the number of the game's start history to begin from."""


class DreamEnv(gymnasium.Env[Frame, np.int64]):
    """A dream of a game, stepped by an agent.

    Observations are frames (H, W, 3) uint8, actions indices into `actions`. Reward and end are what the model says of
    each step; a bundle that predicts neither (`predicts_rewards` is false) gives 0 and never ends. An episode is a
    round: it is terminated when the round is lost, and `reset` begins another dream, that of the seed where one is
    given. The observation that comes with an end already shows the next round, as reverie.games.world.Step has it.

    `info` of a reset has the `seed` and the `start` it began from; `metadata` has the game, the names of its actions
    and its frames a second. `dream` is the dream itself, whose further settings may be changed at any time.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 - the base has it so

    def __init__(
        self,
        bundle: str | Path | Bundle,
        game: str | None = None,
        mode: str | None = None,
        decoder: str | None = None,
        temperature: float | None = None,
        backend: str = "onnx",
        threads: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        """bundle: name, folder, or one that is open, which is then shared and runs as it was opened.

        game: which of the bundle's games to dream, by default its first. mode, decoder, temperature: by default the
        bundle's. backend, threads: see `Bundle.load`.
        Raises BundleError for a bundle that cannot be opened, ValueError for a setting that it does not have.
        """
        self.render_mode = checked_render_mode(render_mode)
        self.bundle = opened(bundle, backend, threads)
        self.dream = Dream(self.bundle, mode=mode, decoder=decoder, temperature=temperature, game=game)
        self.actions = self.dream.actions
        self.metadata = self.metadata | told_of(self.dream)
        self.predicts_rewards = self.bundle.manifest.outcome is not None
        self.action_space = gymnasium.spaces.Discrete(len(self.actions))
        self.observation_space = gymnasium.spaces.Box(0, 255, (self.dream.size, self.dream.size, 3), np.uint8)

    def get_action_meanings(self) -> list[str]:
        """The names of the actions, in their order."""
        return list(self.actions)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frame, dict[str, Any]]:
        """Begin a new dream; with a seed, always the same one under the same actions.

        options: `start`, the number of one of the game's start histories; by default seed % N.
        Raises ValueError for another option, or a start that there is not.
        """
        super().reset(seed=seed)
        chosen = seed if seed is not None else int(self.np_random.integers(2**31))
        start = checked_options(options, OPTIONS).get("start", chosen % len(self.dream.starts))
        return self.dream.reset(chosen, start).copy(), {"seed": chosen, "start": start}

    def step(self, action: np.int64) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Dream one frame: picture, reward, terminated (the round was lost), truncated (never), info."""
        frame, reward, ended = self.dream.step(int(action))
        return frame.copy(), reward, ended, False, {}

    def render(self) -> Frame | None:
        """The frame that stands now, (H, W, 3) uint8; None without a render mode."""
        return None if self.render_mode is None else self.dream.frame.copy()


def opened(bundle: str | Path | Bundle, backend: str, threads: int | None) -> Bundle:
    """A bundle by its name or folder, or as it is where it is open. Raises BundleError."""
    return bundle if isinstance(bundle, Bundle) else Bundle.load(library.resolve(bundle), backend, threads)


def told_of(dream: Dream | DreamBatch) -> dict[str, Any]:
    """What an environment's metadata says of its dream."""
    manifest = dream.bundle.manifest
    return {"render_fps": manifest.fps, "game": dream.game, "actions": dream.actions, "bundle": manifest.name}
