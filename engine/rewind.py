"""The last seconds of a play, to go back through: every picture, and now and then a moment to play on from."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from reverie.games.world import Frame

EVERY = 5
"""Frames from one moment to the next. A dream's holds the keys and values of its history, which are megabytes."""
MOST = 120
"""Moments that are kept: 30 seconds at 20 frames a second."""
MOST_BYTES = 256 * 2**20


class Moment(NamedTuple):
    """All that decides how a game goes on.

    is_real: whether the real game was played, or the dream. snapshot: of that world. history: the last frames, each
    with the action that led to it. score, seed: of what was played.
    """

    is_real: bool
    snapshot: Any
    history: tuple[tuple[Frame, int], ...]
    score: float
    seed: int


@dataclass(frozen=True)
class Segment:
    """A moment, its picture, and those that followed until the next moment. good: the picture is like the game's."""

    moment: Moment
    frames: list[Frame]
    good: bool

    @property
    def bytes(self) -> int:
        """What it takes in memory, roughly: a built-in game's snapshot is small and does not say."""
        return int(getattr(self.moment.snapshot, "nbytes", 0)) + EVERY * self.frames[0].nbytes


class Rewind:
    """What was played last, as segments; the oldest are forgotten."""

    def __init__(self) -> None:
        self._segments: deque[Segment] = deque()

    def add(
        self,
        frame: Frame,
        moment: Callable[[], Moment | None],
        is_good: Callable[[], bool] = lambda: True,
        now: bool = False,
    ) -> None:
        """`frame` (H, W, 3) uint8 is what is seen now; `moment` gives its moment, and is asked when one is due.

        is_good: whether the frame is like those of the game, asked with it. now: a moment is due.

        Where `moment` gives None the world cannot go back to here, and the way back from here ends.
        """
        segments = self._segments
        if segments and len(segments[-1].frames) < EVERY and not now:
            segments[-1].frames.append(frame)
            return
        if (here := moment()) is None:
            segments.clear()
            return
        segments.append(Segment(here, [frame], is_good()))
        while len(segments) > MOST or (len(segments) > 1 and sum(each.bytes for each in segments) > MOST_BYTES):
            segments.popleft()

    def back(self, frames: int) -> Frame | None:
        """Forget the last few frames and return the picture before them; None where there is nothing to forget."""
        went = 0
        for segment in reversed(tuple(self._segments)):
            while went < frames and len(segment.frames) > 1:
                segment.frames.pop()
                went += 1
            if went < frames and len(self._segments) > 1:
                self._segments.pop()
                went += 1
        return self._segments[-1].frames[-1] if went else None

    def last_good(self, frames: int) -> Moment | None:
        """Forget everything after the last moment with a good picture that is at least so many frames old; return it.

        None, and everything stays, where there is none.
        """
        segments, age = self._segments, 0
        for number in reversed(range(len(segments))):
            age += len(segments[number].frames)
            if segments[number].good and age > frames:
                while len(segments) > number + 1:
                    segments.pop()
                return self.moment()
        return None

    def moment(self) -> Moment:
        """The last moment up to the present picture, to which it goes back."""
        segment = self._segments[-1]
        del segment.frames[1:]
        return segment.moment
