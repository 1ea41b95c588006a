"""The weights of a bundle in one safetensors file, which holds each once and as small as the precision allows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.export import ExportedProgram

from reverie.engine.torch_runtime import SCALE
from reverie.export.quantize import SMALL, as_bytes, smallest

WEIGHTS = "weights.safetensors"


def save_weights(programs: Mapping[str, ExportedProgram], folder: Path, precision: str) -> Path:
    """Write the weights of all programs. precision: of `export_run`. Returns the file."""
    weights: dict[str, Tensor] = {}
    for program in programs.values():
        for name, tensor in program.state_dict.items():
            # Graphs of one network call its weights by the same names: they are stored once.
            weights |= _stored(name, tensor.detach(), precision)
    save_file(weights, folder / WEIGHTS)
    return folder / WEIGHTS


def _stored(name: str, tensor: Tensor, precision: str) -> dict[str, Tensor]:
    """A weight in as few bytes as hold the very same values, mostly as float16; bytes bring their scale with them."""
    if precision == "fp32" or not tensor.is_floating_point() or tensor.numel() < SMALL:
        return {name: tensor.contiguous().clone()}
    array = tensor.numpy()
    if kind := smallest(array):
        return {name: torch.from_numpy(array.astype(kind))}
    if precision == "int8" and (parts := as_bytes(array)):
        return {name: torch.from_numpy(parts[0]), name + SCALE: torch.from_numpy(parts[1])}
    return {name: tensor.contiguous().clone()}
