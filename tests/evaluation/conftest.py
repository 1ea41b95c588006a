"""Truth of the tiny game, recorded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from reverie.evaluation.subjects.truth import Truth, record_truth
from tests.evaluation.fakes import DotGame, DotReader, RandomKeys


@pytest.fixture(scope="session")
def truth() -> Truth:
    return record_truth(DotGame, RandomKeys(6), DotReader().position, 64, episodes=6, ticks=360, seed=0)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx")
    from tests.evaluation.tiny_bundle import write_tiny_bundle

    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")
