"""Every kind of patch gets a code, and no two codes stand for one."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from training.codebook import CodebookLearner


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


def test_of_two_codes_for_one_patch_the_busier_stays() -> None:
    z, _ = _clusters([100, 100])
    codebook = torch.stack([z[0], z[0], z[150]]).clone()
    learner = CodebookLearner(codebook)
    learner.mass = torch.tensor([2.0, 9.0, 5.0])
    assert learner.retire() == 1
    assert codebook[0].abs().sum() == 0
    assert set((z @ codebook.T).argmax(-1).tolist()) == {1, 2}


def test_an_idle_code_moves_to_where_the_error_is_largest() -> None:
    z, owner = _clusters([50, 50])
    codebook = torch.stack([z[0], -z[0]]).clone()
    learner = CodebookLearner(codebook, patience=2)
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        learner.update(z, (z @ codebook.T).argmax(-1), torch.ones(len(z)), generator)
    tokens = (z @ codebook.T).argmax(-1)
    assert len({(int(o), int(t)) for o, t in zip(owner, tokens, strict=True)}) == 2
