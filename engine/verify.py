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

LEVELS = 2.0
"""By how much a known picture may differ, in the mean of its pixels, where its bytes are not the same everywhere."""


def verify(path: str | Path) -> list[str]:
    """Everything that is wrong with a bundle, one sentence each; an empty list means that it is sound.

    Opening it has checked hashes and manifest, and the family has checked that the manifest declares what it needs.
    """
    try:
        bundle = Bundle.load(path)
    except BundleError as error:
        return [str(error)]
    try:
        dream = known_dream(bundle)
    except BundleError as error:
        return [str(error)]
    if not _reproduced(bundle, dream):
        return [f"{bundle.path}: the known frame is not reproduced; the graphs compute something else here"]
    return []


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
