"""v1: every kind of patch gets a code, and no two codes stand for one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from reverie.training.data.recording import Recording, RecordingWriter, Rows
from reverie.training.tokens.codebook import CodebookLearner
from reverie.training.tokens.vqvae_stage import sample_frames, weigh_patches


def _clusters(counts: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    centres = F.normalize(torch.randn(len(counts), 8, generator=generator), dim=-1)
    owner = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    noise = 0.01 * torch.randn(len(owner), 8, generator=generator)
    return F.normalize(centres[owner] + noise, dim=-1), owner


def test_a_rare_patch_gets_a_code_of_its_own() -> None:
    counts = [5000, 3000, 20, 5]
    z, owner = _clusters(counts)
    weight = torch.tensor(counts)[owner] ** -0.6  # as the trainer weighs patches
    codebook = torch.randn(4, 8)
    CodebookLearner(codebook).seed(z, weight, 5, torch.Generator().manual_seed(1))
    tokens = (z @ codebook.T).argmax(-1)
    assert len({(int(o), int(t)) for o, t in zip(owner, tokens, strict=True)}) == 4


def test_of_two_codes_for_one_patch_one_stays() -> None:
    z, _ = _clusters([1, 1])
    codebook = torch.stack([z[0], z[0], z[1]]).clone()
    assert CodebookLearner(codebook).reassign_unused(z, torch.ones(2)) == 2
    assert sorted(codebook.abs().sum(-1)[:2] > 0) == [False, True]
    assert len(set((z @ codebook.T).argmax(-1).tolist())) == 2


def test_a_code_that_nothing_needs_goes_to_a_patch_that_has_none() -> None:
    z, _ = _clusters([1, 1, 1])
    codebook = torch.stack([z[0], z[1], -z[0]]).clone()  # patch 2 has to share, and code 2 serves nobody
    learner = CodebookLearner(codebook)
    assert learner.reassign_unused(z, torch.ones(3)) == 3
    assert (z @ codebook.T).argmax(-1).tolist() == [0, 1, 2]


def test_an_idle_code_moves_to_where_the_error_is_largest() -> None:
    z, owner = _clusters([50, 50])
    codebook = torch.stack([z[0], -z[0]]).clone()
    learner = CodebookLearner(codebook, patience=2)
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        learner.update(z, (z @ codebook.T).argmax(-1), torch.ones(len(z)), generator)
    tokens = (z @ codebook.T).argmax(-1)
    assert len({(int(o), int(t)) for o, t in zip(owner, tokens, strict=True)}) == 2


def test_patches_are_told_apart_by_a_single_pixel_and_weighed() -> None:
    frames = np.zeros((600, 16, 16, 3), np.uint8)
    frames[7, 9, 2, 1] = 1  # in the lower left patch
    frames[9, 0, 0] = 50
    kinds = weigh_patches(frames, (2, 2), 0.5)
    assert len(kinds.frame) == 3
    assert {(7, 2), (9, 0)} < set(zip(kinds.frame.tolist(), kinds.position.tolist(), strict=True))
    rare, common = kinds.patch_weight[7, 2], kinds.patch_weight[7, 0]
    np.testing.assert_allclose(rare / common, (600 * 4 - 2) ** 0.5, rtol=1e-3)
    assert abs(kinds.patch_weight.mean() - 1) < 1e-3


def test_the_frames_looked_at_hold_the_rarest_patches(tmp_path: Path) -> None:
    frames = np.zeros((400, 16, 16, 3), np.uint8)
    frames[::2, 8:, 8:] = 50
    for number in (17, 101, 399):
        frames[number, :8, 8:] = number % 200
    writer = RecordingWriter(tmp_path, "garden", ("noop",), 16)
    nothing = np.zeros(400, np.uint8)
    writer.write(Rows(frames, nothing, nothing.astype(np.float32), nothing.astype(bool)), [150, 250], [1, 2])
    drawn = sample_frames(Recording(tmp_path), 40, (2, 2), np.random.default_rng(0))
    assert drawn.shape == (40, 16, 16, 3)
    assert {17, 101, 199} <= set(drawn[:, 0, 8, 0].tolist())
