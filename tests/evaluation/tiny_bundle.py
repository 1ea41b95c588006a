"""A bundle small enough to be written down: its dream of the garden is that nothing ever changes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from reverie.engine.tokens.model import TokenModel
from reverie.games.garden.rules import Garden
from tests.manifests import token_manifest

CODES = 256
SURE = 20.0


def write_tiny_bundle(folder: Path, name: str = "tiny", diffusion: bool = False, of: str = "garden") -> Path:
    """Write the bundle into a new folder: a token is how bright its patch is; the last frame is repeated for ever.

    diffusion: it has that decoder too, whose picture is 10 levels brighter for a step of the whole way.
    """
    folder.mkdir()
    i64, f32, u8 = TensorProto.INT64, TensorProto.FLOAT, TensorProto.UINT8
    frames = ("frames", u8, ["B", 64, 64, 3])
    tokens = ("tokens", i64, ["B", 64])
    logits, hidden = ("logits", f32, ["B", 64, CODES]), ("hidden", f32, ["B", 64, CODES])
    sure = ("sure", np.eye(CODES, dtype=np.float32) * SURE)
    _save(
        folder / "encoder.onnx",
        [
            helper.make_node("Cast", ["frames"], ["real"], to=f32),
            helper.make_node("Transpose", ["real"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("AveragePool", ["planes"], ["means"], kernel_shape=[8, 8], strides=[8, 8]),
            helper.make_node("ReduceMean", ["means", "axis"], ["mean"], keepdims=0),
            helper.make_node("Reshape", ["mean", "flat"], ["row"]),
            helper.make_node("Cast", ["row"], ["tokens"], to=i64),
        ],
        [frames],
        [tokens],
        [("axis", np.array([1])), ("flat", np.array([-1, 64]))],
    )
    _save(
        folder / "dynamics.onnx",
        [
            helper.make_node("Gather", ["levels", "tokens"], ["hidden"], axis=0),
            helper.make_node("MatMul", ["hidden", "sure"], ["logits"]),
        ],
        [tokens, ("action", i64, ["B"])],
        [logits, hidden],
        [("levels", np.eye(CODES, dtype=np.float32)), sure],
    )
    _save(
        folder / "causal_head.onnx",
        [helper.make_node("MatMul", ["hidden", "sure"], ["logits"])],
        [hidden, tokens],
        [logits],
        [sure],
    )
    _save(
        folder / "decoder.onnx",
        [
            helper.make_node("Cast", ["tokens"], ["bytes"], to=u8),
            helper.make_node("Reshape", ["bytes", "thin"], ["patches"]),
            helper.make_node("Expand", ["patches", "wide"], ["pixels"]),
            helper.make_node("Reshape", ["pixels", "shape"], ["frames"]),
        ],
        [tokens],
        [frames],
        [
            ("thin", np.array([-1, 8, 1, 8, 1, 1])),
            ("wide", np.array([1, 8, 8, 8, 8, 3])),
            ("shape", np.array([-1, 64, 64, 3])),
        ],
    )
    if diffusion:
        _write_diffusion(folder / "diffusion.onnx", frames[2], tokens)
    game = Garden(1)
    game.reset(np.array([1]))
    start = game.render(64)
    np.savez(folder / "starts.npz", frames=start[None], actions=np.zeros((1, 0), np.uint8), seeds=np.array([1]))
    (folder / "known.png").write_bytes(b"a picture for people")
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}
    manifest = token_manifest(
        name,
        TokenModel((8, 8), CODES, hidden=CODES),
        ["causal_head", *(["diffusion"] if diffusion else [])],
        resolution=64,
        games=(of,),
        actions=Garden.actions,
        settings_are={"mode": "parallel", "temperature": 0.0, "min_p": 0.0, "steps": 2},
        parameters=2 * CODES * CODES,
        active_parameters=2 * CODES * CODES,
        files=digests,
    )
    (folder / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    return folder


Value = tuple[str, int, list[str | int]]


def _write_diffusion(path: Path, image: list[str | int], tokens: Value) -> None:
    f32, u8 = TensorProto.FLOAT, TensorProto.UINT8
    picture: list[Value] = [("vq", u8, image)]
    _save(
        path,
        [
            helper.make_node("MatMul", ["noisy", "mix"], ["less_noisy"]),
            helper.make_node("Sub", ["level", "target"], ["length"]),
            helper.make_node("Mul", ["length", "ten"], ["brighter"]),
            helper.make_node("Reshape", ["brighter", "shape"], ["everywhere"]),
            helper.make_node("Cast", ["vq"], ["real"], to=f32),
            helper.make_node("Add", ["real", "everywhere"], ["bright"]),
            helper.make_node("Cast", ["bright"], ["frames"], to=u8),
        ],
        [("noisy", f32, image), ("level", f32, ["B"]), ("target", f32, ["B"]), tokens, *picture],
        [("less_noisy", f32, image), ("frames", u8, image)],
        [("mix", np.eye(3, dtype=np.float32)), ("ten", np.array([10], np.float32)), ("shape", np.array([-1, 1, 1, 1]))],
    )


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[Value],
    outputs: list[Value],
    constants: list[tuple[str, np.ndarray]],
) -> None:
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
