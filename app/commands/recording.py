"""Where `reverie record` meets games, dreams and people."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reverie.app.errors import Mistake
from reverie.app.extras import needs_games
from reverie.app.own.game_folder import GAME, SIZES, GameFolder, begin_game, is_game_folder, look_in, read_game
from reverie.app.play.opening import dream_name
from reverie.app.play.select_bundle import load_bundle
from reverie.engine import library
from reverie.games import registry
from reverie.games.environment import Environment
from reverie.games.world import Frame
from reverie.games.worlds import may_be_environment, open_world

if TYPE_CHECKING:
    from reverie.app.commands.record import Record
    from reverie.training.data.record import EpisodeRecorder

STEPS = 20_000
PROGRESS_SECONDS = 1.0
CHAPTER_FRAMES = 600


class Progress:
    """Says on stderr how far a recording is, once a second on a terminal and at the end."""

    def __init__(self, steps: int) -> None:
        self.steps, self.done = steps, 0
        self.began = self._said = time.perf_counter()

    def __call__(self, frames: int) -> None:
        """So many frames are new."""
        self.done += frames
        now = time.perf_counter()
        if sys.stderr.isatty() and now - self._said > PROGRESS_SECONDS:
            self._said = now
            rate = self.done / (now - self.began)
            print(
                f"\r{min(self.done, self.steps):,} of {self.steps:,} frames, {rate:,.0f} a second ",
                end="",
                file=sys.stderr,
            )

    def end(self, out: Path) -> None:
        """Say what there is now."""
        print(f"{chr(13) if sys.stderr.isatty() else ''}recorded {self.done:,} frames in {out}", file=sys.stderr)


class Chapters:
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
        if self._frames >= CHAPTER_FRAMES:
            self.reset(frame, self._seed)


@dataclass(frozen=True)
class Plan:
    """What `reverie record` is to do.

    world: as it was named. environment: how a real game is made, None for a dream. out: folder of the recording.
    folder: the game folder that `out` lies in, if any. game: of a dream, None for its first. there: frames that a game
    folder's recording holds already.
    """

    world: str
    environment: Environment | None
    out: Path
    steps: int
    size: int
    folder: GameFolder | None
    game: str | None = None
    there: int = 0


def plan_recording(options: Record) -> Plan:
    """From the options of `reverie record`. An environment gets a game folder. Raises Mistake or ValueError.

    A game folder's recording grows by `options.steps`, or up to what its `game.toml` says.
    """
    world, steps, size, out = options.world, options.steps or STEPS, options.size or 64, options.out
    if is_game_folder(world):
        game = read_game(world)
        look_in(game.folder)
        if game.environment is None:
            raise Mistake(f"{game.folder / 'game.toml'} names no source to record; import videos or add one.")
        if out is not None or options.size or options.frame_skip or options.actions or options.game:
            raise Mistake(
                f"{game.folder / 'game.toml'} says how {world} is recorded; leave the options out, or edit it."
            )
        if game.source not in registry.names():
            _try(game.environment, game.size)
        there = _frames_in(game.recording)
        left = max(0, game.steps - there)
        return Plan(world, game.environment, game.recording, options.steps or left, game.size, game, there=there)
    if out is None:
        raise Mistake(f"Say where to record to: reverie record {world} -o FOLDER")
    if out.exists() and not out.is_dir():
        raise Mistake(f"{out} is a file; name a folder.")
    environment = _environment(options)
    if environment is None:
        _check_dream(options)
    if environment is None or environment.source in registry.names():
        return Plan(world, environment, out, steps, size, None, options.game or None)
    if size not in SIZES:
        raise Mistake(f"--size {size} is for built-in games; a game folder takes {' or '.join(map(str, SIZES))}.")
    actions, fps = _try(environment, size)
    game = begin_game(out, environment, actions, size, fps)
    made = game.environment or environment
    return Plan(world, made, game.recording, steps, size, game, there=_frames_in(game.recording))


def _check_dream(options: Record) -> None:
    """Raises Mistake for what a dream cannot be recorded with."""
    if options.size:
        raise Mistake(f"--size is for real games, and {options.world} has its own; leave it out.")
    if options.workers > 1:
        raise Mistake(f"--workers is for real games, and {options.world} is a dream; leave it out.")
    if options.policy == "explore":
        raise Mistake(f"--policy explore is for real games, and {options.world} is a dream; random or human plays it.")


def _frames_in(recording: Path) -> int:
    """How many frames a recording holds, 0 where there is none yet. Raises ValueError where it cannot be read."""
    from reverie.training.data.recording import Recording

    return len(Recording(recording)) if any(recording.glob("index-*.json")) else 0


def _try(environment: Environment, size: int) -> tuple[tuple[str, ...], int]:
    """Make the game once, so that a mistake shows before anything is written; its actions and frames a second."""
    with needs_games():
        world = open_world(environment, size)
        world.step(len(world.actions) - 1)
    getattr(world, "close", lambda: None)()
    return world.actions, world.fps


def _environment(options: Record) -> Environment | None:
    """How the real game is made; None for a dream. Raises Mistake for a name that is nothing at all."""
    world = options.world
    names = tuple(name.strip().lower() for name in options.actions.split(",") if name.strip())
    folder = Path(world).is_dir()
    made = world not in registry.names() and not folder and may_be_environment(world)
    if options.game and (made or world in registry.names()):
        raise Mistake(f"--game chooses among the games of a dream, and {world} is no dream; leave it out.")
    if made:
        return Environment(world, names, options.frame_skip or 1)
    if names or options.frame_skip:
        raise Mistake("--actions and --frame-skip belong to Gymnasium environments; leave them out.")
    if world in registry.names():
        return Environment(world)
    if world not in library.shipped() and not folder:
        known = ", ".join((*registry.names(), *library.shipped()))
        raise Mistake(
            f"There is no world '{world}' to record; there is {known}, any Gymnasium id such as ALE/Freeway-v5, "
            f"PACKAGE:Id-v0, module:Class, or a dream's folder."
        )
    return None


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
    with _told(plan, lambda: progress.end(plan.out)):
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
    with _told(plan, lambda: progress.end(plan.out)):
        # Another run into the same folder does not press the same keys again.
        luck = np.random.default_rng([seed, writer.shards])
        record_world(dream, recorder, plan.steps, luck, progress=progress)


def record_human(plan: Plan, seed: int, started: float) -> None:
    """Record what a person plays in the window, until they leave or the frames are made.

    Leaving, closing the window and Ctrl-C keep everything played so far.
    """
    from reverie.app.play.meter import Meter
    from reverie.app.play.player import Player
    from reverie.app.play.session import Choice, Session
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
    writer = RecordingWriter(
        plan.out, session.name, session.actions, session.frame.shape[0], environment=about, fps=fps
    )
    recorder = EpisodeRecorder(writer)
    session.witness = Chapters(recorder)
    session.witness.reset(session.frame, seed)
    player = Player(session, Meter(started), fps=(plan.folder and plan.folder.fps) or fps or 20.0, frames=plan.steps)
    saving = Saving(1 / player.period)
    window = Window(screen, player, load_keys(), saving, (), fullscreen=False, folder=plan.folder)

    def say() -> None:
        print(f"recorded {player.meter.frames:,} frames in {plan.out}", file=sys.stderr)

    with _told(plan, say, " --human"):
        try:
            window.run()
        finally:
            recorder.close()
            for message in saving.finish(player):
                print(message, file=sys.stderr)
    _say_next(plan)


@contextlib.contextmanager
def _told(plan: Plan, say: Callable[[], None], options: str = "") -> Iterator[None]:
    """Say at the end what was recorded, and after Ctrl-C how to go on; a mistake has a sentence of its own."""
    try:
        yield
    except KeyboardInterrupt:
        say()
        if plan.folder:
            aim = plan.there + plan.steps
            if aim != plan.folder.steps:
                options += f" --steps {max(2, aim - _frames_in(plan.out))}"
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
