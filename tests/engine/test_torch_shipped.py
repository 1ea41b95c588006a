"""The shipped bundles that describe their networks dream the same with torch as with ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.engine import library
from reverie.engine.bundle import Bundle, read_manifest
from reverie.engine.dream_batch import DreamBatch
from reverie.engine.errors import BundleError

pytest.importorskip("torch")

SHIPPED = library.shipped()
MANIFESTS = {name: read_manifest(folder)[0] for name, folder in SHIPPED.items()}
WITH_NETWORKS = [name for name, manifest in MANIFESTS.items() if manifest.networks is not None]
OF_TOKENS = [name for name in WITH_NETWORKS if MANIFESTS[name].family == "tokens"]
OF_LATENTS = [name for name in WITH_NETWORKS if MANIFESTS[name].family == "latent"]
SEEDS = [5, 8, 11, 2]
FRAMES = 64
TIE = {"fp16": 1e-3, "int8": 0.5}
"""By how much the logits of two codes may differ that one backend prefers otherwise. Bytes round what goes in, too."""
NEAR = 1.0
"""Levels of 255 by which the pixels of two backends may differ in the mean."""


def test_all_but_the_oldest_have_networks() -> None:
    assert set(SHIPPED) - set(WITH_NETWORKS) == {"v1"}
    with pytest.raises(BundleError, match=r"v1 describes no networks for torch: leave --backend out") as error:
        Bundle.load(SHIPPED["v1"], "torch")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", OF_TOKENS)
def test_torch_draws_the_same_tokens_over_64_frames_up_to_ties(name: str) -> None:
    bundles = [Bundle.load(SHIPPED[name], backend) for backend in ("onnx", "torch")]
    onnx, torch = (DreamBatch(x, len(SEEDS), mode="parallel", passes=1, decoder="vq", temperature=0) for x in bundles)
    np.testing.assert_array_equal(torch.reset(SEEDS).numpy(), onnx.reset(SEEDS))
    np.testing.assert_array_equal(torch.z.numpy(), onnx.z)
    script = np.random.default_rng(0).integers(len(onnx.actions), size=(FRAMES, len(SEEDS)))
    ties = 0
    for actions in script:
        onnx.step(actions)
        logits = torch.advance(actions).logits.numpy()  # (B, S, V)
        lacking = logits.max(-1) - np.take_along_axis(logits, onnx.z[..., None], -1)[..., 0]  # (B, S)
        assert lacking.max() <= TIE[onnx.bundle.manifest.precision]
        ties += np.count_nonzero(logits.argmax(-1) != onnx.z)
        torch.show(torch.bundle.dynamics.checked(onnx.z))
    assert ties <= 1e-3 * script.size * onnx.z.shape[1]


@pytest.mark.parametrize("name", OF_LATENTS)
def test_torch_dreams_nearly_the_same_next_frame_of_latents(name: str) -> None:
    bundles = [Bundle.load(SHIPPED[name], backend) for backend in ("onnx", "torch")]
    for action in range(len(MANIFESTS[name].actions)):
        frames = []
        for bundle in bundles:
            dream = DreamBatch(bundle, len(SEEDS))
            dream.reset(SEEDS)
            frames.append(np.asarray(dream.step([action] * len(SEEDS))).astype(np.int64))
        assert np.abs(frames[0] - frames[1]).mean() < NEAR


def test_v1_1_dreams_the_very_same_frames() -> None:
    bundles = [Bundle.load(SHIPPED["v1.1"], backend) for backend in ("onnx", "torch")]
    for mode in ("parallel", "ar"):
        dreams = [DreamBatch(bundle, 2, mode=mode) for bundle in bundles]
        for dream in dreams:
            dream.reset([3, 4])
        for number in range(16):
            frames = [np.asarray(dream.step([number % 5, 1])) for dream in dreams]
            np.testing.assert_array_equal(*frames)
