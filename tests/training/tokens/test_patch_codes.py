"""The commonest patches get codes of their own, and what is left over looks as like itself as it can."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.models.tokens.patch_vq import GREY, PatchVQ, PatchVQConfig
from reverie.models.tokens.two_level_vq import TwoLevelVQ, TwoLevelVQConfig
from reverie.training.data.mixture import open_recording
from reverie.training.data.recording import Recording, RecordingWriter, Rows
from reverie.training.tokens.patch_codes import (
    Kinds,
    PatchCodesTraining,
    codes_of,
    kinds_of,
    learn_patch_codes,
    some_frames,
)
from reverie.training.tokens.tokenizer_figures import tokenizer_figures


def _kinds(pictures: list[list[int]], counts: list[int]) -> Kinds:
    return Kinds(np.array(pictures, np.uint8), np.array(counts))


def _recording(folder: Path, frames: np.ndarray, lengths: list[int], world: str = "garden") -> Recording:
    writer = RecordingWriter(folder, world, ("noop",), frames.shape[1])
    nothing = np.zeros(len(frames), np.uint8)
    rows = Rows(frames, nothing, nothing.astype(np.float32), nothing.astype(bool))
    writer.write(rows, lengths, list(range(len(lengths))))
    return Recording(folder)


def test_kinds_are_told_apart_by_a_single_pixel_and_counted() -> None:
    frames = np.zeros((600, 16, 16, 3), np.uint8)
    frames[7, 9, 2, 1] = 1
    frames[9:12, 0, 0] = 50
    kinds = kinds_of(iter([frames[:8], frames[8:10], frames[10:]]), (2, 2))
    assert kinds.counts.tolist() == [2400 - 4, 3, 1], "over all the parts, the commonest first"
    assert [picture.max() for picture in kinds.pictures] == [0, 50, 1]
    assert kinds.pictures[2].reshape(8, 8, 3)[1, 2, 1] == 1


def test_no_more_kinds_are_remembered_than_memory_has_room_for() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), np.uint8)
    frames[20:] = frames[:20]
    kinds = kinds_of(iter(np.split(frames, 10)), (2, 2), most=30)
    assert 30 <= len(kinds.counts) <= 30 + 16
    assert set(kinds.counts.tolist()) == {2}, "what is remembered is still counted"


def test_where_there_are_enough_codes_every_kind_has_its_own() -> None:
    kinds = _kinds([[10, 20, 30], [10, 20, 31], [200, 0, 0]], [50, 3, 1])
    codes = codes_of(kinds, 5)
    assert torch.equal(codes[:3] + GREY, torch.from_numpy(kinds.pictures).float())
    assert torch.equal(codes[3:], codes[:1].expand(2, -1)), "codes that nothing needs are never the first of equals"


def test_a_code_that_mostly_stands_for_one_kind_shows_exactly_that() -> None:
    kinds = _kinds([[0, 0, 0], [200, 200, 200], [210, 200, 200], [190, 210, 200]], [1000, 100, 60, 20])
    codes = codes_of(kinds, 2) + GREY
    assert codes.tolist() == [[0, 0, 0], [200, 200, 200]]


def test_a_code_that_stands_for_many_kinds_alike_shows_their_mean() -> None:
    near = [[100 + i, 50, 50] for i in range(0, 20, 2)]
    far = [[i, 250, 250] for i in range(0, 20, 2)]
    codes = codes_of(_kinds([*near, *far], [5] * 20), 2) + GREY
    assert sorted(codes.tolist()) == [[9, 250, 250], [109, 50, 50]]


def test_frames_are_taken_by_chance_from_all_episodes(tmp_path: Path) -> None:
    frames = np.zeros((2000, 8, 8, 3), np.uint8)
    frames[:, 0, 0, 0], frames[:, 0, 0, 1] = np.arange(2000) // 500, np.arange(2000) % 250
    recording = _recording(tmp_path, frames, [500] * 4)
    drawn = np.concatenate(list(some_frames(recording, 1000, np.random.default_rng(0))))
    assert 900 < len(drawn) < 1100
    assert all(200 < count < 300 for count in np.bincount(drawn[:, 0, 0, 0]))
    everything = np.concatenate(list(some_frames(recording, 10_000, np.random.default_rng(0))))
    assert len(everything) == 2000


def test_a_recording_comes_back_to_the_pixel(tmp_path: Path) -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), np.uint8)
    which = np.random.default_rng(1).integers(0, 30, (50, 2, 2))
    frames = tiles[which].transpose(0, 1, 3, 2, 4, 5).reshape(50, 16, 16, 3)
    said: list[str] = []
    model = PatchVQ(PatchVQConfig(64, 8, (2, 2)))
    learn_patch_codes(model, _recording(tmp_path, frames, [50]), PatchCodesTraining(), 0, said.append)
    assert torch.equal(model.decode(model.encode(torch.from_numpy(frames))), torch.from_numpy(frames))
    assert said == ["tokenizer: 200 patches of 30 kinds; 64 codes show 100.00% of them to the pixel"]


def test_the_fine_level_learns_what_the_coarse_one_leaves_over(tmp_path: Path) -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), np.uint8)
    which = np.random.default_rng(1).integers(0, 12, (60, 2, 2))
    frames = tiles[which].transpose(0, 1, 3, 2, 4, 5).reshape(60, 16, 16, 3)
    model = TwoLevelVQ(TwoLevelVQConfig(level_vocabulary=64, patch=4, grid=(2, 2)))
    learn_patch_codes(model, _recording(tmp_path, frames, [60]), PatchCodesTraining(), 0, lambda line: None)
    again = model.decode(model.encode(torch.from_numpy(frames))).float()
    assert (again - torch.from_numpy(frames).float()).abs().max() <= 2, "what is left over is halved, and so rounded"


def test_frames_that_do_not_come_back_are_told_of_by_their_game(tmp_path: Path) -> None:
    worlds = ("garden", "duel")
    frames = np.zeros((100, 16, 16, 3), np.uint8)
    for world in worlds:
        _recording(tmp_path / world, frames, [100], world)
        frames[:30, 9, 9] = 200  # of the second game alone, and in one patch of four
    model = PatchVQ(PatchVQConfig(2, 8, (2, 2)))
    model.codebook.zero_().sub_(GREY)
    figures = tokenizer_figures(model, open_recording(tmp_path), 0, torch.device("cpu"))
    assert figures["exact_frames"] == {"garden": 1.0, "duel": pytest.approx(0.7)}
    assert figures["codebook_used"] == 1
