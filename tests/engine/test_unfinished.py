"""What a killed process left beside its target is removed by the next one, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reverie.engine.unfinished import ENDING, unfinished_folder
from reverie.export.bundle_writer import MANIFEST, building

pytest.importorskip("fcntl")

BEGIN = """
import sys
from pathlib import Path
from reverie.engine.unfinished import unfinished_folder
with unfinished_folder("recording", Path(sys.argv[1])) as folder:
    (folder / "part").write_text("half")
    print(folder, flush=True)
    sys.stdin.read()
"""


def begun(folder: Path) -> tuple[subprocess.Popen[str], Path]:
    words = [sys.executable, "-c", BEGIN, str(folder)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_fills_stays(tmp_path: Path) -> None:
    (dead, left), (living, filled) = begun(tmp_path), begun(tmp_path)
    try:
        dead.kill()
        dead.wait(20)
        assert (left / "part").exists()
        own = tmp_path / ".recording.backup"
        other = tmp_path / f".dataset.x{ENDING}"
        own.mkdir()
        other.mkdir()
        with unfinished_folder("recording", tmp_path) as folder:
            assert set(tmp_path.iterdir()) == {folder, filled, own, other}
        assert set(tmp_path.iterdir()) == {filled, own, other}
    finally:
        living.communicate("")
        for process in (dead, living):
            assert process.stdin
            assert process.stdout
            process.stdin.close()
            process.stdout.close()
    assert set(tmp_path.iterdir()) == {own, other}


def test_a_folder_that_was_renamed_stays(tmp_path: Path) -> None:
    with unfinished_folder("recording", tmp_path) as folder:
        folder.rename(tmp_path / "recording")
    assert [path.name for path in tmp_path.iterdir()] == ["recording"]


def test_a_bundle_whose_replacement_was_killed_half_way_is_put_back(tmp_path: Path) -> None:
    old = tmp_path / ".dream.reverie-old"
    old.mkdir()
    (old / MANIFEST).write_text("the one before")
    with pytest.raises(RuntimeError), building(tmp_path / "dream"):
        raise RuntimeError("no new one")
    assert [path.name for path in tmp_path.iterdir()] == ["dream"]
    assert (tmp_path / "dream" / MANIFEST).read_text() == "the one before"
