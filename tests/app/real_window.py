"""A real `reverie` window on a virtual display, played with real key presses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest
from PIL import ImageGrab

from reverie.app.window import theme

needs_display = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")) and not os.environ.get("CI"),
    reason="needs Xvfb and xdotool",
)
PATIENCE = 90.0
SCALE = 8
SCREEN = (1000, 800)
SIZE = theme.window_size(64, SCALE)


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """An X server of our own and its display, whose number Xvfb chooses."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        [
            "Xvfb",
            "-displayfd",
            str(writer),
            "-screen",
            "0",
            f"{SCREEN[0]}x{SCREEN[1]}x24",
            "-nolisten",
            "tcp",
            "-noreset",
        ],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb did not start"
    yield server, f":{number}"
    server.terminate()
    server.wait(10)


@pytest.fixture
def display(server: tuple[subprocess.Popen[bytes], str]) -> str:
    return server[1]


class Played:
    """A `reverie` window on that display."""

    def __init__(
        self, display: str, folder: Path, *words: str, program: tuple[str, ...] = ("-m", "reverie.app.cli")
    ) -> None:
        self.display, self.folder = display, folder
        self.environment = {
            **os.environ, "DISPLAY": display, "OMP_NUM_THREADS": "1",
            "REVERIE_CONFIG": str(folder), "SDL_VIDEODRIVER": "x11", "SDL_AUDIODRIVER": "dummy",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, *program, *words],
            cwd=folder,
            env=self.environment,
            stderr=(folder / "errors.txt").open("w"),
        )

    def keys(self, *words: str) -> None:
        """What xdotool does with the keyboard."""
        subprocess.run(["xdotool", *words], env=self.environment, check=True, capture_output=True, timeout=20)

    def place(self) -> pygame.Rect:
        """Where the picture is on the screen."""
        left, top = (SCREEN[0] - SIZE[0]) // 2, (SCREEN[1] - SIZE[1]) // 2
        return theme.layout(SIZE, 64).picture.move(left, top)

    def picture(self) -> np.ndarray:
        """The picture in the window, one value a pixel of the game: (64, 64, 3)."""
        rect = self.place()
        screen = np.asarray(ImageGrab.grab(xdisplay=self.display))
        return screen[rect.top : rect.bottom, rect.left : rect.right][SCALE // 2 :: SCALE, SCALE // 2 :: SCALE]

    def screen(self) -> np.ndarray:
        """The whole screen."""
        return np.asarray(ImageGrab.grab(xdisplay=self.display))

    def has_card(self) -> bool:
        """Whether the picture is covered by what a fresh window says, by the lines around it."""
        rect = self.place()
        inside = self.screen()[rect.top : rect.bottom, rect.left : rect.right]
        return bool((np.count_nonzero(np.all(inside == theme.DREAM, axis=-1), axis=1) > rect.width // 2).any())

    def keeper(self) -> tuple[int, int] | None:
        """Where the player is (y, x) in pixels of the game, by the colour of the lantern's coat."""
        orange = np.all(np.abs(self.picture().astype(int) - (255, 146, 36)) < 40, axis=-1)
        if np.count_nonzero(orange) < 3:
            return None
        ys, xs = np.nonzero(orange)
        return int(ys.mean()), int(xs.mean())

    def end(self) -> int:
        """Leave through the menu, as a person does."""
        self.keys("key", "Escape")
        time.sleep(0.5)
        self.keys("key", "Up")
        time.sleep(0.2)
        self.keys("key", "Return")
        return self.process.wait(PATIENCE)


def eventually(true: Callable[[], object]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def play(display: str, tmp_path: Path) -> Iterator[Callable[..., Played]]:
    started: list[Played] = []

    def start(
        *words: str,
        what: tuple[str, ...] = ("play", "v1.1", "--real", "--scale", str(SCALE)),
        begun: Callable[[Played], object] = Played.keeper,
        touched: bool = True,
        **how: tuple[str, ...],
    ) -> Played:
        played = Played(display, tmp_path, *what, *words, **how)
        started.append(played)
        assert eventually(lambda: played.process.poll() is not None or begun(played)), "no picture came"
        assert played.process.poll() is None
        if touched:
            played.keys("key", "shift")  # a key that does nothing, for a fresh window says something over its picture
            assert eventually(lambda: not played.has_card()), "what a fresh window says stays"
        return played

    yield start
    for played in started:
        played.process.kill()
        played.process.wait(10)
