"""The loss over the codes of a game."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from reverie.models.tokens.trunk import WorldModelConfig
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.training.tokens.code_losses import code_losses

V, N = 40, 200
CONFIG = WorldModelConfig(
    vocabulary=V, grid=(4, 4), width=32, layers=1, heads=2, causal_layers=1, games=3, code_features=24
)


@pytest.fixture
def model() -> TemporalVisualWorldModel:
    """Game g shows the codes that leave g when divided by three, and code 0."""
    torch.manual_seed(0)
    model = TemporalVisualWorldModel(CONFIG)
    shown = torch.arange(V) % 3 == torch.arange(3)[:, None]
    shown[:, 0] = True
    model.mask_codes(shown)
    assert model.code_features is not None
    model.code_features.set_pictures(torch.rand(V, 192))
    for table in model.code_features.tables.values():
        torch.nn.init.normal_(table.weight)  # type: ignore[arg-type]
    return model


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_loss_of_the_logits_that_a_dream_draws_from(model: TemporalVisualWorldModel, weighted: bool) -> None:
    games = torch.randint(3, (N,))
    truth = (torch.randint(12, (N,)) * 3 + games) * (torch.rand(N) < 0.9)  # now and then code 0, which all show
    weight = torch.rand(N) if weighted else None
    features = {"parallel": torch.randn(N, 32, requires_grad=True), "ar": torch.randn(N, 32, requires_grad=True)}
    learns = [*features.values(), model.code, model.code_bias, *model.code_features.parameters()]  # type: ignore[union-attr]

    nats, right = code_losses(model, features, truth, weight, games)
    found = torch.autograd.grad(nats["parallel"] + 2 * nats["ar"], learns, allow_unused=True)
    logits = {head: model._over_codes(x, games) for head, x in features.items()}
    each = {head: F.cross_entropy(x, truth, reduction="none") for head, x in logits.items()}
    wanted = {head: (x if weight is None else x * weight).sum() for head, x in each.items()}
    torch.testing.assert_close(nats, wanted)
    gradients = torch.autograd.grad(wanted["parallel"] + 2 * wanted["ar"], learns, allow_unused=True)
    for mine, whole in zip(found, gradients, strict=True):
        if whole is not None:
            torch.testing.assert_close(mine, whole, rtol=1e-4, atol=1e-4)
    for head, x in logits.items():
        assert torch.equal(right[head], x.argmax(-1) == truth)
    compiled = torch.compile(code_losses, backend="aot_eager", fullgraph=True, dynamic=False)
    torch.testing.assert_close(compiled(model, features, truth, weight, games), (nats, right))


def test_a_code_that_only_held_out_frames_show_costs_what_the_model_thinks_of_it(
    model: TemporalVisualWorldModel,
) -> None:
    truth, games = torch.tensor([4]), torch.tensor([2])  # code 4 is of game 1
    features = {"parallel": torch.zeros(1, 32)}
    with torch.no_grad():
        nats, _ = code_losses(model, features, truth, None, games)
    assert nats["parallel"] == pytest.approx(float(torch.tensor(1.0 + V // 3 + 1).log()), abs=0.1)


def test_of_one_game_too_the_codes_that_it_never_shows_are_ruled_out() -> None:
    model = TemporalVisualWorldModel(replace(CONFIG, games=1, code_features=0))
    model.mask_codes(torch.arange(V)[None] < 10)
    truth, games, x = torch.randint(10, (N,)), torch.zeros(N, dtype=torch.int64), torch.randn(N, 32)
    nats, _ = code_losses(model, {"ar": x}, truth, None, games)
    logits = model._over_codes(x, None)
    torch.testing.assert_close(nats["ar"], F.cross_entropy(logits, truth, reduction="sum"))
    torch.testing.assert_close(nats["ar"], F.cross_entropy(logits[:, :10], truth, reduction="sum"))
