"""A bundle holds every weight once, for both backends, and its ONNX graphs read nothing outside of it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.external_data_helper import uses_external_data
from onnx.numpy_helper import to_array
from safetensors.numpy import load_file, save_file

from reverie.engine.bundle import Bundle
from reverie.engine.errors import BundleError
from reverie.engine.manifest import GraphSpec, TensorSpec
from reverie.engine.onnx_runtime import OnnxRuntime
from reverie.export.quantize import SMALL
from reverie.export.run_export import export_run
from reverie.export.shared_weights import SharedWeights


@pytest.fixture(scope="module")
def bundle_int8(run_diffusion: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle in bytes of a run with every graph there is."""
    return export_run(run_diffusion, tmp_path_factory.mktemp("bytes") / "tiny", "int8", log=lambda _: None)


def references(graph: Path) -> list[onnx.TensorProto]:
    return [i for i in onnx.load(graph, load_external_data=False).graph.initializer if uses_external_data(i)]


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_bundle_holds_every_weight_once(precision: str, bundle_v11: Path, bundle_int8: Path) -> None:
    folder = bundle_v11 if precision == "fp16" else bundle_int8
    weights = [weight for weight in load_file(folder / "weights.safetensors").values() if weight.size >= SMALL]
    held = {weight.tobytes() for weight in weights}
    assert len(held) == len(weights)
    for graph in folder.glob("*.onnx"):
        assert references(graph)
        inside = [i for i in onnx.load(graph, load_external_data=False).graph.initializer if not uses_external_data(i)]
        for tensor in inside:
            assert not held & {tensor.raw_data, to_array(tensor).T.tobytes()}, tensor.name
        # What the exporter has computed from weights is inside, and is little.
        assert sum(len(tensor.raw_data) for tensor in inside) < 0.2 * sum(weight.nbytes for weight in weights), graph


def test_torch_makes_the_numbers_of_bytes_that_onnx_makes(bundle_int8: Path) -> None:
    tokens = np.random.default_rng(0).integers(0, 64, (2, 64))
    hidden = np.random.default_rng(0).normal(size=(2, 64, 64)).astype(np.float32)
    theirs = Bundle.load(bundle_int8, "onnx", 1).runtime.run("causal_head", [hidden, tokens])
    tensors = [torch.from_numpy(hidden), torch.from_numpy(tokens)]
    ours = Bundle.load(bundle_int8, "torch", 1).runtime.run("causal_head", tensors)
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-4)
    weights = load_file(bundle_int8 / "weights.safetensors")
    scales = [name for name in weights if name.endswith(".scale")]
    assert scales
    assert all(weights[name.removesuffix(".scale")].dtype == np.uint8 for name in scales)


def test_a_weight_is_found_as_it_is_or_transposed_and_otherwise_stays_inside(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    straight, turned, other = (rng.normal(size=(64, 64)).astype(np.float32) for _ in range(3))
    save_file({"a": straight, "b": np.ascontiguousarray(turned.T)}, tmp_path / "weights.safetensors")
    inputs = [onnx.helper.make_tensor_value_info("hidden", onnx.TensorProto.FLOAT, ("B", 64))]
    inputs += [onnx.helper.make_tensor_value_info("tokens", onnx.TensorProto.INT64, ("B", 64))]
    outputs = [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ("B", 64))]
    nodes = [onnx.helper.make_node("MatMul", pair, [out]) for pair, out in
             ((("hidden", "x"), "1"), (("1", "y"), "2"), (("2", "z"), "logits"))]  # fmt: skip
    weights = [onnx.numpy_helper.from_array(w, n) for w, n in ((straight, "x"), (turned, "y"), (other, "z"))]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "g", inputs, outputs, weights),
        opset_imports=[onnx.helper.make_opsetid("", 20)],
        ir_version=9,
    )
    file = tmp_path / "causal_head.onnx"
    SharedWeights(tmp_path / "weights.safetensors").save(model, file)
    assert [tensor.name for tensor in references(file)] == ["x", "y.stored"]
    hidden = rng.normal(size=(2, 64)).astype(np.float32)
    ends = TensorSpec("float32", ("B", 64)), TensorSpec("int64", ("B", 64))
    spec = GraphSpec(file.name, {"hidden": ends[0], "tokens": ends[1]}, {"logits": ends[0]})
    runtime = OnnxRuntime(tmp_path, {"causal_head": spec}, threads=1)
    (logits,) = runtime.run("causal_head", [hidden, np.zeros((2, 64), np.int64)])
    np.testing.assert_allclose(logits.astype(np.float32), hidden @ straight @ turned @ other, rtol=1e-4, atol=1e-3)


def test_altered_weights_are_refused_by_both_backends(bundle_v11: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle_v11, tmp_path / "copy"))
    data = bytearray((copy / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "weights.safetensors").write_bytes(data)
    for backend in ("onnx", "torch"):
        with pytest.raises(BundleError, match=r"weights\.safetensors was altered"):
            Bundle.load(copy, backend)


@pytest.mark.parametrize("way", ["upwards", "absolute", "link"])
def test_a_graph_that_reads_a_file_outside_of_the_bundle_is_refused(bundle_v11: Path, tmp_path: Path, way: str) -> None:
    copy = Path(shutil.copytree(bundle_v11, tmp_path / "copy"))
    outside = Path(shutil.copy(copy / "weights.safetensors", tmp_path / "outside"))
    location = {"upwards": "../outside", "absolute": str(outside), "link": "link"}[way]
    (copy / "link").symlink_to(outside)
    model = onnx.load(copy / "decoder.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    (copy / "decoder.onnx").write_bytes(model.SerializeToString())
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"]["decoder.onnx"] = hashlib.sha256((copy / "decoder.onnx").read_bytes()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="which is no file beside it"):
        Bundle.load(copy)
