"""GIFs and MP4s of what was played: crisp, at the right speed, whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from importlib.util import find_spec
from itertools import chain, compress, islice, pairwise
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from reverie.app.errors import Mistake, cannot_write, check_name, is_full
from reverie.app.extras import how_to_install
from reverie.games.world import Frame

EDGE = 256
"""Pictures are enlarged by a whole number to about this width in pixels, whatever a game's resolution is."""
PALETTE_FRAMES = 24
"""Frames from which a GIF's one palette is made. One palette for all frames keeps still things from shimmering."""
PIECE_FRAMES = 200
"""Frames of a GIF that are encoded at once: all of these are held in memory, 64 kB each."""
SHORTEST = 2
"""Hundredths of a second that a picture of a GIF lasts at least."""
SAYS_RATE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) frames a second", re.ASCII)
"""The comment in a GIF, from which an import knows at what rate it was recorded."""
MEMORY_BYTES = 64 * 2**20
"""Packed frames of a recording that are held in memory, about an hour of play; more lie in the system's own folder."""
_GIF_END = b";"


def checked_target(path: Path) -> Path:
    """The path, when its ending is one that can be written here. Raises Mistake otherwise, and for a folder."""
    if path.suffix.lower() not in (".gif", ".mp4"):
        raise Mistake(f"Cannot record to {path}: the name must end in .gif or .mp4.")
    check_name(path)
    if path.is_dir():
        raise Mistake(f"Cannot record to {path}: it is a folder; give a file name.")
    if path.suffix.lower() == ".mp4" and find_spec("av") is None:
        raise Mistake(f"MP4 needs PyAV, which is not installed: {how_to_install('video')}, or record a .gif.")
    return path


Writer = Callable[[Path, Callable[[], Iterable[Frame]], float], None]
"""Writes frames to a file at so many frames a second."""


class VideoRecording:
    """Frames that become one file when it is closed, however the play ended.

    Until then they are held packed, in memory and then in an unnamed file of the system's, so they take no room on the
    disk of the target, and a killed process leaves nothing half-written. A folder that cannot be written to is found
    before the first frame.
    """

    def __init__(self, path: Path, fps: float) -> None:
        """Raises Mistake when the ending is unknown or the folder cannot be written to."""
        self.path = checked_target(path)
        self.fps = fps
        self.frames = 0
        self.trouble: Mistake | None = None
        self._shape: tuple[int, ...] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path.parent):
                pass  # it can be written to
        except OSError as error:
            raise cannot_write(path, error) from error
        self._packed: list[bytes] = []  # the first frames
        self._room = MEMORY_BYTES
        self._spool: IO[bytes] | None = None  # those that followed, one after another
        self._sizes: list[int] = []  # of these, in bytes
        self._spooled_bytes = 0

    def add(self, frame: Frame) -> None:
        """Append one frame (H, W, 3) uint8. Raises Mistake when the disk is full; what was there stays recorded."""
        if self._shape is None:
            self._shape = frame.shape
        if frame.shape != self._shape:
            height, width = self._shape[:2]
            frame = np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.NEAREST))
        packed = zlib.compress(frame.tobytes(), 1)
        self._room -= len(packed)
        if self._room >= 0:
            self._packed.append(packed)
        else:
            try:
                self._spool = self._spool or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
                self._spool.seek(self._spooled_bytes)  # over what a full disk took of a frame
                if self._spool.write(packed) < len(packed):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                self.trouble = cannot_write(Path(tempfile.gettempdir()), error)
                raise self.trouble from error
            self._sizes.append(len(packed))
            self._spooled_bytes += len(packed)
        self.frames += 1

    def _read(self) -> Iterator[Frame]:
        assert self._shape is not None
        for packed in chain(self._packed, self._spooled()):
            yield np.frombuffer(zlib.decompress(packed), np.uint8).reshape(self._shape)

    def _spooled(self) -> Iterator[bytes]:
        if self._spool is not None:
            self._spool.seek(0)
            yield from map(self._spool.read, self._sizes)

    def close(self) -> Path | None:
        """Write the file and return its path; None when no frame was recorded. Raises Mistake as `save` does.

        Where it was the system's own folder that filled up on the way, `trouble` says so, and the file holds what was
        recorded until then.
        """
        with self._spool or contextlib.nullcontext():
            return save(self.path, self._read, self.fps) if self.frames else None


def save(path: Path, frames: Callable[[], Iterable[Frame]], fps: float) -> Path:
    """Write frames (H, W, 3) uint8 to a .gif or .mp4, enlarged with hard pixels.

    frames: called for each pass over the frames. The file is written beside the target and renamed into place.
    Raises Mistake when it cannot be written; then nothing is left behind, except on a disk that is too full for all
    frames: then the file holds as many of the first as there was room for, and the sentence says how many.
    """
    checked_target(path)
    part = path.with_name(f".{os.getpid()}-{threading.get_ident()}.part{path.suffix}")  # short: names have a limit
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
        kept, count = _write_what_fits(write, part, frames, fps)
        os.replace(part, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # it is gone, or its folder is a file
            part.unlink()
    if kept < count:
        there = f"{path} holds the first {kept:,} of {count:,} frames"
        raise Mistake(f"The disk is full: {there}; make room or choose another folder.")
    return path


def _write_what_fits(write: Writer, part: Path, frames: Callable[[], Iterable[Frame]], fps: float) -> tuple[int, int]:
    """Write all frames, or on a full disk the most that a few tries find room for; return how many, and of how many.

    Raises OSError, on a full disk where there is no room for one frame.
    """
    kept = count = sum(1 for _ in frames())
    while True:
        try:
            write(part, lambda kept=kept: islice(frames(), kept), fps)  # type: ignore[misc]
        except OSError as error:
            if not is_full(error) or kept <= 1:
                raise
            part.unlink(missing_ok=True)
            kept = kept * 4 // 5
        else:
            return kept, count


def _scale(frame: Frame) -> int:
    return max(1, EDGE // frame.shape[1])


def _palette(frames: Sequence[Frame]) -> Image.Image:
    """One palette of 256 colours for all of these frames."""
    return Image.fromarray(np.concatenate(frames)).quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _write_gif(part: Path, frames: Callable[[], Iterable[Frame]], fps: float) -> None:
    count = sum(1 for _ in frames())
    shown = _shown(count, fps)
    stride = max(1, count // PALETTE_FRAMES)
    palette = _palette([frame for i, frame in enumerate(frames()) if i % stride == 0])

    def drawn() -> Iterator[Image.Image]:
        for frame in compress(frames(), (duration > 0 for duration in shown)):
            small = Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
            scale = _scale(frame)
            yield small.resize((small.width * scale, small.height * scale), Image.Resampling.NEAREST)

    pictures = drawn()
    durations = (10 * duration for duration in shown if duration)
    with part.open("wb") as file:
        while piece := list(islice(pictures, PIECE_FRAMES)):
            encoded = io.BytesIO()
            piece[0].save(
                encoded,
                "GIF",
                save_all=True,
                append_images=piece[1:],
                loop=0,
                optimize=False,
                duration=list(islice(durations, len(piece))),
                comment=f"{fps:g} frames a second".encode(),
            )
            # All pieces have the same palette, so the pictures of each go on where those before it ended.
            data = encoded.getvalue().removesuffix(_GIF_END)
            file.write(data[_pictures_from(data) :] if file.tell() else data)
        file.write(_GIF_END)


def _shown(count: int, fps: float) -> list[int]:
    """For how many hundredths of a second a GIF shows each frame: 0 for one that is left out.

    GIF counts in whole hundredths, so neighbours may differ by one, and together they last as long as the play. Players
    slow down pictures shorter than two hundredths, so of more than 50 frames a second some are left out.
    """
    begins = [round(100 * number / fps) for number in range(count + 1)]
    kept: list[int] = []  # numbers of the frames that are shown
    for number in range(count):
        rest = begins[count] - begins[number]  # the last one must not be shown for longer than the play goes on
        if not kept or (begins[number] - begins[kept[-1]] >= SHORTEST and rest >= SHORTEST):
            kept.append(number)
    shown = [0] * count
    for number, following in pairwise([*kept, count]):
        shown[number] = max(SHORTEST, begins[following] - begins[number])
    return shown


def _pictures_from(gif: bytes) -> int:
    """Where the pictures of a GIF begin: after its size, its palette and what it says of all of them together."""
    at = 13 + (3 << (gif[10] & 7) + 1)
    while gif[at : at + 1] == b"!" and gif[at + 1] != 0xF9:  # an extension, and not that of the first picture
        at += 2
        while gif[at]:
            at += 1 + gif[at]
        at += 1
    return at


def _write_mp4(part: Path, frames: Callable[[], Iterable[Frame]], fps: float) -> None:
    import av

    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
            stream.pix_fmt = "yuv420p"
            stream.options = {"crf": "14", "preset": "veryfast", "tune": "animation"}
            for frame in frames():
                scale = _scale(frame)
                big = frame.repeat(scale, axis=0).repeat(scale, axis=1)
                if not container.streams.video[0].codec_context.is_open:
                    stream.height, stream.width = big.shape[:2]
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(big), format="rgb24")))
            container.mux(stream.encode())
    except av.FFmpegError as error:
        raise OSError(getattr(error, "errno", None) or errno.EIO, str(error)) from error
