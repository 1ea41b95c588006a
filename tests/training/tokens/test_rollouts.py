"""What a model dreams while it learns: as past of its windows, and to be judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.training.loop.device_context import DeviceContext
from reverie.training.tokens.dynamics_stage import DynamicsStage, DynamicsTraining
from reverie.training.tokens.rollouts import Sampling, dream_past, roll_out, sample_frame
from reverie.training.tokens.windows import TokenEpisodes

CONFIG = WorldModelConfig(
    vocabulary=16, grid=(4, 4), width=32, layers=2, heads=4, causal_layers=1, games=2, experts=True
)
LIKELIEST = Sampling(temperature=0.01, min_p=1.0)


@pytest.fixture
def model() -> TemporalVisualWorldModel:
    torch.manual_seed(0)
    model = TemporalVisualWorldModel(CONFIG).eval()
    for parameter in model.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return model


def _window(frames: int, batch: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(16, (batch, frames, 16), generator=generator)
    return tokens, torch.randint(5, (batch, frames), generator=generator)


@torch.no_grad()
def test_a_rollout_is_what_the_network_says_of_its_own_frames(model: TemporalVisualWorldModel) -> None:
    tokens, actions = _window(3)
    actions = torch.cat([actions, actions], 1)[:, :5]
    dreamt = roll_out(model, tokens, actions, 1, LIKELIEST, torch.Generator().manual_seed(0))
    assert dreamt.shape == (3, 3, 16)
    seen, game = tokens, torch.ones(3, dtype=torch.long)
    for frame in range(3):
        logits = model.parallel_logits(model.trunk(seen, actions[:, : seen.shape[1]], game)[:, -1], game)
        assert torch.equal(dreamt[:, frame], logits.argmax(-1))
        seen = torch.cat([seen, dreamt[:, frame : frame + 1]], 1)


@torch.no_grad()
def test_enough_passes_give_the_sample_of_one_position_after_the_other(model: TemporalVisualWorldModel) -> None:
    hidden, games = torch.randn(2, 16, 32), torch.tensor([0, 1])
    tokens = sample_frame(model, hidden, games, replace(LIKELIEST, passes=17), torch.Generator().manual_seed(0))
    assert torch.equal(model.causal_logits(hidden, tokens, games).argmax(-1), tokens)


def test_only_the_last_frames_of_chosen_windows_are_dreamt(model: TemporalVisualWorldModel) -> None:
    past, actions = _window(6)
    games, own = torch.tensor([0, 1, 1]), torch.tensor([0, 1, 3])
    made = dream_past(model, past, actions, games, own, Sampling(), luck=5)
    changed = (made != past).any(-1)
    assert changed.tolist() == [[False] * 6, [False] * 5 + [True], [False] * 3 + [True] * 3]
    assert torch.equal(made, dream_past(model, past, actions, games, own, Sampling(), luck=5))
    assert not torch.equal(made, dream_past(model, past, actions, games, own, Sampling(), luck=6))
    assert dream_past(model, past, actions, games, torch.zeros(3, dtype=torch.long), Sampling(), luck=5) is past


class ToyJudge:
    """Game 0 is legal in 40 % of its frames, game 1 always, and game 2 cannot be read."""

    games = ("bad", "good", "other")

    def __call__(self, network: TemporalVisualWorldModel, episodes: TokenEpisodes, game: int) -> float | None:
        return (0.4, 1.0, None)[game]


def _stage(config: DynamicsTraining, judge: ToyJudge | None = None) -> DynamicsStage:
    rng, games = np.random.default_rng(0), np.arange(6) % 3
    tokens = rng.integers(16, size=(180, 16)).astype(np.uint16)
    nothing = np.zeros(180, np.float32)
    episodes = TokenEpisodes(
        tokens, nothing.astype(np.uint8), nothing, nothing > 0, np.arange(6) * 30, np.full(6, 30), games
    )
    torch.manual_seed(0)
    network = TemporalVisualWorldModel(replace(CONFIG, games=3))
    return DynamicsStage(network, episodes, episodes, config, 1.0, 1, DeviceContext(), judge)


def test_the_worst_game_gets_the_time() -> None:
    stage = _stage(DynamicsTraining(window=4, batch=64, balance=30), ToyJudge())
    assert np.bincount(stage.batch(0).games, minlength=3).max() < 40, "equally often before the first look"
    figures = stage.held_out(stage.network)
    assert (figures["legal_bad"], figures["legal_good"], "legal_other" in figures) == (0.4, 1.0, False)
    # 0.05 more than what is illegal; a game that cannot be read counts as the mean of the others.
    assert [figures[f"drawn_{game}"] for game in ToyJudge.games] == pytest.approx(
        [0.65 / 1.05, 0.05 / 1.05, 0.35 / 1.05]
    )
    counts = np.bincount(np.concatenate([stage.batch(step).games for step in range(10)]), minlength=3)
    assert counts[0] > counts[2] > counts[1] > 0

    again = _stage(stage.config, ToyJudge())
    again.restore(stage.state())
    assert torch.equal(again.batch(3).games, stage.batch(3).games), "a run that goes on draws as it did"
    plain = _stage(replace(stage.config, balance=0.0))
    assert "legal_bad" not in plain.held_out(plain.network)


def test_windows_go_on_from_the_models_own_frames_only_where_it_is_asked_for_and_late() -> None:
    off, on = (_stage(DynamicsTraining(window=4, batch=8, own_share=share)) for share in (0.0, 1.0))
    assert off.batch(0).own is None
    assert (off.phases, on.phases) == ((0.0,), (0.0, 0.4))
    batch = on.batch(0)
    assert batch.own is not None
    assert set(batch.own.tolist()) <= {1, 2, 3}
    assert torch.equal(batch.seen, off.batch(0).seen), "the rest of a batch is as without"
    losses = [on.loss(on.network, on.network, batch, phase)[0]["parallel"] for phase in (0, 1)]
    assert losses[0] != losses[1]
    losses[1].backward()  # the dreamt frames are part of the input alone
    with pytest.raises(ValueError, match="own_frames must be less than window"):
        DynamicsTraining(window=3, own_share=0.1)
