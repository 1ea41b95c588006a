from __future__ import annotations

import pytest

from engine.bundle import Bundle
from tests.engine.fake import fake_bundle


@pytest.fixture
def bundle() -> Bundle:
    """A hand-made dream that predicts rewards and ends."""
    return fake_bundle(outcome=True)
