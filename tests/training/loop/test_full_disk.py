"""A disk that is full ends a training in one sentence, and leaves what was saved before as it was."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
resource = pytest.importorskip("resource")

from reverie.training.errors import RunError  # noqa: E402
from reverie.training.files import beside  # noqa: E402
from reverie.training.loop.checkpoint import load_state, read_weights, save_state, save_weights  # noqa: E402

LARGEST = 100_000


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """No file may become larger than `LARGEST` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_checkpoint_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    small, large = {"a": torch.ones(10)}, {"a": torch.ones(LARGEST)}
    for save, path in ((save_state, tmp_path / "a.pt"), (save_weights, tmp_path / "a.safetensors")):
        save(path, small)
        with no_room(), pytest.raises(RunError, match=r"because the disk is full; what was saved before is good"):
            save(path, large)
    assert torch.equal(load_state(tmp_path / "a.pt")["a"], small["a"])
    assert torch.equal(read_weights(tmp_path / "a.safetensors")["a"], small["a"])
    assert len(list(tmp_path.iterdir())) == 2


def test_an_array_that_does_not_fit_is_a_full_disk(tmp_path: Path) -> None:
    with (
        no_room(),
        pytest.raises(OSError, match=r"space|large") as caught,
        beside(tmp_path / "a.npy") as part,
        part.open("wb") as file,
    ):
        np.lib.format.write_array(file, np.ones(LARGEST))
    assert caught.value.errno in (errno.ENOSPC, errno.EFBIG)
    assert not list(tmp_path.iterdir())
