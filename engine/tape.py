"""The tape: a few kilobytes of JSON that replay a dream exactly, or draw the same play with another sampler."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from reverie.engine.bundle import Bundle
from reverie.engine.errors import TapeError
from reverie.engine.files import write_whole
from reverie.engine.schema import SchemaError, read_object
from reverie.games.world import Frame

FORMAT = 3


@dataclass(frozen=True)
class Event:
    """One thing that happened; one field is set, or `action` and `count`, `action` and `tokens`, `begin` and `tokens`.

    action, count: this action, so many frames long. action, tokens: a real frame with these tokens was put in, which
    the action led to. begin, tokens: a new dream with this seed from a real frame, before which there was nothing.
    reset: (seed, start) of a new dream. restore: back to this moment, counted from 0.
    mode, decoder, temperature, passes, steps: switched to this.
    A moment is whatever changes the present frame: a dreamt frame, a real one, a beginning, a reset, a restore.
    """

    action: int | None = None
    count: int | None = None
    tokens: tuple[int, ...] | None = None
    begin: int | None = None
    reset: tuple[int, int] | None = None
    restore: int | None = None
    mode: str | None = None
    decoder: str | None = None
    temperature: float | None = None
    passes: int | None = None
    steps: int | None = None

    def kind(self) -> str:
        """`act`, `put`, `begin`, `reset`, `restore` or the name of a setting; '' for a contradictory event."""
        return _KINDS.get(frozenset(key for key, value in dataclasses.asdict(self).items() if value is not None), "")


_KINDS = {
    frozenset({"action", "count"}): "act",
    frozenset({"action", "tokens"}): "put",
    frozenset({"begin", "tokens"}): "begin",
    **{frozenset({key}): key for key in ("reset", "restore", "mode", "decoder", "temperature", "passes", "steps")},
}


@dataclass(frozen=True)
class Tape:
    """What replays a dream.

    format: version of this layout and of the noise that dreams are drawn with. bundle: name of the bundle.
    manifest_sha256: which bundle exactly.
    seed, start, mode, decoder, temperature, passes, steps: how the dream began; steps are null for a bundle without a
    diffusion decoder. game: which of the bundle's games, null for the first. events: what happened, in order.
    frames: number of dreamt frames. frames_sha256: of their pixels, one after the other.
    """

    format: int
    bundle: str
    manifest_sha256: str
    seed: int
    start: int
    mode: str
    decoder: str
    temperature: float
    events: tuple[Event, ...]
    frames: int
    frames_sha256: str
    passes: int = 1
    steps: int | None = None
    game: str | None = None

    def save(self, path: Path) -> None:
        """Write the tape, whole or not at all. Raises OSError."""
        value = dataclasses.asdict(self)
        events = [{k: v for k, v in event.items() if v is not None} for event in value.pop("events")]
        # One event a line, so that a person can read a tape and compare two of them.
        head = json.dumps(value, indent=1).removesuffix("\n}")
        lines = ",\n  ".join(json.dumps(event, separators=(",", ":")) for event in events)
        write_whole(path, f'{head},\n "events": [\n  {lines}\n ]\n}}\n'.encode())

    @staticmethod
    def load(path: Path) -> Tape:
        """Read a tape. Raises TapeError with one sentence."""
        try:
            value = json.loads(path.read_bytes())
        except OSError as error:
            raise TapeError(f"the tape {path} cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError):
            raise TapeError(f"{path} is not a tape, or it was cut short") from None
        version = value.get("format") if isinstance(value, dict) else None
        if type(version) is int and version != FORMAT:
            raise TapeError(f"the tape {path} has format {version}, and this Reverie reads format {FORMAT}")
        try:
            tape = read_object(Tape, value, "")
        except SchemaError as error:
            raise TapeError(f"{path} is not a tape: {error}") from None
        for number, event in enumerate(tape.events):
            if not event.kind() or (event.count is not None and event.count < 1):
                raise TapeError(f"{path} is damaged: event {number} is not one that a tape has")
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
