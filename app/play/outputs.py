"""What a play leaves behind: a recording, a tape and a report, written however the play ends."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reverie.app.errors import Mistake, cannot_write, check_name
from reverie.app.play.capture import VideoRecording
from reverie.app.play.meter import Meter
from reverie.app.play.session import Session
from reverie.engine.families import all_settings, family
from reverie.engine.settings import Settings


@contextlib.contextmanager
def recorded(path: Path | None, fps: float) -> Iterator[VideoRecording | None]:
    """A recording that is saved however the play ends."""
    if path is None:
        yield None
        return
    recording = VideoRecording(path, fps)
    try:
        yield recording
    finally:
        recording.close()
    if recording.trouble:
        raise recording.trouble


@contextlib.contextmanager
def taped(path: Path | None, session: Session) -> Iterator[None]:
    """A tape that is saved however the play ends."""
    if path is None:
        yield
        return
    assert session.taped is not None
    try:
        yield
    finally:
        try:
            session.taped.tape().save(path)
        except OSError as error:
            raise cannot_write(path, error) from error


def report(session: Session, meter: Meter) -> dict[str, Any]:
    """The object of `play --report`. Settings that have no effect are null, and so is what only a dream has."""
    dream = None if session.is_real else session.dream
    settings: Settings = dream.settings if dream else {}
    infos = family(dream.bundle.manifest.family).SETTINGS if dream else {}
    matters = {name for name, info in infos.items() if info.matters(settings)}
    name = session.bundle.manifest.name if session.bundle else None
    return {
        "bundle": name if dream else None,
        "game": session.status().game,
        **{name: settings.get(name) if name in matters else None for name in all_settings()},
        "backend": dream.bundle.backend if dream else None,
        "faults": dream.faults.count if dream else None,
        **meter.figures(),
    }


def check_writable(path: Path) -> None:
    """Raises Mistake now for a file that could not be written at the end."""
    check_name(path)
    if path.is_dir():
        raise Mistake(f"Cannot write {path}: it is a folder; give a file name.")
    if not path.absolute().parent.is_dir():
        raise Mistake(f"There is no folder {path.parent} to write {path.name} into; make it first.")
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise cannot_write(path, error) from error
