"""What a code's picture says of it."""

from __future__ import annotations

import pytest
import torch

from reverie.models.tokens.trunk import WorldModelConfig
from reverie.models.tokens.world_model import TemporalVisualWorldModel

V = 40
CONFIG = WorldModelConfig(vocabulary=V, grid=(4, 4), width=32, layers=1, heads=2, causal_layers=1, code_features=24)


@pytest.fixture
def model() -> TemporalVisualWorldModel:
    torch.manual_seed(0)
    model = TemporalVisualWorldModel(CONFIG)
    assert model.code_features is not None
    model.code_features.set_pictures(torch.rand(V, 192))
    return model


def _learnt(model: TemporalVisualWorldModel) -> None:
    assert model.code_features is not None
    for table in model.code_features.tables.values():
        torch.nn.init.normal_(table.weight)  # type: ignore[arg-type]


def test_what_is_learnt_of_some_codes_moves_the_others_that_look_like_them(model: TemporalVisualWorldModel) -> None:
    assert model.code_features is not None
    pictures = torch.rand(V, 192)
    pictures[1] = pictures[0] + 0.001 * torch.rand(192)
    model.code_features.set_pictures(pictures)
    before = model.table("code").detach()
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    wanted = torch.randn(32)
    for _ in range(20):
        optimizer.zero_grad()
        (model.table("code")[0] - wanted).square().mean().backward()
        optimizer.step()
    moved = model.table("code").detach() - before
    assert torch.cosine_similarity(moved[0], moved[1], dim=0) > 0.99
    assert moved[1].norm() > 2 * moved[2:].norm(dim=1).mean()


@torch.no_grad()
def test_a_settled_model_answers_as_before_from_plain_tables(model: TemporalVisualWorldModel) -> None:
    _learnt(model)
    history, action, after = torch.randint(V, (2, 3, 16)), torch.tensor([1, 4]), torch.randint(V, (2, 16))
    wanted = model(history, action), model(history, action, after)
    model.fold()
    assert not any(name.startswith("looks") for name in model.state_dict())
    for logits, before in zip((model(history, action), model(history, action, after)), wanted, strict=True):
        torch.testing.assert_close(logits, before)


def test_patches_of_fewer_or_more_pixels_are_told_by_as_many_numbers(model: TemporalVisualWorldModel) -> None:
    assert model.code_features is not None
    for pixels in (48, 768):
        model.code_features.set_pictures(torch.rand(V, pixels))
        assert model.code_features.features.shape == (V, 192)
        assert model.code_features.features.std() > 0
