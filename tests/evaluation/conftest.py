"""Truth of the tiny game, recorded once."""

from __future__ import annotations

import pytest

from evaluation.truth import Truth, record_truth
from tests.evaluation.fakes import DotGame, DotReader, RandomKeys


@pytest.fixture(scope="session")
def truth() -> Truth:
    return record_truth(DotGame, RandomKeys(6), DotReader().position, 64, episodes=6, ticks=360, seed=0)
