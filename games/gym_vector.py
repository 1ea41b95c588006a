"""Many rounds stepped at once, as one Gymnasium vector environment: what real games and dreams have in common there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from reverie.games import registry

Frames = NDArray[np.uint8]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class RoundsVectorEnv(VectorEnv[Frames, Ints, NDArray[Any]]):
    """B episodes side by side, each what a single environment with the same seed would play.

    Observations are pictures (B, size, size, 3) uint8, actions (B,) indices into `actions`. An episode is a round.

    A round that is over begins anew on the step after (AutoresetMode.NEXT_STEP): that step ignores its action, brings
    no reward, and its observation is the new round's first. The observation that comes with an end already shows the
    field that is played on next, as games.world.Step has it; nothing can be learnt from it, and nothing needs to be.
    That of a truncated round is its last picture. `info` has the `seed` of every round that has just begun.

    A subclass fills in `_begin`, `_advance` and `_pictures`.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - the base class has it so
        "render_modes": ["rgb_array"],
        "render_fps": 20,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }
    known_options: ClassVar[tuple[str, ...]] = ()
    """What `reset` may be told in `options`."""

    def __init__(
        self, num_envs: int, actions: tuple[str, ...], size: int, max_episode_steps: int | None, render_mode: str | None
    ) -> None:
        """max_episode_steps: after so many a round is truncated; None or -1 never does it.

        Raises ValueError for a number of rounds below 1 or an unknown render mode.
        """
        if num_envs < 1:
            raise ValueError(f"A vector environment needs at least one round, not {num_envs}.")
        checked_render_mode(render_mode)
        self.num_envs, self.actions, self.render_mode = num_envs, actions, render_mode
        self.max_episode_steps = None if max_episode_steps == -1 else max_episode_steps
        self.single_action_space = gymnasium.spaces.Discrete(len(actions))
        self.single_observation_space = gymnasium.spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._luck: list[np.random.Generator] = []
        self._ticks = np.zeros(num_envs, np.int64)
        self._over = np.zeros(num_envs, np.bool_)

    def get_action_meanings(self) -> list[str]:
        """The names of the actions, in their order."""
        return list(self.actions)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frames, dict[str, Any]]:
        """Begin every round anew.

        seed: of the first round, the others have the numbers that follow; or one for each. None draws them.
        Raises ValueError for another number of seeds, or an option that there is not.
        """
        given = list(seed) if isinstance(seed, Sequence) else [None if seed is None else seed + i for i in self._rows]
        if len(given) != self.num_envs:
            raise ValueError(f"{self.num_envs} rounds need as many seeds, not {len(given)}.")
        options = checked_options(options, self.known_options)
        super().reset(seed=given[0])
        if not self._luck:
            self._luck = [seeding.np_random()[0] for _ in self._rows]
        for row, one in enumerate(given):
            if one is not None:
                self._luck[row] = seeding.np_random(one)[0]
        seeds = [self._draw(row) if one is None else one for row, one in enumerate(given)]
        self._ticks[:], self._over[:] = 0, False
        infos = self._restart(np.ones(self.num_envs, np.bool_), seeds, options)
        return self._pictures().copy(), infos

    def step(self, actions: Ints) -> tuple[Frames, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """One tick of every round that goes on, and a new beginning of every one that was over.

        Returns pictures, rewards (B,) float64, terminated (B,) bool (the round was lost), truncated (B,) bool, info.
        Raises gymnasium.error.ResetNeeded before the first reset, ValueError for another shape or an unknown action.
        """
        if not self._luck:
            raise gymnasium.error.ResetNeeded("Call reset before step.")
        if np.shape(actions) != (self.num_envs,):
            raise ValueError(f"{self.num_envs} rounds need as many actions, not an array of shape {np.shape(actions)}.")
        fresh = self._over
        # The whole batch is stepped, which is simpler than stepping a part, and who begins anew is overwritten.
        rewards, ended = self._advance(np.where(fresh, 0, actions))
        infos: dict[str, Any] = {}
        if fresh.any():
            seeds = [self._draw(row) if begins else 0 for row, begins in enumerate(fresh)]
            infos = self._restart(fresh, seeds, {})
        self._ticks = np.where(fresh, 0, self._ticks + 1)
        ended = ended & ~fresh
        cut = np.zeros_like(ended)
        if self.max_episode_steps is not None:
            cut = self._ticks >= self.max_episode_steps
        self._over = ended | cut
        return self._pictures().copy(), np.where(fresh, 0.0, rewards), ended, cut, infos

    def render(self) -> tuple[Frames, ...] | None:
        """The pictures that stand now, each (size, size, 3) uint8; None without a render mode or before a reset."""
        return None if self.render_mode is None or not self._luck else tuple(self._pictures().copy())

    @abstractmethod
    def _begin(self, mask: Bools, seeds: list[int], options: dict[str, Any]) -> dict[str, Ints]:
        """Begin anew where mask (B,) is true. Returns what `info` is to say of each, (B,) a key."""

    @abstractmethod
    def _advance(self, actions: Ints) -> tuple[NDArray[Any], Bools]:
        """One tick: rewards (B,) and who lost the round (B,)."""

    @abstractmethod
    def _pictures(self) -> Frames:
        """The pictures that stand now, (B, size, size, 3) uint8."""

    @property
    def _rows(self) -> range:
        return range(self.num_envs)

    def _draw(self, row: int) -> int:
        return int(self._luck[row].integers(2**31))

    def _restart(self, mask: Bools, seeds: list[int], options: dict[str, Any]) -> dict[str, Any]:
        told = {"seed": np.where(mask, seeds, 0), **self._begin(mask, seeds, options)}
        # Gymnasium's way to say whose entries are meant.
        return told | {f"_{key}": mask.copy() for key in told}


class BuiltinVectorEnv(RoundsVectorEnv):
    """A built-in game, B rounds in one batch; see RoundsVectorEnv. A round's seed names its room.

    rules: the number of the rules to play by, None for the newest.
    Raises reverie.games.errors.UnknownGame for a name, and ValueError for a size, rules or render mode there are not.
    """

    def __init__(
        self,
        num_envs: int = 1,
        game: str = "garden",
        size: int = 64,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        rules: int | None = None,
    ) -> None:
        self.game = registry.get(game)(num_envs, rules)
        super().__init__(num_envs, self.game.actions, self.game.checked_size(size), max_episode_steps, render_mode)
        self.metadata = self.metadata | {"render_fps": self.game.fps, "game": game, "actions": self.game.actions}
        self._size = size
        self._frames: Frames = np.zeros(self.observation_space.shape or (), np.uint8)

    def _begin(self, mask: Bools, seeds: list[int], options: dict[str, Any]) -> dict[str, Ints]:
        self.game.reset_where(mask, np.array(seeds))
        self._frames = self.game.render(self._size)
        return {}

    def _advance(self, actions: Ints) -> tuple[NDArray[Any], Bools]:
        rewards, ended = self.game.step(actions)
        self._frames = self.game.render(self._size)
        return rewards, ended

    def _pictures(self) -> Frames:
        return self._frames


def checked_render_mode(render_mode: str | None) -> str | None:
    """The render mode itself. Raises ValueError with one sentence for one that there is not."""
    if render_mode not in (None, "rgb_array"):
        raise ValueError(f"The render mode is 'rgb_array' or none, not {render_mode!r}.")
    return render_mode


def checked_options(options: dict[str, Any] | None, known: tuple[str, ...]) -> dict[str, Any]:
    """The options of a reset. Raises ValueError with one sentence for one that there is not."""
    if unknown := [option for option in options or {} if option not in known]:
        there_is = f"there is {', '.join(known)}" if known else "there are none"
        raise ValueError(f"There is no option {unknown[0]!r}; {there_is}.")
    return options or {}
