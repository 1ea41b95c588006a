"""A bundle that is not what its manifest says is refused in one sentence, and `verify` says what is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from reverie.engine import library
from reverie.engine.bundle import Bundle
from reverie.engine.errors import BundleError
from reverie.engine.verify import verify


@pytest.fixture
def copy(bundle_v11: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_v11, tmp_path / "copy"))


def rehash(bundle: Path, **changes: object) -> None:
    """Write a manifest that fits the files as they are now."""
    file = bundle / "manifest.json"
    value = json.loads(file.read_text()) | changes
    value["files"] = {name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in value["files"]}
    file.write_text(json.dumps(value))


def refused(bundle: Path, match: str, backend: str = "onnx") -> None:
    with pytest.raises(BundleError, match=match) as error:
        Bundle.load(bundle, backend)
    assert "\n" not in str(error.value)
    if backend == "onnx":
        assert verify(bundle) == [str(error.value)]


def test_a_sound_bundle_has_no_findings(bundle_v11: Path, bundle_v1: Path) -> None:
    assert verify(bundle_v11) == []
    assert verify(bundle_v1) == []


@pytest.mark.parametrize("name", ["decoder.onnx", "starts.npz", "known.png", "weights.safetensors"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    refused(copy, f"{name} is missing")


def test_a_truncated_and_an_altered_file_are_named(copy: Path) -> None:
    file = copy / "dynamics.onnx"
    data = file.read_bytes()
    file.write_bytes(data[:-100])
    refused(copy, "dynamics.onnx was altered or cut short")
    file.write_bytes(data[:500] + bytes([data[500] ^ 1]) + data[501:])
    refused(copy, "dynamics.onnx was altered or cut short")


def test_another_version_and_a_path_that_escapes_are_refused(copy: Path) -> None:
    value = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(value | {"format": 7}))
    refused(copy, "format 7")
    (copy / "manifest.json").write_text(json.dumps(value | {"starts": "../starts.npz"}))
    refused(copy, r"\.\./starts\.npz")


def test_a_link_that_leads_out_is_refused(copy: Path, tmp_path: Path) -> None:
    shutil.move(copy / "decoder.onnx", tmp_path / "elsewhere.onnx")
    (copy / "decoder.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    refused(copy, "leads out of the bundle")


@pytest.mark.parametrize("name", ["manifest.json", "decoder.onnx", "starts.npz", "weights.safetensors"])
def test_what_is_no_regular_file_is_not_waited_for(copy: Path, name: str) -> None:
    (copy / name).unlink()
    os.mkfifo(copy / name)
    refused(
        copy, r"manifest\.json cannot be read \(it is not a file\)" if name == "manifest.json" else f"{name} is missing"
    )
    (copy / name).unlink()
    (copy / name).symlink_to("/dev/zero")
    refused(copy, "it is not a file|is missing")


def test_a_file_that_is_too_large_is_not_read(copy: Path) -> None:
    with (copy / "starts.npz").open("wb") as file:
        file.truncate(1 << 40)
    refused(copy, "starts.npz is larger than 256 MiB")


def test_what_is_no_bundle_is_said(tmp_path: Path) -> None:
    refused(tmp_path, "has no manifest.json")
    refused(tmp_path / "nowhere", "no such folder")
    with pytest.raises(ValueError, match="unknown backend 'abacus'"):
        Bundle.load(tmp_path, "abacus")


def test_a_file_that_is_no_graph_is_refused_even_if_its_hash_fits(copy: Path) -> None:
    (copy / "decoder.onnx").write_bytes(b"not a graph")
    rehash(copy)
    refused(copy, r"decoder\.onnx is not a graph")


def test_start_histories_that_do_not_fit_are_refused(copy: Path) -> None:
    np.savez(copy / "starts.npz", frames=np.zeros((1, 2, 64, 64, 3), np.uint8), actions=[[0]], seeds=[0])
    rehash(copy)
    refused(copy, "does not fit the manifest")
    np.savez(copy / "starts.npz", frames=np.array([{}], dtype=object))
    rehash(copy)
    refused(copy, "does not hold start histories")
    for data in (b"PK\x03\x04 cut short", b""):
        (copy / "starts.npz").write_bytes(data)
        rehash(copy)
        refused(copy, "does not hold start histories")
    with (copy / "starts.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    rehash(copy)
    refused(copy, "does not hold start histories")


def test_verify_finds_a_graph_of_another_shape(copy: Path) -> None:
    value = json.loads((copy / "manifest.json").read_text())
    value["model"]["vocabulary"] = 65
    for name in ("dynamics", "causal_head"):
        value["graphs"][name]["outputs"]["logits"]["shape"][-1] = 65
    rehash(copy, model=value["model"], graphs=value["graphs"])
    findings = verify(copy)
    assert any("logits" in finding and "65" in finding for finding in findings)


def test_verify_finds_a_graph_that_computes_something_else(copy: Path) -> None:
    model = onnx.load(copy / "dynamics.onnx")
    for initializer in model.graph.initializer:
        if initializer.data_type == onnx.TensorProto.FLOAT16:
            array = onnx.numpy_helper.to_array(initializer)
            initializer.CopyFrom(onnx.numpy_helper.from_array(-array[..., ::-1].copy(), initializer.name))
    onnx.save(model, copy / "dynamics.onnx")
    rehash(copy)
    assert any("known frame" in finding for finding in verify(copy))


def test_verify_says_which_graph_loads_and_cannot_be_run(copy: Path) -> None:
    model = onnx.load(copy / "decoder.onnx")
    [tokens] = model.graph.input
    slots = onnx.helper.make_tensor("there_is_no_such_slot", onnx.TensorProto.INT64, [1], [10**6])
    model.graph.initializer.append(slots)
    model.graph.node.insert(0, onnx.helper.make_node("Gather", ["tokens", slots.name], ["taken"], axis=1))
    model.graph.node.insert(1, onnx.helper.make_node("Mul", ["tokens", "taken"], ["spoiled"]))
    for node in model.graph.node[2:]:
        node.input[:] = ["spoiled" if name == tokens.name else name for name in node.input]
    onnx.save(model, copy / "decoder.onnx")
    rehash(copy)
    [finding] = verify(copy)
    assert "decoder.onnx cannot be run" in finding
    assert "\n" not in finding


@pytest.mark.parametrize("name", ["dynamics.pt2", "networks.pt", "weights.pkl", "start.py", "kernel.so"])
def test_a_bundle_with_a_program_is_refused_unread(copy: Path, name: str) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (copy / "exploded",)  # type: ignore[return-value]

    with zipfile.ZipFile(copy / name, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    for backend in ("onnx", "torch"):
        refused(copy, f"{name} is a program, and a bundle holds none", backend)
    value = json.loads((copy / "manifest.json").read_text())
    rehash(copy, files=value["files"] | {name: ""})
    for backend in ("onnx", "torch"):
        refused(copy, f"files names '{name}', and a bundle holds nothing but", backend)
    assert not (copy / "exploded").exists()


def test_bundles_are_found_by_name_and_by_folder(bundle_v11: Path, tmp_path: Path) -> None:
    for name in ("v2", "v1.1", "v10", "v1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").touch()
    (tmp_path / "notes").mkdir()
    assert list(library.shipped(tmp_path)) == ["v1", "v1.1", "v2", "v10"]
    assert library.resolve("v1.1", tmp_path) == tmp_path / "v1.1"
    assert library.resolve(bundle_v11, tmp_path) == bundle_v11
    with pytest.raises(BundleError, match=r"no bundle 'v3'.*v1, v1\.1, v2, v10"):
        library.resolve("v3", tmp_path)
