"""Is this bundle what it says it is: hashes, schema, graph inputs and outputs, and one known frame."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.errors import BundleError
from reverie.engine.manifest import Manifest
from reverie.engine.onnx_runtime import OnnxRuntime
from reverie.engine.sampler import Tokens

Signature = dict[str, tuple[str, list[object]]]


def verify(path: str | Path) -> list[str]:
    """Everything that is wrong with a bundle, one sentence each; an empty list means that it is sound."""
    try:
        bundle = Bundle.load(path)
    except BundleError as error:
        return [str(error)]
    if findings := check_graphs(bundle):
        return findings
    try:
        digest = tokens_sha256(known_dream(bundle).tokens)
    except BundleError as error:
        return [str(error)]
    if digest != bundle.manifest.known_frame.tokens_sha256:
        return [f"{bundle.path}: the known frame is not reproduced; the graphs compute something else here"]
    return []


def check_graphs(bundle: Bundle) -> list[str]:
    """What the graphs take and give, where it differs from the manifest."""
    assert isinstance(bundle.runtime, OnnxRuntime)
    findings = []
    for graph, file in bundle.manifest.graphs.present().items():
        expected = expected_signature(bundle.manifest, graph)
        for what, names, wanted in zip(("input", "output"), bundle.runtime.signature(graph), expected, strict=True):
            where = f"{bundle.path / file}"
            for name in sorted(set(names) ^ set(wanted)):
                findings.append(f"{where} has {'no' if name in wanted else 'an unknown'} {what} {name}")
            for name in sorted(set(names) & set(wanted)):
                if not _same(names[name], wanted[name]):
                    findings.append(f"{where}: the {what} {name} is {names[name]}, not {wanted[name]}")
    return findings


def expected_signature(m: Manifest, graph: str) -> tuple[Signature, Signature]:
    """Inputs and outputs of a graph by the manifest: name to (type, shape), 'B' being the batch axis."""
    image: tuple[str, list[object]] = ("tensor(uint8)", ["B", m.resolution, m.resolution, 3])
    tokens: tuple[str, list[object]] = ("tensor(int64)", ["B", m.positions])
    logits: tuple[str, list[object]] = ("tensor(float)", ["B", m.positions, m.vocabulary])
    hidden: tuple[str, list[object]] = ("tensor(float)", ["B", m.positions, m.hidden])
    if graph == "encoder":
        return {"frames": image}, {"tokens": tokens}
    if graph == "decoder":
        return {"tokens": tokens}, {"frames": image}
    if graph == "diffusion":
        noisy: tuple[str, list[object]] = ("tensor(float)", ["B", m.resolution, m.resolution, 3])
        level: tuple[str, list[object]] = ("tensor(float)", ["B"])
        condition: Signature = {"tokens": tokens, "vq": image}
        return {"noisy": noisy, "level": level, "target": level, **condition}, {"less_noisy": noisy, "frames": image}
    told: Signature = {"game": ("tensor(int64)", ["B"])} if len(m.games) > 1 else {}
    if graph == "causal_head":
        return {"hidden": hidden, "tokens": tokens, **told}, {"logits": logits}
    if graph == "outcome":
        assert m.outcome is not None
        rewards: tuple[str, list[object]] = ("tensor(float)", ["B", len(m.outcome.rewards)])
        return {"hidden": hidden, "tokens": tokens}, {"rewards": rewards, "ended": ("tensor(float)", ["B"])}
    inputs: Signature = {"tokens": tokens, "action": ("tensor(int64)", ["B"]), **told}
    outputs: Signature = {"logits": logits}
    if m.hidden is not None:
        outputs["hidden"] = hidden
    if (c := m.cache) is not None:
        past: list[object] = ["B", c.layers, c.heads, c.slots, c.positions, c.head_dim]
        new: list[object] = ["B", c.layers, c.heads, c.positions, c.head_dim]
        inputs |= {"keys": ("tensor(float)", past), "values": ("tensor(float)", past)}
        inputs["age"] = ("tensor(int64)", ["B", c.slots])
        outputs |= {"new_keys": ("tensor(float)", new), "new_values": ("tensor(float)", new)}
    return inputs, outputs


def known_dream(bundle: Bundle) -> Dream:
    """A dream at the bundle's known frame as this machine computes it: the most likely tokens, in parallel.

    Raises BundleError for a graph that cannot be run.
    """
    known = bundle.manifest.known_frame
    dream = Dream(bundle, mode="parallel", temperature=0, passes=1)
    dream.reset(0, known.start)
    for action in known.actions:
        dream.step(action)
    return dream


def tokens_sha256(tokens: Tokens) -> str:
    """SHA-256 of tokens as little-endian int64, row-major."""
    return hashlib.sha256(np.ascontiguousarray(tokens, "<i8").tobytes()).hexdigest()


def _same(actual: tuple[str, list[object]], wanted: tuple[str, list[object]]) -> bool:
    """The same type and shape, where 'B' stands for an axis that must be free."""
    if actual[0] != wanted[0] or len(actual[1]) != len(wanted[1]):
        return False
    axes = zip(actual[1], wanted[1], strict=True)
    return all(isinstance(a, str) or a is None if b == "B" else a == b for a, b in axes)
