"""Where `reverie record` meets games, dreams and people."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from reverie.app.commands.record_plan import Plan, frames_in
from reverie.app.own.game_folder import (
    GAME,
)
from reverie.app.play.opening import dream_name
from reverie.app.play.select_bundle import load_bundle
from reverie.app.progress import Progress
from reverie.games import registry
from reverie.games.world import Frame

if TYPE_CHECKING:
    from reverie.training.data.record import EpisodeRecorder

EPISODE_FRAMES = 600


class EpisodeSplitter:
    """Ends a person's episode every half minute, so that a killed process loses no more than that."""

    def __init__(self, recorder: EpisodeRecorder) -> None:
        self.recorder = recorder
        self._frames = self._seed = 0

    def reset(self, frame: Frame, seed: int) -> None:
        """An episode begins at `frame`."""
        self._frames, self._seed = 0, seed
        self.recorder.reset(frame, seed)

    def step(self, action: int, frame: Frame, reward: float, ended: bool) -> None:
        """`action` turned the last frame into `frame`."""
        self.recorder.step(action, frame, reward, ended)
        self._frames += 1
        if self._frames >= EPISODE_FRAMES:
            self.reset(frame, self._seed)


def say_enough(plan: Plan) -> None:
    """Say that a game folder has all the frames that it asks for, how to record more, and what comes next."""
    assert plan.folder is not None
    print(
        f"{plan.out} holds {plan.there:,} frames, all that {GAME} asks for; "
        f"to add more: reverie record {plan.folder.folder} --steps N",
        file=sys.stderr,
    )
    _say_next(plan)


def record_game(plan: Plan, policy: str, workers: int, seed: int) -> None:
    """Record a real game with several processes. Raises ValueError; Ctrl-C keeps what was played."""
    from reverie.training.data.record import record

    assert plan.environment is not None
    progress = Progress(plan.steps)
    with _reporting(plan, lambda: progress.end(plan.out)):
        record(plan.environment, plan.out, plan.steps, policy, workers, plan.size, seed, progress)
    _say_next(plan)


def record_dream(plan: Plan, seed: int) -> None:
    """Record a dream, played with held random keys. Raises ValueError for a game that it does not know."""
    from reverie.engine.dream import Dream
    from reverie.training.data.record import EpisodeRecorder, record_world
    from reverie.training.data.recording import RecordingWriter

    bundle = load_bundle(plan.world)
    dream = Dream(bundle, seed=seed, game=plan.game)
    writer = RecordingWriter(plan.out, dream_name(bundle, dream.game), dream.actions, dream.size)
    recorder = EpisodeRecorder(writer)
    progress = Progress(plan.steps)
    with _reporting(plan, lambda: progress.end(plan.out)):
        # Another run into the same folder does not press the same keys again.
        luck = np.random.default_rng([seed, writer.writer, writer.shards])
        record_world(dream, recorder, plan.steps, luck, progress=progress)


def record_human(plan: Plan, seed: int, started: float) -> None:
    """Record what a person plays in the window, until they leave or the frames are made.

    Leaving, closing the window and Ctrl-C keep everything played so far.
    """
    from reverie.app.play.choice import Choice
    from reverie.app.play.game_loop import GameLoop
    from reverie.app.play.meter import Meter
    from reverie.app.play.session import Session
    from reverie.app.window.display import open_display
    from reverie.app.window.keys import load_keys
    from reverie.app.window.saving import Saving
    from reverie.app.window.window import Window
    from reverie.training.data.record import EpisodeRecorder
    from reverie.training.data.recording import RecordingWriter

    real = plan.environment
    screen = open_display(plan.size, None, fullscreen=False)
    bundle = None if real else load_bundle(plan.world)
    session = Session(Choice(game=plan.game, real=real is not None, seed=seed, environment=real), bundle, plan.size)
    own = real and real.source not in registry.names()
    about, fps = (real.to_json(), session.game.world.fps) if real and own else (None, None)  # type: ignore[attr-defined]
    rules = registry.get(real.source).RULES if real and not own else 1
    writer = RecordingWriter(
        plan.out, session.name, session.actions, session.frame.shape[0], environment=about, fps=fps, rules=rules
    )
    recorder = EpisodeRecorder(writer)
    session.recorder = EpisodeSplitter(recorder)
    session.recorder.reset(session.frame, seed)
    loop = GameLoop(session, Meter(started), fps=(plan.folder and plan.folder.fps) or fps or 20.0, frames=plan.steps)
    saving = Saving()
    window = Window(screen, loop, load_keys(), saving, (), fullscreen=False, folder=plan.folder)

    def say() -> None:
        print(f"recorded {loop.meter.frames:,} frames in {plan.out}", file=sys.stderr)

    with _reporting(plan, say, " --human"):
        try:
            window.run()
        finally:
            recorder.close()
            for message in saving.finish(loop):
                print(message, file=sys.stderr)
    _say_next(plan)


@contextlib.contextmanager
def _reporting(plan: Plan, say: Callable[[], None], options: str = "") -> Iterator[None]:
    """Say at the end what was recorded, and after Ctrl-C how to go on; a mistake has a sentence of its own."""
    try:
        yield
    except KeyboardInterrupt:
        say()
        if plan.folder:
            aim = plan.there + plan.steps
            if aim != plan.folder.steps:
                options += f" --steps {max(2, aim - frames_in(plan.out))}"
            print(f"to go on: reverie record {plan.folder.folder}{options}", file=sys.stderr)
        raise
    except Exception:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # that sentence does not follow on the line of the progress
        raise
    say()


def _say_next(plan: Plan) -> None:
    if plan.folder:
        print(plan.folder.next_step(), file=sys.stderr)
