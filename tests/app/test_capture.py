from __future__ import annotations

import errno
import io
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from reverie.app.errors import Mistake
from reverie.app.play import capture
from reverie.app.play.capture import VideoRecording, _shown, checked_target, save
from reverie.games.world import Frame


def moving(count: int) -> list[np.ndarray]:
    frames = []
    for i in range(count):
        frame = np.zeros((16, 16, 3), np.uint8)
        frame[i % 16, 3] = (255, 128, 0)
        frames.append(frame)
    return frames


def test_a_gif_has_every_frame_at_the_right_speed_enlarged(tmp_path: Path) -> None:
    path = save(tmp_path / "new" / "dream.gif", lambda: moving(12), fps=20)
    with Image.open(path) as gif:
        assert gif.size == (256, 256)
        assert gif.n_frames == 12
        pictures = [np.asarray(page.convert("RGB")) for page in ImageSequence.Iterator(gif)]
        assert sum(page.info["duration"] for page in ImageSequence.Iterator(gif)) == 12 * 50
    for picture, frame in zip(pictures, moving(12), strict=True):
        assert np.abs(picture.astype(int) - frame.repeat(16, 0).repeat(16, 1)).max() <= 8


@pytest.mark.parametrize("count", [6, 7, 8])
def test_a_long_gif_is_written_in_pieces_and_shows_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    rng = np.random.default_rng(count)
    colours = rng.integers(0, 256, (7, 3), np.uint8)
    frames = [colours[rng.integers(7, size=(16, 16))] for _ in range(count)]
    frames.insert(3, frames[2])  # the same twice, where one piece ends and the next begins

    def pictures(name: str) -> tuple[list[bytes], int, int]:
        with Image.open(save(tmp_path / name, lambda: frames, fps=20)) as gif:
            shown, told = [], 0
            for page in ImageSequence.Iterator(gif):
                told += page.info["duration"]
                if (seen := page.convert("RGB").tobytes()) not in shown[-1:]:
                    shown.append(seen)
            return shown, told, gif.info["loop"]

    whole = pictures("whole.gif")
    monkeypatch.setattr(capture, "PIECE_FRAMES", 3)
    assert pictures("pieces.gif") == whole
    assert whole[1:] == (50 * (count + 1), 0)
    assert len(whole[0]) == count


def test_a_picture_that_stands_still_keeps_its_time(tmp_path: Path) -> None:
    path = save(tmp_path / "still.gif", lambda: [np.full((8, 8, 3), 90, np.uint8)] * 10, fps=20)
    with Image.open(path) as gif:
        assert sum(page.info.get("duration", 0) for page in ImageSequence.Iterator(gif)) == 500


@pytest.mark.parametrize("fps", [4, 10, 15, 24, 25, 30, 35, 50, 60, 75, 120, 144, 240])
def test_a_gif_lasts_as_long_as_the_play_did(fps: int, tmp_path: Path) -> None:
    frames = [np.full((8, 8, 3), 20 * (i % 11), np.uint8) for i in range(2 * fps)]
    with Image.open(save(tmp_path / "a.gif", lambda: frames, fps)) as gif:
        durations = [page.info["duration"] for page in ImageSequence.Iterator(gif)]
    assert sum(durations) == pytest.approx(2000, rel=0.01)
    assert min(durations) >= 20, "players slow shorter pictures down"
    assert len(durations) == 2 * fps if fps <= 50 else 60 <= len(durations) <= 101


@pytest.mark.parametrize("fps", [10, 30, 50, 60, 75, 120, 144, 240])
def test_a_short_gif_lasts_as_long_as_the_play_did_to_the_hundredth(fps: int) -> None:
    for count in (fps // 10 + 1, fps - 1, fps, fps + 1):
        shown = _shown(count, fps)
        assert sum(shown) == round(100 * count / fps)
        assert min(filter(None, shown)) >= 2


def test_a_name_that_no_file_system_takes_is_said_before_play(tmp_path: Path) -> None:
    assert checked_target(tmp_path / ("n" * 251 + ".gif"))
    with pytest.raises(Mistake, match="shorter"):
        checked_target(tmp_path / ("ü" * 130 + ".gif"))


def test_a_name_of_the_greatest_length_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".gif")
    assert save(path, lambda: [np.zeros((8, 8, 3), np.uint8)], 20) == path
    assert list(tmp_path.iterdir()) == [path]


def test_an_mp4_has_every_frame(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = save(tmp_path / "dream.mp4", lambda: moving(12), fps=20)
    with av.open(str(path)) as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert float(video.streams.video[0].average_rate) == 20
    assert len(pictures) == 12
    assert pictures[0].shape == (256, 256, 3)


@pytest.mark.parametrize(("edge", "expected"), [(64, 256), (84, 252), (128, 256), (300, 300)])
def test_games_of_any_resolution_come_out_about_alike_in_whole_pixels(tmp_path: Path, edge: int, expected: int) -> None:
    path = save(tmp_path / "dream.gif", lambda: [np.zeros((edge, edge, 3), np.uint8)] * 2, fps=20)
    with Image.open(path) as gif:
        assert gif.size == (expected, expected)


def test_a_recording_is_one_file_when_it_is_closed_and_none_before(tmp_path: Path) -> None:
    recording = VideoRecording(tmp_path / "dream.gif", fps=20)
    for frame in moving(5):
        recording.add(frame)
    assert list(tmp_path.iterdir()) == []
    assert recording.close() == tmp_path / "dream.gif"
    assert [path.name for path in tmp_path.iterdir()] == ["dream.gif"]


def test_frames_of_another_size_are_fitted(tmp_path: Path) -> None:
    recording = VideoRecording(tmp_path / "dream.gif", fps=20)
    recording.add(np.zeros((16, 16, 3), np.uint8))
    recording.add(np.full((32, 32, 3), 255, np.uint8))
    recording.close()
    with Image.open(tmp_path / "dream.gif") as gif:
        assert gif.size == (256, 256)
        assert gif.n_frames == 2


def test_a_recording_without_frames_leaves_no_file(tmp_path: Path) -> None:
    assert VideoRecording(tmp_path / "dream.gif", fps=20).close() is None
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_the_old_file_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = save(tmp_path / "dream.gif", lambda: moving(3), fps=20).read_bytes()

    def full(part: Path, *_: object) -> None:
        part.write_bytes(b"GIF89a")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(capture, "_write_gif", full)
    with pytest.raises(Mistake, match=r"^The disk is full: .*dream\.gif was not written"):
        save(tmp_path / "dream.gif", lambda: moving(3), fps=20)
    assert [path.name for path in tmp_path.iterdir()] == ["dream.gif"]
    assert (tmp_path / "dream.gif").read_bytes() == old


class Disk(io.FileIO):
    """A file on a disk with room for so many bytes, which takes what fits and then refuses."""

    def __init__(self, path: Path, room: int) -> None:
        super().__init__(path, "w+")
        self.room = room

    def write(self, data: Any) -> int:
        fits = bytes(data)[: max(0, self.room - self.tell())]
        if not fits:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(fits)


def test_frames_beyond_those_in_memory_are_kept_and_a_full_disk_there_loses_none_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = len(zlib.compress(moving(1)[0].tobytes(), 1))
    monkeypatch.setattr(capture, "MEMORY_BYTES", packed)
    disk = Disk(tmp_path / "spool", 4 * packed + 2)
    recording = VideoRecording(tmp_path / "dream.gif", fps=20)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering=-1: disk)
    frame = moving(1)[0]
    for _ in range(5):
        recording.add(frame)
    for _ in range(2):
        with pytest.raises(Mistake, match="The disk is full"):
            recording.add(frame)
    disk.room += 4 * packed
    recording.add(moving(2)[1])
    recording.close()
    assert recording.trouble is not None
    with Image.open(tmp_path / "dream.gif") as gif:
        assert sum(page.info["duration"] for page in ImageSequence.Iterator(gif)) == 6 * 50
        last = list(ImageSequence.Iterator(gif))[-1].convert("RGB")
        assert np.abs(np.asarray(last)[::16, ::16].astype(int) - moving(2)[1]).max() <= 8


@pytest.mark.parametrize(("ending", "room"), [("gif", 30_000), ("mp4", 8_000)])
def test_a_target_too_full_for_all_frames_holds_the_first_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, room: int
) -> None:
    write = getattr(capture, f"_write_{ending}")

    def small(part: Path, frames: Callable[[], Iterable[Frame]], fps: float) -> None:
        write(part, frames, fps)
        if part.stat().st_size > room:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(capture, f"_write_{ending}", small)
    recording = VideoRecording(tmp_path / f"dream.{ending}", fps=20)
    rng = np.random.default_rng(0)
    for _ in range(60):
        recording.add(rng.integers(2, size=(16, 16, 1), dtype=np.uint8).repeat(3, 2) * 255)
    with pytest.raises(Mistake, match=r"^The disk is full: .* holds the first \d+ of 60 frames"):
        recording.close()
    assert 0 < (tmp_path / f"dream.{ending}").stat().st_size <= room
    assert len(list(tmp_path.iterdir())) == 1


def test_frames_that_wait_take_no_room_beside_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = VideoRecording(tmp_path / "dream.gif", fps=20)

    def none(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", none)
    for frame in moving(12):
        recording.add(frame)
    assert recording.trouble is None
    recording.close()


def test_a_folder_that_is_a_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Mistake, match="Cannot write"):
        save(tmp_path / "file" / "dream.gif", lambda: moving(2), fps=20)


def test_an_unknown_ending_or_an_unwritable_folder_is_said_before_play(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"must end in \.gif or \.mp4"):
        VideoRecording(tmp_path / "dream.avi", fps=20)
    (tmp_path / "file").write_text("")
    with pytest.raises(Mistake, match="Cannot write"):
        VideoRecording(tmp_path / "file" / "dream.gif", fps=20)
