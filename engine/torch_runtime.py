"""Runs the same bundle with torch: `torch.export` programs behind the interface of the ONNX runtime.

Why `torch.export` and not TorchScript: TorchScript is deprecated in current torch, its archive is a pickle by design,
and its compiler no longer grows with the operators. An exported program is a flat graph of ATen operators in JSON that
keeps its batch axis free; its weights stand beside it in a safetensors file and are put in when it is loaded.

No pickle is ever read. torch's own loader would unpickle whatever an archive marks as pickled, and would look up any
function and evaluate any shape that the graph's JSON names. So the archive is checked first, through the same reader
that loads it: raw weights, no example inputs, ATen operators, plain symbols as shapes; everything else is refused.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.export.passes import move_to_device_pass
from torch.export.pt2_archive._package import PT2ArchiveReader

from reverie.engine.errors import BundleError
from reverie.engine.runtime import Runtime

_FILES = re.compile(
    r"data/weights/(weight_\d+|model_weights_config\.json)|data/constants/(tensor_\d+|model_constants_config\.json)"
    r"|models/model\.json|data/sample_inputs/model\.pt|archive_format|archive_version|byteorder"
    r"|\.data/(version|serialization_id)"
)
_OPERATOR = re.compile(r"torch\.ops\.aten\.(?!from_file)\w+\.\w+|_operator\.(getitem|add|sub|mul|floordiv)")
_SHAPE = re.compile(r"(Symbol\('[su]\d+'(, [a-z]+=True)*\)|(Integer|Mul|Add|FloorDiv)(?=\()|[su]?\d+|[(), -])+")


ROUNDED = ("dynamics", "causal_head", "outcome", "diffusion")
"""Graphs whose matrix products may be computed in half precision. The encoder decides between codes that lie close."""
SCALE = ".scale"
"""Behind a weight's name in the file of weights: the factor of each row, of a weight that is stored in bytes."""
ZERO = 128
"""The byte that stands for 0 there."""
WARM_UP = 3
"""Runs of a graph before it is captured, in which libraries choose their kernels."""


class TorchRuntime(Runtime):
    """One exported program a graph, loaded when it is made.

    On a GPU the weights stay there, matrix products are computed in half precision, and each graph is captured at its
    first run with inputs of a shape: from then on it is one launch between buffers that never move.
    """

    def __init__(
        self,
        files: Mapping[str, Path],
        weights: Path,
        cache: bool,
        hidden: bool,
        games: bool,
        threads: int | None,
        cuda: bool = False,
        half: torch.dtype | None = None,
    ) -> None:
        """files: graph name to `.pt2` file. weights: their safetensors file. threads: for all of torch
        in this process, None leaves it as it is. cuda: on a GPU, where there is one; otherwise `note` says why not.
        half: float16 or bfloat16 for matrix products; None for float16 on a GPU and float32 on the processor.

        Raises BundleError for an archive that is damaged or holds more than a graph and its weights.
        """
        super().__init__(cache, hidden, games)
        if threads is not None:
            torch.set_num_threads(threads)
        if cuda and not torch.cuda.is_available():
            self.note = "torch sees no GPU here, so the dream runs on the processor."
        self.device = torch.device("cuda" if cuda and not self.note else "cpu")
        self.half = half or (torch.float16 if self.device.type == "cuda" else None)
        try:
            tensors = load_file(weights)
        except (OSError, SafetensorError) as error:
            raise BundleError(f"{weights} holds no weights ({error}): export the bundle again") from None
        self._programs = {name: load_program(file, tensors, self.device) for name, file in files.items()}
        self._captured: dict[tuple[object, ...], Captured] = {}

    def run(self, graph: str, inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
        tensors = [torch.from_numpy(array).to(self.device) for array in inputs]
        return [tensor.cpu().numpy() for tensor in self.run_tensors(graph, tensors)]

    @torch.inference_mode()
    def run_tensors(self, graph: str, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """As `run`, of tensors on the runtime's device. What it returns on a GPU holds until the graph's next run."""
        if self.device.type != "cuda" or graph == "encoder":  # which is run on batches of many sizes, and not in a loop
            return self._compute(graph, inputs)
        key = (graph, *(x.shape for x in inputs))
        if key not in self._captured:
            self._captured[key] = Captured(lambda given: self._compute(graph, given), inputs)
        return self._captured[key](inputs)

    def _compute(self, graph: str, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        rounded = self.half is not None and graph in ROUNDED
        # Nothing may be kept from one run for the next: a captured graph would not see it change.
        lower = torch.autocast(self.device.type, self.half, enabled=rounded, cache_enabled=False)
        with lower:
            out = self._programs[graph](*inputs)
        tensors = (out,) if isinstance(out, torch.Tensor) else out
        return [x.float() if x.is_floating_point() else x for x in tensors]


class Captured:
    """A graph recorded on the GPU for inputs of one shape: static buffers in, static buffers out, one launch."""

    def __init__(
        self, compute: Callable[[Sequence[torch.Tensor]], list[torch.Tensor]], inputs: Sequence[torch.Tensor]
    ) -> None:
        self.inputs = [x.clone() for x in inputs]
        beside, here = torch.cuda.Stream(), torch.cuda.current_stream()
        beside.wait_stream(here)
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                compute(self.inputs)
        here.wait_stream(beside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.outputs = compute(self.inputs)

    def __call__(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        for mine, given in zip(self.inputs, inputs, strict=True):
            mine.copy_(given, non_blocking=True)
        self.graph.replay()
        return self.outputs


def load_program(
    file: Path, weights: Mapping[str, torch.Tensor], device: torch.device | None = None
) -> torch.nn.Module:
    """An exported program as a module with these weights put in, checked first. Raises BundleError.

    device: where it computes, the processor by default.
    """
    data = file.read_bytes()
    try:
        problem = _problem(PT2ArchiveReader(io.BytesIO(data)))
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError):
        problem = "it is damaged"
    if problem is not None:
        raise BundleError(f"{file} is not a torch program that Reverie loads ({problem}): export the bundle again")
    try:
        program = torch.export.load(io.BytesIO(data))
        for name, tensor in program.state_dict.items():
            value = _numbers(name, weights).to(tensor.dtype).reshape(tensor.shape)
            program.state_dict[name] = (
                torch.nn.Parameter(value, False) if isinstance(tensor, torch.nn.Parameter) else value
            )
        if device is not None and device.type != "cpu":
            program = move_to_device_pass(program, device)
        # Guards are code made from texts in the archive, and only repeat what the manifest has already said.
        return program.module(check_guards=False)
    except Exception as error:  # torch raises many kinds for a graph of another version
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(f"{file} cannot be loaded by this torch ({reason}): use the onnx backend") from None


def _numbers(name: str, weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """A weight as it is stored, or what its bytes stand for."""
    stored = weights[name]
    return (stored.float() - ZERO) * weights[name + SCALE] if name + SCALE in weights else stored


def _problem(archive: PT2ArchiveReader) -> str | None:
    """What an archive holds beyond a graph and raw weights, or None."""
    names = archive.get_file_names()
    if len(set(names)) != len(names):
        return "a name stands in it twice"
    for name in names:
        if not _FILES.fullmatch(name):
            return f"it holds {name}"
    if archive.read_bytes("data/sample_inputs/model.pt"):
        return "it holds example inputs"
    for kind, prefix in (("weights", "weight"), ("constants", "tensor")):
        config = json.loads(archive.read_string(f"data/{kind}/model_{kind}_config.json"))["config"]
        for entry in config.values():
            if entry["use_pickle"] is not False or not re.fullmatch(prefix + r"_\d+", entry["path_name"]):
                return "it holds pickled weights"
    for key, text in _texts(json.loads(archive.read_string("models/model.json"))):
        if key == "target" and not _OPERATOR.fullmatch(text):
            return f"it calls {text}"
        if key == "expr_str" and not _SHAPE.fullmatch(text):
            return f"it has the shape {text}"
    return None


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, with the key it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
