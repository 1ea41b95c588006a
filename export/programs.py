"""Torch programs of a bundle: graphs without weights, and one safetensors file with the weights of all of them.

`torch.export.save` writes float32 weights into each archive. Here every weight in the archive is one number, repeated
by strides of zero, and the real ones stand in half precision in a file of their own; `engine.torch_runtime` joins them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.export import ExportedProgram

from export.quantize import SMALL, smallest
from export.quiet import quiet

WEIGHTS = "weights.safetensors"


def save_programs(programs: Mapping[str, ExportedProgram], folder: Path, half: bool) -> dict[str, str]:
    """Write `<graph>.pt2` for each program and the weights. half: store large weights in as few bytes as hold the very
    same values, mostly as float16.

    Returns the manifest's `programs`.
    """
    weights: dict[str, Tensor] = {}
    files = {"weights": WEIGHTS}
    for graph, program in programs.items():
        state = program.state_dict
        for name, tensor in state.items():
            large = tensor.is_floating_point() and tensor.numel() >= SMALL
            kind = smallest(tensor.detach().numpy()) if half and large else None
            stored = tensor.detach() if kind is None else torch.from_numpy(tensor.detach().numpy().astype(kind))
            # Graphs of one network call its weights by the same names: they are stored once.
            weights[name] = stored.contiguous().clone()
            hollow = torch.zeros((1,) * tensor.ndim, dtype=tensor.dtype).expand(tensor.shape)
            state[name] = torch.nn.Parameter(hollow, False) if isinstance(tensor, torch.nn.Parameter) else hollow
        # Example inputs would be stored as a pickle; without them the archive holds none.
        program._example_inputs = None
        files[graph] = f"{graph}.pt2"
        with quiet():
            torch.export.save(program, folder / files[graph])
    save_file(weights, folder / WEIGHTS)
    return files
