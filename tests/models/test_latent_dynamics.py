"""The diffusion dynamics of the latent family."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from reverie.models.latent.autoencoder import LIMIT
from reverie.models.latent.dynamics import LatentDynamics, LatentDynamicsConfig
from reverie.models.latent.rollout import LatentRing, roll_out
from reverie.models.registry import build_network, describe_network
from reverie.schema import SchemaError, read_object

TINY = LatentDynamicsConfig(
    grid=(2, 2),
    channels=4,
    actions=3,
    history=5,
    width=16,
    layers=4,
    heads=2,
    denoiser_width=8,
    denoiser_layers=2,
    denoiser_heads=2,
    rewards=(0.0, 1.0),
)


WHOLE = replace(TINY, whole=True)


@pytest.fixture(params=[TINY, WHOLE], ids=["trunk and denoiser", "whole"])
def network(request: pytest.FixtureRequest) -> LatentDynamics:
    torch.manual_seed(0)
    return LatentDynamics(request.param).eval()


def window(frames: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(2, frames, 4, 4, generator=generator)
    return latents, torch.randint(3, (2, frames), generator=generator)


def test_frame_by_frame_with_the_ring_is_the_window_at_once(network: LatentDynamics) -> None:
    latents, actions = window()
    at_once = network.trunk(latents, actions, torch.zeros_like(actions))
    ring, told = LatentRing.empty(network, 2), network.config.told
    noise, level, size = torch.randn(2, 4, 4), torch.tensor([0, 6]), torch.tensor([3, 0])
    for t in range(12):
        hidden = ring.step(latents[:, t], actions[:, t])
        assert torch.allclose(at_once[:, t, :, :told], hidden[..., :told], atol=1e-5)
        ahead = [network.denoise(known, noise, level, size) for known in (at_once[:, t], hidden)]
        assert torch.allclose(*ahead, atol=1e-5)


def test_the_future_is_not_seen_and_the_past_is_as_long_as_the_history(network: LatentDynamics) -> None:
    latents, actions = window()
    shares = torch.zeros_like(actions)
    noise, places = torch.randn(24, 4, 4), torch.zeros(24, dtype=torch.int64)

    def ahead(past: torch.Tensor) -> torch.Tensor:
        hidden = network.trunk(past, actions, shares)
        return network.denoise(hidden.flatten(0, 1), noise, places, places).unflatten(0, (2, 12))

    changed = latents.clone()
    changed[:, 4] = -changed[:, 4]
    difference = (ahead(changed) - ahead(latents)).abs().amax((0, 2, 3))  # (W,)
    assert torch.all(difference[:4] == 0)
    assert difference[4] > 1e-3
    # Two layers look at the past: what one has seen four frames later, the other sees four frames after that.
    assert difference[8] > 0


def test_a_trunk_that_denoises_looks_at_the_past_at_every_step() -> None:
    torch.manual_seed(0)
    network = LatentDynamics(WHOLE).eval()
    assert not network.denoiser
    latents, actions = window()
    hidden = network.trunk(latents, actions, torch.zeros_like(actions))[:, 8]
    level, size = torch.tensor([4, 4]), torch.tensor([0, 0])
    noisy = torch.randn(2, 4, 4)
    before = network.denoise(hidden, noisy, level, size)
    past = hidden.clone()
    past[..., network.config.told : -network.config.history - 1] *= 0.5
    assert (network.denoise(past, noisy, level, size) - before).abs().max() > 1e-3


def test_each_number_of_steps_gives_other_latents_within_the_limit(network: LatentDynamics) -> None:
    hidden, noise = torch.randn(3, 4, network.config.hidden), 20 * torch.randn(3, 4, 4)
    made = [network.sample(hidden, noise, steps) for steps in (1, 2, 4, 8)]
    assert all(latents.shape == noise.shape and latents.abs().max() <= LIMIT for latents in made)
    assert not torch.allclose(made[0], made[2])


def test_the_first_guess_is_the_newest_frame_until_something_is_learnt() -> None:
    network = LatentDynamics(TINY)
    latents, actions = window()
    hidden = network.trunk(latents, actions, torch.zeros_like(actions))
    assert torch.equal(network.first_guess(hidden), latents)
    torch.nn.init.ones_(network.motion.out.weight)
    moved = network.first_guess(network.trunk(latents, actions, torch.zeros_like(actions)))
    assert (moved != latents).any(-1).all()


def test_squares_of_latents_are_merged_and_divided_again() -> None:
    network = LatentDynamics(LatentDynamicsConfig(**{**vars(TINY), "grid": (4, 6), "merge": 2}))
    latents = torch.randn(2, 3, 24, 4)
    folded = network.fold(latents)
    assert folded.shape == (2, 3, 6, 16)
    assert torch.equal(folded[0, 0, 1, :4], latents[0, 0, 2])
    assert torch.equal(folded[0, 0, 1, 12:], latents[0, 0, 9])
    assert torch.equal(network.unfold(folded), latents)


def test_a_rollout_depends_on_the_seed_alone(network: LatentDynamics) -> None:
    latents, actions = window()
    dreams = [roll_out(network, latents[:, :4], actions, 2, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert dreams[0].shape == (2, 9, 4, 4)
    assert torch.equal(dreams[0], dreams[1])
    assert not torch.equal(dreams[0], dreams[2])


def test_a_model_of_several_games_must_be_told_which() -> None:
    network = LatentDynamics(LatentDynamicsConfig(**{**vars(TINY), "games": 2}))
    latents, actions = window()
    with pytest.raises(ValueError, match="say which one"):
        network.trunk(latents, actions, torch.zeros_like(actions))


def test_it_is_built_from_its_description(network: LatentDynamics) -> None:
    again = build_network(describe_network(network), "run.json")
    again.load_state_dict(network.state_dict())
    assert isinstance(again, LatentDynamics)
    assert again.config == network.config


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"width": 30, "heads": 4}, "even multiple of its heads"),
        ({"layers": 0}, "layers must be 1 to"),
        ({"depth": 3}, "unknown"),
    ],
)
def test_sizes_that_do_not_fit_are_one_sentence(content: dict[str, object], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        read_object(LatentDynamicsConfig, content, "recipe: dynamics")
