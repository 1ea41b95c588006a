"""The judge of rollouts knows a real picture from a torn one."""

from __future__ import annotations

import numpy as np
import torch

from reverie.games import registry
from reverie.models.tokens.patch_vq import GREY, PatchVQ, PatchVQConfig
from reverie.training.tokens.legal_share import LegalShare
from reverie.training.tokens.rollouts import Sampling


def test_real_frames_are_legal_and_shuffled_ones_are_not() -> None:
    game = registry.get("duel")(8)
    game.reset(np.arange(8))
    for _ in range(5):
        game.step(np.zeros(8, np.int64))
    frames = game.render(64)
    patches = frames.reshape(8, 8, 8, 8, 8, 3).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 8 * 8 * 3)
    kinds = np.unique(patches, axis=0)
    tokenizer = PatchVQ(PatchVQConfig(vocabulary=len(kinds)))
    tokenizer.codebook.copy_(torch.from_numpy(kinds).float() - GREY)
    judge = LegalShare(tokenizer, ("toy", "duel"), Sampling())
    assert set(judge.readers) == {1}
    tokens = tokenizer.encode(torch.from_numpy(frames))
    assert judge.legal(tokens, 1) == 1.0
    mixed = tokens[:, torch.randperm(64, generator=torch.Generator().manual_seed(0))]
    assert judge.legal(mixed, 1) == 0.0
