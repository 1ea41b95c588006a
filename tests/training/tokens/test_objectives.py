"""What the dynamics learn from: mistakes in the history, and a loss on some of the positions."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.training.tokens.cross_entropy import cross_entropy
from reverie.training.tokens.objectives import (
    HistoryNoise,
    WindowTensors,
    batch_scores,
    corrupt,
    swap_parts,
    training_batch,
    window_scores,
)

CONFIG = WorldModelConfig(vocabulary=32, grid=(4, 4), actions=5, width=32, layers=1, heads=4, causal_layers=1)
SILENT = HistoryNoise(share=0, swap=0, unknown_action=0)


@pytest.fixture
def model() -> TemporalVisualWorldModel:
    torch.manual_seed(0)
    return TemporalVisualWorldModel(CONFIG)


def _windows(batch: int = 8, frames: int = 5) -> WindowTensors:
    """Tokens of which about one in ten changes from frame to frame."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(32, (batch, 1, 16), generator=generator).repeat(1, frames, 1)
    fresh = torch.randint(32, tokens.shape, generator=generator)
    tokens = torch.where(torch.rand(tokens.shape, generator=generator) < 0.1, fresh, tokens)
    actions = torch.randint(5, (batch, frames), generator=generator)
    rewards = torch.randint(-1, 2, (batch, frames), generator=generator).float()
    return WindowTensors(tokens, actions, rewards, rewards < 0, tokens, torch.zeros(batch, dtype=torch.int64))


def test_without_noise_the_history_is_the_true_one() -> None:
    tokens = _windows().tokens
    assert torch.equal(corrupt(tokens, -tokens, SILENT, 32, (4, 4), torch.Generator().manual_seed(0)), tokens)


def test_a_swapped_part_shows_another_time_for_three_frames_or_to_the_end() -> None:
    tokens = torch.arange(400 * 9).reshape(400, 9, 1).expand(-1, -1, 64).clone()  # every frame unlike every other
    swapped = swap_parts(tokens, -tokens - 1, 1.0, (8, 8), torch.Generator().manual_seed(0))
    wrong = swapped != tokens
    assert torch.equal(swapped[wrong], -tokens[wrong] - 1), "the same frame of the other window"
    frames, size = wrong.any(2), wrong.sum(2)
    assert size.max() == 16
    assert size.sum(1).eq(0).sum() == 0
    to_the_end = frames[:, -1]
    assert 0.5 < to_the_end.float().mean() < 0.8
    assert frames[~to_the_end].sum(1).max() == 3


def test_the_loss_on_some_still_positions_is_on_average_that_on_all(model: TemporalVisualWorldModel) -> None:
    batch = _windows(32)
    with torch.no_grad():
        whole = window_scores(model, batch)
        generator = torch.Generator().manual_seed(0)
        parts = [batch_scores(model, training_batch(CONFIG, batch, None, generator, 0.25)) for _ in range(40)]
    for head in ("parallel", "ar"):
        mean = torch.stack([part.loss[head] for part in parts]).mean()
        torch.testing.assert_close(mean, whole.loss[head], rtol=0.01, atol=0.0)
    assert all(part.changed == whole.changed for part in parts), "what changes is always looked at"
    assert parts[0].positions < 0.5 * whole.positions


def test_the_outcome_is_learnt_without_a_say_in_what_the_trunk_learns() -> None:
    torch.manual_seed(0)
    model = TemporalVisualWorldModel(replace(CONFIG, rewards=(-1.0, 0.0, 1.0)))
    scores = window_scores(model, _windows())
    assert 0.5 < float(scores.loss["outcome"].detach()) < 3, "nats of three rewards and an end"
    scores.loss["outcome"].backward()
    touched = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert touched == {"outcome_head"}


def test_codes_that_look_alike_begin_alike(model: TemporalVisualWorldModel) -> None:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(32, 12, generator=generator)
    pictures[1] = pictures[0] + 0.01 * torch.rand(12, generator=generator)
    model.init_from_patches(pictures)
    for table in (model.token.weight, model.code):
        distance = torch.cdist(table, table)
        assert distance[0, 1] < 0.2 * distance[0, 2:].min()


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_in_parts_is_the_loss(weighted: bool) -> None:
    torch.manual_seed(0)
    shapes = ((300, 16), (40, 16), (40,))
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    truth, weight = torch.randint(40, (300,)), torch.rand(300) if weighted else None
    nats, hits = cross_entropy(*inputs, truth, weight)
    found = torch.autograd.grad(3 * nats, inputs)
    logits = inputs[0] @ inputs[1].T + inputs[2]
    each = F.cross_entropy(logits, truth, reduction="none")
    whole = (each if weight is None else each * weight).sum()
    torch.testing.assert_close(nats, whole)
    torch.testing.assert_close(hits, logits.argmax(1) == truth)
    torch.testing.assert_close(found, torch.autograd.grad(3 * whole, inputs), rtol=1e-4, atol=1e-4)
