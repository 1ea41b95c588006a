"""The start histories of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.export.errors import ExportError


def write_starts(starts: Mapping[str, NDArray[Any]], history: int, file: Path) -> None:
    """Write a run's starts into `file`, cut to the frames that the model looks at.

    starts: as `training.runs.read_starts` gives them. Raises ExportError where their histories are shorter than that.
    """
    frames, actions = starts["frames"], starts["actions"]
    if frames.shape[1] < history:
        raise ExportError(f"the run's starts hold {frames.shape[1]} frames, and the model looks at {history}")
    np.savez_compressed(
        file,
        frames=frames[:, -history:],
        actions=actions[:, actions.shape[1] - (history - 1) :].astype(np.uint8),
        seeds=starts["seeds"].astype(np.int64),
        games=starts["games"].astype(np.int64),
    )
