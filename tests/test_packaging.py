"""What a player's small install leaves out is asked for in one sentence, and what it promises is there."""

from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

import pytest

from reverie.app.errors import Mistake
from reverie.app.play.capture import VideoRecording
from reverie.evaluation import progress

ROOT = Path(__file__).parents[1]


def setup() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def names(requirements: str) -> set[str]:
    return {re.split(r"[<>=!;\[ ]", line)[0].lower() for line in requirements.split("\n") if line and line[0] != "#"}


def test_an_mp4_without_pyav_is_a_mistake_before_the_first_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(Mistake, match=r"\.\[video\]"):
        VideoRecording(tmp_path / "dream.mp4", fps=20)
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.shown() as report:
        report("rollouts", 1, 2)


def test_the_players_install_has_nothing_heavy_in_it() -> None:
    player = names(setup()["options"]["install_requires"])
    assert player.isdisjoint({"torch", "onnx", "onnxscript", "gymnasium", "av", "imageio", "scipy", "opencv-python"})
    assert {"numpy", "onnxruntime", "pygame-ce"} <= player


def test_everything_that_an_extra_asks_for_is_pinned() -> None:
    pinned = {
        line.split("==")[0].lower()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    config = setup()
    asked = names(config["options"]["install_requires"])
    for extra in ("video", "train", "games", "agents", "minari", "gpu", "dev"):
        asked |= names(config["options.extras_require"][extra])
    assert asked - pinned == set()


def test_every_folder_with_code_is_packaged() -> None:
    listed = setup()["options"]["packages"].split()
    skipped = {"tests", "docs", "build", "dist"}
    code = {path.parent.relative_to(ROOT) for path in ROOT.rglob("*.py")}
    folders = {
        folder for folder in code if not folder.parts or (folder.parts[0] not in skipped and folder.parts[0][0] != ".")
    }
    assert sorted(listed) == sorted(".".join(("reverie", *folder.parts)) for folder in folders)
    assert [folder for folder in folders if not (ROOT / folder / "__init__.py").exists()] == []


def test_the_example_of_the_package_runs() -> None:
    import reverie

    lines = [line[4:] for line in (reverie.__doc__ or "").splitlines() if line.startswith("    ")]
    seen: dict[str, object] = {}
    exec("\n".join(lines), seen)
    assert seen["step"].frame.shape == seen["bundle"].starts.frames.shape[2:]  # type: ignore[attr-defined]
    assert set(reverie.__all__) <= set(dir(reverie))
