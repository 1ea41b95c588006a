"""Every recipe that comes with the project fits together, and a mistake in one is said in a sentence."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from reverie.models.latent.autoencoder import Autoencoder
from reverie.models.latent.dynamics import LatentDynamics
from reverie.models.tokens.networks import build_dynamics, build_tokenizer
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.training import recipe as recipes
from reverie.training.errors import RunError
from reverie.training.latent.recipe import LatentRecipe

LATENT = {name for name in recipes.names() if isinstance(recipes.load(name), LatentRecipe)}


@torch.no_grad()
@pytest.mark.parametrize("name", sorted(LATENT))
def test_the_networks_of_a_latent_recipe_understand_each_other(name: str) -> None:
    plan = recipes.load(name)
    autoencoder, dynamics = Autoencoder(plan.autoencoder).eval(), LatentDynamics(plan.dynamics).eval()
    frames = torch.randint(256, (2, plan.size, plan.size, 3)).to(torch.uint8)
    latents, zeros = autoencoder.encode(frames), torch.zeros(2, 1, dtype=torch.int64)
    hidden = dynamics.trunk(latents[:, None], zeros, zeros)[:, 0]
    made = dynamics.sample(hidden, torch.randn(latents.shape), plan.steps)
    assert made.shape == latents.shape
    assert autoencoder.decode(made).shape == frames.shape


@torch.no_grad()
@pytest.mark.parametrize("name", sorted(set(recipes.names()) - LATENT))
def test_the_networks_of_a_recipe_understand_each_other(name: str) -> None:
    plan = recipes.load(name)
    tokenizer, dynamics = build_tokenizer(plan.tokenizer).eval(), build_dynamics(plan.dynamics).eval()
    frames = torch.randint(256, (2, plan.size, plan.size, 3)).to(torch.uint8)
    tokens = tokenizer.encode(frames)
    action = torch.zeros(2, dtype=torch.int64)
    history = tokens[:, None] if isinstance(dynamics, TemporalVisualWorldModel) else tokens
    logits = dynamics(history, action)
    assert logits.shape == (*tokens.shape, plan.dynamics.vocabulary)
    assert tokenizer.decode(logits.argmax(-1)).shape == frames.shape


def test_what_belongs_to_codes_that_are_not_shown_is_not_counted() -> None:
    own = recipes.load("own")
    a_code, rest = own.parameters(13) - own.parameters(12), own.parameters(0)
    assert a_code > own.dynamics.width
    assert own.parameters() == own.parameters(4096) == rest + 4096 * a_code


def test_the_large_dream_has_between_50_and_100_million_parameters() -> None:
    assert 50e6 < recipes.load("v2-base").parameters() < 100e6


@pytest.mark.parametrize("name", recipes.names())
def test_a_recipe_takes_its_actions_from_the_recording_and_stays_itself_otherwise(name: str) -> None:
    plan = recipes.load(name)
    assert plan.fitted(5, plan.size, plan.dynamics.rewards if name in LATENT else (0.0, 1.0), ("garden",)) == plan
    assert plan.fitted(18, plan.size, (), ("garden",)).dynamics.actions == 18


def test_a_recipe_takes_its_size_and_rewards_from_the_recording() -> None:
    small, large = recipes.load("v1.1"), recipes.load("v1.1").fitted(3, 128, (0.0, 1.0), ("garden",))
    assert (small.size, large.size) == (64, 128)
    assert large.dynamics.positions == small.dynamics.positions
    assert recipes.load("v2").fitted(3, 64, (0.0, 0.25), ("garden",)).dynamics.rewards == (0.0, 0.25)
    assert recipes.load("v2").fitted(3, 128, (0.0, 1.0), ("garden",)).dynamics.rewards == (-1.0, 0.0, 1.0)
    with pytest.raises(RunError, match="v1 takes frames of 64 pixels, not of 128"):
        recipes.load("v1").fitted(5, 128, (), ("garden",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "v3"', "kind must be v1, v1.1, v2"),
        ('kind = "v2"\n[dynamics]\nlayer = 3', "layer"),
        ('kind = "v2"\n[tokenizer]\ngrid = [16, 16]', "256 tokens of 512 codes, and the dynamics expect 64 of 512"),
        ('kind = "v2"\n[decoder]\npatch = 16', "the decoder's patch, grid and vocabulary"),
        ("kind = ", "not valid TOML"),
    ],
)
def test_a_mistake_in_a_recipe_is_one_sentence(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RunError, match=message):
        recipes.load(str(path))


WRONG = ("nan", "inf", "-1", "1.5", "true", "'x'", "[]", "[[1]]", "{a = 1}", "1" + "0" * 400, "1e308", "1979-05-27")


def test_a_recipe_with_a_changed_value_is_read_or_refused_in_one_sentence(tmp_path: Path) -> None:
    rng, path, refused = random.Random(0), tmp_path / "mine.toml", []
    for _ in range(200):
        lines = (recipes.FOLDER / f"{rng.choice(recipes.names())}.toml").read_text().splitlines()
        number = rng.choice([i for i, line in enumerate(lines) if " = " in line and not line.startswith("#")])
        key = lines[number].split(" = ")[0]
        lines[number] = f"{key} = {rng.choice(WRONG)}"
        path.write_text("\n".join(lines))
        try:
            recipes.load(str(path))
        except RunError as error:
            refused.append(str(error))
    assert len(refused) > 150
    assert [message for message in refused if not message.startswith(str(path)) or "\n" in message] == []
