"""Hostile bundles and tapes. Hashes are made right, so that what is behind them is reached."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
import struct
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.fuzz.harness import cli
from tests.fuzz.mutations import NUMBERS, as_text, code, mutated_bytes, mutated_json

GRAPHS = ("encoder", "dynamics", "decoder", "causal_head")
OPERATORS = sorted({schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""})


class Bomb:
    """What touches a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.marker,)


def manifests(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed manifest."""
    bundle = _copy(base, folder)
    value = mutated_json(json.loads((bundle / "manifest.json").read_text()), rng, marker)
    (bundle / "manifest.json").write_bytes(as_text(value, rng))
    _open(bundle, rng)


def graphs(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed graph."""
    bundle = _copy(base, folder)
    file = bundle / f"{rng.choice(GRAPHS)}.onnx"
    if rng.random() < 0.3:
        file.write_bytes(mutated_bytes(file.read_bytes(), rng))
    else:
        model = onnx.load(file, load_external_data=False)
        for _ in range(rng.choice([1, 1, 2, 3])):
            _change_graph(model, rng, marker)
        file.write_bytes(model.SerializeToString())
    _rehash(bundle)
    cli("verify", str(bundle))


def starts(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """Changed start histories."""
    bundle = _copy(base, folder)
    change_starts(bundle / "starts.npz", rng, marker)
    _rehash(bundle)
    cli("verify", str(bundle))


def change_starts(file: Path, rng: Random, marker: Path) -> None:
    """Change a file of start histories."""
    with np.load(file) as arrays:
        members = dict(arrays)
    name = rng.choice(sorted(members))
    match rng.randrange(9):
        case 0:
            file.write_bytes(mutated_bytes(file.read_bytes(), rng))
        case 1:
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr(f"{name}.npy", pickle.dumps(Bomb(marker)))
        case 2:
            members[name] = np.array([Bomb(marker)], dtype=object)
            np.savez(file, **members)
        case 3:
            del members[name]
            np.savez(file, **members)
        case 4:
            kind = rng.choice(["f4", "f8", "?", "u8", "i1", "c16", "M8[s]", "U3", "V8"])
            members[name] = np.zeros(members[name].shape, kind)
            np.savez(file, **members)
        case 5:
            members[name] = np.zeros(rng.choice([(), (0,), (1,), (3, 0), (2, 2), (1, 4, 64, 64, 3)]), np.uint8)
            np.savez(file, **members)
        case 6:
            members[name] = members[name].astype(np.int64) + rng.choice([1, 100, 2**20])
            np.savez(file, **members)
        case 7:
            _claim(file, members, name, rng, marker)
        case 8 if rng.random() < 0.2:
            archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
            with archive, archive.open(f"{name}.npy", "w") as out:
                for _ in range(300):  # more than may be read
                    out.write(bytes(1 << 20))


def weights(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """Changed weights, and networks that do not fit them, opened with torch."""
    from reverie.engine.bundle import Bundle

    bundle = _copy(base, folder)
    file = bundle / "weights.safetensors"
    data = file.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    match rng.randrange(4):
        case 0:
            file.write_bytes(mutated_bytes(data, rng))
        case 1:
            head = as_text(mutated_json(json.loads(data[8 : 8 + size]), rng, marker), rng)
            file.write_bytes(struct.pack("<Q", len(head)) + head + data[8 + size :])
        case 2:
            file.write_bytes(struct.pack("<Q", rng.choice([0, 1, size + 1, 2**32, 2**63])) + data[8:])
        case 3:
            value = json.loads((bundle / "manifest.json").read_text())
            value["networks"] = mutated_json(value["networks"], rng, marker)
            (bundle / "manifest.json").write_text(json.dumps(value))
    _rehash(bundle)
    Bundle.load(bundle, "torch", threads=1)


def tapes(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed tape."""
    tape = folder / "play.tape"
    value = mutated_json(json.loads((base / "play.tape").read_text()), rng, marker)
    tape.write_bytes(as_text(value, rng))
    cli("render", str(tape), "--check", "--bundle", str(base / "bundle"))


def _copy(base: Path, folder: Path) -> Path:
    return Path(shutil.copytree(base / "bundle", folder / "bundle"))


def _open(bundle: Path, rng: Random) -> None:
    if rng.random() < 0.2:
        cli("list", str(bundle)) if rng.random() < 0.5 else cli("bench", str(bundle), "--frames", "1")
    else:
        cli("verify", str(bundle))


def _rehash(bundle: Path) -> None:
    file = bundle / "manifest.json"
    value = json.loads(file.read_text())
    if isinstance(value.get("files"), dict):
        value["files"] = {
            name: hashlib.sha256((bundle / name).read_bytes()).hexdigest()
            for name in value["files"]
            if (bundle / name).is_file()
        }
    file.write_text(json.dumps(value))


def _claim(file: Path, members: dict[str, Any], name: str, rng: Random, marker: Path) -> None:
    """An array whose header says something else than what follows it."""
    shape = rng.choice(["(1000000000000,)", "(-1,)", "(2**62,)", code(marker), "()", "(3, 4, 64, 64, 30)", "(" * 500])
    kind = rng.choice(["'|u1'", "'|O'", "'<i8'", "'|V1000000000'", code(marker)])
    head = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for other, array in members.items():
            content = io.BytesIO()
            np.save(content, array)
            data = content.getvalue()
            if other == name:
                data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + array.tobytes()
            archive.writestr(f"{other}.npy", data)
    file.write_bytes(out.getvalue())


def _change_graph(model: Any, rng: Random, marker: Path) -> None:
    graph = model.graph
    node, tensor = rng.choice(graph.node), rng.choice(graph.initializer)
    names = [*(x.name for x in graph.initializer), *(x.name for x in graph.input), *(n.output[0] for n in graph.node)]
    outside = [x for x in graph.initializer if x.external_data]
    small = [x for x in graph.initializer if x.data_type == TensorProto.INT64 and not x.external_data]
    match rng.randrange(17):
        case 0:
            node.op_type = rng.choice(OPERATORS)
        case 1:
            node.domain = rng.choice(["com.microsoft", "own", "ai.onnx.ml"])
        case 2 if node.input:
            node.input[rng.randrange(len(node.input))] = rng.choice([*names, "nowhere", ""])
        case 3:
            node.output[0] = rng.choice(names)
        case 4:
            graph.node.remove(node)
        case 5:
            graph.node.insert(rng.randrange(len(graph.node)), helper.make_node(
                rng.choice(OPERATORS), [rng.choice(names) for _ in range(rng.randrange(4))], [f"new{rng.random()}"]
            ))  # fmt: skip
        case 6 if node.attribute:
            attribute = rng.choice(node.attribute)
            attribute.i = rng.choice([x for x in NUMBERS if isinstance(x, int) and -(2**63) <= x < 2**63])
            if attribute.ints:
                attribute.ints[0] = attribute.i
        case 7:
            inner = helper.make_graph([helper.make_node("Not", ["a"], ["b"])], "inner", [], [])
            node.attribute.append(helper.make_attribute(rng.choice(["body", "then_branch"]), inner))
        case 8:
            tensor.dims.append(rng.choice([0, 1, 2, 2**20, 2**40, -1]))
        case 9:
            tensor.data_type = rng.randrange(24)
        case 10 if small:
            shape = rng.choice(small)
            values = np.array(numpy_helper.to_array(shape))
            values.flat[rng.randrange(max(1, values.size)) if values.size else slice(0)] = rng.choice(
                [0, -1, 1, 2, 64, 4096, 40_000, 2**31, 2**40, 2**62]
            )
            shape.CopyFrom(numpy_helper.from_array(values, shape.name))
        case 11:
            entry = tensor.external_data.add()
            entry.key, entry.value = (
                rng.choice(["location", "offset", "length"]),
                rng.choice(["", " ", "\0", "a" * 3000, "💥", "../x", "-1"]),
            )
            tensor.data_location = TensorProto.EXTERNAL
        case 12 if outside:
            entry = rng.choice(rng.choice(outside).external_data)
            entry.value = rng.choice(["0", "1", "9" * 30, "-5", "../x", "/dev/zero", "manifest.json", "decoder.onnx"])
        case 13:
            end = rng.choice([*graph.input, *graph.output])
            dims = end.type.tensor_type.shape.dim
            dims[rng.randrange(len(dims))].dim_value = rng.choice([0, 1, 2, 63, 65, 2**31, 2**62])
        case 14:
            model.opset_import[0].version = rng.choice([1, 7, 12, 21, 10**6, -1])
        case 15:
            body = [helper.make_node("Cos", ["x"], ["y"])]
            opsets = [helper.make_opsetid("", 20)]
            model.functions.append(helper.make_function("own", "f", ["x"], ["y"], body, opsets))
        case 16:
            node.name = node.doc_string = code(marker)
