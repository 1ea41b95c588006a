"""Takes the pictures of `docs/browser.md` in headless Chromium: `python -m tests.web.pictures docs/images`.

Take them when nothing else runs: they show how fast it plays.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from tests.web.chromium import Chromium
from tests.web.speed import FIRST_FRAME, SPEED, play, shared

FULL_SPEED = 19.5
"""Frames a second."""
PATIENCE = 60
"""Seconds to wait for that."""


def take(page: Chromium, address: str, path: Path) -> None:
    """Play until no message is shown and it plays at full speed, or for a minute, and take a picture."""
    page.open(address)
    page.wait(FIRST_FRAME, 120)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        list(play(page, 1))
        shown = re.match(r"([\d.]+) fps", page.run(SPEED))
        if shown and float(shown[1]) >= FULL_SPEED and page.run("document.getElementById('message').hidden"):
            break
    page.screenshot(path)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with shared("v2") as address, Chromium(1280, 800) as page:
        take(page, f"{address}?seed=3&mode=parallel&passes=1", folder / "browser.png")
    with shared("arcade") as address, Chromium(360, 640, touch=True, scale=2) as page:
        take(page, f"{address}?seed=3&mode=parallel&passes=1&game=bricks", folder / "browser-phone.png")


if __name__ == "__main__":
    main()
