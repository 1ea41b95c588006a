"""A run that is still learning, as a bundle to look at: torch's networks, no graphs, and nothing that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reverie.engine.bundle import Bundle, load_starts
from reverie.engine.manifest import Manifest
from reverie.engine.torch_runtime import TorchRuntime
from reverie.export.run_export import FAMILIES
from reverie.export.starts import write_starts
from reverie.export.weights import save_weights
from reverie.training import runs


def preview_run(run: Path, folder: Path) -> Bundle | None:
    """The dream of a run as far as it is trained, on the processor; None where no dynamics were saved yet.

    folder: an empty one for its weights. Nothing random is drawn from torch, so that a training beside it goes on as
    without. Raises ExportError or RunError where the run cannot be read.
    """
    kind = runs.read_record(run).get("kind")
    if kind not in FAMILIES or not (run / "dynamics.safetensors").is_file():
        return None
    with torch.random.fork_rng(devices=[]):
        bundle: Bundle = import_module(FAMILIES[kind]).preview_run(run, folder)
    return bundle


def preview_bundle(
    folder: Path, manifest: Manifest, networks: Mapping[str, nn.Module], starts: Mapping[str, Any]
) -> Bundle:
    """A bundle of networks that a family has put together. folder: an empty one."""
    save_weights(networks, folder, "fp32")
    write_starts(starts, manifest.history, folder / manifest.starts)
    runtime = TorchRuntime(folder, manifest, threads=None)
    return Bundle(folder, manifest, "", "torch", runtime, load_starts(folder, manifest))
