"""A tiny environment with the Gymnasium interface: a red square that the actions move, and a green one that wanders."""

from __future__ import annotations

import threading
from typing import Any

import gymnasium
import numpy as np

CELL, ROWS, COLUMNS = 4, 8, 12
MOVES = {"noop": (0, 0), "up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


class Toy(gymnasium.Env[np.ndarray, int]):
    """32 x 48 pixels. The right edge earns one; the green square ends the round; `limit` steps end the time."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012
    action_names: tuple[str, ...] = tuple(MOVES)

    def __init__(self, limit: int = 0, render_mode: str | None = None) -> None:
        self.limit = limit
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(len(self.action_names))
        self.observation_space = gymnasium.spaces.Box(0, 255, (ROWS * CELL, COLUMNS * CELL, 3), np.uint8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.me, self.other, self.steps = [4, 2], [int(self.np_random.integers(ROWS)), COLUMNS - 2], 0
        return self.render(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        before, self.steps = list(self.me), self.steps + 1
        self._move(self.me, MOVES[self.action_names[action]])
        self._move(self.other, list(MOVES.values())[int(self.np_random.integers(5))])
        reward = float(self.me[1] == COLUMNS - 1 != before[1])
        return self.render(), reward, self.me == self.other, self.steps == self.limit, {}

    def render(self) -> np.ndarray:
        picture = np.full((ROWS, COLUMNS, 3), (30, 30, 90), np.uint8)
        picture[tuple(self.other)] = (40, 220, 60)
        picture[tuple(self.me)] = (230, 40, 20)
        return picture.repeat(CELL, 0).repeat(CELL, 1)

    @staticmethod
    def _move(place: list[int], by: tuple[int, int]) -> None:
        place[0] = min(max(place[0] + by[0], 0), ROWS - 1)
        place[1] = min(max(place[1] + by[1], 0), COLUMNS - 1)


class Bare:
    """No environment of Gymnasium's: what docs/your-own-game.md asks of a class, and no more."""

    class action_space:  # noqa: N801
        n = 2

    def reset(self, seed: int | None = None) -> tuple[np.ndarray, dict]:
        self.at = 0 if seed is None else seed % 8
        return self._seen(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.at = (self.at + action) % 8
        return self._seen(), 0.0, False, False, {}

    def _seen(self) -> np.ndarray:
        picture = np.zeros((8, 8, 3), np.uint8)
        picture[self.at] = 255
        return picture


class NoSeed(Bare):
    """Has the reset of the old Gym."""

    def reset(self) -> np.ndarray:  # type: ignore[override]
        return super().reset()[0]


class OldStep(Bare):
    """Has the step of the old Gym."""

    def step(self, action: int) -> tuple:
        return super().step(action)[:4]


class NoReward(Bare):
    """Gives none."""

    def step(self, action: int) -> tuple:
        return super().step(action)[0], None, False, False, {}


class NoNumber(Bare):
    """Gives a reward that is no number."""

    def step(self, action: int) -> tuple:
        return super().step(action)[0], float("nan"), False, False, {}


class Shown(Toy):
    """Shows its picture as the observation, and draws nothing."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        gymnasium.Env.reset(self, seed=seed)
        self.me, self.other, self.steps = [4, 2], [1, COLUMNS - 2], 0
        return Toy.render(self), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        self._move(self.me, MOVES[self.action_names[action]])
        return Toy.render(self), 0.0, False, False, {}

    def render(self) -> np.ndarray:
        raise NotImplementedError


class NoRest(Toy):
    """It has no action that does nothing."""

    action_names = ("up", "down", "left", "right")


class Numbers(Toy):
    """It shows numbers, no picture."""

    def render(self) -> np.ndarray:
        return np.zeros(4, np.float32)


class Wheel(Toy):
    """It is steered by a number."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = gymnasium.spaces.Box(-1, 1, (1,))


class Locked(Toy):
    """It holds what cannot be copied, as an engine of its own would be."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode=render_mode)
        self.lock = threading.Lock()


class Remade(Toy, gymnasium.utils.EzPickle):
    """Its own copy would begin anew; inside it holds another such environment."""

    def __init__(self, render_mode: str | None = None, inside: bool = False) -> None:
        gymnasium.utils.EzPickle.__init__(self, render_mode)
        super().__init__(render_mode=render_mode)
        self.inner = Remade() if inside else None


class Outside(Toy):
    """Where it stands is kept outside the object."""

    place: list[int] = [0]  # noqa: RUF012

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.place[0] = (self.place[0] + 1) % ROWS
        return super().step(action)

    def render(self) -> np.ndarray:
        picture = super().render()
        picture[CELL * self.place[0], :, :] = 255
        return picture


class Failing(Toy):
    """It raises at one of its verbs after five steps, or at its first reset."""

    def __init__(self, verb: str = "step", render_mode: str | None = None) -> None:
        super().__init__(render_mode=render_mode)
        self.verb, self.count = verb, 0

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.count += 1
        if self.verb == "step" and self.count > 10:
            raise KeyError("a door that is not there")
        if self.verb == "leave" and self.count > 10:
            raise SystemExit("enough")
        return super().step(action)

    def render(self) -> np.ndarray:
        if self.verb == "render" and self.count > 10:
            return [1, 2][self.count]
        return super().render()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        if self.verb == "reset":
            raise RuntimeError("no more rooms\nat all")
        return super().reset(seed=seed)


gymnasium.register(id="reverie-tests/Toy-v0", entry_point=Toy)


class Console(Bare):
    """Two buttons that may be pressed together, and its last four pictures in grey as the observation."""

    action_space = gymnasium.spaces.MultiBinary(2)
    buttons = ("RIGHT", "JUMP")

    def reset(self, seed: int | None = None) -> tuple[np.ndarray, dict]:
        self.at, self.pressed, self.seen = 0, [], []
        return self._stack(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.pressed.append(action.tolist())
        self.at = (self.at + int(action[0])) % 8
        return self._stack(), 0.0, False, False, {}

    def _stack(self) -> np.ndarray:
        self.seen = ([self._seen()[..., 0]] * 4 if not self.seen else [*self.seen, self._seen()[..., 0]])[-4:]
        return np.stack(self.seen, -1)


class Grid(Bare):
    """Shows which thing stands where."""

    def _seen(self) -> np.ndarray:
        return np.full((8, 8, 3), 1 + self.at, np.uint8)


class OneAction(Bare):
    """Has nothing to decide."""

    class action_space:  # noqa: N801
        n = 1
