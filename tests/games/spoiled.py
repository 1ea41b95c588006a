"""Pictures as a decoder may spoil them."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def jpeg(frames: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Frames (N, H, W, 3) uint8 after a round trip through JPEG."""
    out = []
    for frame in frames:
        data = io.BytesIO()
        Image.fromarray(frame).save(data, "JPEG", quality=quality, subsampling=0)
        out.append(np.asarray(Image.open(data)))
    return np.stack(out)
