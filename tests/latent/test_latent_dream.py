"""A dream of latents goes the whole way: export, parity on both backends, play, tape, hand-over, batch, environment."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from reverie.app.cli import main
from reverie.app.play.choice import Choice
from reverie.app.play.session import Session
from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamBatch
from reverie.engine.errors import BundleError
from reverie.engine.tape import Tape
from reverie.engine.taping import TapedDream, replay
from reverie.engine.verify import verify
from reverie.export.errors import ExportError
from reverie.export.run_export import export_run
from reverie.games.crypt.rules import Crypt
from tests.latent.tiny_latent import tiny_run

WORDS = [0, 1, 1, 4, 2, 3, 5, 0, 4, 1]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run(tmp_path_factory.mktemp("latent") / "run")


@pytest.fixture(scope="module")
def deep(run: Path) -> Path:
    return export_run(run, run.parent / "deep", "int8", log=lambda line: None)


def test_every_precision_computes_what_the_networks_do_on_both_backends(run: Path, tmp_path: Path) -> None:
    """Export compares each graph with its network itself, and refuses what differs."""
    for precision in ("fp32", "fp16"):
        assert verify(export_run(run, tmp_path / precision, precision, log=lambda line: None)) == []


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_trunk_that_denoises_itself_goes_the_same_way(precision: str, tmp_path: Path) -> None:
    run = tiny_run(tmp_path / "run", whole=True)
    folder = export_run(run, tmp_path / "whole", precision, log=lambda line: None)
    assert verify(folder) == []
    dreams = [Dream(Bundle.load(folder, backend, threads=1), seed=3) for backend in ("onnx", "torch")]
    apart = [np.abs(np.subtract(*(dream.step(action).frame.astype(int) for dream in dreams))) for action in WORDS]
    assert np.mean(apart) < (0.1 if precision == "fp32" else 4)


def test_it_dreams_alone_and_in_a_batch_alike(deep: Path) -> None:
    bundle = Bundle.load(deep, threads=1)
    one, many = Dream(bundle, seed=3), DreamBatch(bundle, 2)
    many.reset([3, 4])
    for action in WORDS:
        frame = one.step(action).frame
        assert np.abs(many.step([action, action])[0].astype(int) - frame).max() <= 16  # bytes share a scale in a batch
    assert one.history_fill == 5
    moment = one.snapshot()
    after = [one.step(action).frame.copy() for action in WORDS]
    one.restore(moment)
    assert all(np.array_equal(one.step(action).frame, frame) for action, frame in zip(WORDS, after, strict=True))


@pytest.mark.parametrize("steps", range(1, 9))
def test_every_number_of_steps_is_a_dream_of_its_own(deep: Path, steps: int) -> None:
    dream = Dream(Bundle.load(deep, threads=1), seed=3)
    before = dream.bundle.dynamics.runs["denoiser"]
    dream.change(steps=steps)
    dream.step(1)
    assert np.isfinite(dream.z).all()
    assert dream.bundle.dynamics.runs["denoiser"] == before + steps
    assert dream.faults.count == 0


@pytest.mark.parametrize("steps", [0, 9, 99, 2.5])
def test_other_numbers_of_steps_are_refused_in_a_sentence(deep: Path, steps: float) -> None:
    with pytest.raises(ValueError, match="a whole number from 1 to 8"):
        Dream(Bundle.load(deep, threads=1)).change(steps=steps)


def test_a_tape_replays_it_exactly(deep: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(deep, threads=1)
    dream = TapedDream(bundle, seed=5)
    frames = [dream.step(action).frame.copy() for action in WORDS]
    dream.change(steps=1)
    dream.append_frame(frames[0], 1)
    frames += [dream.step(action).frame.copy() for action in WORDS]
    dream.tape().save(tmp_path / "a.tape")
    again = list(replay(Tape.load(tmp_path / "a.tape"), bundle))
    assert all(np.array_equal(a, b) for a, b in zip(frames, again, strict=True))


def test_it_begins_at_any_picture_and_the_tape_knows(deep: Path) -> None:
    bundle = Bundle.load(deep, threads=1)
    session = Session(Choice("deep", tape=True), bundle)
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    session.in_dream.begin_at(picture)
    assert np.array_equal(session.frame, session.in_dream.seen(picture))
    frames = [session.step(action).frame.copy() for action in WORDS]
    assert session.taped is not None
    again = list(replay(session.taped.tape(), bundle))
    assert all(np.array_equal(a, b) for a, b in zip(frames, again, strict=True))


def test_it_says_where_it_is_unsure_and_is_painted(deep: Path) -> None:
    bundle = Bundle.load(deep, threads=1)
    session = Session(Choice("deep", tape=True), bundle)
    session.in_dream.toggle_mind()
    frames = [session.step(action).frame.copy() for action in WORDS[:3]]
    assert session.dream is not None
    assert session.dream.doubt is not None
    assert session.dream.doubt.shape == (8, 8)
    assert np.isfinite(session.dream.doubt).all()
    assert (session.dream.doubt >= 0).all()
    session.in_dream.paint(np.full((8, 8, 3), 255, np.uint8), 8, 16)
    frames += [session.step(action).frame.copy() for action in WORDS[:3]]
    assert session.taped is not None
    again = list(replay(session.taped.tape(), bundle))
    assert all(np.array_equal(a, b) for a, b in zip(frames, again, strict=True))


def test_torch_dreams_the_same_from_full_weights(run: Path, tmp_path: Path) -> None:
    folder = export_run(run, tmp_path / "full", "fp32", log=lambda line: None)
    onnx, torch = (Dream(Bundle.load(folder, backend, threads=1), seed=3) for backend in ("onnx", "torch"))
    for action in WORDS[:4]:
        a, b = onnx.step(action).frame, torch.step(action).frame
        assert np.abs(a.astype(int) - np.asarray(b).astype(int)).max() <= 2


def test_the_keys_of_play_change_it_and_m_says_why_not(deep: Path) -> None:
    session = Session(Choice("deep", settings={"steps": 3}), Bundle.load(deep, threads=1))
    assert session.status().shown == "3 steps  autoencoder  T 1.00"
    assert session.change_setting("steps", 1) == "4 steps"
    assert session.change_setting("mode") == "deep has no mode: all of a frame is sampled together"
    shown = [session.step(action).frame.copy() for action in WORDS]
    session.save_moment()
    after = session.step(1).frame.copy()
    session.load_moment()
    assert np.array_equal(session.step(1).frame, after)
    assert not np.array_equal(shown[0], shown[-1])


def test_the_real_game_hands_over_to_it(deep: Path) -> None:
    session = Session(Choice("deep", real=True), Bundle.load(deep, threads=1))
    for action in WORDS:
        real = session.step(action).frame.copy()
    assert session.hand_over() == "the dream goes on from here"
    assert np.array_equal(session.frame, real)
    assert not np.array_equal(session.step(1).frame, real)
    assert Crypt.actions == session.bundle.manifest.actions


def test_eval_and_bench_measure_it(deep: Path, tmp_path: Path) -> None:
    words = ["--episodes", "2", "--horizon", "64", "--json", str(tmp_path / "e.json")]
    assert main(["eval", str(deep), "--quick", *words, "--html", str(tmp_path / "e.html")]) == 0
    [entry] = json.loads((tmp_path / "e.json").read_text())["bundles"].values()
    assert entry["reconstruction_psnr_db"] > 3
    # These weights are random, so the dream is noise.
    assert (entry["alive"]["64"], entry["alive_real"]["64"]) == (0.0, 1.0)
    assert (entry["rollout"]["1-16"]["hud_readable"], entry["hud_exact"]) == (0.0, 1.0)
    assert entry["hud_misread_frames"] == entry["hud_doubted"] == 2 * 64
    assert entry["action_accuracy_real"] > entry["action_accuracy_most_common"]
    assert entry["turn_round_starts"] > 0
    assert entry["turn_round_psnr_db"] < entry["turn_round_unrelated_psnr_db"]
    assert entry["judge"]["1-16"]["clips"] == 8
    page = (tmp_path / "e.html").read_text()
    for title in ("How long dreams live", "Told from real play", "Once round", "Hearts and digits"):
        assert f"<h2>{title}</h2>" in page
    assert main(["bench", str(deep), "--frames", "20", "--json", str(tmp_path / "b.json")]) == 0
    assert all(row["fps"] > 0 for row in json.loads((tmp_path / "b.json").read_text())["rows"])


@pytest.mark.parametrize("steps", [0, 99, "4", None])
def test_a_run_with_impossible_steps_is_not_exported(steps: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="steps must be 1 to 8"):
        export_run(tiny_run(tmp_path / "run", steps=steps), tmp_path / "out", "fp32", log=lambda line: None)


def test_a_bundle_opens_with_the_temperature_of_its_recipe(tmp_path: Path) -> None:
    out = export_run(tiny_run(tmp_path / "run", temperature=1.25), tmp_path / "out", "fp32", log=lambda line: None)
    assert Dream(Bundle.load(out, threads=1)).settings["temperature"] == 1.25
    for wrong in (-0.1, 2.5, "warm"):
        with pytest.raises(ExportError, match="temperature must be 0 to 2"):
            export_run(
                tiny_run(tmp_path / f"run{wrong}", temperature=wrong), tmp_path / "no", "fp32", log=lambda line: None
            )


def test_weights_that_are_no_numbers_are_not_exported(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    weights = load_file(tmp_path / "run" / "dynamics.safetensors")
    weights["latent.weight"][0, 0] = float("nan")
    save_file(weights, tmp_path / "run" / "dynamics.safetensors")
    with pytest.raises(ExportError, match="holds NaN or infinity"):
        export_run(tmp_path / "run", tmp_path / "out", "fp32", log=lambda line: None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": {"channels": 9}}, "representation must be float32"),
        ({"model": {"positions": 65}}, "positions must be at most"),
        ({"model": {"rewards": []}}, "graphs.outcome"),
        ({"model": {"layers": 0}}, "of its memory"),
        ({"model": {"vocabulary": 8}}, "vocabulary"),
        ({"history": 6}, "one less than history"),
        ({"settings": {"steps": {"default": 2, "lowest": 0, "highest": 99}}}, "steps must be within"),
        ({"settings": {"passes": {"default": 2, "lowest": 1, "highest": 2}}}, "settings must be some of"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_in_a_sentence(
    change: dict[str, object], said: str, deep: Path, tmp_path: Path
) -> None:
    shutil.copytree(deep, tmp_path / "b")
    content = json.loads((tmp_path / "b" / "manifest.json").read_text())
    for key, value in change.items():
        content[key] = {**content[key], **value} if key == "model" and isinstance(value, dict) else value
    (tmp_path / "b" / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(BundleError, match=said):
        Bundle.load(tmp_path / "b", threads=1)
