"""Is this bundle what it says it is: hashes, schema, graph inputs and outputs, and one known frame."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.errors import BundleError
from reverie.engine.families import family
from reverie.engine.manifest import BATCH, TensorSpec
from reverie.engine.onnx_runtime import OnnxRuntime

LEVELS = 2.0
"""By how much a known picture may differ, in the mean of its pixels, where its bytes are not the same everywhere."""
_TYPES = {"float32": "tensor(float)", "int64": "tensor(int64)", "uint8": "tensor(uint8)"}


def verify(path: str | Path) -> list[str]:
    """Everything that is wrong with a bundle, one sentence each; an empty list means that it is sound.

    Opening it has checked hashes and manifest, and the family has checked that the manifest declares what it needs.
    """
    try:
        bundle = Bundle.load(path)
    except BundleError as error:
        return [str(error)]
    if findings := check_graphs(bundle):
        return findings
    try:
        dream = known_dream(bundle)
    except BundleError as error:
        return [str(error)]
    if not _reproduced(bundle, dream):
        return [f"{bundle.path}: the known frame is not reproduced; the graphs compute something else here"]
    return []


def check_graphs(bundle: Bundle) -> list[str]:
    """What the graphs take and give, where it differs from the manifest."""
    assert isinstance(bundle.runtime, OnnxRuntime)
    findings = []
    for graph, spec in bundle.manifest.graphs.items():
        where = f"{bundle.path / spec.file}"
        both = zip(("input", "output"), bundle.runtime.signature(graph), (spec.inputs, spec.outputs), strict=True)
        for what, names, wanted in both:
            for name in sorted(set(names) ^ set(wanted)):
                findings.append(f"{where} has {'no' if name in wanted else 'an unknown'} {what} {name}")
            for name in sorted(set(names) & set(wanted)):
                if not _same(names[name], wanted[name]):
                    said = f"{wanted[name].type} of {list(wanted[name].shape)}"
                    findings.append(f"{where}: the {what} {name} is {names[name]}, not {said}")
    return findings


def known_dream(bundle: Bundle) -> Dream:
    """A dream at the bundle's known frame as this machine computes it, with the known settings of its family.

    Raises BundleError for a graph that cannot be run.
    """
    known = bundle.manifest.known_frame
    dream = Dream(bundle)
    dream.change(**family(bundle.manifest.family).known_settings(bundle.manifest))
    dream.reset(0, known.start)
    for action in known.actions:
        dream.step(action)
    return dream


def sha256_of_z(z: NDArray[Any]) -> str:
    """SHA-256 of a representation, little-endian and row-major."""
    return hashlib.sha256(np.ascontiguousarray(z, z.dtype.newbyteorder("<")).tobytes()).hexdigest()


def _reproduced(bundle: Bundle, dream: Dream) -> bool:
    """The same bytes; for a family whose numbers differ between machines the same picture, nearly."""
    known = bundle.manifest.known_frame
    if known.sha256 is not None:
        return sha256_of_z(dream.z) == known.sha256
    from PIL import Image

    try:
        with Image.open(bundle.path / known.frame, formats=("PNG",)) as picture:
            if picture.size != (dream.size, dream.size):
                return False
            pixels = np.asarray(picture.convert("RGB"), np.float32)
    except (OSError, ValueError, SyntaxError):
        return False
    return float(np.abs(pixels - dream.frame).mean()) <= LEVELS


def _same(actual: tuple[str, list[object]], wanted: TensorSpec) -> bool:
    """The same type and shape, where the batch axis must be free."""
    if actual[0] != _TYPES[wanted.type] or len(actual[1]) != len(wanted.shape):
        return False
    axes = zip(actual[1], wanted.shape, strict=True)
    return all(isinstance(a, str) or a is None if b == BATCH else a == b for a, b in axes)
