"""A video's pictures become frames at the right moments, and its log's actions, rewards and ends stay with them."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from reverie.app.cli import main
from reverie.app.own import video_log
from reverie.app.own.video_times import Frames, Timing, UnlikelyTimesError, timing_of
from reverie.training.data.recording import Recording, Rows

av = pytest.importorskip("av")


def put_video(path: Path, moments: list[int], grey: list[int], unit: Fraction) -> None:
    """Write lossless pictures of one grey each, shown from `moments` on, in units of so many seconds."""
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=int(1 / unit))
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb24"
        stream.codec_context.time_base = unit
        stream.options = {"qp": "0"}
        for moment, level in zip(moments, grey, strict=True):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), level, np.uint8), format="rgb24")
            frame.pts, frame.time_base = moment, unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def imported(folder: Path, log: str, game: str = "") -> tuple[Recording, list[Rows]]:
    """The recording of the folder `in` with this log of `a.mkv` or `a.mp4`, and the rows of each of its episodes."""
    (folder / "in" / "a.csv").write_text(log)
    if game:
        (folder / "game").mkdir()
        (folder / "game" / "game.toml").write_text(game)
    assert main(["import", str(folder / "in"), "-o", str(folder / "game")]) == 0
    recording = Recording(folder / "game")
    return recording, [recording.rows(episode) for episode in recording.episodes]


def greys(rows: Rows) -> list[int]:
    """The grey of each frame."""
    return [int(frame[32, 32, 0]) for frame in rows.frames]


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_picture_is_repeated_until_the_next_one_is_shown(
    ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_video(tmp_path / "in" / f"a.{ending}", [0, 1, 2, 5, 6, 10], [0, 10, 20, 50, 60, 100], Fraction(1, 20))
    recording, (rows,) = imported(tmp_path, "frame,action\n0,left\n4,right\n")
    assert recording.fps == 20
    assert greys(rows) == [0, 10, 20, 20, 20, 50, 60, 60, 60, 60, 100]
    assert [recording.actions[a] for a in rows.actions] == ["left"] * 4 + ["right"] * 6 + ["noop"]
    assert "6 pictures at changing times became 11 frames at 20 a second" in capsys.readouterr().err


def test_a_log_with_a_line_for_each_picture_stays_with_the_pictures(tmp_path: Path) -> None:
    put_video(tmp_path / "in" / "a.mkv", [0, 1, 2, 5, 6], [0, 10, 20, 50, 60], Fraction(1, 20))
    log = "action,reward,ended\nup,1,0\ndown,2,0\nup,4,0\nleft,8,1\nnoop,0,0\n"
    recording, (rows,) = imported(tmp_path, log)
    assert [recording.actions[a] for a in rows.actions] == ["up", "down", "up", "up", "up", "left", "noop"]
    assert rows.rewards.tolist() == [1, 2, 0, 0, 4, 8, 0], "a reward comes with the picture that shows it"
    assert rows.ended.tolist() == [False] * 5 + [True, False]


def test_a_log_with_a_line_for_each_moment_is_taken_as_it_is(tmp_path: Path) -> None:
    put_video(tmp_path / "in" / "a.mkv", [0, 1, 4], [0, 10, 40], Fraction(1, 20))
    recording, (rows,) = imported(tmp_path, "action,reward\nup,1\ndown,0\nup,3\ndown,0\n")
    assert greys(rows) == [0, 10, 10, 10, 40]
    assert [recording.actions[a] for a in rows.actions[:-1]] == ["up", "down", "up", "down"]
    assert rows.rewards.tolist() == [1, 0, 3, 0, 0]


def test_pictures_between_two_frames_are_dropped_and_what_happened_in_them_is_not(tmp_path: Path) -> None:
    put_video(tmp_path / "in" / "a.mkv", list(range(9)), [10 * n for n in range(9)], Fraction(1, 60))
    log = "action,reward,ended\n" + "".join(f"{'ab'[n % 2]},{n},{int(n == 4)}\n" for n in range(8))
    recording, (rows,) = imported(tmp_path, log, 'title = "Mine"\nfps = 20\n')
    assert recording.fps == 20
    assert greys(rows) == [0, 30, 60]
    assert [recording.actions[a] for a in rows.actions[:-1]] == ["a", "b"]
    assert rows.rewards.tolist() == [0 + 1 + 2, 3 + 4 + 5 + 6 + 7, 0]
    assert rows.ended.tolist() == [False, True, False]


def test_a_slower_video_is_repeated_to_the_rate_of_its_game(tmp_path: Path) -> None:
    put_video(tmp_path / "in" / "a.mkv", [0, 1, 2], [0, 10, 20], Fraction(1, 10))
    recording, (rows,) = imported(tmp_path, "action,reward\na,1\nb,2\n", 'title = "Mine"\nfps = 20\n')
    assert greys(rows) == [0, 0, 10, 10, 20]
    assert [recording.actions[a] for a in rows.actions[:-1]] == ["a", "a", "b", "b"]
    assert rows.rewards.tolist() == [0, 1, 0, 2, 0]


@pytest.mark.parametrize(("unit", "fps"), [(Fraction(1, 12), 12), (Fraction(1001, 30000), 30), (Fraction(1, 60), 60)])
def test_a_steady_video_is_taken_picture_by_picture(unit: Fraction, fps: int) -> None:
    rounded = [round(1000 * number * unit) / 1000 for number in range(500)]  # as Matroska does
    timing = timing_of(rounded, 20)
    assert (timing.fps, timing.steady, set(timing.shown)) == (fps, True, {1})
    assert len(Frames(timing, fps)) == 500


def test_times_that_are_all_alike_or_only_one_say_no_rate() -> None:
    assert timing_of([0.0], 25) == Timing(25, (1,))
    assert timing_of([1.0, 1.0, 1.0], 25) == Timing(25, (1, 1, 1))


def test_two_pictures_of_one_moment_are_one_frame() -> None:
    timing = timing_of([0.0, 0.05, 0.05, 0.1, 0.3], 20)
    assert (timing.fps, timing.shown) == (20, (1, 0, 1, 4, 1))


def test_a_wrong_time_does_not_fill_the_disk() -> None:
    with pytest.raises(UnlikelyTimesError):
        timing_of([0.0, 0.05, 0.1, 1001.0], 20)
    with pytest.raises(UnlikelyTimesError):
        Frames(timing_of([0.0, 1e7, 2e7], 20), 60)


def test_a_long_import_says_how_far_it_is_and_decodes_each_video_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[object] = []
    film_pictures, frames_times = video_log._film_pictures, video_log._packet_times
    monkeypatch.setattr(video_log, "_film_pictures", lambda film: decoded.append(film) or film_pictures(film))
    monkeypatch.setattr(video_log, "_packet_times", lambda film: [*frames_times(film)])  # without decoding
    put_video(tmp_path / "in" / "a.mp4", [0, 1, 2, 5, 6], [0, 10, 20, 50, 60], Fraction(1, 20))
    monkeypatch.setattr("reverie.app.progress.PROGRESS_SECONDS", -1.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    imported(tmp_path, "frame,action\n0,left\n")
    assert "7 of 7 frames, " in capsys.readouterr().err
    assert len(decoded) == 1
