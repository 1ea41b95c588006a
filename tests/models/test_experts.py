"""A model with an expert for each game is the shared one, until its experts differ."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from reverie.models.layers import ExpertLinear, Experts, FeedForward
from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig

GAMES = 3
SHARED = WorldModelConfig(
    vocabulary=32, grid=(4, 4), actions=5, width=32, layers=2, heads=4, causal_layers=2, games=GAMES
)
VARIANTS = {
    "plain": SHARED,
    "two levels": replace(SHARED, fine=2),
    "merged": replace(SHARED, merge=2, causal_width=16, rewards=(0.0, 1.0)),
}


def alike(shared: TemporalVisualWorldModel) -> TemporalVisualWorldModel:
    """The same model with experts that are all copies of the shared blocks."""
    model = TemporalVisualWorldModel(replace(shared.config, experts=True)).eval()
    weights = shared.state_dict()
    for name, tensor in model.state_dict().items():
        stack = isinstance(model.get_submodule(name.rpartition(".")[0]), ExpertLinear)
        tensor.copy_(weights[name].mT.expand(tensor.shape) if stack and tensor.ndim == 3 else weights[name])
    return model


@pytest.fixture(params=VARIANTS)
def shared(request: pytest.FixtureRequest) -> TemporalVisualWorldModel:
    torch.manual_seed(0)
    model = TemporalVisualWorldModel(VARIANTS[request.param]).eval()
    for parameter in model.parameters():  # nothing may hide behind a zero at initialisation
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return model


def _window(config: WorldModelConfig, frames: int, batch: int) -> tuple[Tensor, Tensor]:
    tokens = torch.randint(config.vocabulary, (batch, frames, config.positions))
    return tokens, torch.randint(config.actions, (batch, frames))


@torch.no_grad()
def test_experts_that_are_copies_say_what_the_shared_block_says(shared: TemporalVisualWorldModel) -> None:
    model, games = alike(shared), torch.tensor([2, 0, 1, 2])
    tokens, actions = _window(shared.config, 5, 4)
    target = tokens[:, 0]
    torch.testing.assert_close(model.trunk(tokens, actions, games), shared.trunk(tokens, actions, games))
    torch.testing.assert_close(model(tokens, actions, target, game=games), shared(tokens, actions, target, game=games))


@torch.no_grad()
def test_each_window_of_a_mixed_batch_is_routed_to_the_expert_of_its_game(shared: TemporalVisualWorldModel) -> None:
    model, games = alike(shared), torch.tensor([2, 0, 1, 2])
    for module in model.modules():
        if isinstance(module, ExpertLinear):
            module.weight.add_(0.05 * torch.randn_like(module.weight))
            module.bias.add_(0.05 * torch.randn_like(module.bias))
    tokens, actions = _window(shared.config, 5, 4)
    target = tokens[:, 0]
    mixed = model(tokens, actions, target, game=games)
    hidden = model.trunk(tokens, actions, games)
    assert not torch.allclose(hidden, model.trunk(tokens, actions, games.roll(1)))
    for row, game in enumerate(games):
        one = slice(row, row + 1)
        torch.testing.assert_close(mixed[one], model(tokens[one], actions[one], target[one], game=game[None]))
    # All frames of all windows at once, as in training: a game counts for the frames of its window.
    features = model.causal_features(hidden.flatten(0, 1), tokens.flatten(0, 1), games)
    for row, game in enumerate(games):
        own = model.causal_features(hidden[row], tokens[row], game[None])
        torch.testing.assert_close(features.unflatten(0, (4, 5))[row], own)


@torch.no_grad()
def test_a_cached_step_takes_the_experts_of_its_game(shared: TemporalVisualWorldModel) -> None:
    model, config = alike(shared), shared.config
    for module in model.modules():
        if isinstance(module, ExpertLinear):
            module.weight.add_(0.05 * torch.randn_like(module.weight))
    slots = config.history - 1
    shape = (2, config.layers, config.heads, slots, config.trunk_positions, config.width // config.heads)
    empty = (torch.zeros(shape), torch.zeros(shape), torch.zeros(2, slots, dtype=torch.long))
    tokens, actions = _window(config, 1, 2)
    for game in range(GAMES):
        games = torch.full((2,), game)
        logits, *_ = model.step(tokens[:, 0], actions[:, 0], *empty, games)
        torch.testing.assert_close(logits, model.parallel_logits(model.trunk(tokens, actions, games)[:, 0], games))


def test_only_the_experts_of_the_games_in_a_batch_learn() -> None:
    torch.manual_seed(0)
    model = TemporalVisualWorldModel(replace(SHARED, experts=True))
    tokens, actions = _window(SHARED, 3, 2)
    model(tokens, actions, tokens[:, 0], game=torch.tensor([1, 1])).square().sum().backward()
    stacks = [module for module in model.modules() if isinstance(module, ExpertLinear)]
    assert len(stacks) == 2 * (SHARED.layers + SHARED.causal_layers)
    for stack in stacks:
        assert stack.weight.grad is not None
        assert stack.weight.grad.flatten(1).any(1).tolist() == [False, True, False]


def test_one_game_needs_no_experts_and_several_must_say_which() -> None:
    alone = TemporalVisualWorldModel(replace(SHARED, games=1, experts=True))
    assert not any(isinstance(module, Experts) for module in alone.modules())
    block: nn.Module = Experts(8, 2, GAMES)
    assert (
        sum(p.numel() for p in block.parameters())
        == GAMES * sum(p.numel() for name, p in FeedForward(8, 2).named_parameters() if name != "norm.weight") + 8
    )
    model = TemporalVisualWorldModel(replace(SHARED, experts=True))
    tokens, actions = _window(SHARED, 1, 1)
    with pytest.raises(ValueError, match="say which"):
        model.trunk(tokens, actions)
