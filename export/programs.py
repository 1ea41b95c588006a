"""Torch programs of a bundle: graphs without weights, and one safetensors file with the weights of all of them.

`torch.export.save` writes float32 weights into each archive. Here every weight in the archive is one number, repeated
by strides of zero, and the real ones stand in a file of their own, which holds each once and as small as the precision
allows; `reverie.engine.torch_runtime` joins them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.export import ExportedProgram

from reverie.engine.torch_runtime import SCALE
from reverie.export.quantize import SMALL, as_bytes, smallest
from reverie.export.quiet import quiet

WEIGHTS = "weights.safetensors"


def save_programs(programs: Mapping[str, ExportedProgram], folder: Path, precision: str) -> dict[str, str]:
    """Write `<graph>.pt2` for each program, and the weights of all of them. precision: of `export_run`.

    Returns the manifest's `programs`.
    """
    weights: dict[str, Tensor] = {}
    files = {"weights": WEIGHTS}
    for graph, program in programs.items():
        state = program.state_dict
        for name, tensor in state.items():
            # Graphs of one network call its weights by the same names: they are stored once.
            weights |= _stored(name, tensor.detach(), precision)
            hollow = torch.zeros((1,) * tensor.ndim, dtype=tensor.dtype).expand(tensor.shape)
            state[name] = torch.nn.Parameter(hollow, False) if isinstance(tensor, torch.nn.Parameter) else hollow
        # Example inputs would be stored as a pickle; without them the archive holds none.
        program._example_inputs = None
        files[graph] = f"{graph}.pt2"
        with quiet():
            torch.export.save(program, folder / files[graph])
        _compress(folder / files[graph])
    save_file(weights, folder / WEIGHTS)
    return files


def _compress(file: Path) -> None:
    """Pack an archive again: torch stores its graph, which is JSON, as it is, and reads it packed as well."""
    with zipfile.ZipFile(file) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # without the time of day


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
