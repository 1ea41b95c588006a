from __future__ import annotations

import builtins
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.app.cli import main
from reverie.app.play.script import read_script
from reverie.app.window import theme
from reverie.engine.bundle import Bundle
from reverie.games.world import Frame
from tests.app.conftest import make_bundle

REPORT_KEYS = {
    "bundle", "mode", "decoder", "backend", "frames", "fps", "frame_ms", "stages_ms", "input_to_flip_ms", "late_frames",
    "first_frame_s", "frames_sha256",
}  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REVERIE_CONFIG", str(tmp_path))
    monkeypatch.delenv("REVERIE_DEBUG", raising=False)
    return tmp_path


def test_a_headless_play_reports_every_key_of_the_contract(one_dream: Bundle, tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text("right\n\n# and back\nleft\n")
    words = ["play", "--headless", "--unpaced", "--frames", "30", "--script", str(script)]
    assert main([*words, "--report", str(tmp_path / "a.json")]) == 0
    report = json.loads((tmp_path / "a.json").read_text())
    assert set(report) >= REPORT_KEYS
    assert (report["bundle"], report["mode"], report["frames"]) == ("dots", "parallel", 30)
    assert set(report["frame_ms"]) == {"p50", "p95", "max"}
    assert set(report["stages_ms"]) == {"dynamics", "sample", "decode"}
    assert report["input_to_flip_ms"] is None
    assert main([*words, "--report", str(tmp_path / "b.json")]) == 0
    assert json.loads((tmp_path / "b.json").read_text())["frames_sha256"] == report["frames_sha256"]


def test_the_report_names_the_backend_that_ran(one_dream: Bundle, tmp_path: Path) -> None:
    words = ["play", "--headless", "--unpaced", "--frames", "3", "--report", str(tmp_path / "r.json")]
    assert main([*words, "--backend", "onnx-cuda"]) == 0
    assert json.loads((tmp_path / "r.json").read_text())["backend"] == one_dream.backend == "onnx"


def test_the_scale_is_that_of_the_pictures_that_are_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pygame = pytest.importorskip("pygame")

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    (tmp_path / "game.toml").write_text('source = "garden"\nsize = 128\n')
    sizes = []
    monkeypatch.setattr(
        "reverie.app.commands.play_run._close_display", lambda: sizes.append(pygame.display.get_window_size())
    )
    try:
        assert main(["play", str(tmp_path), "--real", "--unpaced", "--frames", "2", "--scale", "4"]) == 0
    finally:
        pygame.display.quit()
    assert sizes == [theme.window_size(128, 4)]


def test_options_without_a_command_play(one_dream: Bundle, tmp_path: Path) -> None:
    assert main(["--headless", "--unpaced", "--frames", "3", "--mode", "ar", "--report", str(tmp_path / "r.json")]) == 0
    assert json.loads((tmp_path / "r.json").read_text())["mode"] == "ar"


def test_whoever_asks_for_passes_plays_in_parallel_and_the_tape_knows(one_dream: Bundle, tmp_path: Path) -> None:
    report, tape = str(tmp_path / "r.json"), str(tmp_path / "a.tape")
    words = ["--headless", "--unpaced", "--frames", "3", "--passes", "2", "--report", report, "--tape", tape]
    assert main(words) == 0
    played = json.loads(Path(report).read_text())
    assert (played["mode"], played["passes"]) == ("parallel", 2)
    assert json.loads(Path(tape).read_text())["settings"]["passes"] == 2
    assert main(["render", tape, "--check"]) == 0


def test_the_diffusion_decoder_draws_in_the_steps_asked_for_and_the_tape_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle, report, tape = make_bundle(diffusion=True), str(tmp_path / "r.json"), str(tmp_path / "a.tape")
    monkeypatch.setattr(
        "reverie.app.commands.play_run.choose_bundle", lambda fps, game, settings, backend: (bundle, settings)
    )
    monkeypatch.setattr("reverie.app.commands.render.load_bundle", lambda name, backend="onnx": bundle)
    words = ["play", "--headless", "--unpaced", "--frames", "3", "--decoder", "diffusion", "--report", report]
    assert main([*words, "--steps", "4", "--tape", tape]) == 0
    played = json.loads(Path(report).read_text())
    assert (played["decoder"], played["steps"]) == ("diffusion", 4)
    assert json.loads(Path(tape).read_text())["settings"]["steps"] == 4
    assert main(["render", tape, "--check"]) == 0
    assert main(words) == 0
    assert json.loads(Path(report).read_text())["steps"] == 2


def test_a_dream_that_breaks_is_played_to_the_end_and_told_of_once(
    broken: Bundle, one_dream: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--headless", "--unpaced", "--frames", "5", "--report", str(tmp_path / "r.json")]) == 0
    said = capsys.readouterr().err
    assert said.startswith("reverie: the dynamics gave NaN or infinity")
    assert said.count("\n") == 1
    assert json.loads((tmp_path / "r.json").read_text())["faults"] >= 5


def test_a_play_is_recorded_and_taped_and_the_tape_gives_the_same_frames(
    one_dream: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape, gif = str(tmp_path / "a.tape"), tmp_path / "a.gif"
    words = ["play", "--headless", "--unpaced", "--frames", "20", "--seed", "3", "--record", str(gif), "--tape", tape]
    assert main(words) == 0
    with Image.open(gif) as picture:
        assert picture.size == (256, 256)
    assert main(["render", tape, "--check"]) == 0
    assert main(["render", tape, "--mode", "ar", "-o", str(tmp_path / "b.gif")]) == 0
    assert (tmp_path / "b.gif").exists()
    text = Path(tape).read_text()
    Path(tape).write_text(text.replace('"seed": 3', '"seed": 2').replace('"start": 3', '"start": 2'))
    capsys.readouterr()
    assert main(["render", tape, "--check"]) == 1
    assert capsys.readouterr().err.startswith("reverie: The replay of")


def test_a_damaged_tape_draws_nothing(one_dream: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = tmp_path / "a.tape"
    assert main(["play", "--headless", "--unpaced", "--frames", "5", "--tape", str(tape)]) == 0
    tape.write_text(tape.read_text().replace("\n ]\n}", ',\n  {"restore":99}\n ]\n}'))
    assert main(["render", str(tape), "-o", str(tmp_path / "a.gif")]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert list(tmp_path.iterdir()) == [tape]


def test_an_interrupted_drawing_keeps_what_was_drawn(
    one_dream: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tape, gif = str(tmp_path / "a.tape"), tmp_path / "a.gif"
    assert main(["play", "--headless", "--unpaced", "--frames", "5", "--tape", tape]) == 0

    def interrupted(*what: object, **settings: object) -> Iterator[Frame]:
        yield np.zeros((8, 8, 3), np.uint8)
        raise KeyboardInterrupt

    monkeypatch.setattr("reverie.app.commands.render.replay", interrupted)
    assert main(["render", tape, "-o", str(gif)]) == 130
    assert capsys.readouterr().out == f"drew 1 frames in {gif}\n"
    assert gif.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nonsense"], "There is no command 'nonsense'; there is play, list"),
        (["v2"], "There is no command 'v2'; to play it: reverie play v2"),
        (["play", "--nonsense"], "--nonsense"),
        (["play", "--frames", "many"], "--frames cannot be 'many'"),
        (["play", "--frames", "0"], "--frames must be at least 1"),
        (["play", "--fps", "0"], "--fps must be at least 1"),
        (["play", "--mode", "slow"], "no mode 'slow'"),
        (["play", "--decoder", "oil"], "no decoder 'oil'"),
        (["play", "--backend", "tin"], "no backend 'tin'"),
        (["play", "--passes", "0"], "--passes must be at least 1"),
        (["play", "--mode", "ar", "--passes", "2"], "--passes needs --mode parallel"),
        (["play", "v1", "--headless", "--frames", "3", "--passes", "2"], "v1 has no setting passes"),
        (["play", "--decoder", "diffusion", "--steps", "9"], "--steps must be at most 8, not 9"),
        (["play", "--decoder", "diffusion", "--steps", "0"], "--steps must be at least 1"),
        (["play", "--decoder", "vq", "--steps", "4"], "--steps needs --decoder diffusion"),
        (["play", "--headless"], "--frames N"),
        (["play", "--headless", "--script", "keys.txt"], "--frames N"),
        (["play", "--headless", "--frames", "3", "--game", "chess"], "chess"),
        (["play", "no-such-dream", "--headless", "--frames", "3"], "no-such-dream"),
        (["play", "--real", "--tape", "a.tape"], "--real plays the real game"),
        (["play", "--real", "--headless", "--frames", "3", "--record", "a.avi"], ".gif or .mp4"),
        (["play", "--real", "--headless", "--frames", "3", "--report", "no/where.json"], "no folder"),
        (["play", "--real", "--headless", "--frames", "3", "--script", "missing.txt"], "missing.txt"),
        (["record", "chess", "-o", "rec"], "There is no world 'chess'"),
        (["record", "garden", "-o", "rec", "--steps", "0"], "--steps"),
        (["record", "garden", "-o", "rec", "--policy", "wild"], "--policy"),
        (["record", "v2", "-o", "rec", "--policy", "explore"], "--policy explore is for real games"),
        (["record", "v2", "-o", "rec", "--workers", "2"], "--workers is for real games"),
        (["record", "v2", "-o", "rec", "--size", "64"], "--size is for real games"),
        (["render", "missing.tape", "--check"], "missing.tape"),
        (["render", "missing.tape"], "-o OUT.gif"),
        (["verify", "no-such-dream"], "no-such-dream"),
        (["train", "x", "--data", "d", "-o", "r", "--devices", "8"], "--devices cpu"),
        (["train", "x", "--data", "d", "-o", "r", "--minutes", "0"], "--minutes must be more than 0"),
        (["eval", "v1.1", "--json", "n" * 300], "is 300 bytes long, and 255 are allowed"),
        (["bench", "v1.1", "--json", "n" * 300], "is 300 bytes long, and 255 are allowed"),
        (["train", "."], "neither a recipe nor a game folder; for a recording: reverie train auto --data . -o"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2_and_nothing_is_written(
    words: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_action_in_a_script_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script.txt"
    script.write_text("right\njump\n")
    assert main(["play", "--real", "--headless", "--frames", "3", "--script", str(script)]) == 2
    assert f"{script}, line 2: unknown action 'jump'; this world knows noop, up" in capsys.readouterr().err


def test_without_a_display_the_window_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
    assert main(["play", "--real"]) == 2
    assert capsys.readouterr().err.startswith("reverie: There is no display to open a window on")


@pytest.mark.parametrize("words", [["train", "x", "--data", "d", "-o", "r"], ["export", "run", "-o", "bundle"]])
def test_training_without_torch_says_what_to_install(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real_import = builtins.__import__

    def without_torch(name: str, *rest: object, **named: object) -> object:
        if name.split(".")[0] == "torch" or name.startswith(("reverie.training", "reverie.export")):
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real_import(name, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_torch)
    assert main(words) == 2
    assert 'pip install -c constraints.txt ".[train]"` in the folder of the project' in capsys.readouterr().err


def test_list_names_the_games_and_what_they_can(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"name", "actions", "sizes"} <= set(found["games"][0])
    keys = {"name", "version", "games", "resolution", "parameters", "actions", "modes", "decoders", "history", "bytes"}
    assert all(keys <= set(bundle) for bundle in found["bundles"])
    assert main(["list"]) == 0
    assert "garden" in capsys.readouterr().out


def test_help_is_there_for_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "record" in capsys.readouterr().out
    assert main(["play", "--help"]) == 0
    assert "--unpaced" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["list"], ["--help"], ["play", "--help"]])
@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp932", "cp1251"])
def test_a_terminal_of_any_encoding_is_written_to(encoding: str, words: list[str]) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "reverie.app.cli", *words]
    done = subprocess.run(command, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert done.stderr == b""


def test_a_script_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_bytes("\ufeffleft\n".encode())
    assert read_script(tmp_path / "script.txt", ("noop", "left")) == ("left",)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("reverie ")


def worked_seconds(process: int) -> float:
    """Time that the processor has spent on a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not say how long a process worked")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_play_exits_130_with_its_recording_and_report(tmp_path: Path, number: int) -> None:
    words = [sys.executable, "-m", "reverie.app.cli", "play", "--real", "--headless"]
    before = os.times()
    subprocess.run([*words, "--frames", "1"], check=True, cwd=tmp_path)
    after = os.times()
    short = after.children_user + after.children_system - before.children_user - before.children_system
    words += ["--frames", "100000", "--record", "a.gif", "--report", "a.json"]
    process = subprocess.Popen(words, cwd=tmp_path)
    while process.poll() is None and worked_seconds(process.pid) < short:  # it plays, however long that takes here
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(number)
    assert process.wait(30) == 130
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.size == (256, 256)
    assert json.loads((tmp_path / "a.json").read_text())["frames"] > 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "a.json"]


def test_playing_loads_neither_torch_nor_gymnasium(tmp_path: Path) -> None:
    code = (
        "import sys, reverie.app.cli, reverie.app.window.window, reverie.app.commands.play_run;"
        "code = reverie.app.cli.main(['play', '--real', '--headless', '--frames', '3', '--unpaced']);"
        "heavy = ('torch', 'gymnasium', 'onnx', 'reverie.training', 'reverie.models');"
        "print([name for name in heavy if name in sys.modules]); sys.exit(code)"
    )
    environment = dict(os.environ)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
