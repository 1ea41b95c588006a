"""The figures of a play: speed, stages, latency, and the hash of all frames."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reverie.engine.tape import FrameDigest
from reverie.games.world import Frame

STAGES = ("dynamics", "sample", "decode")
WARM_UP = 10
"""Frames at the start that `fps` and `frame_ms` leave out, when the play is at least twice as long."""


def percentiles(values: Sequence[float], keys: tuple[str, ...] = ("p50", "p95", "max")) -> dict[str, float] | None:
    """`{"p50": …, "p95": …, "max": …}` rounded to microseconds (for ms), None for no values."""
    if not values:
        return None
    data = np.asarray(values, dtype=np.float64)
    at = {"p50": 50.0, "p95": 95.0, "max": 100.0}
    return {key: round(float(np.percentile(data, at[key])), 3) for key in keys}


class Meter:
    """Counts frames as they are made (engine thread) and flips as they are shown (window thread)."""

    def __init__(self, started: float) -> None:
        """started: perf_counter seconds at which the command began."""
        self.started = started
        self.frames = 0
        self.late = 0
        self.first_frame_s: float | None = None
        self._digest = FrameDigest()
        self._frame_ms: list[float] = []
        self._made_at: list[float] = []
        self._stages: dict[str, list[float]] = {stage: [] for stage in STAGES}
        self._flip_ms: list[float] = []
        self._recent: deque[float] = deque(maxlen=40)
        self._lock = threading.Lock()

    def begun(self, now: float) -> None:
        """The start frame is there (perf_counter seconds). Later calls change nothing."""
        if self.first_frame_s is None:
            self.first_frame_s = now - self.started

    def made(self, frame: Frame, began: float, now: float, timings: Mapping[str, float], late: bool) -> None:
        """One frame: the times it began and was there (perf_counter seconds), its stages in ms."""
        self._digest.add(frame)
        with self._lock:
            self.frames += 1
            self.late += late
            self._frame_ms.append(1000 * (now - began))
            self._made_at.append(now)
            self._recent.append(now)
            for stage in STAGES:
                if stage in timings:
                    self._stages[stage].append(timings[stage])

    def flipped(self, pressed_at: float, now: float) -> None:
        """The picture that answers a key press is on the screen (perf_counter seconds)."""
        with self._lock:
            self._flip_ms.append(1000 * (now - pressed_at))

    def pause(self) -> None:
        """Play stopped for a while: the rate on the HUD starts anew."""
        with self._lock:
            self._recent.clear()

    @property
    def fps(self) -> float:
        """Frames a second over the last two seconds or so."""
        with self._lock:
            recent = list(self._recent)
        span = recent[-1] - recent[0] if len(recent) > 1 else 0.0
        return (len(recent) - 1) / span if span > 0 else 0.0

    @property
    def last_ms(self) -> float:
        """Milliseconds of the last frame, action in to picture out."""
        return self._frame_ms[-1] if self._frame_ms else 0.0

    def figures(self) -> dict[str, Any]:
        """The measured keys of `play --report`."""
        with self._lock:
            skip = WARM_UP if self.frames >= 2 * WARM_UP else 0
            made = self._made_at[skip:]
            span = made[-1] - made[0] if len(made) > 1 else 0.0
            return {
                "frames": self.frames,
                "fps": round((len(made) - 1) / span, 3) if span > 0 else 0.0,
                "frame_ms": percentiles(self._frame_ms[skip:]),
                "stages_ms": {
                    stage: round(float(np.mean(v[skip:])), 3) if len(v) > skip else 0.0
                    for stage, v in self._stages.items()
                },
                "input_to_flip_ms": percentiles(self._flip_ms, ("p50", "p95")),
                "late_frames": self.late,
                "first_frame_s": round(self.first_frame_s, 3) if self.first_frame_s is not None else None,
                "frames_sha256": self._digest.hex(),
            }
