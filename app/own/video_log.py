"""A folder of videos, each with a log of the actions: play that was recorded by another program.

`run1.mp4` belongs to `run1.csv` (a head line, then a line a frame) or `run1.jsonl` (an object a line). The columns are
`action` (a name or a number; blank, `none` and `noop` are no key at all), `frame`, `reward` and `ended`. Line t is what
was pressed while frame t was shown. With `frame`, lines may be left out: a key is held until the next line.
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from reverie.app.errors import Mistake
from reverie.games.gymnasium_world import MOST_ACTIONS

VIDEOS = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".gif")
LOGS = (".csv", ".jsonl", ".json")
NOOPS = ("noop", "none", "")


@dataclass(frozen=True)
class Line:
    """One line of a log."""

    frame: int
    action: str
    reward: float
    ended: bool


@dataclass(frozen=True)
class Clip:
    """A video and its log. sparse: the log names its frames, and may leave some out."""

    video: Path
    log: Path
    lines: tuple[Line, ...]
    sparse: bool


def find_clips(folder: Path) -> list[Clip]:
    """The videos of a folder with their logs. Raises Mistake with one sentence for what does not fit together."""
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEOS)
    if not videos:
        raise Mistake(f"{folder} holds no video; put videos ({', '.join(VIDEOS)}) there, each with a .csv or .jsonl.")
    clips = []
    for video in videos:
        log = next((video.with_suffix(end) for end in LOGS if video.with_suffix(end).is_file()), None)
        if log is None:
            raise Mistake(f"{video} has no log of the actions beside it; add {video.stem}.csv or {video.stem}.jsonl.")
        clips.append(_clip(video, log))
    return clips


def action_names(clips: list[Clip], order: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The actions of all logs: noop, then those of `order`, then the others as they come.

    Where the logs have numbers alone, beside no key at all, these number the actions; otherwise a number is a name like
    the others. Raises Mistake for a number that no recording can hold.
    """
    seen = [name for name in dict.fromkeys(line.action for clip in clips for line in clip.lines) if name not in NOOPS]
    if not seen or not all(name.isdecimal() for name in seen):
        return ("noop", *dict.fromkeys(name for name in (*order, *seen) if name not in NOOPS))
    highest = max(map(int, seen))
    if highest >= MOST_ACTIONS:
        raise Mistake(f"A log speaks of action {highest}; number the actions from 0 to {MOST_ACTIONS - 1}.")
    return ("noop", *(order[i - 1] if i <= len(order) else f"action{i}" for i in range(1, highest + 1)))


def columns(clip: Clip, actions: tuple[str, ...], frames: int) -> tuple[NDArray[np.int64], Any, Any]:
    """Actions, rewards and ends of the frames - 1 transitions of a clip. Raises Mistake where log and video differ."""
    steps = frames - 1
    lines = [line for line in clip.lines if line.frame < steps]
    if not clip.sparse and len(clip.lines) not in (frames, steps):
        raise Mistake(
            f"{clip.log} has {len(clip.lines)} lines, and {clip.video.name} has {frames} frames; "
            "write a line for every frame, or add a column 'frame'."
        )
    if clip.lines[-1].frame >= frames:
        raise Mistake(f"{clip.log} speaks of frame {clip.lines[-1].frame}, and {clip.video.name} has {frames} frames.")
    chosen = np.zeros(steps, np.int64)
    rewards, ended = np.zeros(steps, np.float32), np.zeros(steps, bool)
    for line in lines:
        chosen[line.frame :] = _number(line.action, actions)
        rewards[line.frame], ended[line.frame] = line.reward, line.ended
    return chosen, rewards, ended


def _number(action: str, actions: tuple[str, ...]) -> int:
    if action in NOOPS:
        return 0
    return actions.index(action) if action in actions else int(action)


def pictures(video: Path) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video, (H, W, 3) uint8 each. Raises Mistake where it cannot be read."""
    with _opened(video) as film:
        if isinstance(film, Image.Image):
            for image in ImageSequence.Iterator(film):
                yield np.asarray(image.convert("RGB"))
        else:
            for frame in film.decode(video=0):
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def frames_a_second(video: Path) -> int:
    """At what rate a video is meant to be seen; 20 where it does not say. Raises Mistake where it cannot be read."""
    with _opened(video) as film:
        if isinstance(film, Image.Image):
            return max(1, round(1000 / (film.info.get("duration") or 50)))
        return max(1, round(float(film.streams.video[0].average_rate or 20)))


@contextlib.contextmanager
def _opened(video: Path) -> Iterator[Any]:
    """A GIF as a PIL image, any other video as a container of PyAV. Raises Mistake for what goes wrong inside, too."""
    broken: tuple[type[Exception], ...] = (OSError, ValueError, LookupError, EOFError)
    try:
        if video.suffix.lower() == ".gif":
            with Image.open(video) as gif:
                yield gif
            return
        try:
            import av
        except ImportError as error:
            need = 'PyAV, which is not installed: `pip install -c constraints.txt ".[video]"`'
            raise Mistake(f"{video.name} needs {need}.") from error
        broken = (*broken, av.FFmpegError)
        with av.open(str(video)) as container:
            yield container
    except broken as error:
        raise Mistake(f"{video} cannot be read as a video; leave it out, or save it again.") from error


def _clip(video: Path, log: Path) -> Clip:
    try:
        text = log.read_text(encoding="utf-8-sig")
        if log.suffix == ".csv":
            table = csv.reader(text.splitlines())
            head = next(table, [])
            # In a log of one column an empty line is a frame on which no key was pressed.
            rows = [dict(zip(head, row or [""], strict=False)) for row in table if row or len(head) == 1]
        else:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise Mistake(f"{log} cannot be read: {error}.") from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise Mistake(f"{log} holds no lines of a log.")
    if any(row.get("action") is None for row in rows):
        raise Mistake(f"{log} has no 'action' in every line; it has {', '.join(map(str, rows[0]))}.")
    lines: list[Line] = []
    head_lines = 2 if log.suffix.lower() == ".csv" else 1
    for number, row in enumerate(rows):
        try:
            frame = int(row.get("frame", number))
            reward = float(row.get("reward") or 0)
            if not math.isfinite(reward):
                raise ValueError
        except (TypeError, ValueError) as error:
            raise Mistake(f"{log}, line {number + head_lines}: frame and reward must be numbers.") from error
        if frame < 0 or (lines and frame <= lines[-1].frame):
            raise Mistake(f"{log}, line {number + head_lines}: the frames must count upwards from 0.")
        ended = str(row.get("ended") or "").strip().lower() in ("1", "true", "yes")
        lines.append(Line(frame, str(row["action"]).strip().lower(), reward, ended))
    return Clip(video, log, tuple(lines), "frame" in rows[0])
