"""What training writes to disk: weights as safetensors, the state to resume from, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reverie.training.errors import RunError
from reverie.training.files import beside

# A bare accelerator machine has torch and numpy alone.
_library = find_spec("safetensors") is not None
_files = import_module("safetensors.torch" if _library else "reverie.training.loop.weights")
_DAMAGED: type[Exception] = import_module("safetensors").SafetensorError if _library else RuntimeError


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write weights whole or not at all. Raises RunError where there is no room for them."""
    with _room_for(path), beside(path) as part:
        _files.save_file({name: tensor.detach().contiguous().clone() for name, tensor in weights.items()}, part)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by their names, on the processor. Raises RunError where it is missing or damaged."""
    try:
        tensors: dict[str, Tensor] = _files.load_file(path)
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing; train this part first.") from error
    except _DAMAGED as error:
        raise RunError(f"{path} is damaged; use another run folder.") from error
    return tensors


def load_weights(path: Path, module: nn.Module) -> None:
    """Read weights into a module. Raises RunError where the file is missing, damaged or of another model."""
    weights = read_weights(path)
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(f"{path} does not fit the model of this recipe; use another run folder.") from error


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON whole or not at all."""
    with beside(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n")


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a trainer's state (weights, optimizers, counters), whole or not at all. It serves to resume alone.

    Raises RunError where there is no room for it.
    """
    with _room_for(path), beside(path) as part:
        torch.save(state, part)


@contextmanager
def _room_for(path: Path) -> Iterator[None]:
    """A sentence for what torch and safetensors raise where a file cannot grow, which is no OSError."""
    try:
        yield
    except (RuntimeError, _DAMAGED) as error:
        raise RunError(
            f"{path} cannot be written, most likely because the disk is full; what was saved before is good: "
            f"make room, and go on."
        ) from error


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote, without running code from it. Raises RunError where the file is damaged."""
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch has many for a file that is cut short or altered, one of them pickle's
        raise RunError(f"{path} is damaged; use another run folder.") from error
    return state
