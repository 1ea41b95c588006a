"""No hostile recording, run, game folder, recipe or log runs code, hangs, ends in a traceback or takes a gigabyte."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("gymnasium")
pytest.importorskip("onnx")

from reverie.app.play.capture import save
from reverie.games.environment import Environment
from reverie.training.data.recording import RecordingWriter, Rows
from tests.export.tiny import tiny_run
from tests.fuzz.harness import fuzz

KINDS = ["indexes", "shards", "run_starts", "run_records", "games", "keys", "recipes", "logs", "videos", "scripts"]
GAME = """title = "Toy"
source = "tests.games.toy:Toy"
size = 64
fps = 15
recipe = "own"
steps = 60
minutes = 1.5
frame_skip = 2
picture = "render"
colour_order = "bgr"
[actions]
left = ["left", "a"]
right = ["right"]
[options]
limit = 10
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound file of each kind."""
    folder = tmp_path_factory.mktemp("base")
    tiny_run(folder / "run")
    (folder / "game").mkdir()
    (folder / "game" / "game.toml").write_text(GAME)
    environment = Environment("tests.games.toy:Toy", ("left", "right"), options={"limit": 10}).to_json()
    writer = RecordingWriter(
        folder / "recording", "tests.games.toy:Toy", ("noop", "left", "right"), 8, environment=environment, fps=20
    )
    rows = Rows(np.zeros((12, 8, 8, 3), np.uint8), np.ones(12, np.uint8), np.zeros(12, np.float32), np.zeros(12, bool))
    writer.write(rows, [5, 7], [1, 2])
    writer.close()
    (folder / "videos").mkdir()
    pictures = [np.full((16, 16, 3), 20 * t, np.uint8) for t in range(8)]
    for ending in ("gif", *(("mp4",) if find_spec("av") else ())):
        save(folder / "videos" / f"a.{ending}", lambda: pictures, 20)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_files_are_harmless(kind: str, base: Path, pytestconfig: pytest.Config) -> None:
    count, seed = pytestconfig.getoption("--fuzz"), pytestconfig.getoption("--fuzz-seed")
    fuzz(f"tests.fuzz.inputs_of_files:{kind}", base, count, seed).assert_harmless()
