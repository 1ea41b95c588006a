"""Any environment with the Gymnasium interface as a World."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import inspect
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from traceback import extract_tb
from typing import Any, NamedTuple

import numpy as np

from reverie.games.action_space import PlayableActions, playable_actions
from reverie.games.environment import SEARCH, Environment
from reverie.games.environment_state import EnvironmentState, copy_state, restore_state
from reverie.games.errors import UnsuitableGame
from reverie.games.picture import PictureReader, as_picture, letterbox
from reverie.games.world import Frame, Step
from reverie.limits import MOST_FPS

NOOPS = ("noop", "no_op", "none", "idle", "nothing", "stay", "wait")
PACKAGES = {"ALE/": "ale_py", "Vizdoom": "vizdoom.gymnasium_wrapper", "MiniGrid-": "minigrid", "BabyAI-": "minigrid"}
"""What an id begins with, and what has to be imported for it to be registered."""
ATARI_FPS = 60
REPLAY_SECONDS = 0.1
"""The longest that going back may take where a state cannot be copied and the actions are played again."""
PROOF_STEPS = 3
"""Steps after which a copy of the state must show the same pictures as the environment itself."""
LOOK_AHEAD_STEPS = 8
"""Steps after which an observation has shown whether it is a picture, several, or none."""
MOST_LETTERS = 300
"""Letters of an error's own words that are shown."""


class GymSnapshot(NamedTuple):
    """A moment of a GymWorld.

    seed: of the trajectory. frame: (size, size, 3) uint8, what was seen. state: a copy, None where there is none.
    played: all actions since the seed's first frame, None where there is a copy.
    """

    seed: int
    frame: Frame
    state: EnvironmentState | None
    played: tuple[int, ...] | None

    @property
    def nbytes(self) -> int:
        """Roughly what it takes in memory."""
        return self.frame.nbytes + (self.state.nbytes if self.state else 8 * len(self.played or ()))


class GymWorld:
    """One trajectory of an environment. Satisfies reverie.games.world.World.

    Action 0 is the environment's own no-op. Where it has none, action 0 lets the world wait: nothing is stepped.
    A round that is lost begins anew at once, as World has it. `cut` is true after a step whose frame does not follow
    from the one before, because the environment stopped at a limit of time and begins anew.

    Raises UnsuitableGame where the environment cannot be made, has no picture or has no numbered actions, and
    ModuleNotFoundError where the package that it belongs to is not installed.
    """

    def __init__(self, environment: Environment, size: int = 64) -> None:
        self.environment = environment
        self.name = environment.source
        self.size = size
        self.env = _make(environment)
        with self._as_gymnasium("name its actions"):
            self.actions, self.numbers, self._playable = _actions(self.env, environment)
            self.fps = environment.fps or _fps(self.env, environment)
        self.cut = False
        self._seed = 0
        self._played: list[int] = []
        self._drawing = True
        self._shown, self._reads_shown = PictureReader(), False
        self._stepping_seconds, self._steps = 0.0, 0
        self._frame: Frame = self.reset(0)
        self._look_ahead()
        self._copies = self._copies_exactly()

    def reset(self, seed: int) -> Frame:
        """Start the trajectory of that seed and return its first frame (size, size, 3) uint8."""
        self._seed, self._played, self.cut = seed, [], False
        return self._begin(seed)

    def step(self, action: int) -> Step:
        """Hold an action for `frame_skip` steps. Raises ValueError for an action outside `actions`."""
        if not 0 <= action < len(self.actions):
            raise ValueError(f"An action of {self.name} is a number from 0 to {len(self.actions) - 1}, not {action}.")
        if not self._copies:
            self._played.append(action)
        self.cut = False
        number = self.numbers[action]
        if number is None:
            return Step(self._frame.copy(), 0.0, False)
        code = self._playable.codes[number]
        total, lost, stopped, seen = 0.0, False, False, None
        began = time.perf_counter()
        for _ in range(self.environment.frame_skip):
            with self._as_gymnasium("step"):
                seen, reward, lost, stopped, _ = self.env.step(code)
                total += float(reward)
                if not math.isfinite(total):
                    raise ValueError(f"the reward is {reward}")
                self._shown.look(seen)
            if lost or stopped:
                break
        self._stepping_seconds, self._steps = self._stepping_seconds + time.perf_counter() - began, self._steps + 1
        if lost or stopped:
            self.cut = not lost
            self._begin(None)
        else:
            self._frame = self._picture(seen)
        return Step(self._frame.copy(), total, bool(lost))

    def snapshot(self) -> GymSnapshot:
        """A copy of the environment's state; where there is none, the seed and every action since."""
        state = copy_state(self.env) if self._copies else None
        played = None if self._copies else tuple(self._played)
        return GymSnapshot(self._seed, self._frame.copy(), state, played)

    def can_restore(self, snapshot: GymSnapshot) -> bool:
        """True where it takes no longer than REPLAY_SECONDS to go back to that snapshot."""
        if snapshot.state is not None:
            return True
        step_seconds = self._stepping_seconds / max(1, self._steps)
        return snapshot.played is not None and len(snapshot.played) * step_seconds <= REPLAY_SECONDS

    def restore(self, snapshot: GymSnapshot) -> Frame:
        """Go back to a snapshot, by its copy or else by playing its actions again, and return the frame seen there.

        Raises UnsuitableGame, and stays where it is, where that would take longer than REPLAY_SECONDS. Playing again is
        exact where the environment's luck comes from its seed alone.
        """
        if not self.can_restore(snapshot):
            raise UnsuitableGame(f"{self.name} goes back no further: its state cannot be copied.")
        self._seed, self.cut = snapshot.seed, False
        if snapshot.state is not None:
            restore_state(self.env, snapshot.state)
            self._frame = snapshot.frame.copy()
            return self._frame.copy()
        played, self._drawing = snapshot.played or (), False  # only the last picture is drawn
        try:
            self.reset(snapshot.seed)
            for action in played:
                self.step(action)
        finally:
            self._drawing = True
        self._frame = snapshot.frame.copy()
        return self._frame.copy()

    def _look_ahead(self) -> None:
        """See how an observation changes that is to be the picture. Raises UnsuitableGame where it is none."""
        if not self._reads_shown:
            return
        self._copies = True
        with contextlib.suppress(UnsuitableGame):  # what is wrong with a step is said when it is played
            for number in range(LOOK_AHEAD_STEPS):
                self.step(number % len(self.actions))
        self.reset(0)
        if self._shown.is_dim and self.environment.picture != "observation":
            raise UnsuitableGame(
                f"{self.name} shows a grid of small numbers, no picture to learn from; where it is one all the same, "
                'write picture = "observation" into its game.toml.'
            )

    def _copies_exactly(self) -> bool:
        """Whether a copy of the state holds all of it: from it, the same steps show the same pictures."""
        self._copies = True
        try:
            if (state := copy_state(self.env)) is None:
                return False
            shown = []
            for _ in range(2):
                shown.append([self.step(len(self.actions) - 1).frame for _ in range(PROOF_STEPS)])
                restore_state(self.env, state)
            return all(map(np.array_equal, *shown))
        except Exception:  # what is wrong with it is said when it is played
            return False
        finally:
            self.reset(0)

    def close(self) -> None:
        """Let go of what the environment holds."""
        with contextlib.suppress(Exception):  # nothing is lost by a stranger's class that cannot close
            self.env.close()

    def _begin(self, seed: int | None) -> Frame:
        with self._as_gymnasium("reset"):
            seen, _ = self.env.reset() if seed is None else self.env.reset(seed=seed)
            self._shown.begin()
            self._shown.look(seen)
        self._frame = self._picture(seen)
        return self._frame.copy()

    @contextlib.contextmanager
    def _as_gymnasium(self, verb: str) -> Iterator[None]:
        """One sentence for a class that has another interface, gives what none may, or raises.

        An error of the class's own code is told with its line there.
        """
        try:
            yield
        except UnsuitableGame:
            raise
        except (Exception, SystemExit) as error:
            reason = " ".join(str(error).split())[:MOST_LETTERS] or "it says no more"
            if (place := _own_line(error)) is None:
                sentence = f"{self.name} does not {verb} as Gymnasium's environments do: {reason.rstrip('.')}."
            else:
                sentence = f"{self.name} failed at {verb} ({place}): {type(error).__name__}: {reason.rstrip('.')}."
            raise UnsuitableGame(sentence) from error

    def _picture(self, observation: object) -> Frame:
        if not self._drawing:
            return self._frame
        wanted, picture = self.environment.picture, None
        if wanted != "observation" and hasattr(self.env, "render"):
            # A class of Gymnasium's that shows its picture as the observation may have no drawing of its own.
            with self._as_gymnasium("render"), contextlib.suppress(NotImplementedError):
                picture = as_picture(self.env.render())
        if picture is None and wanted != "render":
            picture, self._reads_shown = self._shown.picture(observation), True
        if picture is None:
            where = {"": "neither draws nor shows one", "render": "does not draw one"}.get(wanted, "does not show one")
            raise UnsuitableGame(
                f"{self.name} has no picture to learn from: it {where} as an array (H, W, 3) of bytes."
            )
        return letterbox(picture[..., ::-1] if self.environment.colour_order == "bgr" else picture, self.size)


def _own_line(error: BaseException) -> str | None:
    """Where an error was raised, as `file.py, line 12`; None where only this file and Gymnasium's were running."""
    ours = (__file__, f"{os.sep}gymnasium{os.sep}")
    places = [place for place in extract_tb(error.__traceback__) if not any(name in place.filename for name in ours)]
    if not places:
        return None
    # A library that the class called raised it, maybe: the line that called it says more.
    own = [place for place in places if "site-packages" not in place.filename] or places
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}"


def _make(environment: Environment) -> Any:
    """The environment, not yet reset."""
    try:
        if environment.is_class:
            return _own(environment)
        return _registered(environment)
    except (ModuleNotFoundError, UnsuitableGame):
        raise
    except Exception as error:  # whatever a stranger's constructor raises is said in one sentence
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UnsuitableGame(f"{environment.source} cannot be made: {reason}") from error


def _own(environment: Environment) -> Any:
    kind = getattr(_imported(environment.module), environment.name, None)
    if not callable(kind):
        raise UnsuitableGame(f"The module '{environment.module}' has no class '{environment.name}'.")
    parameters = inspect.signature(kind).parameters
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    draws = {"render_mode": "rgb_array"} if "render_mode" in parameters or takes_any else {}
    env = kind(**draws, **environment.options)
    if missing := [what for what in ("reset", "step", "action_space") if not hasattr(env, what)]:
        raise UnsuitableGame(f"{environment.source} is no Gymnasium environment: it has no {missing[0]}.")
    return env


def _registered(environment: Environment) -> Any:
    import gymnasium

    name = environment.name
    if environment.module:
        _imported(environment.module)
    package = next((module for start, module in PACKAGES.items() if name.startswith(start)), None)
    if package:
        registering = importlib.import_module(package)
        if package == "ale_py":
            registering.ALEInterface.setLoggerMode(registering.LoggerMode.Error)
    try:
        spec = gymnasium.spec(name)
    except gymnasium.error.Error as error:
        near = difflib.get_close_matches(name, gymnasium.registry, n=3)
        hint = f"there is {', '.join(near)}" if near else "name a registered Gymnasium id, or module:Class"
        # Gymnasium itself looks for nothing among what is installed.
        own = "" if environment.module else f"; one of a package of its own is named PACKAGE:{name}"
        raise UnsuitableGame(f"There is no environment '{environment.source}'; {hint}{own}.") from error
    # The class that an id stands for may lie beside the module that registers it.
    with _found_here() if environment.module else contextlib.nullcontext():
        return gymnasium.make(spec, render_mode="rgb_array", disable_env_checker=True, **environment.options)


def _imported(module: str) -> Any:
    with _found_here():
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name not in (module, module.partition(".")[0]):
                raise
            places = " or ".join(str(folder.absolute()) for folder in SEARCH)
            raise UnsuitableGame(f"There is no Python module '{module}' installed, or in {places}.") from error


@contextlib.contextmanager
def _found_here() -> Iterator[None]:
    """Modules beside the person, and beside their game.toml, are found first."""
    before = list(sys.path)
    sys.path[:0] = [str(folder.absolute()) for folder in SEARCH]
    try:
        yield
    finally:
        sys.path[:] = before


def _actions(env: Any, environment: Environment) -> tuple[tuple[str, ...], tuple[int | None, ...], PlayableActions]:
    """Names of the actions, which number each has in the environment's space (None lets the world wait), and those."""
    playable = playable_actions(env.action_space, environment.source, getattr(env, "unwrapped", env))
    numbers = {name: number for number, name in enumerate(playable.names)}
    noop = next((name for name in NOOPS if name in numbers), None)
    if unknown := [name for name in environment.actions if name not in numbers and name != "noop"]:
        names = ", ".join(playable.names)
        raise UnsuitableGame(f"{environment.source} has no action '{unknown[0]}'; it has {names}.")
    # Nothing pressed is always there, and always first.
    used = [name for name in environment.actions or playable.names if name not in (noop, "noop")]
    return ("noop", *used), (numbers[noop] if noop else None, *(numbers[name] for name in used)), playable


def _fps(env: Any, environment: Environment) -> int:
    """Frames a second that the environment is meant to be seen at; 20 where it does not say."""
    rate = float((getattr(env, "metadata", None) or {}).get("render_fps") or 20)
    spec = getattr(env, "spec", None)
    if environment.name.startswith("ALE/") and spec is not None and isinstance(spec.kwargs.get("frameskip"), int):
        rate = ATARI_FPS / spec.kwargs["frameskip"]
    return min(MOST_FPS, max(1, round(rate / environment.frame_skip)))
