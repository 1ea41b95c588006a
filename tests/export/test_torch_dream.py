"""Many dreams on a device are those of the engine: the same seeds and actions, the same tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.engine import torch_dream, torch_noise, torch_runtime
from reverie.engine.bundle import Bundle
from reverie.engine.dream_batch import DreamBatch
from reverie.engine.noise import gumbel, keys_of, next_keys
from reverie.engine.onnx_runtime import CUDA, why_not_cuda
from reverie.engine.sampler import Sampling, draw
from reverie.engine.torch_dream import TorchDreams, TorchRing
from reverie.engine.torch_runtime import TorchRuntime
from reverie.evaluation.speed.batched import frames_per_second
from reverie.evaluation.subjects.bundle_subject import open_subjects

SEEDS = [5, 8, 11, 2]
SCRIPT = np.random.default_rng(0).integers(5, size=(12, len(SEEDS)))


@pytest.mark.parametrize(("bundle_name", "decoder"), [("bundle_merged", "vq"), ("bundle_diffusion", "diffusion")])
@pytest.mark.parametrize("mode", ["parallel", "ar"])
def test_the_same_seeds_dream_what_a_dream_batch_dreams(
    bundle_name: str, decoder: str, mode: str, request: pytest.FixtureRequest
) -> None:
    bundle = Bundle.load(request.getfixturevalue(bundle_name), "torch", threads=1)
    engine, device = (
        DreamBatch(bundle, 4, mode=mode, decoder=decoder),
        TorchDreams(bundle, 4, mode=mode, decoder=decoder),
    )
    np.testing.assert_array_equal(device.reset(SEEDS), engine.reset(SEEDS))
    for actions in SCRIPT:
        frames, wanted = device.step(actions), engine.step(actions)
        np.testing.assert_array_equal(device.tokens, engine.tokens)
        assert np.abs(frames.numpy().astype(int) - wanted).max() <= 1
        np.testing.assert_array_equal(device.rewards, engine.rewards)
        np.testing.assert_array_equal(device.ended, engine.ended)
    assert engine.ring is not None
    assert device.ring is not None
    np.testing.assert_array_equal(device.ring.age, engine.ring.age)
    np.testing.assert_allclose(device.ring.keys, engine.ring.keys, atol=1e-5)
    assert int(device.faults) == engine.faults.count == 0


@pytest.mark.parametrize("sampling", [Sampling(min_p=0.1), Sampling(min_p=0, top_p=0.8), Sampling(temperature=0)])
def test_tensors_are_drawn_as_arrays_are(sampling: Sampling) -> None:
    logits = 3 * np.random.default_rng(1).standard_normal((2, 16, 32)).astype(np.float32)
    keys = keys_of([4, 5])
    drawn = torch_dream.draw(torch.from_numpy(logits), torch.from_numpy(keys.view(np.int64)), sampling)
    np.testing.assert_array_equal(drawn, draw(logits, keys, sampling))


def test_the_noise_of_tensors_is_that_of_arrays() -> None:
    keys, places = keys_of(range(50)), np.arange(10_000)
    for _ in range(3):
        tensors = torch.from_numpy(keys.view(np.int64).copy())
        got = torch_noise.gumbel(tensors[:, None], torch.from_numpy(places))
        np.testing.assert_allclose(got, gumbel(keys[:, None], places), atol=1e-5)
        keys = next_keys(keys)
        np.testing.assert_array_equal(torch_noise.next_keys(tensors).numpy().view(np.uint64), keys)


def test_dreams_go_on_exactly_where_the_snapshot_was_taken(bundle_v11: Path) -> None:
    dreams = TorchDreams(Bundle.load(bundle_v11, "torch", threads=1), 4)
    dreams.reset(SEEDS)
    for actions in SCRIPT[:4]:
        dreams.step(actions)
    snapshot = dreams.snapshot()
    there = [dreams.step(actions).clone() for actions in SCRIPT[4:]]
    for _ in range(2):
        dreams.restore(snapshot)
        assert all(torch.equal(dreams.step(actions), frames) for actions, frames in zip(SCRIPT[4:], there, strict=True))


def test_some_dreams_begin_again_and_the_others_go_on(bundle_v11: Path) -> None:
    bundle = Bundle.load(bundle_v11, "torch", threads=1)
    dreams, wanted = TorchDreams(bundle, 4), DreamBatch(bundle, 4)
    dreams.reset(SEEDS)
    wanted.reset(SEEDS)
    for number, actions in enumerate(SCRIPT[:9]):
        if number in (2, 6):
            mask = np.array([False, True, number == 6, False])
            dreams.reset_where(torch.from_numpy(mask), [50, 51, 52, 53])
            wanted.reset_where(mask, [50, 51, 52, 53])
            np.testing.assert_array_equal(dreams.frames, wanted.frames)
        dreams.step(actions)
        wanted.step(actions)
        np.testing.assert_array_equal(dreams.tokens, wanted.tokens)


def test_the_metrics_see_the_same_dream_on_the_device(bundle_v11: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 2, 64, 64, 3), np.uint8)
    history = np.zeros((3, 2), np.int64)
    onnx, device = (
        open_subjects([bundle_v11], 1, backend)[0].dream(frames, history, 3) for backend in ("onnx", "torch")
    )
    for actions in SCRIPT[:3, :2]:
        assert np.abs(onnx.step(actions).astype(int) - device.step(actions)).max() <= 1


def test_a_trajectory_that_is_given_nan_stays_where_it_was(bundle_v11: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle.load(bundle_v11, "torch", threads=1)
    dreams = TorchDreams(bundle, 4)
    dreams.reset(SEEDS)
    dreams.step(SCRIPT[0])
    tokens, frames = dreams.tokens.clone(), dreams.frames.clone()
    assert dreams.ring is not None
    keys = dreams.ring.keys.clone()
    run = TorchRuntime.run_tensors

    def broken(runtime: TorchRuntime, graph: str, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        out = run(runtime, graph, inputs)
        if graph == "dynamics":
            out[0] = out[0].clone()
            out[0][2, 7] = float("nan")
        return out

    monkeypatch.setattr(TorchRuntime, "run_tensors", broken)
    dreams.step(SCRIPT[1])
    assert int(dreams.faults) == 1
    assert torch.equal(dreams.tokens[2], tokens[2])
    assert torch.equal(dreams.frames[2], frames[2])
    assert torch.equal(dreams.ring.keys[2], keys[2])
    assert not torch.equal(dreams.ring.keys[0], keys[0])


def test_a_ring_overwrites_its_oldest_slot() -> None:
    ring = TorchRing(2, (1, 1, 2, 1, 1), torch.device("cpu"))
    for number in (1.0, 2.0, 3.0):
        new = torch.full((2, 1, 1, 1, 1), number)
        ring.push(new, new, torch.tensor([True, number < 3]))
    assert ring.keys[:, 0, 0, :, 0, 0].tolist() == [[3, 2], [1, 2]]
    assert ring.age.tolist() == [[1, 2], [2, 1]]


def test_mistakes_are_sentences(bundle_v11: Path) -> None:
    with pytest.raises(ValueError, match="torch-cuda, not onnx"):
        TorchDreams(Bundle.load(bundle_v11, threads=1), 2)
    bundle = Bundle.load(bundle_v11, "torch", threads=1)
    for setting in ({"mode": "telepathy"}, {"passes": 99}):
        with pytest.raises(ValueError, match=next(iter(setting))):
            TorchDreams(bundle, 2, **setting)  # type: ignore[arg-type]
    dreams = TorchDreams(bundle, 2)
    with pytest.raises(ValueError, match="reset"):
        dreams.step([0, 0])
    dreams.reset([1, 2])
    with pytest.raises(ValueError, match="known actions"):
        dreams.step([0, 9])


def test_half_precision_computes_nearly_the_same_and_the_encoder_the_very_same(bundle_v11: Path) -> None:
    manifest = Bundle.load(bundle_v11, "torch", threads=1).manifest
    assert manifest.programs is not None
    files = {name: bundle_v11 / file for name, file in manifest.programs.present().items()}
    whole, half = (
        TorchRuntime(files, bundle_v11 / manifest.programs.weights, True, True, False, 1, half=kind)
        for kind in (None, torch.bfloat16)
    )
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    tokens, action = whole.encode(frames), np.array([1, 4])
    np.testing.assert_array_equal(half.encode(frames), tokens)
    cache = manifest.cache
    assert cache is not None
    ring = [np.zeros((2, cache.layers, cache.heads, cache.slots, cache.positions, cache.head_dim), np.float32)] * 2
    inputs = [tokens, action, *ring, np.zeros((2, cache.slots), np.int64)]
    wanted, got = whole.run("dynamics", inputs), half.run("dynamics", inputs)
    for a, b in zip(wanted, got, strict=True):
        assert b.dtype == np.float32
        assert 0 < np.abs(a - b).max() < 0.1 * np.abs(a).max()


def test_without_a_gpu_either_backend_says_why_and_dreams_on_the_processor(
    bundle_v11: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_runtime.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    for backend in ("onnx-cuda", "torch-cuda"):
        bundle = Bundle.load(bundle_v11, backend, threads=1)
        assert bundle.backend == backend.removesuffix("-cuda")
        assert "so the dream runs on the processor" in bundle.runtime.note
        assert bundle.runtime.encode(bundle.starts.frames[:1, 0]).shape == (1, 64)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [CUDA])
    assert why_not_cuda() == ""


def test_the_speed_of_many_dreams_is_told(bundle_v11: Path) -> None:
    figures = frames_per_second(bundle_v11, 2, 2, backend="torch")
    assert float(str(figures["frames_per_second"])) > 0
    assert figures["faults"] == 0
