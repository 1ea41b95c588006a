"""The two ways to predict a frame, the cache and the mask keep their promises."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from reverie.models.tokens.causal_head import CausalHead, CausalLayer
from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig

CONFIG = WorldModelConfig(vocabulary=32, grid=(4, 4), actions=5, width=32, layers=2, heads=4, causal_layers=2)
S = 16
VARIANTS = {
    "plain": CONFIG,
    "merged": replace(CONFIG, merge=2),
    "two levels": replace(CONFIG, fine=2),
    "axial": replace(CONFIG, axial=True),
    "all": replace(CONFIG, merge=2, axial=True, history=6, rewards=(-1.0, 0.0, 1.0)),
}


@pytest.fixture(params=VARIANTS)
def model(request: pytest.FixtureRequest) -> TemporalVisualWorldModel:
    torch.manual_seed(0)
    model = TemporalVisualWorldModel(VARIANTS[request.param]).eval()
    for parameter in model.parameters():  # nothing may hide behind a zero at initialisation
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return model


def _window(frames: int, batch: int = 2, positions: int = S) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(CONFIG.vocabulary, (batch, frames, positions), generator=generator)
    return tokens, torch.randint(CONFIG.actions, (batch, frames), generator=generator)


def _run_ring(
    model: TemporalVisualWorldModel, tokens: Tensor, actions: Tensor
) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
    (b, frames, _), config = tokens.shape, model.config
    slots, d = config.history - 1, config.width // config.heads
    keys = torch.zeros(b, config.layers, config.heads, slots, config.trunk_positions, d)
    values, age = torch.zeros_like(keys), torch.zeros(b, slots, dtype=torch.long)
    logits = []
    for t in range(frames):
        out, _, new_keys, new_values = model.step(tokens[:, t], actions[:, t], keys, values, age)
        logits.append(out)
        slot = t % slots
        age = torch.where(age > 0, age + 1, age)
        keys[:, :, :, slot], values[:, :, :, slot], age[:, slot] = new_keys, new_values, 1
    return logits, keys, values, age


@torch.no_grad()
def test_cached_logits_equal_uncached_ones_as_the_ring_turns(model: TemporalVisualWorldModel) -> None:
    tokens, actions = _window(100, positions=model.config.positions)
    cached, *_ = _run_ring(model, tokens, actions)
    uncached = model.parallel_logits(model.trunk(tokens, actions))
    for t in range(100):
        torch.testing.assert_close(cached[t], uncached[:, t], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_forward_takes_a_history_and_one_action(model: TemporalVisualWorldModel) -> None:
    tokens, actions = _window(4, positions=model.config.positions)
    logits = model(tokens, actions[:, -1])
    assert logits.shape == (2, model.config.positions, CONFIG.vocabulary)
    assert not torch.allclose(logits, model(tokens, (actions[:, -1] + 1) % CONFIG.actions)), "the action counts"
    older = tokens.clone()
    older[:, 0] = (older[:, 0] + 1) % CONFIG.vocabulary
    assert not torch.allclose(logits, model(older, actions[:, -1])), "the oldest of four frames counts"


@torch.no_grad()
@pytest.mark.parametrize("variant", ["plain", "merged", "axial"])
def test_a_history_of_one_frame_looks_at_no_other(variant: str) -> None:
    torch.manual_seed(0)
    model = TemporalVisualWorldModel(replace(VARIANTS[variant], history=1)).eval()
    tokens, actions = _window(6, positions=model.config.positions)
    window = model.parallel_logits(model.trunk(tokens, actions))
    for t in range(6):
        torch.testing.assert_close(model.step_alone(tokens[:, t], actions[:, t])[0], window[:, t])


@torch.no_grad()
def test_a_position_never_sees_itself_or_a_later_one(model: TemporalVisualWorldModel) -> None:
    tokens, actions = _window(4, positions=model.config.positions)
    target = _window(1, positions=model.config.positions)[0][:, 0]
    reference = model(tokens, actions, target)
    for i in (0, 5, model.config.positions - 1):
        other = target.clone()
        other[:, i:] = (other[:, i:] + 1) % CONFIG.vocabulary
        torch.testing.assert_close(model(tokens, actions, other)[:, : i + 1], reference[:, : i + 1])
    other = target.clone()
    other[:, 5] = (other[:, 5] + 1) % CONFIG.vocabulary
    assert not torch.allclose(model(tokens, actions, other)[:, 6:], reference[:, 6:]), (
        "later positions see earlier ones"
    )


def _one_position(
    head: CausalHead, hidden: Tensor, token: Tensor | None, cache: list[tuple[Tensor, Tensor]], table: Tensor
) -> Tensor:
    """The features (N, width) of one position, and its keys and values added to those of the earlier ones.

    hidden: (N, hidden), the trunk's output there. token: (N,) int64 of the position before, None at the first. cache:
    of each layer, keys and values (N, heads, positions so far, width / heads).
    """
    i = cache[0][0].shape[2] if cache else 0
    previous = head.start.expand(len(hidden), -1) if token is None else table[token]
    x = (head.input(hidden) + previous + head.position[i])[:, None]
    for number, layer in enumerate(head.layers):
        assert isinstance(layer, CausalLayer)
        q, k, v = layer.project(x)
        if i:
            k, v = (torch.cat(pair, dim=2) for pair in zip(cache[number], (k, v), strict=True))
        cache[number : number + 1] = [(k, v)]
        x = x + layer.attend(q, k, v, layer.bias()[:, i : i + 1, : i + 1])
        x = x + layer.feed_forward(x)
    return head.norm(x)[:, 0]


@torch.no_grad()
def test_logits_of_all_positions_at_once_are_those_of_one_after_the_other(model: TemporalVisualWorldModel) -> None:
    tokens, actions = _window(4, positions=model.config.positions)
    target = _window(1, positions=model.config.positions)[0][:, 0]
    hidden = model.trunk(tokens, actions)[:, -1]
    at_once = model.causal_logits(hidden, target)
    cache: list[tuple[Tensor, Tensor]] = []
    table = model.table("previous")
    for i in range(model.config.trunk_positions if model.config.fine else S):
        features = _one_position(model.head, hidden[:, i], target[:, i - 1] if i else None, cache, table)
        torch.testing.assert_close(model.causal_code(features), at_once[:, i], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_frame_does_not_see_the_frames_after_it(model: TemporalVisualWorldModel) -> None:
    tokens, actions = _window(6, positions=model.config.positions)
    changed = tokens.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % CONFIG.vocabulary
    torch.testing.assert_close(model.trunk(changed, actions)[:, :4], model.trunk(tokens, actions)[:, :4])


@torch.no_grad()
def test_a_full_ring_forgets_exactly_the_oldest_frame(model: TemporalVisualWorldModel) -> None:
    tokens, actions = _window(model.config.history + 1, positions=model.config.positions)
    _, keys, values, age = _run_ring(model, tokens, actions)
    oldest, second = age.argmax(1)[0].item(), (age == age.max() - 1).int().argmax(1)[0].item()
    assert sorted(age[0].tolist()) == list(range(1, model.config.history))

    def after_one_more(slot: int) -> Tensor:
        k, v, a = keys.clone(), values.clone(), age.clone()
        k[:, :, :, slot] += 1.0
        _, _, new_k, new_v = model.step(tokens[:, 0], actions[:, 0], keys, values, age)
        k[:, :, :, oldest], v[:, :, :, oldest] = new_k, new_v  # the push goes over the oldest slot
        a += 1
        a[:, oldest] = 1
        return model.step(tokens[:, 1], actions[:, 1], k, v, a)[0]

    untouched = after_one_more(int(oldest))
    _, _, new_k, new_v = model.step(tokens[:, 0], actions[:, 0], keys, values, age)
    clean_k, clean_v, clean_age = keys.clone(), values.clone(), age + 1
    clean_k[:, :, :, oldest], clean_v[:, :, :, oldest], clean_age[:, oldest] = new_k, new_v, 1
    clean = model.step(tokens[:, 1], actions[:, 1], clean_k, clean_v, clean_age)[0]
    torch.testing.assert_close(untouched, clean)
    assert not torch.allclose(after_one_more(int(second)), clean), "the second oldest is still there"


@torch.no_grad()
def test_what_a_step_brings_depends_on_the_frame_that_was_drawn() -> None:
    model = TemporalVisualWorldModel(VARIANTS["all"]).eval()
    tokens, actions = _window(4, positions=model.config.positions)
    hidden = model.trunk(tokens, actions)[:, -1]
    rewards, ended = model.outcome(hidden, tokens[:, -1])
    assert rewards.shape == (2, 3)
    assert ended.shape == (2,)
    assert not torch.allclose(rewards, model.outcome(hidden, tokens[:, 0])[0])


@torch.no_grad()
def test_axial_attention_looks_along_rows_first_and_then_along_columns() -> None:
    model = TemporalVisualWorldModel(VARIANTS["axial"]).eval()
    (row, column), x = model.layers, torch.randn(1, 1, S, CONFIG.width)
    other = x.clone()
    other[:, :, 5] += 1.0  # row 1, column 1 of 4 x 4; the 3 x 3 mixing shows it to its neighbours too
    for layer, untouched in ((row, [12, 13, 14, 15]), (column, [3, 7, 11, 15])):
        changed = (layer(other) != layer(x)).any(-1)[0, 0]
        assert not changed[untouched].any()
        assert changed.sum() == 12, "whole lines, and not one position alone"


def test_a_grid_that_cannot_be_merged_says_so() -> None:
    with pytest.raises(ValueError, match="3 x 3 tokens cannot be merged 2 x 2"):
        TemporalVisualWorldModel(replace(CONFIG, grid=(3, 3), merge=2))


def test_a_model_without_a_causal_head_says_so() -> None:
    model = TemporalVisualWorldModel(
        WorldModelConfig(vocabulary=8, grid=(2, 2), width=16, heads=2, layers=1, causal_layers=0)
    )
    with pytest.raises(ValueError, match="no causal head"):
        model(
            torch.zeros(1, 4, 4, dtype=torch.long),
            torch.zeros(1, dtype=torch.long),
            torch.zeros(1, 4, dtype=torch.long),
        )
