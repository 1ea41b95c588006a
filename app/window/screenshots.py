"""`python -m reverie.app.window.screenshots docs/images`: the window's pictures in the docs, played without a display.

Each scene opens a real window on SDL's driver without a screen, presses its keys, and keeps what is drawn.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pygame
from PIL import Image

from reverie.app.play.choice import Choice
from reverie.app.play.game_loop import GameLoop
from reverie.app.play.meter import Meter
from reverie.app.play.picture import read_picture
from reverie.app.play.select_bundle import load_bundle
from reverie.app.play.session import Session
from reverie.app.window import theme
from reverie.app.window.keys import DEFAULTS, Keys
from reverie.app.window.saving import Saving
from reverie.app.window.window import Window
from reverie.engine.likeness import GOOD

SLOWLY = 4.0
"""Frames a second where other futures are to be seen that are up to date, also on a busy machine."""
PATIENCE = 300.0
"""Seconds after which a scene is given up."""
SOMEWHERE = Path(__file__).parents[2] / "docs" / "images" / "dream.gif"
"""A picture that, mirrored, no game has shown."""

Events = list[pygame.event.Event]
Scene = Callable[[Window], Iterator[Events]]


class Directed(Window):
    """A window whose events come from a scene; it is left when the scene ends."""

    def direct(self, scene: Scene) -> None:
        """Play this scene, without what a fresh window says unless that is the scene."""
        self.notices.card = scene is fresh
        self._scene, self._end = scene(self), time.monotonic() + PATIENCE

    def _next_events(self) -> Events:
        time.sleep(0.01)
        if time.monotonic() > self._end:
            raise TimeoutError("a scene does not end")
        pygame.event.get()
        events = next(self._scene, None)
        if events is None:
            self._leave = True
        return events or []


def press(key: int) -> Iterator[Events]:
    """Press a key, and let it be drawn."""
    yield [pygame.event.Event(pygame.KEYDOWN, key=key), pygame.event.Event(pygame.KEYUP, key=key)]
    yield from [[]] * 3


def until(true: Callable[[], object]) -> Iterator[Events]:
    """Wait."""
    while not true():
        yield []
    yield from [[]] * 3


def frames(window: Window, count: int) -> Iterator[Events]:
    """Let so many frames be played."""
    end = window.loop.meter.frames + count
    yield from until(lambda: window.loop.meter.frames >= end)


def still(value: Callable[[], object], seconds: float = 5.0) -> Iterator[Events]:
    """Wait until something has not changed for a while."""
    last, since = value(), time.monotonic()
    while time.monotonic() - since < seconds:
        yield []
        if (now := value()) is not last:
            last, since = now, time.monotonic()


def start_pictures(window: Window) -> Iterator[Events]:
    """F2."""
    yield from frames(window, 5)
    yield from press(pygame.K_F2)
    yield from until(lambda: window.overlay.offer)
    for key in (pygame.K_RIGHT, pygame.K_DOWN):
        yield from press(key)


def your_picture(window: Window) -> Iterator[Events]:
    """`--image`."""
    yield from until(lambda: window.overlay.offer)


def plays_itself(window: Window) -> Iterator[Events]:
    """O."""
    yield from press(pygame.K_o)
    yield from frames(window, 120)


def branch(window: Window) -> Iterator[Events]:
    """K."""
    yield from frames(window, 20)
    yield from press(pygame.K_k)
    yield from until(lambda: window.overlay.offer)
    yield from still(lambda: window.overlay.offer and window.overlay.offer.pictures)


def wake(window: Window) -> Iterator[Events]:
    """The meter, in a dream that has lost its game."""
    window.loop.plays_itself = True
    far = window.loop.session.status
    yield from until(lambda: (far().far or 0) > GOOD)


def click(window: Window, button: int, pixel: tuple[int, int]) -> Iterator[Events]:
    """Click at a pixel (y, x) of the picture."""
    size = window.loop.session.frame.shape[0]
    picture = theme.layout(window.screen.get_size(), size).picture
    scale = picture.width // size
    point = (picture.left + pixel[1] * scale, picture.top + pixel[0] * scale)
    yield [pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=button, pos=point)]
    yield from [[]] * 20


def paint(window: Window) -> Iterator[Events]:
    """The right button, and the left."""
    yield from frames(window, 12)
    yield from press(pygame.K_p)
    yield from [[]] * 300
    coat = np.all(np.abs(window.loop.session.frame.astype(int) - (255, 146, 36)) < 40, axis=-1)
    y, x = (int(pixels.mean()) for pixels in np.nonzero(coat))
    yield from click(window, pygame.BUTTON_RIGHT, (y, x))
    for place in ((y + 32, x), (y + 48, x - 32)):
        yield from click(window, pygame.BUTTON_LEFT, place)
    yield from [[]] * 300


def mind(window: Window) -> Iterator[Events]:
    """I."""
    window.loop.plays_itself = True
    yield from press(pygame.K_h)
    yield from frames(window, 20)
    yield from press(pygame.K_i)
    status = window.loop.session.status

    def much() -> bool:
        thoughts = status().thoughts
        return bool(thoughts and len(thoughts.bits) > 30 and thoughts.futures and thoughts.unsure.max() > 1)  # type: ignore[union-attr]

    yield from until(much)
    yield from frames(window, 1)
    yield from press(pygame.K_p)


def fresh(window: Window) -> Iterator[Events]:
    """A window that was just opened."""
    yield from frames(window, 12)


def all_keys(window: Window) -> Iterator[Events]:
    """F1."""
    yield from frames(window, 12)
    yield from press(pygame.K_F1)


SCENES: dict[str, tuple[str, Scene]] = {
    "fresh": ("v2", fresh),
    "help": ("v2", all_keys),
    "start-pictures": ("v2", start_pictures),
    "your-picture": ("v2", your_picture),
    "plays-itself": ("v2", plays_itself),
    "branch": ("v2", branch),
    "wake": ("v1", wake),
    "paint": ("v2", paint),
    "mind": ("v2", mind),
}
"""Name of the picture → the bundle, and the scene."""


def photograph(name: str, folder: Path) -> Path:
    """Play a scene and write what the window shows then."""
    bundle_name, scene = SCENES[name]
    bundle = load_bundle(bundle_name)
    size = bundle.manifest.resolution
    picture = read_picture(SOMEWHERE, size)[:, ::-1] if scene is your_picture else None
    session = Session(Choice(bundle_name, seed=7, picture=picture, settings={"mode": "parallel"}), bundle)
    loop = GameLoop(session, Meter(time.perf_counter()), SLOWLY if scene is mind else 20.0)
    screen = pygame.display.set_mode(theme.window_size(size, 512 // size))
    window = Directed(screen, loop, Keys(DEFAULTS), Saving(), (), fullscreen=False)
    window.direct(scene)
    window.run()
    path = folder / f"{name}.png"
    pixels = pygame.image.tobytes(screen, "RGB")
    Image.frombytes("RGB", screen.get_size(), pixels).quantize(256).save(path, optimize=True)
    return path


def main(words: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Draw the window's pictures of the docs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=sorted(SCENES), action="append", help="this picture; may be repeated")
    options = parser.parse_args(words)
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame.display.init()
    try:
        for name in options.only or SCENES:
            print(photograph(name, options.folder))
    finally:
        pygame.display.quit()


if __name__ == "__main__":
    main()
