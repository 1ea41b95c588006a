"""A second family, as small as one can be: a frame is 3 x 8 x 8 mean colours, and an action lights up a corner."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from reverie.engine.arrays import NumpyArrays
from reverie.engine.bundle import Bundle
from reverie.engine.dynamics import Prediction
from reverie.engine.guard import Checks, finite, passed
from reverie.engine.manifest import (
    FORMAT,
    GraphSpec,
    KnownFrame,
    Manifest,
    SettingSpec,
    StateSpec,
    TensorSpec,
)
from reverie.engine.noise import gumbel
from reverie.engine.runtime import Runtime
from reverie.engine.settings import SettingInfo, SettingKey, Settings, Value
from reverie.engine.verify import known_dream
from reverie.games.garden.rules import Garden
from reverie.schema import SchemaError

SHAPE = (3, 8, 8)
ACTIONS = Garden.actions
HISTORY = 4

SETTINGS = {
    "shimmer": SettingInfo(
        "shimmer",
        "How much the picture shimmers: 0 not at all.",
        0.1,
        keys=(SettingKey("less shimmer", "y", "less shimmer"), SettingKey("more shimmer", "u", "more shimmer")),
        step=0.1,
        show="shimmer {:.1f}",
        message="shimmer {:.1f}",
    ),
}


@dataclass(frozen=True)
class GlowContext:
    """z: (B, 3, 8, 8) float32. new: what goes into the ring. mean: (B, 3, 8, 8), the next frame without its shimmer."""

    z: NDArray[np.float32]
    new: Mapping[str, NDArray[np.float32]]
    checks: Checks
    mean: NDArray[np.float32]


class GlowDynamics:
    """`engine.dynamics.Dynamics` over graphs."""

    any_batch, instead, predicts_outcome = True, "the picture stays", False

    def __init__(self, runtime: Runtime) -> None:
        self.arrays, self._runtime, self.runs = NumpyArrays(), runtime, runtime.runs

    def encode(self, frames: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Checks]:
        z = self._runtime.call("encoder", {"frames": np.ascontiguousarray(frames)})["z"]
        return z, {"the encoder gave NaN": finite(z)}

    def prepare(
        self, z: NDArray[Any], state: Mapping[str, NDArray[Any]], actions: NDArray[Any], games: NDArray[Any]
    ) -> GlowContext:
        out = self._runtime.call("trunk", {"z": z, "action": actions, **state})
        return GlowContext(z, {"past": out["kept"]}, {"the trunk gave NaN": finite(out["mean"])}, out["mean"])

    def predict(self, context: GlowContext, noise: NDArray[np.uint64], settings: Settings) -> Prediction:
        places = np.arange(np.prod(SHAPE)).reshape(1, *SHAPE)
        shimmer = 0.02 * float(settings["shimmer"]) * gumbel(noise[:, None, None, None], places)
        good = passed(context.checks)
        z = self.arrays.where(good, (context.mean + shimmer).astype(np.float32), context.z)
        nothing = np.zeros(len(z), np.float32)
        return Prediction(z, nothing, nothing > 0, good, context.checks)

    def doubt(self, context: GlowContext, noise: NDArray[np.uint64], settings: Settings) -> NDArray[np.float32]:
        return np.full((len(context.z), 8, 8), float(settings["shimmer"]), np.float32)

    def decode(self, z: NDArray[Any], settings: Settings) -> tuple[NDArray[np.uint8], Checks]:
        return self._runtime.call("decoder", {"z": z})["frames"], {}

    def checked(self, z: Any) -> NDArray[np.float32]:
        array = np.ascontiguousarray(z, np.float32)
        if array.shape[1:] != SHAPE or not finite(array).all():
            raise ValueError("the frame is none that this bundle has")
        return array


def check(manifest: Manifest) -> None:
    if manifest.model:
        raise SchemaError("model must be empty")


def settings(manifest: Manifest) -> Mapping[str, SettingSpec]:
    return {"shimmer": SettingSpec(0.1, None, 0.0, 1.0)}


def dynamics(manifest: Manifest, runtime: Any) -> GlowDynamics:
    return GlowDynamics(runtime)


def known_settings(manifest: Manifest) -> Mapping[str, Value]:
    return {"shimmer": 0.0}


def write_bundle(folder: Path) -> Path:
    """Write a bundle of the family, which must be registered, into a new folder: a dream in which the past fades."""
    folder.mkdir()
    f32, i64, u8 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8
    frames, z = ("frames", u8, ["B", 64, 64, 3]), ("z", f32, ["B", *SHAPE])
    past, age = ("past", f32, ["B", HISTORY - 1, *SHAPE]), ("age", i64, ["B", HISTORY - 1])
    light = np.zeros((len(ACTIONS), *SHAPE), np.float32)
    for number in range(1, len(ACTIONS)):
        light[number, number % 3, 4 * (number // 2 % 2) :, 4 * (number % 2) :] = 0.5
    _save(
        folder / "encoder.onnx",
        [
            helper.make_node("Cast", ["frames"], ["real"], to=f32),
            helper.make_node("Transpose", ["real"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("AveragePool", ["planes"], ["means"], kernel_shape=[8, 8], strides=[8, 8]),
            helper.make_node("Div", ["means", "white"], ["z"]),
        ],
        [frames],
        [z],
        {"white": np.array(255, np.float32)},
    )
    _save(
        folder / "trunk.onnx",
        [
            helper.make_node("Cast", ["age"], ["ages"], to=f32),
            helper.make_node("Unsqueeze", ["ages", "axes"], ["weights"]),
            helper.make_node("Mul", ["past", "weights"], ["weighed"]),
            helper.make_node("ReduceMean", ["weighed", "slots"], ["history"], keepdims=0),
            helper.make_node("Mul", ["history", "little"], ["echo"]),
            helper.make_node("Gather", ["light", "action"], ["lit"], axis=0),
            helper.make_node("Mul", ["z", "much"], ["faded"]),
            helper.make_node("Add", ["faded", "lit"], ["brighter"]),
            helper.make_node("Add", ["brighter", "echo"], ["sum"]),
            helper.make_node("Clip", ["sum", "none", "one"], ["mean"]),
            helper.make_node("Mul", ["z", "one"], ["kept"]),
        ],
        [z, ("action", i64, ["B"]), past, age],
        [("mean", f32, ["B", *SHAPE]), ("kept", f32, ["B", *SHAPE])],
        {
            "axes": np.array([2, 3, 4]), "slots": np.array([1]), "light": light, "much": np.array(0.7, np.float32),
            "little": np.array(0.05, np.float32), "none": np.array(0, np.float32), "one": np.array(1, np.float32),
        },
    )  # fmt: skip
    _save(
        folder / "decoder.onnx",
        [
            helper.make_node("Clip", ["z", "none", "one"], ["safe"]),
            helper.make_node("Mul", ["safe", "white"], ["bright"]),
            helper.make_node("Transpose", ["bright"], ["colours"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", ["colours", "thin"], ["patches"]),
            helper.make_node("Expand", ["patches", "wide"], ["pixels"]),
            helper.make_node("Reshape", ["pixels", "shape"], ["picture"]),
            helper.make_node("Cast", ["picture"], ["frames"], to=u8),
        ],
        [z],
        [frames],
        {
            "none": np.array(0, np.float32), "one": np.array(1, np.float32), "white": np.array(255, np.float32),
            "thin": np.array([-1, 8, 1, 8, 1, 3]), "wide": np.array([1, 8, 8, 8, 8, 3]),
            "shape": np.array([-1, 64, 64, 3]),
        },
    )  # fmt: skip
    game = Garden(1)
    game.reset(np.array([1]))
    start = game.render(64)
    np.savez(
        folder / "starts.npz", frames=np.repeat(start[None], HISTORY, 1),
        actions=np.zeros((1, HISTORY - 1), np.uint8), seeds=np.array([1]),
    )  # fmt: skip
    Image.fromarray(start[0]).save(folder / "known.png")
    manifest = Manifest(
        format=FORMAT,
        family="glow",
        name="glow",
        version="0",
        games=("garden",),
        actions=ACTIONS,
        fps=20,
        resolution=64,
        history=HISTORY,
        representation=TensorSpec("float32", ("B", *SHAPE)),
        graphs={
            "encoder": GraphSpec("encoder.onnx", _specs(frames), _specs(z)),
            "trunk": GraphSpec(
                "trunk.onnx", _specs(z, ("action", i64, ["B"]), past, age),
                _specs(("mean", f32, ["B", *SHAPE]), ("kept", f32, ["B", *SHAPE])),
            ),
            "decoder": GraphSpec("decoder.onnx", _specs(z), _specs(frames)),
        },
        state={
            "past": StateSpec("float32", (HISTORY - 1, *SHAPE), "push", "trunk.kept", 0),
            "age": StateSpec("int64", (HISTORY - 1,), "age"),
        },
        settings={},
        model={},
        networks=None,
        parameters=light.size,
        active_parameters=light.size,
        precision="fp32",
        starts="starts.npz",
        files={file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())},
        known_frame=KnownFrame(0, (1,), None, "known.png"),
    )  # fmt: skip
    (folder / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    Image.fromarray(known_dream(Bundle.load(folder, threads=1)).frame).save(folder / "known.png")
    known = hashlib.sha256((folder / "known.png").read_bytes()).hexdigest()
    manifest = replace(manifest, files={**manifest.files, "known.png": known})
    (folder / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    return folder


Tensor = tuple[str, int, list[Any]]


def _specs(*tensors: Tensor) -> dict[str, TensorSpec]:
    types = {TensorProto.FLOAT: "float32", TensorProto.INT64: "int64", TensorProto.UINT8: "uint8"}
    return {name: TensorSpec(types[kind], tuple(shape)) for name, kind, shape in tensors}


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[Tensor],
    outputs: list[Tensor],
    constants: Mapping[str, NDArray[Any]],
) -> None:
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
