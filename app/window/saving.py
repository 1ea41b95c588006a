"""Saving from the window while the play goes on."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from reverie.app.errors import Mistake
from reverie.app.play.capture import VideoRecording, save
from reverie.app.play.game_loop import GameLoop
from reverie.app.play.status import Status
from reverie.games.world import Frame

FOLDER = Path("dreams")


class Saving:
    """The G and R keys. Files are encoded on threads of their own; `finish` waits for them."""

    def __init__(self) -> None:
        self._recording: VideoRecording | None = None
        self._given: set[Path] = set()
        self._threads: list[threading.Thread] = []

    @property
    def recording(self) -> bool:
        """True while a recording runs."""
        return self._recording is not None

    def _name(self, status: Status, ending: str) -> Path:
        """A name for what a person saves, not given before: the world, and the time to the second."""
        world = f"{status.game}-real" if status.real else f"{status.game}-{status.bundle}"
        world = re.sub(r"[^\w.-]+", "_", world)  # a bundle's or an environment's name may hold what no file's may
        first = path = FOLDER / f"{world}-{time.strftime('%Y%m%d-%H%M%S')}.{ending}"
        number = 1
        while path in self._given or path.exists():
            number += 1
            path = first.with_stem(f"{first.stem}-{number}")
        self._given.add(path)
        return path

    def save_recent(self, loop: GameLoop) -> None:
        """Save the last ten seconds as a GIF."""

        def grab() -> str:
            frames: list[Frame] = [frame for frame in loop.recent if frame.shape == loop.session.frame.shape]
            if not frames:
                return "nothing to save yet"
            path = self._name(loop.session.status(), "gif")
            fps = 1 / loop.period
            self._in_background(loop, lambda: save(path, lambda: frames, fps))
            return "saving the last ten seconds"

        loop.do(grab)

    def toggle(self, loop: GameLoop, ending: str) -> None:
        """Start a recording, or stop it and save it. Raises Mistake when the folder cannot be written to."""
        if self._recording is None:
            recording = self._recording = VideoRecording(self._name(loop.session.status(), ending), 1 / loop.period)
            loop.do(lambda: self._begin(loop, recording))
        else:
            recording, self._recording = self._recording, None
            loop.do(lambda: self._end(loop, recording))

    def finish(self, loop: GameLoop) -> list[str]:
        """Keep a recording that still runs and wait for all files; returns what to tell. The loop has ended."""
        if self._recording is not None:
            self._end(loop, self._recording)
            self._recording = None
        for thread in self._threads:
            thread.join()
        return [message for message in loop.messages if message.startswith(("saved", "Cannot", "The disk"))]

    def _begin(self, loop: GameLoop, recording: VideoRecording) -> str:
        loop.sinks.append(recording.add)
        return "recording"

    def _end(self, loop: GameLoop, recording: VideoRecording) -> str:
        if recording.add in loop.sinks:
            loop.sinks.remove(recording.add)
        self._in_background(loop, recording.close)
        return "saving the recording"

    def _in_background(self, loop: GameLoop, write: Callable[[], Path | None]) -> None:
        def work() -> None:
            try:
                path = write()
            except (Mistake, OSError) as error:
                loop.messages.append(str(error) if isinstance(error, Mistake) else f"Cannot save: {error}")
            else:
                loop.messages.append(f"saved {path}" if path else "nothing was recorded")
                loop.on_frame()

        self._threads.append(threading.Thread(target=work, name="saving"))
        self._threads[-1].start()
