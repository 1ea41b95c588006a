"""A folder of videos, each with a log of the actions: play that was recorded by another program.

`run1.mp4` belongs to `run1.csv` (a head line, then a line a frame) or `run1.jsonl` (an object a line). The columns are
`action` (a name or a number), `frame`, `reward` and `ended`. Line t is what was pressed while frame t was shown. With
`frame`, lines may be left out: a key is held until the next line.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from app.errors import Mistake

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
    """The actions of all logs: noop, then those of `order`, then the others as they come."""
    seen = dict.fromkeys(line.action for clip in clips for line in clip.lines)
    if all(name.isdigit() for name in seen):
        return ("noop", *(order[i - 1] if i <= len(order) else f"action{i}" for i in range(1, max(map(int, seen)) + 1)))
    return ("noop", *dict.fromkeys(name for name in (*order, *seen) if name not in NOOPS))


def columns(clip: Clip, actions: tuple[str, ...], frames: int) -> tuple[NDArray[np.int64], Any, Any]:
    """Actions, rewards and ends of the frames - 1 transitions of a clip. Raises Mistake where log and video differ."""
    steps = frames - 1
    lines = [line for line in clip.lines if line.frame < steps]
    if not clip.sparse and len(clip.lines) not in (frames, steps):
        raise Mistake(f"{clip.log} has {len(clip.lines)} lines, and {clip.video.name} has {frames} frames.")
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
    return int(action) if action.isdigit() else actions.index(action)


def pictures(video: Path) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video, (H, W, 3) uint8 each. Raises Mistake where it cannot be read."""
    try:
        if video.suffix.lower() == ".gif":
            with Image.open(video) as gif:
                for image in ImageSequence.Iterator(gif):
                    yield np.asarray(image.convert("RGB"))
            return
        try:
            import av
        except ImportError as error:
            raise Mistake('This needs PyAV, which is not installed: `pip install "reverie[video]"`.') from error
        with av.open(str(video)) as container:
            for frame in container.decode(video=0):
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    except (OSError, ValueError, IndexError) as error:
        raise Mistake(f"{video} cannot be read as a video.") from error


def frames_a_second(video: Path) -> int:
    """At what rate a video is meant to be seen; 20 where it does not say."""
    if video.suffix.lower() == ".gif":
        with Image.open(video) as gif:
            return max(1, round(1000 / (gif.info.get("duration") or 50)))
    import av

    with av.open(str(video)) as container:
        return max(1, round(float(container.streams.video[0].average_rate or 20)))


def _clip(video: Path, log: Path) -> Clip:
    try:
        text = log.read_text(encoding="utf-8-sig")
        if log.suffix == ".csv":
            rows: list[dict[str, Any]] = list(csv.DictReader(text.splitlines()))
        else:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise Mistake(f"{log} cannot be read: {error}.") from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise Mistake(f"{log} holds no lines of a log.")
    if any(row.get("action") is None for row in rows):
        raise Mistake(f"{log} has no 'action' in every line; it has {', '.join(map(str, rows[0]))}.")
    lines: list[Line] = []
    for number, row in enumerate(rows):
        try:
            frame = int(row.get("frame", number))
            reward = float(row.get("reward") or 0)
        except (TypeError, ValueError) as error:
            raise Mistake(f"{log}, line {number + 1}: frame and reward must be numbers.") from error
        if frame < 0 or (lines and frame <= lines[-1].frame):
            raise Mistake(f"{log}, line {number + 1}: the frames must count upwards from 0.")
        ended = str(row.get("ended") or "").strip().lower() in ("1", "true", "yes")
        lines.append(Line(frame, str(row["action"]).strip().lower(), reward, ended))
    return Clip(video, log, tuple(lines), "frame" in rows[0])
