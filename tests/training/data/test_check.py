"""Each check of a recording finds the fault that was planted, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from reverie.games.environment import Environment
from reverie.training.data.check import check_recording, different_patches
from reverie.training.data.patches import Codes
from reverie.training.data.record import record
from reverie.training.data.recording import Recording, RecordingWriter, Rows

TOY = Environment("tests.games.toy:Toy")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    out = tmp_path_factory.mktemp("toy")
    record(TOY, out, 2000, "random", size=64, seed=2)
    return Recording(out)


def again(recording: Recording, out: Path, change) -> Recording:
    """The recording with every episode's rows changed."""
    writer = RecordingWriter(out, recording.world, recording.actions, recording.size)
    for episode in recording.episodes:
        rows = recording.rows(episode)
        rows = change(Rows(*(np.array(part) for part in vars(rows).values())))
        writer.write(rows, [len(rows.frames)], [episode.seed])
    return Recording(out)


def test_a_good_recording_has_nothing_wrong(good: Recording) -> None:
    assert check_recording(good, 100_000, good.rows(good.episodes[0])) == []


@pytest.mark.slow
def test_nor_has_one_of_the_garden(tmp_path: Path) -> None:
    record("garden", tmp_path, 3000, "explore", seed=3)
    assert check_recording(Recording(tmp_path), 100_000) == []


def test_actions_stored_with_the_frame_they_led_to_are_noticed(good: Recording, tmp_path: Path) -> None:
    [found] = check_recording(again(good, tmp_path, lambda rows: replace(rows, actions=np.roll(rows.actions, 1))))
    assert found.broken
    assert "shifted by one frame" in found.sentence
    assert "the frame after" in found.sentence


def test_actions_stored_a_frame_too_soon_are_noticed(good: Recording, tmp_path: Path) -> None:
    [found] = check_recording(again(good, tmp_path, lambda rows: replace(rows, actions=np.roll(rows.actions, -1))))
    assert "shifted by one frame" in found.sentence
    assert "the frame before" in found.sentence


@pytest.mark.parametrize("by", [-1, 1])
def test_shifted_actions_are_noticed_in_a_game_without_a_colour(by: int, good: Recording, tmp_path: Path) -> None:
    def change(rows: Rows) -> Rows:
        return replace(rows, frames=rows.frames * np.array([1, 1, 0], np.uint8), actions=np.roll(rows.actions, by))

    assert any("shifted by one frame" in found.sentence for found in check_recording(again(good, tmp_path, change)))


def test_a_game_that_answers_late_is_not_taken_for_a_shift(good: Recording, tmp_path: Path) -> None:
    late = again(good, tmp_path, lambda rows: replace(rows, actions=np.roll(rows.actions, -1)))
    assert check_recording(late, reference=late.rows(late.episodes[0])) == []


def test_red_and_blue_swapped_are_noticed(good: Recording, tmp_path: Path) -> None:
    turned = again(good, tmp_path, lambda rows: replace(rows, frames=rows.frames[..., ::-1].copy()))
    [found] = check_recording(turned, reference=good.rows(good.episodes[0]))
    assert found.broken
    assert "Red and blue are swapped" in found.sentence


def test_an_action_that_is_hardly_ever_pressed_is_named(good: Recording, tmp_path: Path) -> None:
    def without_left(rows: Rows) -> Rows:
        return replace(rows, actions=np.where(rows.actions == 3, 0, rows.actions).astype(np.uint8))

    sentences = [finding.sentence for finding in check_recording(again(good, tmp_path, without_left))]
    assert any("The action 'left' is hardly ever pressed: 0 times" in sentence for sentence in sentences)


@pytest.mark.parametrize("times", [2, 3])
def test_duplicated_frames_are_noticed(times: int, good: Recording, tmp_path: Path) -> None:
    def twice(rows: Rows) -> Rows:
        return Rows(*(part.repeat(times, 0) for part in vars(rows).values()))

    found = check_recording(again(good, tmp_path, twice))
    assert any(f.broken and f"each is shown {times} times" in f.sentence for f in found)


def test_frozen_frames_are_noticed(good: Recording, tmp_path: Path) -> None:
    def still(rows: Rows) -> Rows:
        return replace(rows, frames=np.broadcast_to(rows.frames[:1], rows.frames.shape).copy())

    assert any(f.broken and "frozen" in f.sentence for f in check_recording(again(good, tmp_path, still)))

    def hangs(rows: Rows) -> Rows:
        frames = rows.frames.copy()
        frames[400:600] = frames[400]
        return replace(rows, frames=frames)

    found = check_recording(again(good, tmp_path / "hangs", hangs))
    assert any(not f.broken and "frozen for 199 frames" in f.sentence for f in found)


def test_too_little_data_for_the_model_is_said(good: Recording) -> None:
    [found] = check_recording(good, 7_000_000)
    assert not found.broken
    assert found.sentence.startswith("There is too little data for this model: 2,000 frames, and 7.0 M parameters")


def test_the_patches_that_a_recording_shows_are_counted_up_to_the_codes_there_are(good: Recording) -> None:
    frames = np.concatenate([np.asarray(good.rows(episode).frames) for episode in good.episodes])
    tiles = frames.reshape(-1, 8, 8, 8, 8, 3).swapaxes(2, 3)
    shown = len({tile.tobytes() for tile in tiles.reshape(-1, 8 * 8 * 3)})
    assert 1 < shown < 512
    assert different_patches(good, Codes((8, 8), 512)) == shown
    assert different_patches(good, Codes((8, 8), shown - 1)) == shown - 1


def test_more_different_patches_than_codes_are_noticed(good: Recording, tmp_path: Path) -> None:
    codes = Codes((8, 8), 512)
    assert check_recording(good, codes=codes) == []

    def glittering(rows: Rows) -> Rows:
        frames = rows.frames.copy()
        # Another corner of other colours in each frame; everything else is as it was.
        frames[:, :4, :4] = np.random.default_rng(0).integers(0, 256, (len(frames), 4, 4, 3))
        return replace(rows, frames=frames)

    [found] = check_recording(again(good, tmp_path, glittering), codes=codes)
    assert not found.broken
    assert found.sentence.startswith("There are too few codes for these pictures: ")
    assert "and 512 codes" in found.sentence
    assert check_recording(again(good, tmp_path / "more", glittering), codes=Codes((8, 8), 65_536)) == []
