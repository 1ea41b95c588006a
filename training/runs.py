"""The one reader of run folders, for training and for export.

A run folder holds `run.json` (what was trained, on what, with which figures), `<network>.safetensors` for each network,
`starts.npz`, and what is needed to resume.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from reverie.models.registry import build_network
from reverie.npz import NpzError, read_npz
from reverie.reading import read_regular, read_text, why
from reverie.training.errors import RunError
from reverie.training.loop.checkpoint import load_weights

MOST_RECORD_BYTES = 64 << 20
MOST_START_BYTES = 256 << 20
STARTS = ("frames", "actions", "seeds", "games")


@dataclass(frozen=True)
class TrainedRun:
    """A trained run.

    folder: where it is. record: the content of `run.json`. networks: the trained networks by their names, on the
    processor, in evaluation mode and without gradients.
    """

    folder: Path
    record: dict[str, Any]
    networks: dict[str, nn.Module]


def read_record(folder: Path) -> dict[str, Any]:
    """Return the content of a run's `run.json`; empty where there is none yet. Raises RunError where it is damaged."""
    path = folder / "run.json"
    try:
        content = json.loads(read_text(path, MOST_RECORD_BYTES))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError, RecursionError) as error:
        raise RunError(f"{path} is damaged; start the run in another folder.") from error
    if not isinstance(content, dict):
        raise RunError(f"{path} is not a run's record; start the run in another folder.")
    return content


def read_run(folder: Path, whole: bool = True) -> TrainedRun:
    """Read a trained run. Raises RunError where the folder is none, or where something in it is missing or damaged.

    whole: false takes the networks that are there, at least one, and leaves out those that are not trained yet.
    """
    record = read_record(folder)
    if not record:
        raise RunError(f"{folder} is not a run: it has no run.json; name the folder given to `reverie train -o`.")
    described = record.get("networks")
    if not isinstance(described, dict):
        raise RunError(f"{folder / 'run.json'} does not describe networks; train the run again.")
    networks = {}
    for name, network in described.items():
        if not whole and not (folder / f"{name}.safetensors").exists():
            continue
        try:
            networks[name] = build_network(network, f"{folder / 'run.json'}: networks.{name}")
        except ValueError as error:
            raise RunError(f"{error}.") from error
        load_weights(folder / f"{name}.safetensors", networks[name])
        networks[name].eval().requires_grad_(False)
    if not networks:
        raise RunError(f"{folder} holds no trained network yet; train it first.")
    return TrainedRun(folder, record, networks)


def read_starts(folder: Path) -> dict[str, NDArray[np.generic]]:
    """Read `frames` (N, T, H, W, 3) and `actions` (N, T - 1) uint8, `seeds` and `games` (N,) of a run's starts.

    Raises RunError where the file is missing or damaged.
    """
    path = folder / "starts.npz"
    try:
        arrays = read_npz(read_regular(path, MOST_START_BYTES), STARTS, MOST_START_BYTES)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {why(error)}; train the run again.") from error
    except NpzError as error:
        raise RunError(f"{path} does not hold start histories: {error}; train the run again.") from error
    frames, actions, seeds, games = (arrays[name] for name in STARTS)
    fits = (
        frames.ndim == 5 and frames.dtype == np.uint8 and frames.shape[-1] == 3 and frames.shape[2] == frames.shape[3]
    )
    fits = fits and actions.shape == (len(frames), frames.shape[1] - 1) and actions.dtype == np.uint8
    if not fits or not seeds.shape == games.shape == (len(frames),):
        raise RunError(f"{path} does not hold start histories: its arrays do not fit one another; train the run again.")
    return arrays
