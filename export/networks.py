"""The networks of a trained run, read back from its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.manifest import SamplingDefaults
from models.networks import (
    KINDS,
    Dynamics,
    Tokenizer,
    build_dynamics,
    build_tokenizer,
    dynamics_config,
    tokenizer_config,
)


class ExportError(ValueError):
    """A run cannot become a bundle. One clear sentence."""


@dataclass(frozen=True)
class Run:
    """A trained run.

    record: the content of `run.json`. tokenizer, dynamics: the trained networks, in evaluation mode.
    starts: `frames` (N, T, H, W, 3), `actions` (N, T - 1) uint8 and `seeds` (N,). sampling: the bundle's defaults.
    """

    record: dict[str, Any]
    tokenizer: Tokenizer
    dynamics: Dynamics
    starts: dict[str, NDArray[np.generic]]
    sampling: SamplingDefaults


def read_run(folder: Path) -> Run:
    """Read a run folder. Raises ExportError where something is missing, damaged or of an unknown kind."""
    file = folder / "run.json"
    try:
        record = json.loads(file.read_text())
        sampling = SamplingDefaults(**record["sampling"])
        kind = record["kind"]
        if kind not in KINDS:
            raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS)}")
        tokenizer = build_tokenizer(tokenizer_config(kind, record["tokenizer"]))
        dynamics = build_dynamics(dynamics_config(kind, record["dynamics"]))
    except FileNotFoundError:
        raise ExportError(f"{folder} is not a trained run: it has no run.json") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{file} does not describe a run that can be exported ({error})") from None
    for name, network in {"tokenizer": tokenizer, "dynamics": dynamics}.items():
        weights = folder / f"{name}.safetensors"
        try:
            network.load_state_dict(load_file(weights))
        except FileNotFoundError:
            raise ExportError(f"{weights} is missing: train the run to its end first") from None
        except (SafetensorError, RuntimeError):
            raise ExportError(f"{weights} is damaged or of another model: train the run again") from None
        network.eval().requires_grad_(False)
    try:
        with np.load(folder / "starts.npz", allow_pickle=False) as arrays:
            starts = {name: arrays[name] for name in ("frames", "actions", "seeds")}
    except (OSError, ValueError, KeyError):
        raise ExportError(f"{folder / 'starts.npz'} is missing or damaged: train the run again") from None
    return Run(record, tokenizer, dynamics, starts, sampling)
