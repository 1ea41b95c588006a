"""What a player's small install leaves out is asked for in one sentence, and what it promises is there."""

from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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


def constrained(system: str, machine: str, release: str, python: str) -> list[str]:
    """The versions of onnxruntime that the constraints ask for on such a machine."""
    here = {
        "sys_platform": system,
        "platform_machine": machine,
        "platform_release": release,
        "python_version": python,
    }
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line.startswith("onnxruntime")]
    return [str(one.specifier) for one in requirements if one.marker is None or one.marker.evaluate(here)]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize(
    ("system", "machine", "release", "version"),
    [
        ("linux", "x86_64", "6.1.0-18-amd64", "1.28.0"),
        ("linux", "aarch64", "5.15.153.1-microsoft-standard-WSL2", "1.28.0"),
        ("win32", "AMD64", "10", "1.28.0"),
        ("darwin", "arm64", "25.0.0", "1.28.0"),  # macOS 26
        ("darwin", "arm64", "23.1.0", "1.28.0"),  # macOS 14
        ("darwin", "arm64", "22.6.0", "1.23.2"),  # macOS 13
        ("darwin", "arm64", "21.6.0", "1.19.2"),  # macOS 12
        ("darwin", "arm64", "20.6.0", "1.19.2"),  # macOS 11
        ("darwin", "x86_64", "24.0.0", "1.23.2"),
        ("darwin", "x86_64", "22.6.0", "1.23.2"),
        ("darwin", "x86_64", "21.6.0", "1.19.2"),
        ("darwin", "x86_64", "20.6.0", "1.19.2"),
    ],
)
def test_every_machine_is_given_one_onnxruntime_that_has_a_wheel_for_it(
    system: str, machine: str, release: str, version: str, python: str
) -> None:
    assert constrained(system, machine, release, python) == [f"=={version}"]
    lines = setup()["options"]["install_requires"].splitlines()
    wanted = next(Requirement(line) for line in lines if line.startswith("onnxruntime"))
    assert wanted.specifier.contains(version)


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
