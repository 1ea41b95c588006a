"""The fine level mends what the coarse one lacks, and neither looks beyond its tile."""

from __future__ import annotations

import torch

from reverie.models.tokens.two_level_vq import TwoLevelVQ, TwoLevelVQConfig

CONFIG = TwoLevelVQConfig(level_vocabulary=16, patch=4, grid=(2, 2))


def _frames() -> torch.Tensor:
    return torch.randint(256, (3, 16, 16, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


@torch.no_grad()
def test_coarse_tokens_come_first_and_every_level_has_codes_of_its_own() -> None:
    model = TwoLevelVQ(CONFIG)
    tokens = model.encode(_frames())
    assert tokens.shape == (3, 4 + 16)
    assert tokens[:, :4].max() < 16 <= tokens[:, 4:].min()
    assert tokens.max() < 32
    assert model.decode(tokens).shape == (3, 16, 16, 3)
    assert model.decode(torch.zeros_like(tokens)).dtype == torch.uint8, "also of codes of the wrong level"


@torch.no_grad()
def test_what_is_left_over_and_what_is_shown_make_the_frame_again() -> None:
    model, frames = TwoLevelVQ(CONFIG), _frames()
    shown = model.enlarged(model.coarse.encode(model.downsampled(frames))).float()
    again = shown + 2 * (model.residual(frames).float() - 128)
    assert (again - frames.float()).abs().max() <= 1


@torch.no_grad()
def test_a_token_sees_its_own_tile_alone() -> None:
    model, frames = TwoLevelVQ(CONFIG), _frames()
    other = frames.clone()
    other[:, :8, :8] = 255 - other[:, :8, :8]
    same = (model.encode(frames) == model.encode(other)).all(0)
    fine = torch.arange(16).reshape(4, 4)
    elsewhere = [1, 2, 3, *(4 + torch.cat([fine[2:].flatten(), fine[:2, 2:].flatten()])).tolist()]
    assert same[elsewhere].all()
