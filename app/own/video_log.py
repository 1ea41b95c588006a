"""A folder of videos, each with a log of the actions: play that was recorded by another program.

`run1.mp4` belongs to `run1.csv`, `run1.jsonl` or `run1.json` (app/own/action_log.py). Line t is what was pressed while
frame t was shown. With a column `frame`, lines may be left out: a key is held until the next line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from reverie.app.errors import Mistake
from reverie.app.own.action_log import NOTHING, ActionLog, Notes, read_log
from reverie.app.play.capture import SAYS_RATE
from reverie.games.action_space import MOST_ACTIONS

VIDEOS = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".gif")
LOGS = (".csv", ".jsonl", ".json")
MOST_ASPECT = 16
"""Pixels that are wider or higher than this are a mistake of the file."""


@dataclass(frozen=True)
class Clip:
    """A video and its log."""

    video: Path
    log: ActionLog


def is_video(path: Path) -> bool:
    """True for a name that videos have. Files that an operating system hides beside others' are none."""
    return path.suffix.lower() in VIDEOS and not path.name.startswith(".") and path.is_file()


def find_clips(folder: Path, notes: Notes) -> list[Clip]:
    """The videos of a folder with their logs. Raises Mistake with one sentence for what does not fit together."""
    names = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    videos = [path for path in names if is_video(path)]
    if not videos:
        raise Mistake(f"{folder} holds no video; put videos ({', '.join(VIDEOS)}) there, each with a .csv or .jsonl.")
    clips = []
    for video in videos:
        logs = [path for path in names if path.suffix.lower() in LOGS and path.stem == video.stem]
        logs = logs or [p for p in names if p.suffix.lower() in LOGS and p.stem.lower() == video.stem.lower()]
        if not logs:
            raise Mistake(f"{video} has no log of the actions beside it; add {video.stem}.csv or {video.stem}.jsonl.")
        if len(logs) > 1:
            raise Mistake(f"{video} has two logs, {logs[0].name} and {logs[1].name}; leave one.")
        clips.append(Clip(video, read_log(logs[0], notes)))
    used = {clip.video for clip in clips} | {clip.log.path for clip in clips}
    if unused := [path.name for path in names if path not in used]:
        notes.other[f"not read: {', '.join(unused[:20])}{', …' if len(unused) > 20 else ''}"] = None
    return clips


def action_names(clips: list[Clip], order: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The actions of all logs: noop, then those of `order`, then the others as they come.

    Where the logs have numbers alone, beside no key at all, these number the actions; otherwise a number is a name like
    the others. Raises Mistake for a number that no recording can hold.
    """
    seen = [
        name for name in dict.fromkeys(line.action for clip in clips for line in clip.log.lines) if name not in NOTHING
    ]
    if not seen or not all(name.isdecimal() for name in seen):
        return ("noop", *dict.fromkeys(name for name in (*order, *seen) if name not in NOTHING))
    highest = max(map(int, seen))
    if highest >= MOST_ACTIONS:
        raise Mistake(f"A log speaks of action {highest}; number the actions from 0 to {MOST_ACTIONS - 1}.")
    return ("noop", *(order[i - 1] if i <= len(order) else f"action{i}" for i in range(1, highest + 1)))


def columns(clip: Clip, actions: tuple[str, ...], frames: int) -> tuple[NDArray[np.int64], Any, Any, Any]:
    """Actions, rewards, ends and cuts of the frames - 1 transitions of a clip.

    Raises Mistake where log and video differ.
    """
    steps, log = frames - 1, clip.log.path
    kept = list(clip.log.lines)
    if not clip.log.sparse:
        while len(kept) > frames and kept[-1].action in NOTHING and not kept[-1].ended:
            kept.pop()  # empty lines at the end of a file
        if len(kept) not in (frames, steps):
            raise Mistake(
                f"{log} has {len(kept)} lines, and {clip.video.name} has {frames} frames; "
                "write a line for every frame, or add a column 'frame'."
            )
    if kept[-1].frame >= frames:
        raise Mistake(f"{log} speaks of frame {kept[-1].frame}, and {clip.video.name} has {frames} frames.")
    chosen, rewards = np.zeros(steps, np.int64), np.zeros(steps, np.float32)
    ended, cut = np.zeros(steps, bool), np.zeros(steps, bool)
    for line in kept:
        if line.frame < steps:
            chosen[line.frame :] = _number(line.action, actions)
            rewards[line.frame], ended[line.frame], cut[line.frame] = line.reward, line.ended, line.cut
    return chosen, rewards, ended, cut


def _number(action: str, actions: tuple[str, ...]) -> int:
    if action in NOTHING:
        return 0
    return actions.index(action) if action in actions else int(action)


def pictures(video: Path) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video, (H, W, 3) uint8 each. Raises Mistake where it cannot be read."""
    with _opened(video) as film:
        if isinstance(film, Image.Image):
            for image, shown in zip(ImageSequence.Iterator(film), _frames_shown(video)[0], strict=True):
                picture = np.asarray(image.convert("RGB"))
                yield from (picture for _ in range(shown))
        else:
            for frame in film.decode(video=0):
                picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                yield _upright(picture, film.streams.video[0].sample_aspect_ratio, getattr(frame, "rotation", 0))


def _upright(picture: NDArray[np.uint8], aspect: Any, rotation: int) -> NDArray[np.uint8]:
    """A picture as players show it. aspect: width of a pixel over its height. rotation: degrees to the left."""
    height, width = picture.shape[:2]
    wide = float(aspect or 1)
    if wide != 1 and 1 / MOST_ASPECT <= wide <= MOST_ASPECT:
        size = (round(width * wide), height) if wide > 1 else (width, round(height / wide))
        picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    return np.ascontiguousarray(np.rot90(picture, round(rotation / 90) % 4))


def frames_promised(clip: Clip) -> int:
    """About how many frames a clip has, for the progress: what the file says, or else the log."""
    with _opened(clip.video) as film:
        gif = isinstance(film, Image.Image)
        promised = sum(_frames_shown(clip.video)[0]) if gif else film.streams.video[0].frames
    return int(promised) or clip.log.lines[-1].frame + 1


def frames_a_second(video: Path) -> int:
    """At what rate a video is meant to be seen; 20 where it does not say. Raises Mistake where it cannot be read."""
    with _opened(video) as film:
        if isinstance(film, Image.Image):
            return max(1, round(_frames_shown(video)[1]))
        return max(1, round(float(film.streams.video[0].average_rate or 20)))


def _frames_shown(video: Path) -> tuple[list[int], float]:
    """For how many frames a GIF holds each of its pictures, and its frames a second.

    A picture that stays is stored once, with a longer duration. GIFs of our own say their rate; for others it is that
    of their shortest pictures, whose durations are rounded to hundredths of a second.
    """
    with _opened(video) as film:
        said = SAYS_RATE.fullmatch(bytes(film.info.get("comment") or b"").decode("ascii", "replace"))
        # What is shorter than two hundredths is shown for ten by all players.
        durations = [
            duration if (duration := float(image.info.get("duration") or 0)) >= 20 else 100.0
            for image in ImageSequence.Iterator(film)
        ]
    if said:
        fps = float(said[1])
        ends = [round(end * fps / 1000) for end in accumulate(durations)]
        return [max(1, end - begin) for begin, end in pairwise([0, *ends])], fps
    short = [duration for duration in durations if duration <= 1.5 * min(durations)]
    period = sum(short) / len(short)
    return [max(1, round(duration / period)) for duration in durations], 1000 / period


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
