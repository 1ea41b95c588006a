"""A person's picture, as a frame that a dream can begin at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from reverie.app.errors import Mistake
from reverie.games.picture import letterbox
from reverie.games.world import Frame


def read_picture(path: Path, size: int) -> Frame:
    """The picture in a file, fitted: (size, size, 3) uint8. What shows through is black.

    Raises Mistake with one sentence where it is none that can be read.
    """
    try:
        with Image.open(path) as image:
            solid = Image.new("RGBA", image.size, (0, 0, 0, 255))
            solid.alpha_composite(image.convert("RGBA"))
            return letterbox(np.asarray(solid.convert("RGB")), size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else "it is no picture, or a damaged one"
        )
        raise Mistake(f"Cannot begin at {path}: {reason.lower()}.") from error
