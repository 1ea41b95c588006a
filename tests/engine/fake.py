"""A bundle without graph files: a small hand-made world model in numpy, so that engine tests need no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reverie.engine.bundle import Bundle, Starts
from reverie.engine.manifest import Manifest
from reverie.engine.runtime import Runtime
from reverie.engine.tokens.model import TokenModel
from tests.manifests import token_manifest

S, V, HIDDEN = 16, 24, 8
HISTORY = 4
MEMORY = {"layers": 1, "heads": 1, "head_dim": V, "positions": S}

REWARDS = (-1.0, 0.0, 1.0)


class FakeRuntime(Runtime):
    """Logits that depend on every cached frame, the action and, in the causal head, on the tokens before."""

    def __init__(self, manifest: Manifest | None = None) -> None:
        super().__init__((manifest or fake_manifest(True, True)).graphs)
        rng = np.random.default_rng(5)
        self.own = rng.standard_normal((V, V)).astype(np.float32) * 2
        self.past = rng.standard_normal((HISTORY, V)).astype(np.float32)
        self.action = rng.standard_normal((5, V)).astype(np.float32)
        self.neighbour = rng.standard_normal((V, V)).astype(np.float32) * 2
        self.causal_calls = 0
        self.denoised: list[list[NDArray[np.generic]]] = []

    def run(self, graph: str, inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
        match graph, list(inputs):
            case "encoder", [frames]:
                return [frames[:, ::8, ::8, 0].reshape(-1, S).astype(np.int64) % V]
            case "decoder", [tokens]:
                small = tokens.reshape(-1, 4, 4).astype(np.uint8)
                return [np.repeat(small.repeat(8, 1).repeat(8, 2)[..., None], 3, -1)]
            case "dynamics", [tokens, action, keys, values, age]:
                one_hot = np.eye(V, dtype=np.float32)[tokens]
                weight = self.past[age] * (age > 0)[..., None]  # (B, slots, V)
                past = (keys[:, 0, 0] * weight[:, :, None]).sum(1)  # (B, S, V)
                logits = one_hot @ self.own + past + self.action[action][:, None]
                new = one_hot[:, None, None]
                return [logits, logits[..., :HIDDEN] + values[:, 0, 0, 0, :, :HIDDEN] * 0, new, new]
            case "causal_head", [hidden, tokens]:
                self.causal_calls += 1
                before = np.concatenate([np.zeros_like(tokens[:, :1]), tokens[:, :-1]], 1)
                return [np.tile(hidden, 3) + self.neighbour[before]]
            case "outcome", [_, tokens]:
                return [np.eye(3, dtype=np.float32)[tokens.sum(1) % 3], tokens[:, 0].astype(np.float32) - V / 2]
            case "diffusion", [noisy, level, target, tokens, vq]:
                self.denoised.append(list(inputs))
                assert (level > target).all()
                noisy = noisy * target[:, None, None, None] + tokens[:, :1, None, None].astype(np.float32) / V
                return [noisy, vq ^ (128 * (noisy > 0.5)).astype(np.uint8)]
        raise AssertionError(graph)


def fake_manifest(outcome: bool = False, diffusion: bool = False) -> Manifest:
    """A manifest that passes every check, with made-up files.

    outcome: it predicts rewards and ends. diffusion: it has the diffusion decoder too.
    """
    model = TokenModel((4, 4), V, hidden=HIDDEN, rewards=REWARDS if outcome else (), **MEMORY)
    graphs = ["causal_head", *(["outcome"] if outcome else []), *(["diffusion"] if diffusion else [])]
    defaults = {"mode": "parallel", "steps": 2}
    return token_manifest("fake", model, graphs, resolution=32, history=HISTORY, settings_are=defaults)


def fake_bundle(outcome: bool = False, diffusion: bool = False) -> Bundle:
    """An opened bundle around `FakeRuntime`, with three starts."""
    rng = np.random.default_rng(1)
    starts = Starts(
        rng.integers(0, V, (3, 4, 32, 32, 3), np.uint8),
        rng.integers(0, 5, (3, 3), np.uint8),
        np.arange(3, dtype=np.int64),
        np.zeros(3, np.int64),
    )
    manifest = fake_manifest(outcome, diffusion)
    return Bundle(Path("fake"), manifest, "f" * 64, "onnx", FakeRuntime(manifest), starts)
