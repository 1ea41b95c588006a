"""Recording a tape while a dream is played, and playing it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamSnapshot
from reverie.engine.errors import TapeError
from reverie.engine.sampler import Tokens
from reverie.engine.settings import Chosen
from reverie.engine.tape import FORMAT, Event, FrameDigest, Tape
from reverie.games.world import Frame, Step


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
        **chosen: Unpack[Chosen],
    ) -> None:
        self._events: list[Event] = []
        self._digest = FrameDigest()
        self._moment = 0
        super().__init__(bundle, seed=seed, game=game, **chosen)
        self.reset(seed, start)
        self._begin = (seed, self._start(seed, start))
        self._settings: dict[str, Any] = self._now()
        self._noted = dict(self._settings)
        self._events.clear()
        self._moment = 0

    def tape(self) -> Tape:
        """The tape of everything since this dream was made."""
        seed, start = self._begin
        manifest = self.bundle.manifest
        digest = self._digest
        return Tape(
            FORMAT, manifest.name, self.bundle.digest, seed, start, **self._settings,
            events=tuple(self._events), frames=digest.frames, frames_sha256=digest.hex(), game=self.game,
        )  # fmt: skip

    def reset(self, seed: int, start: int | None = None) -> Frame:
        frame = super().reset(seed, start)
        self._note(Event(reset=(seed, self._start(seed, start))))
        return frame

    def begin(self, seed: int, frame: Frame) -> None:
        super().begin(seed, frame)
        self._note(Event(begin=seed, tokens=tuple(map(int, self.tokens))))

    def begin_tokens(self, seed: int, tokens: Tokens) -> Frame:
        frame = super().begin_tokens(seed, tokens)
        self._note(Event(begin=seed, tokens=tuple(map(int, self.tokens))))
        return frame

    def append_frame(self, frame: Frame, action: int) -> None:
        before = self.faults.count
        super().append_frame(frame, action)
        if self.faults.count > before:  # it was not taken
            return
        self._note(Event(action=int(action), tokens=tuple(map(int, self.tokens))))

    def put_tokens(self, tokens: Tokens, action: int) -> Frame:
        frame = super().put_tokens(tokens, action)
        self._note(Event(action=int(action), tokens=tuple(map(int, self.tokens))))
        return frame

    def step(self, action: int) -> Step:
        # Settings matter, and are noted, when a frame is dreamt with them.
        step = super().step(action)
        for name, value in self._now().items():
            if value != self._noted[name]:
                self._events.append(Event(**{name: value}))
                self._noted[name] = value
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

    def _now(self) -> dict[str, Any]:
        now = self.settings
        return {
            "mode": now.mode, "decoder": now.decoder, "temperature": float(now.temperature),
            "passes": int(now.passes), "steps": now.steps,
        }  # fmt: skip


def replay(tape: Tape, bundle: Bundle, mode: str | None = None, decoder: str | None = None) -> Iterator[Frame]:
    """The dreamt frames of a tape, in order: the same pixels on the same machine.

    mode, decoder: draw the same play with this one throughout instead of what the tape says.
    Raises TapeError if the tape belongs to another bundle or contradicts itself.
    """
    tape.check_bundle(bundle)
    try:
        dream = Dream(
            bundle, seed=tape.seed, game=tape.game, mode=mode or tape.mode, decoder=decoder or tape.decoder,
            temperature=tape.temperature, passes=tape.passes, steps=tape.steps,
        )  # fmt: skip
        dream.reset(tape.seed, tape.start)
        yield from _play(tape, dream, {"mode": mode, "decoder": decoder})
    except OverflowError:
        raise TapeError("the tape holds a number that no action, token or seed of this bundle has") from None
    except ValueError as error:
        raise TapeError(str(error)) from None


def _play(tape: Tape, dream: Dream, fixed: dict[str, str | None]) -> Iterator[Frame]:
    wanted = {event.restore for event in tape.events}
    kept: dict[int, DreamSnapshot] = {}
    moment = 0

    def keep() -> None:
        if moment in wanted:
            kept[moment] = dream.snapshot()

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
                dream.put_tokens(_tokens(dream, event), event.action)
            case "begin":
                assert event.begin is not None
                dream.begin_tokens(event.begin, _tokens(dream, event))
            case "reset":
                assert event.reset is not None
                dream.reset(*event.reset)
            case "restore":
                if event.restore not in kept:
                    raise TapeError(f"the tape goes back to moment {event.restore}, which it has not come to")
                dream.restore(kept[event.restore])
            case setting:
                if fixed.get(setting) is None:
                    dream.change(**{setting: getattr(event, setting)})
                continue
        moment += 1
        keep()


def _tokens(dream: Dream, event: Event) -> Tokens:
    tokens = np.array(event.tokens, np.int64)
    if tokens.shape != dream.tokens.shape or (tokens >= dream.bundle.manifest.vocabulary).any() or (tokens < 0).any():
        raise TapeError("the tape puts in a frame whose tokens this bundle does not have")
    return tokens
