"""The whole way through the `reverie` command, from a recording to a tape; and being killed on the way."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reverie.training.data.recording import Recording

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
FRAMES = 40
PATIENCE_S = 120


def command(*words: object) -> list[str]:
    """The installed command where there is one, and the same entry point where the project only lies on disk."""
    installed = Path(sys.executable).with_name("reverie")
    start = [str(installed)] if installed.exists() else [sys.executable, "-m", "reverie.app.cli"]
    return [*start, *map(str, words)]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def reverie(*words: object, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """Run one command to its end and hold its exit code; a person's mistake must come without a traceback."""
    done = subprocess.run(command(*words), env=environment(), capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == expect, f"{words}\n{done.stdout}\n{done.stderr}"
    if expect:
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("reverie: ")
    return done


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("end") / "recording"
    reverie("record", "garden", "-o", out, "--steps", 4000, "--policy", "explore", "--workers", 2, "--seed", 1)
    return out


@pytest.fixture(scope="module")
def run(recording: Path) -> Path:
    out = recording.with_name("run")
    reverie("train", "tiny", "--data", recording, "-o", out, "--minutes", 0.3, "--seed", 1)
    return out


@pytest.fixture(scope="module")
def bundle(run: Path) -> Path:
    out = run.with_name("tiny-dream")
    reverie("export", run, "-o", out, "--precision", "fp32")
    return out


@pytest.fixture(scope="module")
def played(bundle: Path) -> Path:
    """The folder with the report, the tape and the GIF of one headless play."""
    folder = bundle.with_name("played")
    folder.mkdir()
    script = folder / "keys.txt"
    script.write_text("right\nright\ndown\nnoop\n", encoding="utf-8")
    outputs = ("--report", folder / "play.json", "--tape", folder / "play.tape", "--record", folder / "play.gif")
    how = ("--headless", "--unpaced", "--frames", FRAMES, "--script", script, "--seed", 7, "--start", 0)
    reverie("play", bundle, *how, *outputs)
    return folder


def test_what_was_recorded_is_all_there(recording: Path) -> None:
    recorded = Recording(recording)
    assert len(recorded) >= 4000
    assert (recorded.world, recorded.size) == ("garden", 64)
    first = recorded.rows(recorded.episodes[0])
    assert first.frames.std() > 0
    assert len(np.unique(first.actions)) > 1


def test_an_exported_run_is_verified(bundle: Path) -> None:
    assert bundle.name in reverie("verify", bundle).stdout
    assert {"format", "games", "actions", "files", "known_frame"} <= read(bundle / "manifest.json").keys()


def test_an_altered_bundle_is_refused(bundle: Path, tmp_path: Path) -> None:
    altered = tmp_path / "altered"
    shutil.copytree(bundle, altered)
    graph = altered / read(bundle / "manifest.json")["graphs"]["dynamics"]["file"]
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    reverie("verify", altered, expect=1)
    done = reverie("play", altered, "--headless", "--frames", 2, expect=2)
    assert graph.name in done.stderr


def test_a_play_reports_its_figures(played: Path) -> None:
    report = read(played / "play.json")
    assert report["frames"] == FRAMES
    assert report["mode"] in ("parallel", "ar")
    assert report["fps"] > 0
    assert {"p50", "p95", "max"} <= report["frame_ms"].keys()
    assert {"dynamics", "sample", "decode"} <= report["stages_ms"].keys()
    assert {"bundle", "decoder", "backend", "input_to_flip_ms", "late_frames", "first_frame_s", "frames_sha256"} <= set(
        report
    )


def test_a_recorded_play_is_a_gif_of_every_frame(played: Path) -> None:
    with Image.open(played / "play.gif") as gif:
        shown = 0
        for index in range(getattr(gif, "n_frames", 1)):
            gif.seek(index)
            shown += gif.info["duration"]
    # A picture that does not change may be stored once and shown longer; the play's length is what counts.
    assert shown in (50 * FRAMES, 50 * (FRAMES + 1))


def test_the_same_seed_and_keys_dream_the_same_frames(bundle: Path, played: Path, tmp_path: Path) -> None:
    how = ("--headless", "--unpaced", "--frames", FRAMES, "--script", played / "keys.txt", "--start", 0)
    hashes = []
    for seed in (7, 8):
        reverie("play", bundle, *how, "--seed", seed, "--report", tmp_path / "again.json")
        hashes.append(read(tmp_path / "again.json")["frames_sha256"])
    assert hashes[0] == read(played / "play.json")["frames_sha256"]
    assert hashes[1] != hashes[0]


def test_a_tape_replays_to_identical_frames_and_with_the_other_sampler(bundle: Path, played: Path) -> None:
    tape = played / "play.tape"
    assert tape.stat().st_size < 10_000
    reverie("render", tape, "-o", played / "check.gif", "--bundle", bundle, "--check")
    reverie("render", tape, "-o", played / "other.gif", "--bundle", bundle, "--mode", "parallel")
    assert (played / "check.gif").read_bytes() == (played / "play.gif").read_bytes()
    assert (played / "other.gif").read_bytes() != (played / "play.gif").read_bytes()


def test_a_tape_that_was_meddled_with_does_not_hold(bundle: Path, played: Path, tmp_path: Path) -> None:
    tape = read(played / "play.tape")
    keys = [key for key in tape if "sha256" in key and "frame" in key]
    assert keys, f"no hash of the frames among {sorted(tape)}"
    tape[keys[0]] = "0" * 64
    meddled = tmp_path / "meddled.tape"
    meddled.write_text(json.dumps(tape), encoding="utf-8")
    reverie("render", meddled, "-o", tmp_path / "x.gif", "--bundle", bundle, "--check", expect=1)


def test_the_diffusion_decoder_draws_the_same_dream_in_as_many_steps_as_asked(
    bundle: Path, played: Path, tmp_path: Path
) -> None:
    how = ("--headless", "--unpaced", "--frames", FRAMES, "--script", played / "keys.txt", "--seed", 7, "--start", 0)
    pictures = [read(played / "play.json")["frames_sha256"]]
    for steps in (2, 4):
        outputs = ("--report", tmp_path / "play.json", "--tape", tmp_path / "play.tape", "--record", tmp_path / "a.gif")
        reverie("play", bundle, *how, "--decoder", "diffusion", "--steps", steps, *outputs)
        pictures.append(read(tmp_path / "play.json")["frames_sha256"])
        reverie("render", tmp_path / "play.tape", "-o", tmp_path / "b.gif", "--bundle", bundle, "--check")
        assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
        if steps == 2:  # the default: what the VQ decoder's tape gives when the other decoder draws it
            tape = played / "play.tape"
            reverie("render", tape, "-o", tmp_path / "b.gif", "--bundle", bundle, "--decoder", "diffusion")
            assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    assert len(set(pictures)) == 3


def test_a_dream_can_be_recorded_and_timed_too(bundle: Path, tmp_path: Path) -> None:
    reverie("record", bundle, "-o", tmp_path / "dreamt", "--steps", 60, "--policy", "random")
    assert len(Recording(tmp_path / "dreamt")) >= 60
    reverie("bench", bundle, "--frames", 20, "--json", tmp_path / "bench.json")
    rows = read(tmp_path / "bench.json")["rows"]
    assert {(row["mode"], row["decoder"]) for row in rows} == {
        (mode, decoder) for mode in ("parallel", "ar") for decoder in ("vq", "diffusion")
    }


def test_training_goes_on_where_it_stopped(run: Path, recording: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    done = reverie("train", "tiny", "--data", recording, "-o", copy, "--minutes", 0.35, "--seed", 1, expect=2)
    assert "--resume" in done.stderr
    reverie("train", "tiny", "--data", recording, "-o", copy, "--minutes", 0.35, "--seed", 1, "--resume")
    before, after = (read(folder / "run.json")["training"]["frames"] for folder in (run, copy))
    assert after > before


def test_a_run_can_begin_with_what_another_has_learnt(run: Path, recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "next"
    reverie("train", "tiny", "--data", recording, "-o", out, "--minutes", 0.05, "--from", run)
    assert (out / "tokenizer.safetensors").read_bytes() == (run / "tokenizer.safetensors").read_bytes()
    assert read(out / "run.json")["training"]["from"]["minutes"] == read(run / "run.json")["training"]["minutes"]
    done = reverie("train", "tiny", "--data", recording, "-o", tmp_path / "x", "--from", tmp_path, expect=2)
    assert "run.json" in done.stderr


CUT = [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGHUP, 130)]


@pytest.mark.parametrize(("how", "code"), CUT)
def test_a_recording_that_is_cut_short_keeps_what_it_had(how: signal.Signals, code: int, tmp_path: Path) -> None:
    out = tmp_path / "cut"
    words = command("record", "garden", "-o", out, "--steps", 10_000_000, "--policy", "random", "--workers", 2)
    # A session of its own, so that whatever outlives it can be ended with it.
    process = subprocess.Popen(words, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not list(out.glob("index-*.json")):
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline, "nothing was on disk after two minutes"
            time.sleep(0.1)
        # A terminal that is closed tells all its processes.
        os.killpg(process.pid, how) if how == signal.SIGHUP else process.send_signal(how)
        assert process.wait(timeout=30) == code
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stderr:
            process.stderr.close()
    recorded = Recording(out)
    assert len(recorded) > 0
    rows = [recorded.rows(episode) for episode in recorded.episodes]
    assert all(len(part.frames) == len(part.actions) == len(part.rewards) == len(part.ended) for part in rows)
    assert all(part.frames[-1].any() for part in rows)
    # The same folder takes more, and what was there stays.
    kept = len(recorded)
    reverie("record", "garden", "-o", out, "--steps", 64, "--policy", "random")
    assert len(Recording(out)) >= kept + 64
