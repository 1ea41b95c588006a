"""What a run keeps on disk: weights as safetensors, the optimizer's state, and `run.json`."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reverie.training.files import beside

# A bare accelerator machine has torch and numpy alone.
_library = find_spec("safetensors") is not None
_files = import_module("safetensors.torch" if _library else "reverie.training.loop.weights")
_DAMAGED: type[Exception] = import_module("safetensors").SafetensorError if _library else RuntimeError


class RunError(ValueError):
    """A run that cannot be started, resumed or read; the message is one sentence for a person."""


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write weights whole or not at all."""
    with beside(path) as part:
        _files.save_file({name: tensor.detach().contiguous().clone() for name, tensor in weights.items()}, part)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by their names, on the processor. Raises RunError where it is missing or damaged."""
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


def read_run(run: Path) -> dict[str, Any]:
    """The run's `run.json`, or an empty record where there is none yet."""
    path = run / "run.json"
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise RunError(f"{path} is damaged; start the run in another folder.") from error
    if not isinstance(content, dict):
        raise RunError(f"{path} is not a run's record.")
    return content


def save_state(path: Path, state: dict[str, Any]) -> None:
    """The trainer's own state (weights, optimizer, counters), for resuming only; never part of a bundle."""
    with beside(path) as part:
        torch.save(state, part)


def load_state(path: Path) -> dict[str, Any]:
    """What `save_state` wrote, without running any code from it. Raises RunError where the file is damaged."""
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch has many for a file that is cut short or altered, one of them pickle's
        raise RunError(f"{path} is damaged; use another run folder.") from error
    return state


@dataclass
class Clock:
    """Time spent on one stage of a run, over all its sessions.

    seconds: the limit. spent: what earlier sessions used.
    """

    seconds: float
    spent: float = 0.0
    _started: float = field(default_factory=time.perf_counter)
    _saved: float = field(default_factory=time.perf_counter)

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, earlier sessions included."""
        return self.spent + time.perf_counter() - self._started

    @property
    def share(self) -> float:
        """Share of the limit that is used, 0 to 1."""
        return min(1.0, self.elapsed / self.seconds)

    def due(self, every: float) -> bool:
        """True once every `every` seconds."""
        if time.perf_counter() - self._saved < every:
            return False
        self._saved = time.perf_counter()
        return True
