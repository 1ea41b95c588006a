"""The built-in games as Gymnasium environments: `gymnasium.make("reverie/Garden-v0")` once this module is imported."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from reverie.games import registry
from reverie.games.gym_vector import checked_render_mode
from reverie.games.real import RealGame

Frame = NDArray[np.uint8]


class BuiltinEnv(gymnasium.Env[Frame, np.int64]):
    """A built-in game, one trajectory.

    Observations are pictures (size, size, 3) uint8, actions indices into `actions`. An episode is a round: it is
    terminated when the round is lost, and `reset` starts a new room, that of the seed where one is given.
    `info["seed"]` names the room.
    rules: the number of the rules to play by, None for the newest.
    Raises reverie.games.errors.UnknownGame for a name, and ValueError for a size, rules or render mode there are not.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 - the base has it so

    def __init__(
        self, game: str = "garden", size: int = 64, render_mode: str | None = None, rules: int | None = None
    ) -> None:
        self.render_mode = checked_render_mode(render_mode)
        self._world = RealGame(game, size, rules)
        self.actions = self._world.actions
        self.metadata = self.metadata | {"render_fps": self._world.fps, "game": game, "actions": self.actions}
        self.action_space = gymnasium.spaces.Discrete(len(self.actions))
        self.observation_space = gymnasium.spaces.Box(0, 255, (size, size, 3), np.uint8)
        self._frame: Frame | None = None

    def get_action_meanings(self) -> list[str]:
        """The names of the actions, in their order."""
        return list(self.actions)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frame, dict[str, Any]]:
        """Start a new room; with a seed, always the same one. There are no options."""
        super().reset(seed=seed)
        room = seed if seed is not None else int(self.np_random.integers(2**31))
        self._frame = self._world.reset(room)
        return self._frame.copy(), {"seed": room}

    def step(self, action: np.int64) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """One tick: picture, reward, terminated (the round was lost), truncated (never), info."""
        self._frame, reward, ended = self._world.step(int(action))
        return self._frame.copy(), reward, ended, False, {}

    def render(self) -> Frame | None:
        """The picture that stands now, (size, size, 3) uint8; None without a render mode or before the first reset."""
        return None if self.render_mode is None or self._frame is None else self._frame.copy()


for _name in registry.names():
    gymnasium.register(
        id=f"reverie/{_name.capitalize()}-v0",
        entry_point="reverie.games.gym_adapter:BuiltinEnv",
        vector_entry_point="reverie.games.gym_vector:BuiltinVectorEnv",
        kwargs={"game": _name},
    )
