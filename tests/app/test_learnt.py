"""A training may begin with what a run or a dream has learnt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reverie.app.errors import Mistake
from reverie.app.own.learnt import what_was_learnt
from reverie.engine import library
from reverie.engine.bundle import Bundle, read_manifest
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.training.errors import RunError


def test_a_dream_is_opened_by_its_name_with_the_weights_that_it_dreams_with() -> None:
    learnt = what_was_learnt(Path("arcade"))
    assert list(learnt.record["games"]) == ["garden", "bricks", "duel", "crossing", "runner"]
    assert learnt.record["recipe"] == "arcade"
    own = Bundle.load(learnt.folder, "torch", threads=1).runtime.networks["dynamics"]
    dynamics = learnt.networks["dynamics"]
    assert isinstance(dynamics, TemporalVisualWorldModel)
    assert all(torch.equal(a, b) for a, b in zip(dynamics.parameters(), own.parameters(), strict=True))


def test_a_dream_without_networks_and_a_folder_that_is_neither_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="holds no networks to go on from"):
        what_was_learnt(without_networks(tmp_path))
    with pytest.raises(RunError, match="is not a run"):
        what_was_learnt(tmp_path / "nothing")


def without_networks(folder: Path) -> Path:
    """A manifest that describes no networks, as one for the graphs alone does."""
    manifest, _ = read_manifest(library.resolve("arcade"))
    (folder / "manifest.json").write_text(replace(manifest, networks=None).to_json())
    return folder
