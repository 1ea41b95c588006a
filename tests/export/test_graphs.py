"""The exported graphs compute what the trained networks compute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import tiny_run

from reverie.engine.bundle import Bundle
from reverie.engine.correction import fixed_noise
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamBatch
from reverie.engine.noise import keys_of
from reverie.engine.tokens.sampler import draw, refine
from reverie.engine.verify import verify
from reverie.export.errors import ExportError
from reverie.export.graph import Graph
from reverie.export.parity import check_parity
from reverie.export.quantize import round_to_bytes
from reverie.export.run_export import export_run
from reverie.export.tokens.graphs import Sizes, inputs_of, random_inputs, split
from reverie.export.tokens.networks import Run, read_run, round_run
from reverie.export.tokens.run_export import sizes_of
from reverie.models.tokens.world_model import TemporalVisualWorldModel


@pytest.fixture(scope="module")
def bundle(bundle_v11: Path) -> Bundle:
    return Bundle.load(bundle_v11, threads=1)


@pytest.fixture(scope="module")
def in_torch(bundle_v11: Path) -> Bundle:
    return Bundle.load(bundle_v11, "torch")


@pytest.fixture(scope="module", params=["v11", "merged", "two_level", "diffusion", "games"])
def exported(request: pytest.FixtureRequest) -> tuple[Run, Path]:
    """A run rounded to what its bundle holds, and the bundle."""
    run = read_run(request.getfixturevalue(f"run_{request.param}"))
    round_run(run)
    return run, request.getfixturevalue(f"bundle_{request.param}")


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_graphs_compute_what_their_networks_do(exported: tuple[Run, Path], batch: int) -> None:
    run, folder = exported
    bundle, sizes = Bundle.load(folder, threads=1), sizes_of(run)
    graphs = split(run.tokenizer, run.dynamics, sizes, run.decoder)
    further = {"outcome": bool(sizes.rewards), "diffusion": run.decoder is not None}
    assert set(graphs) == {"encoder", "dynamics", "causal_head", "decoder"} | {
        name for name in further if further[name]
    }
    for name, graph in graphs.items():
        computes_the_same(name, graph, bundle, sizes, batch)


def computes_the_same(name: str, graph: Graph, bundle: Bundle, sizes: Sizes, batch: int) -> None:
    inputs = random_inputs(name, sizes, batch, torch.Generator().manual_seed(batch))
    with torch.no_grad():
        wanted = graph.module(*inputs)
    wanted = [wanted] if isinstance(wanted, torch.Tensor) else list(wanted)
    got = bundle.runtime.run(name, [tensor.numpy() for tensor in inputs])
    assert len(got) == len(wanted)
    for a, b in zip(wanted, got, strict=True):
        assert a.numpy().dtype == b.dtype
        difference = np.abs(a.numpy().astype(np.float64) - b.astype(np.float64))
        if name == "encoder":
            assert (difference > 0).mean() < 0.01  # a tie between two codes
        else:
            assert difference.max() <= (1 if b.dtype == np.uint8 else 1e-3)


def test_a_bundle_holds_the_weights_of_its_networks(exported: tuple[Run, Path]) -> None:
    run, folder = exported
    for name, network in Bundle.load(folder, "torch", threads=1).runtime.networks.items():
        wanted = run.networks[name].state_dict()
        for key, value in network.state_dict().items():
            assert torch.equal(value, wanted[key]), f"{name}.{key}"


def test_frame_by_frame_with_the_ring_over_100_frames_is_the_whole_window_at_once(exported: tuple[Run, Path]) -> None:
    run, bundle = exported[0], Bundle.load(exported[1], threads=1)
    assert isinstance(run.dynamics, TemporalVisualWorldModel)
    sizes = sizes_of(run)
    rng = np.random.default_rng(0)
    tokens, actions = rng.integers(0, 64, (2, 100, sizes.positions)), rng.integers(0, 5, (2, 100))
    game = sizes.games - 1
    with torch.no_grad():
        games = torch.full((2,), game) if sizes.games > 1 else None
        hidden = run.dynamics.trunk(torch.from_numpy(tokens), torch.from_numpy(actions), games)
        window = run.dynamics.parallel_logits(hidden, games).numpy()
    ring = bundle.dynamics.arrays.ring(2, bundle.manifest.state)
    assert ring.tensors["keys"].shape[4] == run.dynamics.config.trunk_positions
    for t in range(100):
        frame = np.ascontiguousarray(tokens[:, t])
        context = bundle.dynamics.prepare(frame, ring.tensors, actions[:, t], np.full(2, game))
        assert np.abs(context.logits - window[:, t]).max() < 1e-3
        ring.push(context.new, np.ones(2, bool))


def causal_logits(bundle: Bundle, hidden: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    return np.asarray(bundle.runtime.run("causal_head", [hidden, tokens])[0])


def test_the_causal_head_cannot_see_its_own_token_or_a_later_one(bundle: Bundle) -> None:
    rng = np.random.default_rng(0)
    hidden, tokens = rng.standard_normal((1, 64, 64)).astype(np.float32), rng.integers(0, 64, (1, 64))
    before = causal_logits(bundle, hidden, tokens)
    for i in (0, 20, 63):
        changed = tokens.copy()
        changed[:, i:] = (changed[:, i:] + 1) % 64
        after = causal_logits(bundle, hidden, changed)
        assert np.array_equal(before[:, : i + 1], after[:, : i + 1])


def test_fixed_point_sampling_is_token_by_token_sampling_on_the_real_graph(bundle: Bundle) -> None:
    rng = np.random.default_rng(1)
    hidden = rng.standard_normal((1, 64, 64)).astype(np.float32)
    noise, sampled = keys_of([1]), {"temperature": 1.0, "min_p": 0.02, "top_p": 1.0}
    sequential = np.zeros((1, 64), np.int64)
    for i in range(64):
        sequential[:, i] = draw(causal_logits(bundle, hidden, sequential), noise, sampled)[:, i]
    guess = rng.integers(0, 64, (1, 64))
    tokens, *_ = refine(lambda t, rows: causal_logits(bundle, hidden[rows], t), guess, noise, sampled, 64)
    assert np.array_equal(tokens, sequential)


@pytest.mark.parametrize("mode", ["parallel", "ar"])
def test_both_runtimes_dream_the_same(bundle: Bundle, in_torch: Bundle, mode: str) -> None:
    dreams = [Dream(b, mode=mode, temperature=0, seed=1) for b in (bundle, in_torch)]
    for action in (0, 1, 4, 2):
        frames = [dream.step(action).frame.astype(int) for dream in dreams]
        assert np.array_equal(dreams[0].z, dreams[1].z)
        assert np.abs(frames[0] - frames[1]).max() <= 1


def test_a_bundle_says_what_a_step_brings(bundle_merged: Path) -> None:
    assert verify(bundle_merged) == []
    bundle = Bundle.load(bundle_merged, threads=1)
    assert bundle.manifest.model["rewards"] == [-1.0, 0.0, 1.0]
    dream = DreamBatch(bundle, 3)
    dream.reset([0, 1, 2])
    dream.step([1, 2, 3])
    assert set(dream.rewards.tolist()) <= {-1, 0, 1}
    assert (dream.ended.shape, dream.ended.dtype) == ((3,), np.bool_)


def test_a_bundle_draws_with_its_diffusion_decoder_what_the_network_samples(
    run_diffusion: Path, bundle_diffusion: Path
) -> None:
    assert verify(bundle_diffusion) == []
    run = read_run(run_diffusion)
    round_run(run)
    assert run.decoder is not None
    dreams = [DreamBatch(Bundle.load(bundle_diffusion, b), 2, decoder="diffusion") for b in ("onnx", "torch")]
    assert dreams[0].bundle.manifest.choices("decoder") == ("vq", "diffusion")
    assert dreams[0].settings["steps"] == 2
    for dream in dreams:
        dream.change(temperature=0)
        dream.reset([0, 1])
    noise = torch.from_numpy(fixed_noise(64, 64).copy())
    for steps, action in ((2, 0), (1, 4), (8, 1)):
        for dream in dreams:
            dream.change(steps=steps)
            dream.step([action, 1])
        frames = dreams[0].frames.astype(int)
        vq = dreams[0].bundle.runtime.run("decoder", [dreams[0].z])[0]
        drawn = run.decoder.sample(torch.from_numpy(dreams[0].z), torch.from_numpy(vq), noise, steps).numpy()
        assert np.array_equal(dreams[0].z, dreams[1].z)
        assert np.abs(frames - drawn).max() <= 1
        assert np.abs(frames - dreams[1].frames.numpy()).max() <= 1
        assert (frames != vq).any()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_every_graph_is_held_against_its_network_in_every_precision(precision: str, tmp_path: Path) -> None:
    run_dir = tiny_run(tmp_path / "run", rewards=(0.0, 1.0), decoder=True)
    run, out = read_run(run_dir), export_run(run_dir, tmp_path / "all", precision, log=lambda _: None)
    sizes = sizes_of(run)
    if precision == "int8":
        round_run(run)
        round_to_bytes(run.dynamics)
        assert run.decoder is not None
        round_to_bytes(run.decoder)
    graphs = split(run.tokenizer, run.dynamics, sizes, run.decoder)
    assert graphs.keys() == {"encoder", "decoder", "dynamics", "causal_head", "outcome", "diffusion"}
    in_bytes = ("dynamics",) if precision == "int8" else ()
    worst = check_parity(graphs, Bundle.load(out, threads=1).runtime, inputs_of(sizes), in_bytes)
    assert worst.keys() == graphs.keys()
    with torch.no_grad():  # and it would be noticed
        for parameter in run.dynamics.parameters():
            parameter.add_(0.05)
    with pytest.raises(ExportError, match="differs from the trained network"):
        check_parity(graphs, Bundle.load(out, threads=1).runtime, inputs_of(sizes), in_bytes)


def test_an_outcome_needs_no_causal_head(tmp_path: Path) -> None:
    run = tiny_run(tmp_path / "run", causal_layers=0, rewards=(0.0, 1.0))
    bundle = Bundle.load(export_run(run, tmp_path / "out", "fp32", log=lambda _: None), threads=1)
    assert (bundle.manifest.choices("mode"), bundle.manifest.model["hidden"]) == (("parallel",), 64)
    assert Dream(bundle).step(1).reward in (0, 1)


def test_v1_dreams_without_memory(bundle_v1: Path) -> None:
    bundle = Bundle.load(bundle_v1, threads=1)
    assert (bundle.manifest.state, bundle.manifest.choices("mode")) == ({}, ("parallel",))
    dream = DreamBatch(bundle, 2)
    dream.reset([0, 1])
    assert dream.history_fill == 1
    snapshot = dream.snapshot()
    first = dream.step([1, 2]).copy()
    dream.restore(snapshot)
    assert np.array_equal(dream.step([1, 2]), first)
    with pytest.raises(ValueError, match="no mode 'ar'"):
        dream.change(mode="ar")
