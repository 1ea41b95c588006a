"""A patch that has a code of its own always gets it, and comes back to the pixel."""

from __future__ import annotations

import pytest
import torch

from reverie.models.tokens.patch_vq import PatchVQ, PatchVQConfig


def _with_codes(config: PatchVQConfig, frames: torch.Tensor) -> PatchVQ:
    """A tokenizer whose first codes are the patches of some frames, and the others the first one again."""
    model = PatchVQ(config)
    codes = model.patches(frames).flatten(0, 1)
    model.codebook.copy_(torch.cat([codes, codes[:1].expand(config.vocabulary - len(codes), -1)]))
    return model


def _frames(count: int, side: int, levels: int = 256) -> torch.Tensor:
    return torch.randint(levels, (count, side, side, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


@pytest.mark.parametrize("patch", [8, 16])
def test_patches_that_differ_by_the_least_there_is_are_told_apart(patch: int) -> None:
    frames = _frames(1, 2 * patch).expand(9, -1, -1, -1).clone()
    for number in range(1, 9):  # one channel of one pixel of one patch, by one
        frames[number, number, number, number % 3] ^= 1
    config = PatchVQConfig(64, patch, (2, 2))
    model = _with_codes(config, frames)
    assert torch.equal(model.decode(model.encode(frames)), frames)
    model.codebook.copy_(model.codebook.half().float())
    assert torch.equal(model.decode(model.encode(frames)), frames), "as bundles store it"


@pytest.mark.parametrize("value", [0, 255])
def test_the_darkest_and_the_brightest_patches_lose_nothing(value: int) -> None:
    frames = torch.full((1, 32, 32, 3), value, dtype=torch.uint8)
    frames[0, :16, :16] = abs(value - 1)
    model = _with_codes(PatchVQConfig(4, 16, (2, 2)), frames)
    assert torch.equal(model.decode(model.encode(frames)), frames)


def test_of_equal_codes_the_first_is_taken() -> None:
    model = _with_codes(PatchVQConfig(16, 8, (2, 2)), _frames(1, 16))
    assert model.encode(_frames(5, 16)).max() < 4


def test_another_patch_gets_what_looks_most_like_it() -> None:
    frames = torch.zeros(1, 16, 16, 3, dtype=torch.uint8)
    frames[0, :8, 8:], frames[0, 8:, :8], frames[0, 8:, 8:] = 80, 160, 240
    model = _with_codes(PatchVQConfig(4, 8, (2, 2)), frames)
    grey = torch.full((1, 16, 16, 3), 130, dtype=torch.uint8)
    assert model.decode(model.encode(grey)).unique().tolist() == [160]


def test_a_token_depends_on_its_own_patch_alone() -> None:
    model = _with_codes(PatchVQConfig(64, 8, (4, 4)), _frames(4, 32, 4))
    frames = _frames(2, 32, 4)
    changed = frames.clone()
    changed[:, 8:16, 16:24] = 255 - changed[:, 8:16, 16:24]
    before, after = model.encode(frames), model.encode(changed)
    assert [i for i in range(16) if i != 6 and (before[:, i] != after[:, i]).any()] == []
