from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake import fake_bundle

from reverie.engine.bundle import Bundle


@pytest.fixture
def bundle() -> Bundle:
    return fake_bundle()
