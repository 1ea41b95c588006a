"""v1 is frozen: its code may never answer differently."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.models.v1.vqvae import VQVAE, VQVAEConfig
from reverie.models.v1.world_model import VisualWorldModel, VisualWorldModelConfig

BUNDLE = Path(__file__).parents[2] / "checkpoints" / "v1"
EXPECTED = json.loads((Path(__file__).parent / "v1_expected.json").read_text())


def _fill(module: torch.nn.Module) -> torch.nn.Module:
    """Weights that no random generator decides."""
    with torch.no_grad():
        for number, (_, tensor) in enumerate(sorted(module.state_dict().items())):
            wave = torch.sin(torch.arange(tensor.numel(), dtype=torch.float64) * 0.7 + number)
            tensor.copy_((wave / max(tensor.shape[-1], 8) ** 0.5).float().reshape(tensor.shape))
    return module.eval()


def _frames() -> torch.Tensor:
    values = np.arange(2 * 64 * 64 * 3, dtype=np.int64)
    return torch.from_numpy((values * values % 251).astype(np.uint8).reshape(2, 64, 64, 3))


def code_answers() -> dict[str, object]:
    """What v1's code computes from fixed weights and inputs."""
    with torch.no_grad():
        tokenizer, model = VQVAE(VQVAEConfig()), VisualWorldModel(VisualWorldModelConfig())
        _fill(tokenizer), _fill(model)
        z = tokenizer.embed(_frames())
        tokens = torch.arange(128).reshape(2, 64) * 37 % 128
        logits = model(tokens, torch.tensor([1, 4]))
        patches = tokenizer.decode_codes(tokenizer.codebook[tokens])
    return {
        "parameters": sum(p.numel() for m in (tokenizer, model) for p in m.parameters()),
        "embedding": z[1, ::16, :4].flatten().tolist(),
        "logits": logits[1, ::16, :4].flatten().tolist(),
        "patches": patches[1, ::16, :4].flatten().tolist(),
    }


@pytest.mark.parametrize("key", ["embedding", "logits", "patches"])
def test_the_code_of_v1_answers_as_on_the_day_it_was_frozen(key: str) -> None:
    np.testing.assert_allclose(code_answers()[key], EXPECTED[key], rtol=1e-4, atol=1e-4)  # type: ignore[arg-type]


def test_v1_has_eleven_million_parameters() -> None:
    assert code_answers()["parameters"] == EXPECTED["parameters"]
    assert 10.5e6 < EXPECTED["parameters"] < 11.5e6


def bundle_answers() -> dict[str, object]:
    """What v1's shipped bundle predicts after a known history."""
    dream = Dream(Bundle.load(BUNDLE), temperature=0)
    dream.reset(0, 2)
    for action in (1, 3, 3, 0, 4, 2):
        dream.step(action)
    logits = dream._batch.advance([1]).logits
    return {
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(BUNDLE.glob("*.onnx"))},
        "bundle_tokens": dream.z.tolist(),
        "bundle_logits": logits[0, ::8, ::16].flatten().tolist(),
    }


def test_the_bundle_of_v1_is_the_one_that_was_frozen() -> None:
    answers = bundle_answers()
    assert answers["files"] == EXPECTED["files"]
    assert answers["bundle_tokens"] == EXPECTED["bundle_tokens"]
    np.testing.assert_allclose(answers["bundle_logits"], EXPECTED["bundle_logits"], atol=1e-2)  # type: ignore[arg-type]
