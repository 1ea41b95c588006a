"""An agent lies in a bundle as data: it is exported, opened by the same checks as every graph, and plays."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from reverie.app.play.choice import Choice
from reverie.app.play.session import Session
from reverie.engine.agent import AgentPlayer, small
from reverie.engine.bundle import Bundle
from reverie.engine.verify import verify
from reverie.export.agent import export_agent
from reverie.export.errors import ExportError
from tests.export.test_bundle_files import refused, rehash

RIGHT = 4


class Brightness(torch.nn.Module):
    """Values right by the brightness of the present picture, and no key by half of the lightest."""

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        bright = observations[:, :3].float().mean((1, 2, 3))
        return torch.stack([bright * 0 + 127, *[bright * 0] * 3, bright], 1)


@pytest.fixture(scope="session")
def played(bundle_merged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with an agent. Tests copy it before they change it."""
    out = tmp_path_factory.mktemp("bundles") / "played"
    export_agent(bundle_merged, out, "garden", Brightness(), 3)
    return out


@pytest.fixture
def copy(played: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(played, tmp_path / "copy"))


def test_a_bundle_with_an_agent_is_sound_and_dreams_what_it_dreamt(played: Path, bundle_merged: Path) -> None:
    assert verify(played) == []
    before, after = Bundle.load(bundle_merged, threads=1), Bundle.load(played, threads=1)
    assert before.agents == {}
    assert list(after.agents) == ["garden"]
    assert after.manifest.known_frame == before.manifest.known_frame
    assert set(after.manifest.files) == {*before.manifest.files, "agent-0.onnx"}


def test_the_agent_sees_the_picture_and_keeps_a_key_for_so_many_frames(played: Path) -> None:
    player = AgentPlayer(Bundle.load(played, threads=1).agents["garden"], seed=0)
    light, dark = np.full((64, 64, 3), 250, np.uint8), np.zeros((64, 64, 3), np.uint8)
    pressed = [player.act([frame]) for frame in (light, dark, dark, dark, light, light, light)]
    assert pressed == [RIGHT] * 3 + [0] * 3 + [RIGHT]


def test_it_sees_what_it_saw_when_it_learnt(played: Path) -> None:
    class Seen:
        actions, repeat, runtime = 5, 2, None

        def best(self, observations: np.ndarray) -> np.ndarray:
            seen.append(observations)
            return np.zeros(1, np.int64)

    seen: list[np.ndarray] = []
    player = AgentPlayer(Seen(), seed=0)  # type: ignore[arg-type]
    frames = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    for frame in frames:
        player.act([frame])
    first, later = small(frames[:1]), small(frames[2:3])
    assert np.array_equal(seen[0], np.concatenate([first, first], 1)), "no picture comes before the first"
    assert np.array_equal(seen[1], np.concatenate([later, first], 1))
    assert len(seen) == 2


def test_what_plays_itself_is_the_agent_and_after_a_lost_round_it_begins_anew(played: Path) -> None:
    bundle = Bundle.load(played, threads=1)
    session = Session(Choice("played"), bundle)
    session.frame[:] = 250
    assert session.in_dream.own_action() == RIGHT
    session.frame[:] = 0
    assert session.in_dream.own_action() == RIGHT, "the key is kept"
    session.in_dream.watch(ended=True)
    assert session.in_dream.own_action() == 0
    assert Session(Choice("dream"), Bundle.load(played, "torch", threads=1)).in_dream.own_action() in range(5)


def test_no_torch_is_needed_to_play(played: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert list(Bundle.load(played, threads=1).agents) == ["garden"]


def test_an_agent_takes_the_place_of_another_in_the_bundles_own_folder(copy: Path) -> None:
    class Noop(Brightness):
        def forward(self, observations: torch.Tensor) -> torch.Tensor:
            return super().forward(observations)[:, [4, 0, 1, 2, 3]]

    export_agent(copy, copy, "garden", Noop(), 1)
    bundle = Bundle.load(copy, threads=1)
    assert bundle.manifest.agents["garden"].repeat == 1
    assert bundle.agents["garden"].best(np.full((1, 6, 32, 32), 250, np.uint8)) == [0]
    assert list(bundle.agents) == ["garden"]


def test_an_unfit_agent_leaves_nothing(bundle_merged: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not of duel"):
        export_agent(bundle_merged, tmp_path / "out", "duel", Brightness(), 3)
    with pytest.raises(ValueError, match="repeat"):
        export_agent(bundle_merged, tmp_path / "out", "garden", Brightness(), 0)

    class Four(Brightness):
        def forward(self, observations: torch.Tensor) -> torch.Tensor:
            return super().forward(observations)[:, :4]

    with pytest.raises(ValueError, match="values"):
        export_agent(bundle_merged, tmp_path / "out", "garden", Four(), 3)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ExportError, match="not a bundle"):
        export_agent(bundle_merged, tmp_path, "garden", Brightness(), 3)


def test_an_altered_or_missing_agent_is_refused(copy: Path) -> None:
    file = copy / "agent-0.onnx"
    file.write_bytes(file.read_bytes()[:-1])
    refused(copy, "altered")
    file.unlink()
    refused(copy, "missing")


def hostile(**changes: object) -> onnx.ModelProto:
    """A graph with the right ends, whose values come of one operator."""
    ends = {
        "inputs": [helper.make_tensor_value_info("observations", TensorProto.UINT8, ("B", 6, 32, 32))],
        "outputs": [helper.make_tensor_value_info("values", TensorProto.FLOAT, ("B", 5))],
    } | changes
    node = helper.make_node("RandomUniformLike", ["observations"], ["values"], dtype=TensorProto.FLOAT)
    graph = helper.make_graph([node], "agent", **ends)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_a_hostile_agent_is_refused_before_it_is_opened(copy: Path) -> None:
    file = copy / "agent-0.onnx"
    file.write_bytes(hostile().SerializeToString())
    rehash(copy)
    refused(copy, "not a graph that Reverie opens.*RandomUniformLike")
    wide = helper.make_tensor_value_info("observations", TensorProto.UINT8, ("B", 6, 64, 64))
    file.write_bytes(hostile(inputs=[wide]).SerializeToString())
    rehash(copy)
    refused(copy, "its input observations")
    file.write_bytes(b"no graph")
    rehash(copy)
    refused(copy, "not a graph that Reverie opens")


@pytest.mark.parametrize(
    ("agents", "match"),
    [
        ({"duel": {"file": "agent-0.onnx", "repeat": 3}}, "agents.duel plays none of the games"),
        ({"garden": {"file": "other.onnx", "repeat": 3}}, "no SHA-256 of other.onnx"),
        ({"garden": {"file": "../agent-0.onnx", "repeat": 3}}, "no SHA-256"),
        ({"garden": {"file": "agent-0.onnx", "repeat": 0}}, "repeat"),
        ({"garden": {"file": "agent-0.onnx", "repeat": 3, "run": "rm"}}, "run"),
        ({"garden": {"file": "starts.npz", "repeat": 3}}, "not a graph"),
    ],
)
def test_a_manifest_that_says_nonsense_of_agents_is_refused(copy: Path, agents: object, match: str) -> None:
    rehash(copy, agents=agents)
    refused(copy, match)
