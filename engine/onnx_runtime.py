"""Runs a bundle's ONNX graphs with ONNX Runtime: on the processor, or on a GPU where onnxruntime-gpu is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from reverie.engine.errors import BundleError
from reverie.engine.graph_check import check_graph
from reverie.engine.manifest import GraphSpec
from reverie.engine.runtime import Runtime

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
PROCESSOR = "so the dream runs on the processor"


def session_options(threads: int) -> ort.SessionOptions:
    """Options for one small graph that is run frame after frame on `threads` threads."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # Threads spin between the many small nodes of one run, and sleep as soon as it is over: sleeping in between costs
    # more than the nodes do, and spinning on would burn a core while the game waits for its next tick or is paused.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # Subnormal numbers deep in a softmax tail are many times slower and change nothing.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return options


def why_not_cuda() -> str:
    """Why ONNX Runtime cannot use a GPU here, in one sentence; '' where it may."""
    if CUDA in ort.get_available_providers():
        ort.preload_dlls()  # CUDA's libraries, where they came as Python packages
        return ""
    how = "pip uninstall onnxruntime, then pip install onnxruntime-gpu"
    return f"This ONNX Runtime is built without CUDA, {PROCESSOR}: {how}."


class OnnxRuntime(Runtime):
    """One ONNX Runtime session a graph, loaded when it is made.

    Arrays go in without a copy. Outputs are not bound to buffers: at batch 1 they are about a megabyte a frame, and
    the session's arena hands them out; whether binding them is faster has not been measured.
    """

    def __init__(self, folder: Path, graphs: Mapping[str, GraphSpec], threads: int, cuda: bool = False) -> None:
        """folder: of the bundle. cuda: on a GPU, where that can be; otherwise `note` says why not.

        Raises BundleError for a graph that is not what `graphs` says, or that may not be opened.
        """
        super().__init__(graphs)
        self._files = {name: folder / graph.file for name, graph in graphs.items()}
        options = session_options(threads)
        if cuda:
            self.note = why_not_cuda()
        providers = [CUDA, CPU] if cuda and not self.note else [CPU]
        self._sessions: dict[str, tuple[ort.InferenceSession, tuple[str, ...], tuple[str, ...]]] = {}
        for name, file in self._files.items():
            check_graph(folder, graphs[name])
            try:
                session = ort.InferenceSession(file, options, providers=providers)
            except Exception as error:  # onnxruntime's own exceptions share no base class
                reason = str(error).splitlines()[0]
                raise BundleError(f"{file} is not a graph that ONNX Runtime can load ({reason})") from None
            if CUDA in providers and CUDA not in session.get_providers():
                self.note = f"ONNX Runtime could not start CUDA, {PROCESSOR}: its CUDA and cuDNN must fit the driver."
                providers = [CPU]
            self._sessions[name] = (session, tuple(graphs[name].inputs), tuple(graphs[name].outputs))

    def run(self, graph: str, inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
        """As `Runtime.run`. Raises BundleError for a graph that loads, and fails on what it is given."""
        session, names, outputs = self._sessions[graph]
        try:
            return session.run(outputs, dict(zip(names, inputs, strict=True)))
        except Exception as error:  # onnxruntime's own exceptions share no base class
            reason = str(error).splitlines()[0]
            raise BundleError(
                f"{self._files[graph]} cannot be run ({reason}): export or download the bundle again"
            ) from None
