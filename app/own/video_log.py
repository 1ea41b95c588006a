"""A folder of videos, each with a log of the actions: play that was recorded by another program.

`run1.mp4` belongs to `run1.csv`, `run1.jsonl` or `run1.json` (app/own/action_log.py). Line t is what was pressed while
frame t was shown. With a column `frame`, lines may be left out: a key is held until the next line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from reverie.app.errors import Mistake
from reverie.app.own.action_log import NOTHING, ActionLog, Line, Notes, read_log
from reverie.app.own.video_times import Frames, Timing, UnlikelyTimesError, timing_of
from reverie.app.play.capture import SAYS_RATE
from reverie.limits import MOST_ACTIONS

VIDEOS = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".gif")
LOGS = (".csv", ".jsonl", ".json")
USUAL_FPS = 20
"""Frames a second of a video that does not say its own rate."""
MOST_ASPECT = 16
"""Pixels that are wider or higher than this are a mistake of the file."""
MOST_PIXELS = 1 << 25
"""Pixels of a picture at most: 8K has fewer."""


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


def columns(clip: Clip, actions: tuple[str, ...], frames: Frames) -> tuple[NDArray[np.int64], Any, Any, Any]:
    """Actions, rewards, ends and cuts of the transitions between the frames of a clip.

    A log counts frames at the video's own rate; where it has a line for each picture, it counts these. What happens in
    a frame that is left out happens with the one before. Raises Mistake where log and video differ.
    """
    ticks, steps, lines = sum(frames.timing.shown), len(frames) - 1, _lines(clip, frames.timing)
    begins = np.asarray(frames.timing.begins if len(lines) == len(frames.timing.shown) else range(ticks + 1))
    if lines[-1].frame >= len(begins) - 1:
        raise Mistake(f"{clip.log.path} speaks of frame {lines[-1].frame}, and {clip.video.name} has {ticks} frames.")
    numbers = np.array([_number(line.action, actions) for line in lines])
    at = np.array([line.frame for line in lines])
    line_of = np.searchsorted(begins[at], frames.ticks[:-1], side="right") - 1  # a key is held until the next line
    chosen = np.where(line_of >= 0, numbers[line_of], 0)
    rewards, ended, cut = np.zeros(steps, np.float32), np.zeros(steps, bool), np.zeros(steps, bool)
    ends = np.maximum(0, begins[at + 1] - 1)  # the last tick before the next picture
    inside = ends < ticks - 1
    happens = frames.transitions(ends[inside])
    for column, what in ((rewards, "reward"), (ended, "ended"), (cut, "cut")):
        values = np.array([getattr(line, what) for line in lines], column.dtype)
        np.add.at(column, happens, values[inside])
    return chosen, rewards, ended, cut


def _lines(clip: Clip, timing: Timing) -> list[Line]:
    """The lines of a log without empty ones behind the last frame. Raises Mistake where their number does not fit."""
    lines, ticks, pictures = list(clip.log.lines), sum(timing.shown), len(timing.shown)
    if clip.log.sparse:
        return lines
    while len(lines) > max(ticks, pictures) and lines[-1].action in NOTHING and not lines[-1].ended:
        lines.pop()
    if len(lines) not in (ticks, ticks - 1, pictures):
        shown = "" if ticks == pictures else f" of {pictures} pictures"
        raise Mistake(
            f"{clip.log.path} has {len(lines)} lines, and {clip.video.name} has {ticks} frames{shown}; "
            "write a line for every frame, or add a column 'frame'."
        )
    return lines


def _number(action: str, actions: tuple[str, ...]) -> int:
    if action in NOTHING:
        return 0
    return actions.index(action) if action in actions else int(action)


def frames_of(clip: Clip, timing: Timing, fps: int) -> Frames:
    """The frames of a recording of a clip. Raises Mistake where its times are not to be believed."""
    try:
        return Frames(timing, fps)
    except UnlikelyTimesError as error:
        raise _unlikely(clip.video) from error


def pictures(video: Path, frames: Frames) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video, (H, W, 3) uint8 each. Raises Mistake where it cannot be read."""
    with _opened(video) as film:
        many = _gif_pictures(film) if isinstance(film, Image.Image) else _film_pictures(film)
        for take, repeats in zip(many, frames.repeats, strict=True):
            if repeats:
                picture = take()
                yield from (picture for _ in range(repeats))


def _gif_pictures(film: Image.Image) -> Iterator[Callable[[], NDArray[np.uint8]]]:
    for image in ImageSequence.Iterator(film):
        yield lambda image=image: np.asarray(image.convert("RGB"))  # type: ignore[misc]


def _film_pictures(film: Any) -> Iterator[Callable[[], NDArray[np.uint8]]]:
    aspect = film.streams.video[0].sample_aspect_ratio
    film.streams.video[0].thread_type = "AUTO"
    for frame in film.decode(video=0):
        yield lambda frame=frame: _upright(frame.to_ndarray(format="rgb24"), aspect, getattr(frame, "rotation", 0))  # type: ignore[misc]


def _upright(picture: NDArray[np.uint8], aspect: Any, rotation: int) -> NDArray[np.uint8]:
    """A picture as players show it. aspect: width of a pixel over its height. rotation: degrees to the left."""
    height, width = picture.shape[:2]
    wide = float(aspect or 1)
    if wide != 1 and 1 / MOST_ASPECT <= wide <= MOST_ASPECT:
        size = (round(width * wide), height) if wide > 1 else (width, round(height / wide))
        _check_size(*size)
        picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    return np.ascontiguousarray(np.rot90(picture, round(rotation / 90) % 4))


def read_timing(video: Path) -> Timing:
    """When the pictures of a video are shown. Raises Mistake where it cannot be read or says what cannot be.

    In a GIF a picture that stays is stored once, with a longer duration. GIFs of our own say their rate.
    """
    try:
        with _opened(video) as film:
            if isinstance(film, Image.Image):
                return _gif_timing(film)
            usual = float(film.streams.video[0].average_rate or USUAL_FPS)
            times = _packet_times(film)
        if times is None:  # the file does not say all, so its pictures are looked at
            with _opened(video) as film:
                times = [frame.time for frame in film.decode(video=0)]
            if None in times:
                return Timing(usual, (1,) * len(times))
        return timing_of(sorted(times), usual)
    except UnlikelyTimesError as error:
        raise _unlikely(video) from error


def _unlikely(video: Path) -> Mistake:
    return Mistake(f"{video} shows its few pictures for too long; leave it out, or save it again.")


def _packet_times(film: Any) -> list[float] | None:
    """Seconds at which each picture is shown, in order of storage; None where each must be decoded to know that."""
    stream, times = film.streams.video[0], []
    for packet in film.demux(stream):
        if packet.pts is None and packet.size:
            return None
        if packet.is_discard or packet.is_corrupt:
            return None
        if packet.size:
            times.append(float(packet.pts * packet.time_base))
    return times if stream.frames in (0, len(times)) else None


def _gif_timing(film: Image.Image) -> Timing:
    said = SAYS_RATE.fullmatch(bytes(film.info.get("comment") or b"").decode("ascii", "replace"))
    # What is shorter than two hundredths is shown for ten by all players.
    durations = []
    for image in ImageSequence.Iterator(film):
        _check_size(*image.size)  # a picture may be larger than the one before
        duration = float(image.info.get("duration") or 0)
        durations.append(duration if duration >= 20 else 100.0)
    if said:
        fps = float(said[1])
        ends = [round(end * fps / 1000) for end in accumulate(durations)]
        return Timing(fps, tuple(max(1, end - begin) for begin, end in pairwise([0, *ends])))
    short = [duration for duration in durations if duration <= 1.5 * min(durations)]
    period = sum(short) / len(short)
    return Timing(1000 / period, tuple(max(1, round(duration / period)) for duration in durations))


def _check_size(width: int, height: int) -> None:
    """Raises ValueError for a picture that would take more memory than any player has."""
    if not 0 < width * height <= MOST_PIXELS:
        raise ValueError(f"a picture of {width} x {height} pixels")


@contextlib.contextmanager
def _opened(video: Path) -> Iterator[Any]:
    """A GIF as a PIL image, any other video as a container of PyAV. Raises Mistake for what goes wrong inside, too."""
    broken: tuple[type[Exception], ...] = (OSError, ValueError, LookupError, EOFError, Image.DecompressionBombError)
    try:
        if video.suffix.lower() == ".gif":
            with Image.open(video, formats=["GIF"]) as gif:
                _check_size(*gif.size)
                yield gif
            return
        try:
            import av
        except ImportError as error:
            need = 'PyAV, which is not installed: `pip install -c constraints.txt ".[video]"`'
            raise Mistake(f"{video.name} needs {need}.") from error
        broken = (*broken, av.FFmpegError)
        with av.open(str(video)) as container:
            if container.streams.video[0].codec_context is None:
                raise ValueError("no decoder for it")
            _check_size(container.streams.video[0].width, container.streams.video[0].height)
            yield container
    except broken as error:
        raise Mistake(f"{video} cannot be read as a video; leave it out, or save it again.") from error
