"""What a run and a recording keep stands there whole or not at all, and what is damaged is said in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from reverie.training.errors import RunError
from reverie.training.files import beside
from reverie.training.loop.checkpoint import load_state, load_weights, read_weights, save_state, save_weights


def test_a_file_that_could_not_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    for content in ("first", "second"):
        with beside(path) as part:
            part.write_text(content)
            assert not path.exists() or path.read_text() != content, "only whole files stand there"
        assert path.read_text() == content

    def fails(reason: BaseException) -> None:
        with beside(path) as part:
            part.write_text("half")
            raise reason

    for reason in (OSError("No space left on device"), KeyboardInterrupt()):
        with pytest.raises(type(reason)):
            fails(reason)
        assert path.read_text() == "second"
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("left", [0, 5, 100])
def test_damaged_weights_are_said_in_a_sentence(left: int, tmp_path: Path) -> None:
    path = tmp_path / "dynamics.safetensors"
    save_weights(path, nn.Linear(16, 16).state_dict())
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(RunError, match=r"dynamics\.safetensors is damaged; use another run folder"):
        load_weights(path, nn.Linear(16, 16))
    save_weights(path, nn.Linear(16, 16).state_dict())
    with pytest.raises(RunError, match="does not fit the model"):
        load_weights(path, nn.Linear(8, 8))
    with pytest.raises(RunError, match="is missing; train this part first"):
        read_weights(tmp_path / "tokenizer.safetensors")


@pytest.mark.parametrize("content", [b"", b"no trainer's state", None])
def test_a_damaged_state_of_the_trainer_is_said_in_a_sentence(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "trainer.pt"
    save_state(path, {"step": 3, "average": {"weight": torch.ones(100)}})
    assert load_state(path)["step"] == 3
    path.write_bytes(path.read_bytes()[:600] if content is None else content)
    with pytest.raises(RunError, match=r"trainer\.pt is damaged"):
        load_state(path)
