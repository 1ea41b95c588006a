from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tiny import GARDEN, tiny_run

from reverie.export.run_export import export_run


@pytest.fixture(scope="session")
def run_v11(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny v1.1 run."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "v1.1")


@pytest.fixture(scope="session")
def bundle_v11(run_v11: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle in half precision. Tests copy it before they change it."""
    return export_run(run_v11, tmp_path_factory.mktemp("bundles") / "tiny", "fp16", log=lambda _: None)


@pytest.fixture(scope="session")
def run_merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run whose model merges 2 x 2 tokens before its trunk and predicts what a step brings."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "merged", merge=2, rewards=(-1.0, 0.0, 1.0))


@pytest.fixture(scope="session")
def bundle_merged(run_merged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle in half precision."""
    out = tmp_path_factory.mktemp("bundles") / "merged"
    return export_run(run_merged, out, "fp16", log=lambda _: None)


@pytest.fixture(scope="session")
def run_two_level(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run with coarse and fine tokens, whose attention goes along rows and columns."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "two-level", fine=2, axial=True, layers=2)


@pytest.fixture(scope="session")
def bundle_two_level(run_two_level: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle in half precision."""
    out = tmp_path_factory.mktemp("bundles") / "two-level"
    return export_run(run_two_level, out, "fp16", log=lambda _: None)


@pytest.fixture(scope="session")
def run_games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run of three games with other actions each."""
    games = {"garden": GARDEN["garden"], "bricks": ("noop", "left", "right", "a"), "duel": ("noop", "up", "down")}
    return tiny_run(tmp_path_factory.mktemp("runs") / "games", games=games)


@pytest.fixture(scope="session")
def bundle_games(run_games: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle in half precision."""
    return export_run(run_games, tmp_path_factory.mktemp("bundles") / "games", "fp16", log=lambda _: None)


@pytest.fixture(scope="session")
def bundle_v1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny v1 bundle in full precision, beside the run it was made of."""
    folder = tmp_path_factory.mktemp("v1")
    return export_run(tiny_run(folder / "run", "v1"), folder / "tiny-v1", "fp32", log=lambda _: None)


@pytest.fixture(scope="session")
def run_diffusion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run with a diffusion decoder."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "diffusion", decoder=True)


@pytest.fixture(scope="session")
def bundle_diffusion(run_diffusion: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle in half precision."""
    out = tmp_path_factory.mktemp("bundles") / "diffusion"
    return export_run(run_diffusion, out, "fp16", log=lambda _: None)
