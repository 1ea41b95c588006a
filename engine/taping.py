"""Recording a tape while a dream is played, and playing it again."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamSnapshot
from reverie.engine.errors import TapeError
from reverie.engine.settings import Value, settings_of
from reverie.engine.tape import Event, FrameDigest, Tape, format_of
from reverie.games.world import Frame, Step

MOST_KEPT_BYTES = 512 << 20
"""Of the moments that are kept because a tape will go back to them: twice what a player can go back through."""


@dataclass(frozen=True)
class TapedSnapshot:
    """A dream's snapshot, and the moment of the tape at which it was taken."""

    dream: DreamSnapshot
    moment: int

    @property
    def nbytes(self) -> int:
        """What its arrays take in memory."""
        return self.dream.nbytes


class TapedDream(Dream):
    """A dream that notes down all that is done to it. `tape()` is what replays it up to now."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        seed: int = 0,
        start: int | None = None,
        game: str | None = None,
        **chosen: Value | None,
    ) -> None:
        self._events: list[Event] = []
        self._digest = FrameDigest()
        self._moment = 0
        super().__init__(bundle, seed=seed, game=game, **chosen)
        self.reset(seed, start)
        self._begin = (seed, self._start(seed, start))
        self._settings = self._noted = self.settings
        self._events.clear()
        self._moment = 0

    def tape(self) -> Tape:
        """The tape of everything since this dream was made."""
        seed, start = self._begin
        manifest = self.bundle.manifest
        digest = self._digest
        return Tape(
            format_of(self._events), manifest.name, self.bundle.digest, seed, start, dict(self._settings),
            events=tuple(self._events), frames=digest.frames, frames_sha256=digest.hex(), game=self.game,
        )  # fmt: skip

    def reset(self, seed: int, start: int | None = None) -> Frame:
        frame = super().reset(seed, start)
        self._note(Event(reset=(seed, self._start(seed, start))))
        return frame

    def begin(self, seed: int, frame: Frame) -> None:
        super().begin(seed, frame)
        self._note(Event(begin=seed, z=_written(self.z)))

    def begin_z(self, seed: int, z: NDArray[Any]) -> Frame:
        frame = super().begin_z(seed, z)
        self._note(Event(begin=seed, z=_written(self.z)))
        return frame

    def append_frame(self, frame: Frame, action: int) -> None:
        before = self.faults.count
        super().append_frame(frame, action)
        if self.faults.count > before:  # it was not taken
            return
        self._note(Event(action=int(action), z=_written(self.z)))

    def put_z(self, z: NDArray[Any], action: int) -> Frame:
        frame = super().put_z(z, action)
        self._note(Event(action=int(action), z=_written(self.z)))
        return frame

    def paint_z(self, z: NDArray[Any]) -> Frame:
        frame = super().paint_z(z)
        self._note(Event(z=_written(self.z)))
        return frame

    def change_luck(self, seed: int) -> None:
        super().change_luck(seed)
        self._note(Event(luck=seed))

    def step(self, action: int) -> Step:
        # Settings matter, and are noted, when a frame is dreamt with them.
        step = super().step(action)
        if self.settings is not self._noted:
            if changes := {name: value for name, value in self.settings.items() if value != self._noted[name]}:
                self._events.append(Event(set=changes))
            self._noted = self.settings
        last = self._events[-1] if self._events else Event()
        if last.kind() == "act" and last.action == action:
            self._events[-1] = replace(last, count=(last.count or 0) + 1)
        else:
            self._events.append(Event(action=int(action), count=1))
        self._moment += 1
        self._digest.add(step.frame)
        return step

    def snapshot(self) -> TapedSnapshot:  # type: ignore[override]
        """As of a dream; it belongs to this tape."""
        return TapedSnapshot(super().snapshot(), self._moment)

    def restore(self, snapshot: TapedSnapshot) -> Frame:  # type: ignore[override]
        frame = super().restore(snapshot.dream)
        self._note(Event(restore=snapshot.moment))
        return frame

    def _start(self, seed: int, start: int | None) -> int:
        return seed % len(self.starts) if start is None else start

    def _note(self, event: Event) -> None:
        self._events.append(event)
        self._moment += 1


def replay(tape: Tape, bundle: Bundle, **fixed: Value | None) -> Iterator[Frame]:
    """The dreamt frames of a tape, in order: the same pixels on the same machine.

    fixed: settings with which the same play is drawn throughout, instead of what the tape says of them.
    Raises TapeError if the tape belongs to another bundle or contradicts itself, and ValueError for a fixed setting
    that the bundle does not have.
    """
    tape.check_bundle(bundle)
    throughout = {name: value for name, value in fixed.items() if value is not None}
    settings_of(bundle.manifest, throughout)
    try:
        dream = Dream(bundle, seed=tape.seed, game=tape.game, **{**tape.settings, **throughout})
        dream.reset(tape.seed, tape.start)
        yield from _play(tape, dream, throughout)
    except OverflowError:
        raise TapeError("the tape holds a number that no action or seed of this bundle has") from None
    except ValueError as error:
        raise TapeError(str(error)) from None


def _play(tape: Tape, dream: Dream, throughout: Mapping[str, Value]) -> Iterator[Frame]:
    wanted = Counter(event.restore for event in tape.events if event.restore is not None)
    kept: dict[int, DreamSnapshot] = {}
    moment = 0

    def keep() -> None:
        if moment in wanted:
            kept[moment] = dream.snapshot()
            if sum(snapshot.nbytes for snapshot in kept.values()) > MOST_KEPT_BYTES:
                raise TapeError(f"the tape goes back to moments that take more than {MOST_KEPT_BYTES >> 20} MiB")

    keep()
    for event in tape.events:
        match event.kind():
            case "act":
                assert event.action is not None
                for _ in range(event.count or 0):
                    yield dream.step(event.action).frame
                    moment += 1
                    keep()
                continue
            case "put":
                assert event.action is not None
                dream.put_z(_read(dream, event), event.action)
            case "begin":
                assert event.begin is not None
                dream.begin_z(event.begin, _read(dream, event))
            case "paint":
                dream.paint_z(_read(dream, event))
            case "luck":
                assert event.luck is not None
                dream.change_luck(event.luck)
            case "reset":
                assert event.reset is not None
                dream.reset(*event.reset)
            case "restore":
                assert event.restore is not None
                if event.restore not in kept:
                    raise TapeError(f"the tape goes back to moment {event.restore}, which it has not come to")
                wanted[event.restore] -= 1
                last = not wanted[event.restore]
                dream.restore(kept.pop(event.restore) if last else kept[event.restore])
            case "set":
                dream.change(**{**(event.set or {}), **throughout})
                continue
        moment += 1
        keep()


def _written(z: NDArray[Any]) -> str:
    """A representation as the bytes that a tape holds."""
    return base64.b64encode(np.ascontiguousarray(z, z.dtype.newbyteorder("<")).tobytes()).decode()


def _read(dream: Dream, event: Event) -> NDArray[Any]:
    kind = dream.z.dtype
    try:
        data = base64.b64decode(event.z or "", validate=True)
        return np.frombuffer(data, kind.newbyteorder("<")).reshape(dream.z.shape).astype(kind)
    except (ValueError, binascii.Error):
        raise TapeError("the tape puts in a frame that is none of this bundle") from None
