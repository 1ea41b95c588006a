"""A bundle with an expert for each game holds all of them once, and a frame takes those of its own game alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto
from tiny import tiny_run

from reverie.engine.bundle import Bundle
from reverie.engine.dream_batch import DreamBatch
from reverie.engine.verify import verify
from reverie.export.run_export import export_run
from reverie.models.layers import ExpertLinear
from reverie.models.tokens.world_model import TemporalVisualWorldModel

GAMES = {
    "garden": ("noop", "up", "down", "left", "right"),
    "bricks": ("noop", "left", "right", "a"),
    "duel": ("noop", "up", "down"),
}
SEEDS = [5, 8]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run whose experts differ."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "experts", games=GAMES, experts=True, rewards=(0.0, 1.0))


@pytest.fixture(scope="module", params=["fp16", "int8"])
def bundle(request: pytest.FixtureRequest, run: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    out = tmp_path_factory.mktemp("bundles") / request.param
    return Bundle.load(export_run(run, out, request.param, log=lambda _: None), threads=1)


def _network(bundle: Bundle) -> TemporalVisualWorldModel:
    network = Bundle.load(bundle.path, "torch", threads=1).runtime.networks["dynamics"]
    assert isinstance(network, TemporalVisualWorldModel)
    return network


def _inputs(bundle: Bundle, game: int) -> dict[str, np.ndarray]:
    rng, state = np.random.default_rng(0), bundle.manifest.state
    ring = {name: np.zeros((2, *spec.shape), spec.type) for name, spec in state.items()}
    return {"tokens": rng.integers(0, 64, (2, 64)), "action": np.zeros(2, np.int64), "game": np.full(2, game), **ring}


@pytest.mark.parametrize("game", range(len(GAMES)))
def test_the_graphs_take_the_experts_of_the_game_that_they_are_told(bundle: Bundle, game: int) -> None:
    network, given = _network(bundle), _inputs(bundle, game)
    torch_given = [torch.from_numpy(given[name]) for name in bundle.manifest.graphs["dynamics"].inputs]
    with torch.no_grad():
        logits, hidden, *_ = network.step(*torch_given)
        causal = network.causal_logits(hidden, torch_given[0], torch_given[-1])
    out = bundle.runtime.call("dynamics", given)
    exact = bundle.manifest.precision == "fp16"
    assert np.abs(out["logits"] - logits.numpy()).max() < (1e-3 if exact else 0.2 * float(logits[logits > -99].std()))
    head = bundle.runtime.call("causal_head", {**given, "hidden": hidden.numpy()})["logits"]
    assert np.abs(head - causal.numpy()).max() < 1e-3
    for other in set(range(len(GAMES))) - {game}:
        elsewhere = bundle.runtime.call("dynamics", {**given, "game": np.full(2, other)})
        assert np.abs(out["hidden"] - elsewhere["hidden"]).max() > 0.05


def test_experts_are_stored_once_and_picked_before_they_become_numbers(bundle: Bundle) -> None:
    for name in ("dynamics", "causal_head"):
        graph = onnx.load(bundle.path / f"{name}.onnx", load_external_data=False).graph
        large = {i.name: i for i in graph.initializer if len(i.dims) == 3 and i.dims[0] == len(GAMES) and i.dims[1] > 1}
        assert len(large) == 2, "up and down of the one layer"
        assert all(i.data_location == TensorProto.EXTERNAL for i in large.values()), "in the file of weights alone"
        if bundle.manifest.precision == "int8":
            assert {i.data_type for i in large.values()} == {TensorProto.UINT8}
            users = [node.op_type for node in graph.node if set(node.input) & set(large)]
            assert set(users) == {"Gather"}


def test_the_manifest_says_how_many_parameters_are_at_work_in_a_frame(bundle: Bundle) -> None:
    network, manifest = _network(bundle), bundle.manifest
    experts = sum(p.numel() for m in network.modules() if isinstance(m, ExpertLinear) for p in m.parameters())
    assert manifest.active_parameters == manifest.parameters - experts * 2 // 3
    assert verify(bundle.path) == []


def test_another_game_is_dreamt_without_loading_anything(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a graph was loaded")

    monkeypatch.setattr(ort, "InferenceSession", refuse)
    for game in (*GAMES, *GAMES):
        dream = DreamBatch(bundle, 2, mode="ar", game=game)
        dream.reset(SEEDS)
        dream.step([1, 0])
