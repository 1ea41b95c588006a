"""A run is carried in small parts and is the same when it arrives, with the safetensors library or without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from reverie.training.errors import RunError
from reverie.training.loop import weights
from reverie.training.loop.checkpoint import save_weights
from reverie.training.pack import join, pack

TENSORS = {
    "matrix": torch.randn(64, 40, generator=torch.Generator().manual_seed(0)),
    "bias": torch.randn(40),
    "steps": torch.tensor(7),
    "codes": torch.arange(6).reshape(2, 3),
    "half": torch.randn(3, 5).half(),
    "mask": torch.tensor([True, False, True]),
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text('{"recipe": "mine"}')
    np.savez(folder / "starts.npz", frames=np.zeros(4))
    (folder / "data.npz").write_bytes(b"large, and not needed")
    for name in ("tokenizer", "dynamics"):
        save_weights(folder / f"{name}.safetensors", TENSORS)
    return folder


def test_a_run_arrives_as_it_left_with_its_weights_as_halves(run: Path, tmp_path: Path) -> None:
    parts = pack(run, tmp_path / "parts", 4000)
    assert len(parts) > 3
    assert all(part.stat().st_size <= 4000 for part in parts)
    assert pack(run, tmp_path / "parts", 8000) != parts, "older parts make room"
    join(tmp_path / "parts", tmp_path / "arrived")
    assert {path.name for path in (tmp_path / "arrived").iterdir()} == {
        "run.json", "starts.npz", "tokenizer.safetensors", "dynamics.safetensors",
    }  # fmt: skip
    for name in ("run.json", "starts.npz", "tokenizer.safetensors"):
        assert (tmp_path / "arrived" / name).read_bytes() == (run / name).read_bytes()
    arrived = safetensors.torch.load_file(tmp_path / "arrived" / "dynamics.safetensors")
    assert torch.equal(arrived["matrix"], TENSORS["matrix"].half())
    assert torch.equal(arrived["bias"], TENSORS["bias"])


def test_a_part_that_is_missing_or_altered_is_named(run: Path, tmp_path: Path) -> None:
    parts = pack(run, tmp_path / "parts", 4000)
    content = parts[1].read_bytes()
    parts[1].write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(RunError, match=parts[1].name):
        join(tmp_path / "parts", tmp_path / "arrived")
    parts[1].unlink()
    with pytest.raises(RunError, match="lacks part 1 of"):
        join(tmp_path / "parts", tmp_path / "arrived")
    with pytest.raises(RunError, match="no part of a run"):
        join(run, tmp_path / "arrived")


def test_parts_are_there_until_newer_ones_are_and_are_never_mixed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = pack(run, tmp_path / "parts", 4000)
    (run / "run.json").write_text('{"recipe": "other"}')
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if "run-02" in path.name:
            raise OSError(28, "No space left on device")
        return write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            pack(run, tmp_path / "parts", 4000)
    assert all(part.exists() for part in parts)
    with pytest.raises(RunError, match="holds parts of two runs; pack the run again"):
        join(tmp_path / "parts", tmp_path / "arrived")
    newer = pack(run, tmp_path / "parts", 4000)
    assert sorted(newer) == sorted((tmp_path / "parts").iterdir())


def test_an_untrained_run_is_not_packed(run: Path, tmp_path: Path) -> None:
    (run / "dynamics.safetensors").unlink()
    with pytest.raises(RunError, match=r"dynamics\.safetensors is missing"):
        pack(run, tmp_path / "parts")


def test_weights_are_read_and_written_without_the_library(tmp_path: Path) -> None:
    weights.save_file(TENSORS, tmp_path / "ours")
    safetensors.torch.save_file(TENSORS, tmp_path / "theirs")
    for loaded in (safetensors.torch.load_file(tmp_path / "ours"), weights.load_file(tmp_path / "theirs")):
        assert loaded.keys() == TENSORS.keys()
        assert all(torch.equal(loaded[name], tensor) for name, tensor in TENSORS.items())
        assert all(loaded[name].dtype == tensor.dtype for name, tensor in TENSORS.items())
    (tmp_path / "cut").write_bytes((tmp_path / "ours").read_bytes()[:-100])
    with pytest.raises(RuntimeError, match="no whole safetensors file"):
        weights.load_file(tmp_path / "cut")
