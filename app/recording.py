"""Where `reverie record` meets games, dreams and people."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.choosing import load_bundle
from app.errors import Mistake
from games.world import Frame

if TYPE_CHECKING:
    from training.record import EpisodeRecorder

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


def record_game(world: str, out: Path, steps: int, policy: str, workers: int, size: int, seed: int) -> None:
    """Record a built-in game with several processes. Raises ValueError; Ctrl-C keeps finished shards."""
    from training.record import record

    progress = Progress(steps)
    try:
        record(world, out, steps, policy, workers, size, seed, progress)
    finally:
        progress.end(out)


def record_dream(world: str, out: Path, steps: int, seed: int) -> None:
    """Record a dream, played with held random keys."""
    from engine.dream import Dream
    from training.record import EpisodeRecorder, record_world

    bundle = load_bundle(world)
    dream = Dream(bundle, seed=seed)
    recorder = EpisodeRecorder(out, f"dream:{bundle.manifest.name}", dream.actions, dream.size)
    progress = Progress(steps)
    try:
        record_world(dream, recorder, steps, seed)
        progress.done = steps
    finally:
        recorder.close()
        progress.end(out)


def record_human(world: str, out: Path, steps: int, size: int, seed: int, started: float) -> None:
    """Record what a person plays in the window, until they leave or `steps` frames are made.

    Leaving, closing the window and Ctrl-C keep everything played so far.
    """
    from app.display import open_display
    from app.keys import load_keys
    from app.meter import Meter
    from app.player import Player
    from app.saving import Saving
    from app.session import Choice, Session
    from app.window import Window
    from training.record import EpisodeRecorder

    real = world in _games()
    if out.exists() and not out.is_dir():
        raise Mistake(f"{out} is a file; name a folder.")
    screen = open_display(size, None, fullscreen=False)
    bundle = None if real else load_bundle(world)
    session = Session(Choice(game=world if real else None, real=real, seed=seed), bundle, size)
    recorder = EpisodeRecorder(out, session.name, session.actions, session.frame.shape[0])
    session.witness = Chapters(recorder)
    session.witness.reset(session.frame, seed)
    player = Player(session, Meter(started), frames=steps)
    saving = Saving(1 / player.period)
    try:
        Window(screen, player, load_keys(), saving, (), fullscreen=False).run()
    finally:
        recorder.close()
        saving.finish(player)
        print(f"recorded {player.meter.frames:,} frames in {out}", file=sys.stderr)


def _games() -> tuple[str, ...]:
    from games import registry

    return registry.names()
