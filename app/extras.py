"""What the player's small install does not bring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from app.errors import Mistake

TRAIN_ONLY = ("torch", "onnx", "onnxscript", "safetensors")


@contextlib.contextmanager
def needs_train() -> Iterator[None]:
    """Turns a missing torch (and what comes with it) into one sentence."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in TRAIN_ONLY:
            raise
        raise Mistake(f'This needs {error.name}, which is not installed: `pip install "reverie[train]"`.') from error
