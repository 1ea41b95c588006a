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
WITH_NETWORKS = [name for name, folder in SHIPPED.items() if read_manifest(folder)[0].networks is not None]
SEEDS = [5, 8, 11, 2]
FRAMES = 64
TIE = {"fp16": 1e-3, "int8": 0.5}
"""By how much the logits of two codes may differ that one backend prefers otherwise. Bytes round what goes in, too."""


def test_all_but_the_oldest_have_networks() -> None:
    assert set(SHIPPED) - set(WITH_NETWORKS) == {"v1"}
    with pytest.raises(BundleError, match=r"v1 describes no networks for torch: leave --backend out") as error:
        Bundle.load(SHIPPED["v1"], "torch")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", WITH_NETWORKS)
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


def test_v1_1_dreams_the_very_same_frames() -> None:
    bundles = [Bundle.load(SHIPPED["v1.1"], backend) for backend in ("onnx", "torch")]
    for mode in ("parallel", "ar"):
        dreams = [DreamBatch(bundle, 2, mode=mode) for bundle in bundles]
        for dream in dreams:
            dream.reset([3, 4])
        for number in range(16):
            frames = [np.asarray(dream.step([number % 5, 1])) for dream in dreams]
            np.testing.assert_array_equal(*frames)
