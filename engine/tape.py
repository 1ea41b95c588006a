"""The tape: a few kilobytes of JSON that replay a dream exactly, or draw the same play with another sampler."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from reverie.engine.bundle import Bundle
from reverie.engine.errors import TapeError
from reverie.engine.files import write_whole
from reverie.games.world import Frame
from reverie.limits import MOST_ACTIONS, MOST_NAME
from reverie.schema import SchemaError, Within, read_json, read_object

FORMAT = 4
"""Of a tape without paint and other luck."""
FORMATS = (FORMAT, 5)
"""All that are read."""
MOST_BYTES = 64 << 20
"""Of a tape's file."""
MOST_EVENTS, MOST_FRAMES = 1_000_000, 10_000_000
"""Of a tape: ten million frames are six days of play."""
Number = Annotated[int, Within(0, 2**63 - 1)]


@dataclass(frozen=True)
class Event:
    """One thing that happened; one field is set, or `action` and `count`, `action` and `z`, or `begin` and `z`.

    z: the present frame is changed into this one. luck: what follows has the noise of this seed.
    action, count: this action, so many frames long. action, z: a real frame with this representation was put in, which
    the action led to. begin, z: a new dream with this seed from a real frame, before which there was nothing.
    reset: (seed, start) of a new dream. restore: back to this moment, counted from 0. set: settings, changed to this.
    A representation `z` is its bytes, little-endian and row-major, as base64.
    A moment is whatever changes the present frame or the luck: every event but `set`, and each frame of an action.
    """

    action: Annotated[int, Within(0, MOST_ACTIONS - 1)] | None = None
    count: Annotated[int, Within(1, MOST_FRAMES)] | None = None
    z: Annotated[str, Within(1, 4 << 20)] | None = None
    begin: Number | None = None
    reset: tuple[Number, Number] | None = None
    restore: Number | None = None
    luck: Number | None = None
    set: Annotated[dict[str, str | int | float], Within(1, 32)] | None = None

    def kind(self) -> str:
        """`act`, `put`, `begin`, `reset`, `restore`, `paint`, `luck` or `set`; '' for a contradictory event."""
        return _KINDS.get(frozenset(key for key, value in vars(self).items() if value is not None), "")


_KINDS = {
    frozenset({"action", "count"}): "act",
    frozenset({"action", "z"}): "put",
    frozenset({"begin", "z"}): "begin",
    frozenset({"z"}): "paint",
    **{frozenset({key}): key for key in ("reset", "restore", "luck", "set")},
}
SINCE_5 = ("paint", "luck")
"""Kinds of events that a tape of format 4 has not."""


def format_of(events: Sequence[Event]) -> int:
    """The oldest format that has all of these events, so that what read tapes before reads all that it can."""
    return FORMATS[any(event.kind() in SINCE_5 for event in events)]


@dataclass(frozen=True)
class Tape:
    """What replays a dream.

    format: version of this layout and of the noise that dreams are drawn with. bundle: name of the bundle.
    manifest_sha256: which bundle exactly. seed, start, settings: how the dream began.
    events: what happened, in order. frames: number of dreamt frames. frames_sha256: of their pixels, one after the
    other. game: which of the bundle's games, null for the first.
    """

    format: int
    bundle: Annotated[str, Within(1, MOST_NAME)]
    manifest_sha256: Annotated[str, Within(64, 64)]
    seed: Number
    start: Number
    settings: Annotated[dict[str, str | int | float], Within(0, 32)]
    events: Annotated[tuple[Event, ...], Within(0, MOST_EVENTS)]
    frames: Annotated[int, Within(0, MOST_FRAMES)]
    frames_sha256: Annotated[str, Within(64, 64)]
    game: Annotated[str, Within(1, MOST_NAME)] | None = None

    def save(self, path: Path) -> None:
        """Write the tape, whole or not at all. Raises OSError."""
        value = {name: item for name, item in vars(self).items() if name != "events"}
        events = [{k: v for k, v in vars(event).items() if v is not None} for event in self.events]
        # One event a line, so that a person can read a tape and compare two of them.
        head = json.dumps(value, indent=1).removesuffix("\n}")
        lines = ",\n  ".join(json.dumps(event, separators=(",", ":")) for event in events)
        write_whole(path, f'{head},\n "events": [\n  {lines}\n ]\n}}\n'.encode())

    @staticmethod
    def load(path: Path) -> Tape:
        """Read a tape. Raises TapeError with one sentence."""
        try:
            value, _ = read_json(path, MOST_BYTES)
        except OSError as error:
            raise TapeError(f"the tape {path} cannot be read: {error.strerror}") from None
        except SchemaError as error:
            raise TapeError(f"{path} is not a tape, or it was cut short: {error}") from None
        version = value.get("format") if isinstance(value, dict) else None
        if type(version) is int and version not in FORMATS:
            reads = " and ".join(map(str, FORMATS))
            raise TapeError(f"the tape {path} has format {version}, and this Reverie reads formats {reads}")
        try:
            tape = read_object(Tape, value, "")
        except SchemaError as error:
            raise TapeError(f"{path} is not a tape: {error}") from None
        for number, event in enumerate(tape.events):
            if not event.kind() or (tape.format == FORMAT and event.kind() in SINCE_5):
                raise TapeError(f"{path} is damaged: event {number} is not one that a tape has")
        if sum(event.count or 0 for event in tape.events) != tape.frames:
            raise TapeError(f"{path} is damaged: its events do not make {tape.frames} frames")
        return tape

    def check_bundle(self, bundle: Bundle) -> None:
        """Raise TapeError unless the tape was recorded with exactly this bundle."""
        if self.manifest_sha256 == bundle.digest:
            return
        name = bundle.manifest.name
        which = f"another build of {name}" if name == self.bundle else f"the bundle {self.bundle}, not {name}"
        raise TapeError(f"the tape was recorded with {which}: name that bundle's folder with --bundle")


class FrameDigest:
    """SHA-256 over the pixels of frames, one after the other."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.frames = 0

    def add(self, frame: Frame) -> None:
        """Add one frame."""
        self._hash.update(frame.tobytes())
        self.frames += 1

    def hex(self) -> str:
        """The digest of the frames so far."""
        return self._hash.hexdigest()
