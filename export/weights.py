"""The weights of a bundle in one safetensors file, which holds each once and as small as the precision allows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from reverie.engine.torch_networks import SCALE
from reverie.export.quantize import SMALL, as_bytes, smallest

WEIGHTS = "weights.safetensors"


def save_weights(networks: Mapping[str, nn.Module], folder: Path, precision: str) -> Path:
    """Write the weights of all networks, as `network.weight`. precision: of `export_run`. Returns the file."""
    weights: dict[str, Tensor] = {}
    for network, module in networks.items():
        for name, tensor in module.state_dict().items():
            weights |= _stored(f"{network}.{name}", tensor.detach(), precision)
    save_file(weights, folder / WEIGHTS)
    return folder / WEIGHTS


def _stored(name: str, tensor: Tensor, precision: str) -> dict[str, Tensor]:
    """A weight in as few bytes as hold the very same values, mostly as float16; bytes bring their scale with them."""
    if precision == "fp32" or not tensor.is_floating_point() or tensor.numel() < SMALL:
        return {name: tensor.contiguous().clone()}
    array = np.ascontiguousarray(tensor.numpy())  # convolutions may lie in memory with their channels last
    if kind := smallest(array):
        return {name: torch.from_numpy(array.astype(kind))}
    if precision == "int8" and (parts := as_bytes(array)):
        return {name: torch.from_numpy(parts[0]), name + SCALE: torch.from_numpy(parts[1])}
    return {name: tensor.contiguous().clone()}
