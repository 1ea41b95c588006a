"""The whole way of a model with experts, at toy size: train, go on from it, export, verify, play, jump to a game."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.app.play.choice import Choice
from reverie.app.play.session import Session
from reverie.engine.bundle import Bundle
from reverie.engine.verify import verify
from reverie.export.run_export import export_run
from reverie.export.tokens.run_export import idle_parameters
from reverie.games import registry
from reverie.models.layers import Experts
from reverie.models.tokens.networks import build_dynamics
from reverie.training import recipe as recipes
from reverie.training.data.record import record
from reverie.training.run import train
from reverie.training.runs import read_run
from reverie.training.tokens.recipe import TokenRecipe

GAMES = ("garden", "duel")
RECIPE = """
kind = "v2"
[tokenizer]
vocabulary = 64
[dynamics]
vocabulary = 64
history = 2
layers = 1
width = 32
heads = 2
causal_layers = 1
{more}
[dynamics_training]
window = 4
batch = 4
balance = 0.001
own_share = 0.5
"""


def quiet(line: str) -> None:
    """No log."""


@pytest.mark.slow
def test_a_model_with_experts_is_trained_from_a_shared_one_exported_and_played(tmp_path: Path) -> None:
    data, shared, recipe = tmp_path / "data", tmp_path / "shared.toml", tmp_path / "experts.toml"
    for game in GAMES:
        record(game, data / game, 400)
    shared.write_text(RECIPE.format(more=""))
    recipe.write_text(RECIPE.format(more="experts = true\ninner = 6"))
    train(str(shared), data, tmp_path / "first", 0.02, log=quiet)
    said: list[str] = []
    begin = read_run(tmp_path / "first")
    train(str(recipe), data, tmp_path / "run", 0.02, begin=begin, log=said.append)
    assert any(line.endswith("new: nothing") for line in said)
    looks = [line for line in said if line.startswith("dynamics held out")]
    assert all(f"{what}_{game}" in looks[-1] for what in ("legal", "drawn") for game in GAMES)
    train(str(recipe), data, tmp_path / "run", 0.03, resume=True, log=said.append)
    network = read_run(tmp_path / "run").networks["dynamics"]
    blocks = [module for module in network.modules() if isinstance(module, Experts)]
    assert len(blocks) == 2
    assert all((block.up.weight[0] != block.up.weight[1]).any() for block in blocks), "each learnt from its own game"

    out = export_run(tmp_path / "run", tmp_path / "dream", "int8", log=quiet)
    assert verify(out) == []
    bundle = Bundle.load(out, threads=1)
    assert bundle.manifest.active_parameters < bundle.manifest.parameters
    session = Session(Choice("toy"), bundle)
    for _ in range(2 * len(GAMES)):
        first = session.frame
        for action in range(len(session.actions)):
            session.step(action)
        assert session.frame.shape == (64, 64, 3)
        assert not np.array_equal(session.frame, first)
        session.next_game()


def test_the_recipe_stays_within_what_a_frame_may_cost() -> None:
    plan = recipes.load("arcade-experts").fitted(6, 64, (-1.0, 0.0, 1.0, 2.0), registry.names())
    assert isinstance(plan, TokenRecipe)
    with torch.device("meta"):
        dynamics = build_dynamics(plan.dynamics)
    assert 50e6 < plan.parameters() < 100e6
    assert plan.parameters() - idle_parameters(dynamics) < 20e6
