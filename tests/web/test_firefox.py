"""The shared page in Firefox, where one is installed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from reverie.app.cli import main
from reverie.web.serve import Server
from tests.web import firefox
from tests.web.firefox import Firefox
from tests.web.test_page import FIRST_FRAME, PICTURE, eventually

RIGHT = "\ue014"
"""The right arrow, in the WebDriver standard."""


@pytest.mark.slow
@pytest.mark.skipif(firefox.find() is None, reason="Firefox is not installed")
def test_keys_move_the_player_in_firefox(tmp_path: Path) -> None:
    assert main(["share", "v1.1", "-o", str(tmp_path / "site")]) == 0
    with Server(tmp_path / "site") as server, Firefox() as page:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.open(f"{server.address}?seed=0")
        page.wait(FIRST_FRAME, 90)
        page.wait("document.getElementById('speed').textContent.includes('fps')")
        page.key("p")
        page.wait("!!document.querySelector('.pill.paused')")
        before = np.array(page.run(PICTURE), np.uint8)
        page.key("p")
        for _ in range(3):
            page.key(RIGHT, hold=0.5)
        eventually(lambda: (before != np.array(page.run(PICTURE), np.uint8)).mean() > 0.01)
        page.screenshot(Path(os.environ.get("REVERIE_SHOTS", tmp_path)) / "firefox.png")
        assert page.run("document.querySelector('[role=alert]')") is None
        assert page.run("crossOriginIsolated")
        server.shutdown()
