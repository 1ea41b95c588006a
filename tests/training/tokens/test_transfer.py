"""A model that begins from another one computes what that one does, until it learns more."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from reverie.models.tokens.patch_vq import PatchVQ, PatchVQConfig
from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.training.tokens.transfer import init_from_weights, match_codes, match_codes_in_play

CONFIG = WorldModelConfig(vocabulary=12, grid=(4, 4), width=32, layers=2, heads=4, causal_layers=1)


@torch.no_grad()
def test_a_deeper_model_with_other_numbers_for_the_codes_predicts_the_same() -> None:
    torch.manual_seed(0)
    old = TemporalVisualWorldModel(CONFIG).eval()
    new = TemporalVisualWorldModel(replace(CONFIG, layers=4, causal_layers=2, rewards=(0.0, 1.0))).eval()
    same = torch.randperm(12)  # new code i shows what the old code same[i] does
    fresh = init_from_weights(new, old.state_dict(), same)
    assert {name.split(".")[0] for name in fresh} == {"layers", "causal_head", "outcome_head"}
    tokens, actions = torch.randint(12, (2, 5, 16)), torch.randint(5, (2, 5))
    target = torch.randint(12, (2, 16))
    old_hidden, hidden = old.trunk(same[tokens], actions), new.trunk(tokens, actions)
    torch.testing.assert_close(new.parallel_logits(hidden), old.parallel_logits(old_hidden)[..., same])
    expected = old.causal_logits(old_hidden[:, -1], same[target])[..., same]
    torch.testing.assert_close(new.causal_logits(hidden[:, -1], target), expected)


@torch.no_grad()
def test_a_longer_history_begins_almost_unheard() -> None:
    torch.manual_seed(0)
    old = TemporalVisualWorldModel(CONFIG).eval()
    new = TemporalVisualWorldModel(replace(CONFIG, history=6)).eval()
    assert init_from_weights(new, old.state_dict(), torch.arange(12)) == []
    for before, after in zip(old.layers, new.layers, strict=True):
        torch.testing.assert_close(after.age_key[:4], before.age_key)
        assert (after.age_bias[4:] == before.age_bias[3] - 2).all()


def test_codes_are_matched_by_what_both_tokenizers_say_of_a_game() -> None:
    torch.manual_seed(0)
    small, large = (PatchVQ(PatchVQConfig(24, patch)).eval() for patch in (8, 16))
    twins = (small, small)
    seen = match_codes_in_play("garden", 1, twins, torch.full((24,), -1), ticks=3, batch=4)
    assert set(seen.tolist()) - {-1} <= set(range(24))
    assert all(code in (-1, number) for number, code in enumerate(seen.tolist())), "a tokenizer agrees with itself"
    assert (seen >= 0).any()
    across = match_codes_in_play("garden", 1, (large, small), torch.full((24,), -1), ticks=3, batch=4)
    assert (across >= 0).any()


def test_codes_are_matched_by_what_they_show_at_any_size() -> None:
    generator = torch.Generator().manual_seed(0)
    small = torch.rand(10, 4 * 4 * 3, generator=generator)
    order = torch.randperm(10, generator=generator)
    large = small[order].reshape(10, 4, 4, 3).repeat_interleave(2, 1).repeat_interleave(2, 2).flatten(1)
    assert torch.equal(match_codes(large, small), order)


@pytest.mark.parametrize("inner", [4, 6])
@torch.no_grad()
def test_each_expert_begins_as_a_copy_of_the_block_that_all_games_shared(inner: int) -> None:
    torch.manual_seed(0)
    old = TemporalVisualWorldModel(replace(CONFIG, games=2)).eval()
    for parameter in old.parameters():  # nothing may hide behind a zero at initialisation
        parameter.add_(0.05 * torch.randn_like(parameter))
    new = TemporalVisualWorldModel(replace(CONFIG, games=3, experts=True, inner=inner, layers=3)).eval()
    own = [1, None, 0]  # new game 0 is old game 1, and so on
    fresh = init_from_weights(new, old.state_dict(), torch.arange(12), own)
    assert {name.split(".")[1] for name in fresh} == {"2"}, "the third layer alone is new"
    tokens, actions, target = torch.randint(12, (2, 5, 16)), torch.randint(5, (2, 5)), torch.randint(12, (2, 16))
    for number, before in enumerate(own):
        if before is None:
            continue
        game, old_game = torch.full((2,), number), torch.full((2,), before)
        expected = old(tokens, actions, target, game=old_game)
        torch.testing.assert_close(new(tokens, actions, target, game=game), expected)
    torch.testing.assert_close(new.state_dict()["game.weight"][1], old.state_dict()["game.weight"].mean(0))


@torch.no_grad()
def test_experts_go_with_their_games() -> None:
    torch.manual_seed(0)
    config = replace(CONFIG, games=2, experts=True)
    old, new = (TemporalVisualWorldModel(config).eval() for _ in range(2))
    for parameter in old.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    assert init_from_weights(new, old.state_dict(), torch.arange(12), [1, 0]) == []
    tokens, actions, target = torch.randint(12, (2, 5, 16)), torch.randint(5, (2, 5)), torch.randint(12, (2, 16))
    zero, one = torch.zeros(2, dtype=torch.long), torch.ones(2, dtype=torch.long)
    torch.testing.assert_close(new(tokens, actions, target, game=zero), old(tokens, actions, target, game=one))


@torch.no_grad()
def test_a_narrower_block_takes_nothing_from_a_wider_one() -> None:
    old, new = (TemporalVisualWorldModel(replace(CONFIG, inner=inner)) for inner in (4, 2))
    fresh = init_from_weights(new, old.state_dict(), torch.arange(12))
    assert {".".join(name.split(".")[2:]) for name in fresh} == {
        f"feed_forward.{part}" for part in ("up.weight", "up.bias", "down.weight")
    }
