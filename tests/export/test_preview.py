"""A run that is still learning is dreamt as it stands, and its training goes on as if nobody had looked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from reverie.engine.bundle import Bundle  # noqa: E402
from reverie.engine.dream import Dream  # noqa: E402
from reverie.export.preview import preview_run  # noqa: E402
from reverie.export.run_export import export_run  # noqa: E402
from tests.export.tiny import tiny_run as tokens  # noqa: E402
from tests.latent.tiny_latent import tiny_run as latent  # noqa: E402


@pytest.mark.parametrize("family", ["tokens", "latent"])
def test_a_preview_dreams_what_the_exported_bundle_dreams(family: str, tmp_path: Path) -> None:
    run = (tokens if family == "tokens" else latent)(tmp_path / "run")
    (tmp_path / "preview").mkdir()
    bundle = preview_run(run, tmp_path / "preview")
    assert bundle is not None
    exported = Bundle.load(export_run(run, tmp_path / "dream", "fp32", log=lambda line: None), "torch")
    calm = {"temperature": 0.0} if family == "tokens" else {}
    dreams = [Dream(one, seed=1, **calm) for one in (bundle, exported)]
    for action in (1, 2, 0):
        seen = [dream.step(action).frame.astype(float) for dream in dreams]
        assert np.abs(seen[0] - seen[1]).mean() < 2


def test_nothing_is_drawn_from_the_numbers_of_the_training(tmp_path: Path) -> None:
    run = tokens(tmp_path / "run")
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    (tmp_path / "preview").mkdir()
    bundle = preview_run(run, tmp_path / "preview")
    assert bundle is not None
    Dream(bundle).step(1)
    assert torch.equal(torch.rand(4), expected)


def test_a_run_whose_decoder_is_not_trained_yet_is_drawn_without(tmp_path: Path) -> None:
    run = tokens(tmp_path / "run", decoder=True)
    (run / "decoder.safetensors").unlink()
    (tmp_path / "preview").mkdir()
    bundle = preview_run(run, tmp_path / "preview")
    assert bundle is not None
    assert "diffusion" not in bundle.manifest.graphs
    assert Dream(bundle).step(1).frame.shape == (64, 64, 3)


def test_before_the_dynamics_learn_there_is_nothing_to_see(tmp_path: Path) -> None:
    run = tokens(tmp_path / "run")
    (run / "dynamics.safetensors").unlink()
    assert preview_run(run, tmp_path) is None
