"""A bundle without graph files: a small hand-made world model in numpy, so that engine tests need no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reverie.engine.bundle import Bundle, Starts
from reverie.engine.manifest import (
    CacheShape,
    DiffusionDefaults,
    Graphs,
    KnownFrame,
    Manifest,
    Outcome,
    SamplingDefaults,
)
from reverie.engine.runtime import Runtime

S, V, HIDDEN = 16, 24, 8
CACHE = CacheShape(layers=1, heads=1, head_dim=V, slots=3, positions=S)

REWARDS = (-1.0, 0.0, 1.0)


class FakeRuntime(Runtime):
    """Logits that depend on every cached frame, the action and, in the causal head, on the tokens before."""

    def __init__(self) -> None:
        super().__init__(cache=True, hidden=True, games=False)
        rng = np.random.default_rng(5)
        self.own = rng.standard_normal((V, V)).astype(np.float32) * 2
        self.past = rng.standard_normal((CACHE.slots + 1, V)).astype(np.float32)
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
    files = ("encoder.onnx", "dynamics.onnx", "decoder.onnx", "causal_head.onnx", "starts.npz", "known.png")
    manifest = Manifest(
        format=1, name="fake", version="0", games=("garden",), actions=("noop", "up", "down", "left", "right"), fps=20,
        resolution=32, grid=(4, 4), vocabulary=V, history=4, modes=("parallel", "ar"), decoders=("vq",), cache=CACHE,
        hidden=HIDDEN, sampling=SamplingDefaults(1.0, 0.02), parameters=1, precision="fp32",
        graphs=Graphs("encoder.onnx", "dynamics.onnx", "decoder.onnx", "causal_head.onnx"), programs=None,
        starts="starts.npz", files=dict.fromkeys(files, "0" * 64),
        known_frame=KnownFrame(0, (1,), "0" * 64, "known.png"),
    )  # fmt: skip
    if diffusion:
        graphs, files = replace(manifest.graphs, diffusion="d.onnx"), manifest.files | {"d.onnx": "0" * 64}
        manifest = replace(manifest, graphs=graphs, files=files, decoders=("vq", "diffusion"))
        manifest = replace(manifest, diffusion=DiffusionDefaults(2))
    if not outcome:
        return manifest
    graphs, files = replace(manifest.graphs, outcome="outcome.onnx"), manifest.files | {"outcome.onnx": "0" * 64}
    return replace(manifest, graphs=graphs, files=files, outcome=Outcome(REWARDS))


def fake_bundle(outcome: bool = False, diffusion: bool = False) -> Bundle:
    """An opened bundle around `FakeRuntime`, with three starts."""
    rng = np.random.default_rng(1)
    starts = Starts(
        rng.integers(0, V, (3, 4, 32, 32, 3), np.uint8),
        rng.integers(0, 5, (3, 3), np.uint8),
        np.arange(3, dtype=np.int64),
        np.zeros(3, np.int64),
    )
    return Bundle(Path("fake"), fake_manifest(outcome, diffusion), "f" * 64, "onnx", FakeRuntime(), starts)
