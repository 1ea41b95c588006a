"""A family that the project does not know goes through everything, with one entry in a registry and no other line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from reverie.app.cli import main
from reverie.app.play.choice import Choice
from reverie.app.play.session import Session
from reverie.engine import families
from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamBatch
from reverie.engine.tape import Tape
from reverie.engine.taping import TapedDream, replay
from reverie.engine.verify import verify
from tests.family.glow import write_bundle

ROOT = Path(__file__).parents[2]
WORDS = [0, 1, 1, 4, 2, 3, 3, 0, 4, 1]


@pytest.fixture(scope="module")
def glow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(families.FAMILIES, "glow", "tests.family.glow")  # the one entry
        yield write_bundle(tmp_path_factory.mktemp("glow") / "glow")


def reverie(folder: Path, *words: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """A command, or code, in a process of its own, where the entry is made before anything else happens."""
    entry = "from reverie.engine import families\nfamilies.FAMILIES['glow'] = 'tests.family.glow'\n"
    (folder / "sitecustomize.py").write_text(entry)
    path = os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, *(["-c", code] if code else ["-m", "reverie.app.cli"]), *words]
    own = {"PYTHONPATH": path, "SDL_VIDEODRIVER": "dummy", "REVERIE_CONFIG": str(folder)}
    return subprocess.run(command, env=os.environ | own, capture_output=True, text=True)


def test_it_dreams_alone_and_in_a_batch_alike(glow: Path) -> None:
    bundle = Bundle.load(glow, threads=1)
    one, many = Dream(bundle, seed=3), DreamBatch(bundle, 2)
    many.reset([3, 4])
    for action in WORDS:
        frame = one.step(action).frame
        assert np.abs(many.step([action, action])[0].astype(int) - frame).max() <= 1
    assert one.history_fill == 4
    moment = one.snapshot()
    after = [one.step(action).frame.copy() for action in WORDS]
    one.restore(moment)
    assert all(np.array_equal(one.step(action).frame, frame) for action, frame in zip(WORDS, after, strict=True))


def test_a_tape_replays_it_and_knows_its_settings(glow: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(glow, threads=1)
    dream = TapedDream(bundle, seed=5)
    frames = [dream.step(action).frame.copy() for action in WORDS]
    dream.change(shimmer=0.7)
    dream.append_frame(frames[0], 1)
    frames += [dream.step(action).frame.copy() for action in WORDS]
    dream.tape().save(tmp_path / "a.tape")
    assert '"shimmer":0.7' in (tmp_path / "a.tape").read_text()
    again = list(replay(Tape.load(tmp_path / "a.tape"), bundle))
    assert all(np.array_equal(a, b) for a, b in zip(frames, again, strict=True))


def test_a_session_rewinds_it_and_hands_it_over_and_says_its_settings(glow: Path) -> None:
    session = Session(Choice("glow", settings={"shimmer": 0.3}), Bundle.load(glow, threads=1))
    session.remembers = True
    assert session.status().shown == "shimmer 0.3"
    assert session.change_setting("shimmer", 1) == "shimmer 0.4"
    assert session.change_setting("mode") == "glow has no mode: all of a frame is sampled together"
    shown = [session.step(action).frame.copy() for action in WORDS]
    assert session.rewind()
    assert np.array_equal(session.frame, shown[-3])
    session.play_on()
    session.save_moment()
    after = session.step(1).frame.copy()
    session.load_moment()
    assert np.array_equal(session.step(1).frame, after)
    assert session.status().faults == 0


def test_the_real_game_hands_over_to_it(glow: Path) -> None:
    session = Session(Choice("glow", real=True), Bundle.load(glow, threads=1))
    for action in WORDS:
        real = session.step(action).frame.copy()
    assert session.hand_over() == "the dream goes on from here"
    assert not session.is_real
    assert np.array_equal(session.frame, real)
    assert not np.array_equal(session.step(1).frame, real)


def test_verify_is_content(glow: Path) -> None:
    assert verify(glow) == []


def test_the_command_line_plays_records_and_draws_it(glow: Path, tmp_path: Path) -> None:
    tape, report = tmp_path / "a.tape", tmp_path / "r.json"
    words = ["play", str(glow), "--headless", "--unpaced", "--frames", "9", "--shimmer", "0.5"]
    done = reverie(tmp_path, *words, "--tape", str(tape), "--report", str(report))
    assert done.returncode == 0, done.stderr
    assert json.loads(report.read_text())["shimmer"] == 0.5
    assert reverie(tmp_path, "render", str(tape), "--check", "--bundle", str(glow)).returncode == 0
    assert "--shimmer" in reverie(tmp_path, "play", "--help").stdout
    assert reverie(tmp_path, "play", str(glow), "--headless", "--frames", "3", "--shimmer", "2").stderr.count("\n") == 1


def test_eval_and_bench_measure_it(glow: Path, tmp_path: Path) -> None:
    words = ["--episodes", "2", "--horizon", "24", "--json", str(tmp_path / "e.json")]
    assert main(["eval", str(glow), "--quick", *words]) == 0
    [entry] = json.loads((tmp_path / "e.json").read_text())["bundles"].values()
    assert entry["reconstruction_psnr_db"] > 10
    assert 0 <= entry["rollout"]["1-16"]["validity"] <= 1
    done = reverie(tmp_path, "bench", str(glow), "--frames", "20", "--json", str(tmp_path / "b.json"))
    assert done.returncode == 0, done.stderr
    [row] = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert row["fps"] > 0
    assert "tokens_per_frame" not in row


def test_it_is_a_gymnasium_environment(glow: Path) -> None:
    gymnasium = pytest.importorskip("gymnasium")
    from gymnasium.utils.env_checker import check_env

    import reverie.agents as agents

    env = gymnasium.make(agents.DREAM, bundle=str(glow), shimmer=0.5, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_close_check=True)
    assert not env.unwrapped.predicts_rewards


def test_a_window_shows_it_and_its_keys_change_it(glow: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "import pygame\n"
        "from reverie.app.play.game_loop import GameLoop\n"
        "from reverie.app.play.meter import Meter\n"
        "from reverie.app.play.choice import Choice\n"
        "from reverie.app.play.session import Session\n"
        "from reverie.app.window.keys import EXPLAINED, load_keys\n"
        "from reverie.app.window.saving import Saving\n"
        "from reverie.app.window.window import Window\n"
        "from reverie.engine.bundle import Bundle\n"
        "pygame.display.init()\n"
        "session = Session(Choice('glow'), Bundle.load(Path(sys.argv[1]), threads=1))\n"
        "loop = GameLoop(session, Meter(time.perf_counter()), fps=100, frames=20)\n"
        "screen = pygame.display.set_mode((400, 440))\n"
        "window = Window(screen, loop, load_keys(), Saving(), (), fullscreen=False)\n"
        "pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_u))\n"
        "pygame.event.post(pygame.event.Event(pygame.KEYUP, key=pygame.K_u))\n"
        "window.run()\n"
        "colours = len(set(pygame.image.tobytes(screen, 'RGB')))\n"
        "print(session.status().shown, '|', EXPLAINED['more shimmer'], '|', colours)\n"
    )
    done = reverie(tmp_path, str(glow), code=code)
    assert done.returncode == 0, done.stderr
    shown, explained, colours = done.stdout.strip().splitlines()[-1].split(" | ")
    assert (shown, explained) == ("shimmer 0.2", "more shimmer")
    assert int(colours) > 20
