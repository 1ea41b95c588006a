"""Dreams on networks that the manifest describes are those on graphs: the same seeds and actions, the same frames."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from reverie.engine import torch_noise, torch_runtime
from reverie.engine.bundle import Bundle
from reverie.engine.dream_batch import DreamBatch
from reverie.engine.errors import BundleError
from reverie.engine.manifest import StateSpec
from reverie.engine.noise import gumbel, keys_of, next_keys
from reverie.engine.onnx_runtime import CUDA, why_not_cuda
from reverie.engine.tokens.sampler import draw
from reverie.engine.tokens.torch_dynamics import TorchDynamics
from reverie.engine.tokens.torch_sampler import draw as draw_tensors
from reverie.engine.torch_arrays import TorchRing, TorchTally
from reverie.engine.torch_runtime import TorchRuntime
from reverie.evaluation.speed.batched import frames_per_second
from reverie.evaluation.subjects.bundle_subject import open_subjects
from tests.export.test_bundle_files import rehash

SEEDS = [5, 8, 11, 2]
SCRIPT = np.random.default_rng(0).integers(5, size=(12, len(SEEDS)))
TINY = {"vocabulary": 64, "width": 64, "heads": 2, "layers": 1, "causal_layers": 1}
SAMPLED: dict[str, Any] = {"temperature": 1.0, "min_p": 0.0, "top_p": 1.0}


def in_torch(folder: Path) -> Bundle:
    return Bundle.load(folder, "torch", threads=1)


@pytest.mark.parametrize(("bundle_name", "decoder"), [("bundle_merged", "vq"), ("bundle_diffusion", "diffusion")])
@pytest.mark.parametrize("mode", ["parallel", "ar"])
def test_the_same_seeds_dream_the_same_on_networks_and_on_graphs(
    bundle_name: str, decoder: str, mode: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(bundle_name)
    graphs, networks = (
        DreamBatch(bundle, 4, mode=mode, decoder=decoder)
        for bundle in (Bundle.load(folder, threads=1), in_torch(folder))
    )
    assert isinstance(networks.bundle.dynamics, TorchDynamics)
    np.testing.assert_array_equal(networks.reset(SEEDS), graphs.reset(SEEDS))
    for actions in SCRIPT:
        frames, wanted = networks.step(actions), graphs.step(actions)
        np.testing.assert_array_equal(networks.z, graphs.z)
        assert np.abs(frames.numpy().astype(int) - wanted).max() <= 1
        np.testing.assert_array_equal(networks.rewards, graphs.rewards)
        np.testing.assert_array_equal(networks.ended, graphs.ended)
    assert graphs.ring is not None
    assert networks.ring is not None
    np.testing.assert_array_equal(networks.ring.tensors["age"], graphs.ring.tensors["age"])
    np.testing.assert_allclose(networks.ring.tensors["keys"], graphs.ring.tensors["keys"], atol=1e-4)
    assert networks.faults.count == graphs.faults.count == 0


@pytest.mark.parametrize("changes", [{"min_p": 0.1}, {"top_p": 0.8}, {"temperature": 0.0}])
def test_tensors_are_drawn_as_arrays_are(changes: dict[str, float]) -> None:
    logits = 3 * np.random.default_rng(1).standard_normal((2, 16, 32)).astype(np.float32)
    keys = keys_of([4, 5])
    drawn = draw_tensors(torch.from_numpy(logits), torch.from_numpy(keys.view(np.int64)), SAMPLED | changes)
    np.testing.assert_array_equal(drawn, draw(logits, keys, SAMPLED | changes))


def test_the_noise_of_tensors_is_that_of_arrays() -> None:
    keys, positions = keys_of(range(50)), np.arange(10_000)
    for _ in range(3):
        tensors = torch.from_numpy(keys.view(np.int64).copy())
        got = torch_noise.gumbel(tensors[:, None], torch.from_numpy(positions))
        np.testing.assert_allclose(got, gumbel(keys[:, None], positions), atol=1e-5)
        keys = next_keys(keys)
        np.testing.assert_array_equal(torch_noise.next_keys(tensors).numpy().view(np.uint64), keys)


def test_dreams_go_on_exactly_where_the_snapshot_was_taken(bundle_v11: Path) -> None:
    dreams = DreamBatch(in_torch(bundle_v11), 4)
    dreams.reset(SEEDS)
    for actions in SCRIPT[:4]:
        dreams.step(actions)
    snapshot = dreams.snapshot()
    there = [dreams.step(actions).clone() for actions in SCRIPT[4:]]
    for _ in range(2):
        dreams.restore(snapshot)
        assert all(torch.equal(dreams.step(actions), frames) for actions, frames in zip(SCRIPT[4:], there, strict=True))


@pytest.mark.parametrize("any_batch", [True, False])
def test_some_dreams_begin_again_and_the_others_go_on(bundle_v11: Path, any_batch: bool) -> None:
    bundle = in_torch(bundle_v11)
    bundle.dynamics.any_batch = any_batch
    dreams, wanted = DreamBatch(bundle, 4), DreamBatch(Bundle.load(bundle_v11, threads=1), 4)
    dreams.reset(SEEDS)
    wanted.reset(SEEDS)
    for number, actions in enumerate(SCRIPT[:9]):
        if number in (2, 6):
            mask = np.array([False, True, number == 6, False])
            dreams.reset_where(torch.from_numpy(mask), [50, 51, 52, 53])
            wanted.reset_where(mask, [50, 51, 52, 53])
            np.testing.assert_array_equal(dreams.frames, wanted.frames)
        dreams.step(torch.from_numpy(actions))
        wanted.step(actions)
        np.testing.assert_array_equal(dreams.z, wanted.z)


def test_the_metrics_see_the_same_dream_on_networks(bundle_v11: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 2, 64, 64, 3), np.uint8)
    history = np.zeros((3, 2), np.int64)
    onnx, device = (
        open_subjects([bundle_v11], 1, backend)[0].dream(frames, history, 3) for backend in ("onnx", "torch")
    )
    for actions in SCRIPT[:3, :2]:
        assert np.abs(onnx.step(actions).astype(int) - device.step(actions)).max() <= 1


def test_a_trajectory_that_is_given_nan_stays_where_it_was(bundle_v11: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dreams = DreamBatch(in_torch(bundle_v11), 4)
    dreams.reset(SEEDS)
    dreams.step(SCRIPT[0])
    assert dreams.ring is not None
    z, frames, keys = dreams.z.clone(), dreams.frames.clone(), dreams.ring.tensors["keys"].clone()
    run = TorchRuntime.run

    def broken(runtime: TorchRuntime, name: str, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        out = run(runtime, name, inputs)
        if name == "dynamics":
            out[0] = out[0].clone()
            out[0][2, 7] = float("nan")
        return out

    monkeypatch.setattr(TorchRuntime, "run", broken)
    dreams.step(SCRIPT[1])
    assert dreams.faults.count == 1
    assert dreams.faults.last == "the dynamics gave NaN or infinity: the dream goes on from its last good frame"
    assert torch.equal(dreams.z[2], z[2])
    assert torch.equal(dreams.frames[2], frames[2])
    assert torch.equal(dreams.ring.tensors["keys"][2], keys[2])
    assert not torch.equal(dreams.ring.tensors["keys"][0], keys[0])


def test_a_ring_overwrites_its_oldest_slot() -> None:
    state = {"keys": StateSpec("float32", (1, 2, 1), "push", "a.b", 1), "age": StateSpec("int64", (2,), "age")}
    ring = TorchRing(2, state, torch.device("cpu"))
    for number in (1.0, 2.0, 3.0):
        ring.push({"keys": torch.full((2, 1, 1), number)}, torch.tensor([True, number < 3]))
    assert ring.tensors["keys"][:, 0, :, 0].tolist() == [[3, 2], [1, 2]]
    assert ring.tensors["age"].tolist() == [[1, 2], [2, 1]]
    assert ring.filled == 2
    other = TorchRing(1, state, torch.device("cpu"))
    ring.put([0], other, [0])
    assert ring.tensors["age"].tolist() == [[0, 0], [2, 1]]
    with pytest.raises(ValueError, match="another bundle or batch"):
        ring.restore(other.snapshot())


def test_a_tally_names_the_last_fault_of_its_own_and_of_others() -> None:
    good, bad = torch.tensor([True, True]), torch.tensor([True, False])
    mine, other = TorchTally(), TorchTally()
    mine.add({"one": bad, "two": bad}, "x")
    assert (mine.faults.count, mine.faults.last) == (1, "one: x")
    mine.add({"one": good, "two": bad}, "x")
    mine.add({"one": good, "two": good}, "x")
    assert (mine.faults.count, mine.faults.last) == (2, "two: x")
    other.add({"one": ~bad, "two": ~good}, "y")
    mine.merge(other)
    assert (mine.faults.count, mine.faults.last) == (4, "one: y")


def test_mistakes_are_sentences(bundle_v11: Path) -> None:
    bundle = in_torch(bundle_v11)
    for setting in ({"mode": "telepathy"}, {"passes": 99}):
        with pytest.raises(ValueError, match=next(iter(setting))):
            DreamBatch(bundle, 2, **setting)  # type: ignore[arg-type]
    dreams = DreamBatch(bundle, 2)
    with pytest.raises(ValueError, match="reset"):
        dreams.step([0, 0])
    dreams.reset([1, 2])
    with pytest.raises(ValueError, match="unknown action"):
        dreams.step([0, 9])
    with pytest.raises(ValueError, match="the frame is none that this bundle has"):
        dreams.put_z(np.full((2, 64), 64), [0, 0])


def test_opening_a_bundle_draws_no_random_numbers(bundle_v11: Path) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    in_torch(bundle_v11)
    assert torch.equal(torch.rand(1), wanted)


def test_half_precision_computes_nearly_the_same_and_the_encoder_the_very_same(bundle_v11: Path) -> None:
    manifest = in_torch(bundle_v11).manifest
    whole, half = (
        TorchDynamics(manifest, TorchRuntime(bundle_v11, manifest, 1, half=kind)) for kind in (None, torch.bfloat16)
    )
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8))
    tokens = whole.encode(frames)[0]
    assert torch.equal(half.encode(frames)[0], tokens)
    state = whole.arrays.ring(2, manifest.state).tensors
    action, games = torch.tensor([1, 4]), torch.zeros(2, dtype=torch.int64)
    wanted, got = (dynamics.prepare(tokens, state, action, games) for dynamics in (whole, half))
    for a, b in ((wanted.logits, got.logits), (wanted.new["keys"], got.new["keys"])):
        assert b.dtype == torch.float32
        assert 0 < (a - b).abs().max() < 0.1 * a.abs().max()


def test_without_a_gpu_either_backend_says_why_and_dreams_on_the_processor(
    bundle_v11: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_runtime.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    for backend in ("onnx-cuda", "torch-cuda"):
        bundle = Bundle.load(bundle_v11, backend, threads=1)
        assert bundle.backend == backend.removesuffix("-cuda")
        assert "so the dream runs on the processor" in bundle.runtime.note
        assert DreamBatch(bundle, 1).reset([0]).shape == (1, 64, 64, 3)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [CUDA])
    assert why_not_cuda() == ""


def test_the_speed_of_many_dreams_is_told(bundle_v11: Path) -> None:
    figures = frames_per_second(bundle_v11, 2, 2, backend="torch")
    assert float(str(figures["frames_per_second"])) > 0
    assert figures["faults"] == 0


def refused(bundle: Path, match: str) -> None:
    with pytest.raises(BundleError, match=match) as error:
        in_torch(bundle)
    assert "\n" not in str(error.value)


@pytest.fixture
def copy(bundle_v11: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_v11, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"kind": "pickle"}, r"networks\.kinds\.dynamics\.kind must be one of"),
        ({"config": {"width": "wide"}}, r"networks\.kinds\.dynamics\.config\.width must be a whole number"),
        ({"config": {"width": 4096, "layers": 64}}, "more than 500,000,000 parameters"),
        ({"config": {"vocabulary": 64, "grid": [64, 64]}}, "networks are too large"),
        ({"config": TINY | {"layers": 2}}, "lacks weight 'dynamics"),
        ({"config": TINY | {"causal_layers": 0}}, "has an unknown weight"),
        ({"config": TINY | {"vocabulary": 65}}, r"must be \[65"),
    ],
)
def test_networks_that_do_not_fit_are_a_sentence(copy: Path, change: dict[str, Any], match: str) -> None:
    networks = json.loads((copy / "manifest.json").read_text())["networks"]
    networks["kinds"]["dynamics"] |= change
    rehash(copy, networks=networks)
    refused(copy, match)


def test_networks_of_another_model_than_the_graphs_are_a_sentence(bundle_v11: Path, bundle_merged: Path) -> None:
    networks, graphs = in_torch(bundle_merged).runtime, Bundle.load(bundle_v11, threads=1).manifest
    with pytest.raises(BundleError, match="are not those of its dynamics"):
        TorchDynamics(graphs, networks)


@pytest.mark.parametrize("damage", ["cut", "text", "missing", "shape", "type", "scale"])
def test_damaged_weights_are_a_sentence(copy: Path, damage: str) -> None:
    file = copy / "weights.safetensors"
    weights, name = load_file(file), "dynamics.position"
    match damage:
        case "cut":
            file.write_bytes(file.read_bytes()[:-100])
        case "text":
            file.write_text("no weights")
        case "missing":
            del weights[name]
        case "shape":
            weights[name] = weights[name][:-1]
        case "type":
            weights[name] = weights[name].astype(np.float64)
        case "scale":
            weights[name + ".scale"] = np.ones((64, 1), np.float32)
    if damage not in ("cut", "text"):
        save_file({name: np.ascontiguousarray(array) for name, array in weights.items()}, file)
    rehash(copy)
    refused(copy, "holds no weights" if damage in ("cut", "text") else name)
