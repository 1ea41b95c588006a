"""When the pictures of a video are shown, and which of them a recording takes, whose frames are evenly spaced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from reverie.limits import MOST_FPS

STEADY = 0.4
"""Pictures whose distances in time differ by less than this share of the usual one come at a steady rate."""
MOST_HELD = 100
"""A video has at most this many frames for each of its pictures ..."""
FRAMES_ALWAYS = 20_000
"""... unless it has fewer than these: a wrong time must not fill the disk with copies of one picture."""


class UnlikelyTimesError(Exception):
    """The times in a video would make far more frames than it has pictures."""


@dataclass(frozen=True)
class Timing:
    """rate: frames a second of a video. shown: how many of these each of its pictures is shown for, often 1.

    steady: no picture is shown longer than another, but for what a player would not notice.
    """

    rate: float
    shown: tuple[int, ...]
    steady: bool = True

    def __post_init__(self) -> None:
        """Raises UnlikelyTimesError."""
        if sum(self.shown) > max(FRAMES_ALWAYS, MOST_HELD * len(self.shown)):
            raise UnlikelyTimesError

    @property
    def fps(self) -> int:
        """The rate of a recording of it."""
        return max(1, min(MOST_FPS, round(self.rate)))

    @property
    def begins(self) -> list[int]:
        """The first frame of each picture, and where the last one's end."""
        return list(accumulate(self.shown, initial=0))


def timing_of(times: Sequence[float], usual: float) -> Timing:
    """How pictures follow one another that are shown from these moments on, in seconds, in order.

    usual: the rate where there are too few to say. Where distances differ, the rate is that of the shorter ones, and a
    longer one holds its picture for as many frames as fit into it.
    """
    distances = np.diff(np.asarray(times, np.float64))
    if not len(distances) or times[-1] <= times[0]:
        return Timing(usual, (1,) * len(times))
    middle = float(np.median(distances))
    if (abs(distances - middle) < STEADY * middle).all():
        return Timing(len(distances) / (times[-1] - times[0]), (1,) * len(times))
    apart = distances[distances > 0]
    short = apart[apart <= 1.5 * np.percentile(apart, 10)]
    rate = max(1, min(MOST_FPS, round(1 / float(short.mean()))))
    begins = [round((time - times[0]) * rate) for time in times]
    return Timing(rate, (*(after - before for before, after in pairwise(begins)), 1), steady=False)


@dataclass(frozen=True)
class Frames:
    """The frames that a recording of `fps` frames a second takes of a video.

    A *tick* is a frame at the video's own rate; a picture that is held has several. Both counts are from 0.
    """

    timing: Timing
    fps: int
    ticks: tuple[int, ...] = field(init=False)
    """The tick of each frame: each in turn, unless the video has another rate than the recording."""

    def __post_init__(self) -> None:
        """Raises UnlikelyTimesError."""
        rate, last = self.timing.rate, sum(self.timing.shown) - 1
        if self.timing.fps == self.fps:
            ticks = tuple(range(last + 1))
        else:
            exact = last * self.fps / rate
            count = int(exact + 1e-6) if self.fps < rate else math.ceil(exact - 1e-6)  # the last picture is not lost
            if count >= max(FRAMES_ALWAYS, MOST_HELD * len(self.timing.shown)):
                raise UnlikelyTimesError
            ticks = tuple(min(last, int(number * rate / self.fps + 1e-6)) for number in range(count + 1))
        object.__setattr__(self, "ticks", ticks)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.ticks)

    @property
    def said(self) -> str:
        """What a person should know of it; '' where each picture becomes a frame, or a GIF says how many."""
        pictures, rate = len(self.timing.shown), self.timing.fps
        if not self.timing.steady:
            return f"{pictures:,} pictures at changing times became {len(self):,} frames at {self.fps} a second"
        if rate != self.fps:
            return f"{pictures:,} pictures at {rate} a second became {len(self):,} frames at {self.fps} a second"
        return ""

    @property
    def repeats(self) -> NDArray[np.int64]:
        """How many frames each picture of the video becomes, 0 for one that is dropped."""
        picture = np.repeat(np.arange(len(self.timing.shown)), self.timing.shown)
        return np.bincount(picture[list(self.ticks)], minlength=len(self.timing.shown))

    def transitions(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """The transition between two frames in which each of these ticks ends: that of the last frame from before."""
        return np.minimum(np.searchsorted(self.ticks, ticks, side="right") - 1, len(self) - 2)
