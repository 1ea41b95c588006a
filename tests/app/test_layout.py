"""Nothing that is written in the window lies over anything else, or runs out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pygame
import pytest

from reverie.app.play.meter import Meter
from reverie.app.play.session import Choice, Session, Status
from reverie.app.window import font, hud, overlays, theme
from reverie.app.window.keys import Keys, load_keys
from reverie.games import registry
from tests.app.conftest import make_bundle

WINDOWS = [theme.window_size(64, 1), theme.window_size(64, 2), theme.window_size(128, 2), (640, 480), (1280, 960)]
MESSAGES = [
    "game over",
    "ar: not measured yet · parallel, 3 passes: 7.6 ms",
    "The disk is full: dreams/garden-v2-20261129-000000.gif holds the first 12,345 of 67,890 frames; make room. " * 4,
]


@pytest.fixture(autouse=True)
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    yield
    pygame.display.quit()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, pygame.Rect]]:
    """What is written, and where."""
    texts: list[tuple[str, pygame.Rect]] = []
    write = theme.text

    def text(
        screen: pygame.Surface, words: str, at: tuple[int, int], colour: font.Colour = theme.TEXT, scale: int = 2
    ) -> int:
        if words:
            # The last two rows of a line are below the letters' feet, and may be those of the next.
            texts.append((words, pygame.Rect(at, (font.measure(words, scale), 7 * scale))))
        return write(screen, words, at, colour, scale)

    monkeypatch.setattr(theme, "text", text)
    return texts


def status() -> Status:
    compared = "parallel, 3 passes: 7.6 ms · ar: 8.1 ms"
    known = Session(Choice("dots"), make_bundle(outcome=True, diffusion=True)).status()
    timings = {"dynamics": 12.3, "sample": 4.5, "decode": 6.7}
    return replace(known, compared=compared, timings=timings, score=12345.0, faults=123, game="A street of a name")


def check(written: list[tuple[str, pygame.Rect]], window: tuple[int, int]) -> None:
    assert written
    for words, rect in written:
        assert pygame.Rect(0, 0, *window).contains(rect), f"{words!r} runs out of {window}: {rect}"
    for (one, here), (other, there) in combinations(written, 2):
        assert not here.colliderect(there), f"{one!r} and {other!r} overlap in {window}"


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("message", ["", *MESSAGES])
def test_header_picture_and_footer_do_not_overlap(
    window: tuple[int, int], message: str, written: list[tuple[str, pygame.Rect]]
) -> None:
    screen = pygame.Surface(window)
    hud.draw_header(screen, status(), (hud.PAUSED, hud.REC))
    if message:
        hud.draw_message(screen, message)
    else:
        hud.draw_figures(screen, status(), Meter(0.0), 20.0)
    check(written, window)
    for size in (64, 128):
        picture = theme.layout(window, size).picture
        assert not [words for words, rect in written if rect.colliderect(picture)]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("game", registry.names())
def test_the_help_fits_into_every_window(
    window: tuple[int, int], game: str, written: list[tuple[str, pygame.Rect]]
) -> None:
    keys: Keys = load_keys()
    rules = registry.get(game)
    overlays.draw_help(pygame.Surface(window), keys, rules.title, rules.goal, frozenset())
    check(written, window)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_menu_fits_into_every_window(window: tuple[int, int], written: list[tuple[str, pygame.Rect]]) -> None:
    overlays.draw_menu(pygame.Surface(window), 0, registry.names(), registry.names()[0])
    check(written, window)
