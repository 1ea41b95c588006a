"""The second decoder of latents: other pictures of the very same dream, where the bundle has it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.app.play.choice import Choice
from reverie.app.play.session import Session
from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamBatch
from reverie.engine.errors import BundleError
from reverie.engine.tape import Tape
from reverie.engine.taping import TapedDream, replay
from reverie.engine.verify import verify
from reverie.evaluation.decoders import compare
from reverie.export.errors import ExportError
from reverie.export.run_export import export_run
from reverie.models.latent.diffusion_decoder import LatentDecoder, LatentDecoderConfig
from tests.latent.tiny_latent import tiny_run

WORDS = [0, 1, 4, 2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run(tmp_path_factory.mktemp("latent") / "run", decoder=True)


@pytest.fixture(scope="module")
def both(run: Path) -> Path:
    """A bundle with both decoders, whose every graph export has compared with its network on both backends."""
    return export_run(run, run.parent / "both", "fp16", log=lambda line: None)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    return export_run(tiny_run(folder / "run"), folder / "plain", "fp16", log=lambda line: None)


def test_the_decoder_and_its_steps_change_the_picture_and_nothing_that_is_dreamt(both: Path) -> None:
    bundle = Bundle.load(both, threads=1)
    one, other = Dream(bundle, seed=3), Dream(bundle, seed=3, decoder="diffusion")
    assert other.settings["decoder_steps"] == 3  # as the run's recipe says
    pictures = {}
    for tick, action in enumerate(WORDS):
        other.change(decoder_steps=tick + 1)
        before = bundle.dynamics.runs["diffusion"]
        pictures[tick] = one.step(action).frame.copy(), other.step(action).frame.copy()
        assert bundle.dynamics.runs["diffusion"] == before + tick + 1
        assert np.array_equal(one.z, other.z)
    assert all(not np.array_equal(*pair) for pair in pictures.values())
    assert (one.faults.count, other.faults.count) == (0, 0)


def test_torch_draws_the_same(both: Path) -> None:
    onnx, networks = (Bundle.load(both, backend, threads=1).dynamics for backend in ("onnx", "torch"))
    z = np.random.default_rng(0).standard_normal((2, 64, 8)).astype(np.float32)
    settings = {"decoder": "diffusion", "decoder_steps": 2}
    frames, checks = onnx.decode(z, settings)
    drawn, _ = networks.decode(torch.from_numpy(z), settings)
    assert all(good.all() for good in checks.values())
    assert np.abs(frames.astype(int) - drawn.numpy()).max() <= 1


def test_a_tape_replays_both_decoders_exactly(both: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(both, threads=1)
    dream = TapedDream(bundle, seed=5, decoder="diffusion")
    frames = [dream.step(action).frame.copy() for action in WORDS]
    dream.change(decoder_steps=1)
    frames += [dream.step(action).frame.copy() for action in WORDS]
    dream.change(decoder="autoencoder")
    frames += [dream.step(action).frame.copy() for action in WORDS]
    dream.tape().save(tmp_path / "a.tape")
    again = list(replay(Tape.load(tmp_path / "a.tape"), bundle))
    assert all(np.array_equal(a, b) for a, b in zip(frames, again, strict=True))


def test_v_switches_and_the_steps_have_keys_of_their_own(both: Path) -> None:
    session = Session(Choice("both"), Bundle.load(both, threads=1))
    assert session.status().shown == "2 steps  autoencoder  T 1.00"
    assert session.change_setting("decoder_steps", 1) == "decoder steps are for the decoder diffusion"
    assert session.change_setting("decoder").startswith("decoder: diffusion")
    session.step(1)
    assert session.status().shown == "2 steps  diffusion ×3  T 1.00"
    assert session.change_setting("decoder_steps", -1) == "2 decoder steps"
    assert session.change_setting("decoder_steps", -1) == "1 decoder step"
    assert session.change_setting("decoder_steps", -1) == "1 decoder step"
    assert session.change_setting("steps", 1) == "3 steps"


def test_a_bundle_without_it_says_so(plain: Path) -> None:
    bundle = Bundle.load(plain, threads=1)
    session = Session(Choice("plain"), bundle)
    assert session.change_setting("decoder") == "plain only has the decoder autoencoder"
    assert session.change_setting("decoder_steps", 1) == "plain has no decoder steps"
    with pytest.raises(ValueError, match="plain has no decoder 'diffusion'; it has autoencoder"):
        Dream(bundle, decoder="diffusion")
    with pytest.raises(ValueError, match="plain has no setting decoder_steps"):
        Dream(bundle).change(decoder_steps=2)


@pytest.mark.parametrize("steps", [0, 5, 99])
def test_other_numbers_of_steps_are_refused_in_a_sentence(both: Path, steps: int) -> None:
    with pytest.raises(ValueError, match=f"decoder_steps of both must be a whole number from 1 to 4, not {steps}"):
        Dream(Bundle.load(both, threads=1)).change(decoder_steps=steps)


def test_a_picture_that_is_no_number_is_the_autoencoders_and_is_told(
    both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Bundle.load(both, threads=1)
    sound, broken = DreamBatch(bundle, 2, decoder="diffusion"), DreamBatch(bundle, 2, decoder="diffusion")
    for dream in (sound, broken):
        dream.reset([1, 2])
    sound.step([1, 1])
    call = bundle.runtime.call

    def spoilt(graph, inputs):  # type: ignore[no-untyped-def]
        out = dict(call(graph, inputs))
        if graph == "diffusion":
            out["less_noisy"] = out["less_noisy"].copy()
            out["less_noisy"][1] = np.nan
        return out

    monkeypatch.setattr(bundle.runtime, "call", spoilt)
    broken.step([1, 1])
    assert np.array_equal(broken.z, sound.z)
    assert np.array_equal(broken.frames[0], sound.frames[0])
    picture = bundle.dynamics.decode(sound.z, {"decoder": "autoencoder"})[0]
    assert np.array_equal(broken.frames[1], picture[1])
    assert (broken.faults.count, sound.faults.count) == (1, 0)
    assert broken.faults.last == "the diffusion decoder gave NaN or infinity: the autoencoder's picture is shown"


@pytest.mark.parametrize("steps", [0, 5, "2", None])
def test_a_run_with_impossible_decoder_steps_is_not_exported(steps: object, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="decoder_steps must be 1 to 4"):
        export_run(
            tiny_run(tmp_path / "run", decoder=True, decoder_steps=steps), tmp_path / "out", log=lambda line: None
        )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"decoder": {"default": "diffusion", "choices": ["diffusion"]}}, "must have autoencoder"),
        ({"decoder": {"default": "vq", "choices": ["vq", "autoencoder"]}}, "choices must be some of autoencoder, diff"),
        ({"decoder_steps": {"default": 2, "lowest": 1, "highest": 9}}, "decoder_steps must be within 1 and 4"),
    ],
)
def test_a_manifest_with_other_settings_is_refused_in_a_sentence(
    settings: dict[str, object], said: str, both: Path, tmp_path: Path
) -> None:
    _change(both, tmp_path / "b", settings=settings)
    with pytest.raises(BundleError, match=said):
        Bundle.load(tmp_path / "b", threads=1)


def test_a_manifest_that_offers_a_decoder_without_its_graph_is_refused(plain: Path, tmp_path: Path) -> None:
    choice = {"default": "autoencoder", "choices": ["autoencoder", "diffusion"]}
    _change(plain, tmp_path / "b", settings={"decoder": choice})
    with pytest.raises(BundleError, match="choices must be some of autoencoder; "):
        Bundle.load(tmp_path / "b", threads=1)


def test_a_bundle_from_before_there_was_a_choice_has_the_autoencoder(plain: Path, tmp_path: Path) -> None:
    _change(plain, tmp_path / "b", settings={"steps": {"default": 2, "lowest": 1, "highest": 8}})
    assert verify(tmp_path / "b") == []
    assert Dream(Bundle.load(tmp_path / "b", threads=1)).settings["decoder"] == "autoencoder"


def test_an_untrained_decoder_shows_the_autoencoders_picture() -> None:
    decoder = LatentDecoder(LatentDecoderConfig(channels=8, widths=(8, 16), conditioning=8))
    z, picture = torch.randn(2, 64, 8), torch.randint(256, (2, 64, 64, 3)).to(torch.uint8)
    assert torch.equal(decoder.sample(z, picture, torch.randn(64, 64, 3), 2), picture)


def test_both_decoders_are_compared_on_play_that_nobody_has_learnt_from(both: Path) -> None:
    table, sheet = compare(Bundle.load(both, threads=1), 2, seed=0)
    steps = [f"diffusion, {n}" for n in ("1 step", "2 steps", "4 steps")]
    assert [row[0] for row in table.rows] == ["autoencoder", *steps]
    assert len({row[1] for row in table.rows}) == 4
    assert "held-out episodes of crypt" in table.note
    assert sheet.height > 100


def _change(bundle: Path, copy: Path, **change: object) -> None:
    shutil.copytree(bundle, copy)
    content = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**content, **change}))
