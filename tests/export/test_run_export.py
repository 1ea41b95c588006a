from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from safetensors.numpy import load_file, save_file
from tiny import tiny_run

from reverie.engine.bundle import Bundle
from reverie.engine.manifest import MANIFEST, Manifest
from reverie.engine.onnx_runtime import OnnxRuntime
from reverie.engine.tokens.model import model_of
from reverie.export import parity
from reverie.export.bundle_writer import building
from reverie.export.errors import ExportError
from reverie.export.graph import Graph
from reverie.export.onnx_export import export_program, to_onnx
from reverie.export.quantize import quantize_int8
from reverie.export.run_export import export_run
from reverie.export.tokens.graphs import inputs_of, random_inputs, split
from reverie.export.tokens.networks import read_run
from reverie.export.tokens.run_export import sizes_of


def test_a_bundle_says_what_it_is(bundle_v11: Path, run_v11: Path) -> None:
    m = Manifest.parse(json.loads((bundle_v11 / "manifest.json").read_text()), bundle_v11)
    assert (m.name, m.version, m.games, m.history) == ("tiny", "1.1", ("garden",), 4)
    assert m.choices("mode") == ("ar", "parallel")
    run = read_run(run_v11)
    tensors = [*run.tokenizer.state_dict().values(), *run.dynamics.state_dict().values()]
    assert m.parameters == sum(tensor.numel() for tensor in tensors)
    assert set(m.files) == {file.name for file in bundle_v11.iterdir()} - {"manifest.json"}


def test_half_precision_halves_the_file_and_keeps_float32_ends(bundle_v11: Path) -> None:
    model = onnx.load(bundle_v11 / "dynamics.onnx")
    large = [i for i in model.graph.initializer if np.prod(i.dims) >= 4096 and i.data_type != onnx.TensorProto.INT64]
    assert large
    assert all(i.data_type == onnx.TensorProto.FLOAT16 for i in large)
    assert all(o.type.tensor_type.elem_type == onnx.TensorProto.FLOAT for o in model.graph.output)


def test_a_bundle_names_no_folder_of_the_machine_it_was_made_on(bundle_v11: Path) -> None:
    for file in bundle_v11.iterdir():
        if file.suffix in (".onnx", ".json"):
            assert str(Path(__file__).parents[2]).encode() not in file.read_bytes(), file.name


def test_int8_stores_bytes_and_stays_close(bundle_v1: Path, tmp_path: Path) -> None:
    run = read_run(bundle_v1.parent / "run")
    sizes = sizes_of(run)
    graph = split(run.tokenizer, run.dynamics, sizes)["dynamics"]
    example = random_inputs("dynamics", sizes, 2, torch.Generator().manual_seed(1))
    model = quantize_int8(to_onnx(graph, export_program(graph, example)))
    stored = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    products = [node for node in model.graph.node if node.op_type == "MatMulInteger"]
    # Signed bytes would be added up in 16 bits, which do not hold them, on processors without instructions for them.
    assert {stored[node.input[1]].dtype for node in products} == {np.dtype(np.uint8)}
    assert len(products) >= 8
    onnx.save(model, tmp_path / "dynamics.onnx")
    runtime = OnnxRuntime(tmp_path, {"dynamics": sizes.graph("dynamics", "dynamics.onnx")}, threads=1)
    worst = parity.check_parity({"dynamics": graph}, runtime, inputs_of(sizes), ("dynamics",))
    assert 0 < worst["dynamics"] < 0.1


def test_an_int8_bundle_keeps_its_causal_head_causal_and_its_matrices_in_bytes(
    run_v11: Path, bundle_v11: Path, tmp_path: Path
) -> None:
    out = export_run(run_v11, tmp_path / "tiny", "int8", log=lambda _: None)
    half, small = ((folder / "weights.safetensors").stat().st_size for folder in (bundle_v11, out))
    assert small < 0.6 * half
    for name in ("causal_head", "dynamics"):
        graph = onnx.load(out / f"{name}.onnx", load_external_data=False).graph
        assert any(i.data_type == onnx.TensorProto.UINT8 and np.prod(i.dims) >= 4096 for i in graph.initializer)
    bundle = Bundle.load(out, threads=1)
    rng = np.random.default_rng(0)
    m = model_of(bundle.manifest)
    assert m.hidden is not None
    hidden = rng.standard_normal((1, m.tokens, m.hidden)).astype(np.float32)
    tokens = rng.integers(0, m.vocabulary, (1, m.tokens))
    before = bundle.runtime.run("causal_head", [hidden, tokens])[0]
    tokens[:, 40:] = rng.integers(0, m.vocabulary, m.tokens - 40)
    after = bundle.runtime.run("causal_head", [hidden, tokens])[0]
    assert (before[:, :41] == after[:, :41]).all()
    assert (before[:, 41:] != after[:, 41:]).any()


def test_an_export_that_fails_leaves_the_old_bundle_as_it_was(
    run_v11: Path, bundle_v11: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Path(shutil.copytree(bundle_v11, tmp_path / "bundle"))
    before = {file.name: file.read_bytes() for file in target.iterdir()}
    monkeypatch.setattr(
        "reverie.export.tokens.run_export.split", lambda *_: (_ for _ in ()).throw(RuntimeError("power cut"))
    )
    with pytest.raises(RuntimeError):
        export_run(run_v11, target)
    assert {file.name: file.read_bytes() for file in target.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize("trouble", [OSError, KeyboardInterrupt])
def test_a_swap_that_is_cut_short_brings_the_old_bundle_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: type[BaseException]
) -> None:
    target, real = tmp_path / "bundle", Path.rename
    target.mkdir()
    (target / MANIFEST).write_text("old")

    def rename(path: Path, to: Path) -> Path:
        if to == target and not path.name.endswith("-old"):
            raise trouble
        return real(path, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(trouble), building(target) as folder:
        (folder / MANIFEST).write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert (target / MANIFEST).read_text() == "old"
    monkeypatch.undo()
    with building(target) as folder:
        (folder / MANIFEST).write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert (target / MANIFEST).read_text() == "new"


def test_a_folder_that_is_no_bundle_is_never_replaced(run_v11: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(ExportError, match="is not a bundle"):
        export_run(run_v11, tmp_path / "home", log=lambda _: None)
    assert (tmp_path / "home" / "letter.txt").read_text() == "dear"


def test_a_graph_that_computes_something_else_fails_the_export(run_v11: Path, bundle_v11: Path) -> None:
    run = read_run(run_v11)
    sizes = sizes_of(run)
    bundle = Bundle.load(bundle_v11, threads=1)

    class Off(torch.nn.Module):
        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return 255 - run.tokenizer.decode(tokens)

    with pytest.raises(ExportError, match="exported decoder differs"):
        parity.check_parity({"decoder": Graph(Off(), ("tokens",), ("frames",))}, bundle.runtime, inputs_of(sizes))


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda run: (run / "run.json").unlink(), "has no run.json"),
        (lambda run: (run / "run.json").write_text("{"), "is damaged"),
        (lambda run: (run / "dynamics.safetensors").unlink(), "dynamics.safetensors is missing"),
        (lambda run: (run / "tokenizer.safetensors").write_bytes(b"x"), "tokenizer.safetensors is damaged"),
        (lambda run: (run / "starts.npz").unlink(), "starts.npz cannot be read: no such file"),
        (
            lambda run: _change(run, networks={"dynamics": {"kind": "rnn", "config": {}}}),
            "networks.dynamics.kind must be one of",
        ),
        (lambda run: _change_network(run, "dynamics", width="wide"), "config.width must be a whole number"),
        (lambda run: _change(run, sampling={"heat": 1}), "does not describe a run"),
    ],
)
def test_a_run_that_is_unfit_is_one_sentence(run_v11: Path, tmp_path: Path, damage, match: str) -> None:  # type: ignore[no-untyped-def]
    run = Path(shutil.copytree(run_v11, tmp_path / "run"))
    damage(run)
    with pytest.raises(ExportError, match=match) as error:
        export_run(run, tmp_path / "out", log=lambda _: None)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda run: (run / "decoder.safetensors").unlink(), "decoder.safetensors is missing"),
        (lambda run: _change_network(run, "decoder", grid=[4, 16]), "must be those of the tokenizer"),
        (lambda run: _change_network(run, "decoder", depth=3), "has an unknown key 'depth'"),
        (lambda run: _change(run, decoder_steps=9), "decoder_steps must be 1 to 8, not 9"),
    ],
)
def test_a_decoder_that_does_not_fit_is_one_sentence(run_diffusion: Path, tmp_path: Path, damage, match: str) -> None:  # type: ignore[no-untyped-def]
    run = Path(shutil.copytree(run_diffusion, tmp_path / "run"))
    damage(run)
    with pytest.raises(ExportError, match=match):
        export_run(run, tmp_path / "out", log=lambda _: None)
    assert not (tmp_path / "out").exists()


def test_an_unknown_precision_is_refused(run_v11: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="unknown precision 'fp2'"):
        export_run(run_v11, tmp_path / "out", "fp2")


def _change(run: Path, **changes: object) -> None:
    file = run / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def _change_network(run: Path, name: str, **config: object) -> None:
    networks = json.loads((run / "run.json").read_text())["networks"]
    networks[name]["config"] |= config
    _change(run, networks=networks)


def test_the_pictures_of_patches_are_stored_in_bytes(bundle_v11: Path) -> None:
    for name in ("encoder", "decoder"):
        stored = onnx.load(bundle_v11 / f"{name}.onnx").graph.initializer
        assert [i.data_type for i in stored if np.prod(i.dims) >= 4096] == [onnx.TensorProto.INT8]


def test_what_pictures_say_of_codes_is_in_the_bundle_as_plain_tables(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path / "run", code_features=16)
    weights = load_file(folder / "dynamics.safetensors")
    rng = np.random.default_rng(0)
    for name, value in weights.items():
        if name.startswith("code_features"):
            weights[name] = 0.3 * rng.standard_normal(value.shape, np.float32)
    save_file(weights, folder / "dynamics.safetensors")
    run, out = read_run(folder), export_run(folder, tmp_path / "out", "fp32", log=lambda _: None)
    assert np.abs(run.dynamics.state_dict()["token.weight"].numpy() - weights["token.weight"]).max() > 0.1
    stored = [np.asarray(numpy_helper.to_array(i)) for i in onnx.load(out / "dynamics.onnx").graph.initializer]
    assert any(np.array_equal(array, run.dynamics.state_dict()["token.weight"].numpy()) for array in stored)
