"""Nothing that is written in the window lies over anything else, runs out of it, is cut, or is too small to be read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pygame
import pytest

from reverie.app.play.choice import Choice
from reverie.app.play.meter import Meter
from reverie.app.play.session import Session
from reverie.app.play.status import Status
from reverie.app.window import font, hud, theme
from reverie.app.window.card import draw_card
from reverie.app.window.display import open_display
from reverie.app.window.help_view import draw_help
from reverie.app.window.keys import EXPLAINED, Keys, load_keys
from reverie.app.window.menu_view import draw_menu
from reverie.app.window.notices import MESSAGE_SECONDS, Notices
from reverie.app.window.offer import Offer, at, draw_offer
from reverie.games import registry
from tests.app.conftest import make_bundle

READABLE = [(640, 480), (1280, 960), theme.window_size(64, 8), theme.window_size(128, 8), (1920, 1080)]
"""Windows in which all letters are large: seven font pixels high, of two screen pixels each, or of more."""
WINDOWS = [theme.window_size(64, 1), theme.window_size(64, 2), theme.window_size(128, 2), *READABLE]
LETTERS = 14
LONG = "A street of a name"
"""A title of a person's own, which may be cut in the header, for it stands in the help and the window's frame too."""
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
        screen: pygame.Surface, words: str, at: tuple[int, int], colour: font.Colour = theme.TEXT, scale: int = 0
    ) -> int:
        scale = scale or theme.TEXT_SCALE * theme.unit_of(screen)
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
    return replace(known, compared=compared, timings=timings, score=12345.0, faults=123, far=1.7, game=LONG)


def check(written: list[tuple[str, pygame.Rect]], window: tuple[int, int]) -> None:
    assert written
    if window in READABLE:
        assert {rect.height for _, rect in written} == {LETTERS * theme.unit(window)}
        assert not [words for words, _ in written if "…" in words and not words.startswith(LONG[:6])]
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
    hud.draw_header(screen, status(), (hud.PAUSED, hud.AUTO, hud.REC))
    header = list(written)
    parts = hud.message_parts(message, window) if message else [""]
    for part in parts:
        written[:] = header
        if part:
            hud.draw_message(screen, part)
            lines = written[len(header) :]
            assert "".join(words for words, _ in lines).replace(" ", "") == part.replace(" ", "")
        else:
            hud.draw_figures(screen, status(), Meter(0.0), 20.0)
        check(written, window)
        for size in (64, 128):
            picture = theme.layout(window, size).picture
            assert not [words for words, rect in written if rect.colliderect(picture)]
    assert "".join(parts).replace(" ", "") == message.replace(" ", "")


@pytest.mark.parametrize("window", [window for window in READABLE if window[0] >= 640])
@pytest.mark.parametrize("game", registry.names())
def test_the_name_of_every_game_has_room_beside_all_pills(
    window: tuple[int, int], game: str, written: list[tuple[str, pygame.Rect]]
) -> None:
    title = registry.get(game).title
    about = replace(status(), game=game, bundle="arcade")
    hud.draw_header(pygame.Surface(window), about, (hud.PAUSED, hud.AUTO, hud.REC), title)
    check(written, window)
    assert f"{title} · arcade" in [words for words, _ in written]


def test_a_long_message_is_said_in_parts_and_a_new_one_takes_its_place() -> None:
    messages = deque(["one two three"])
    notices = Notices(messages, 0.0)
    notices.card = False
    assert notices.refresh(0.0, False, str.split)
    assert notices.message == "one"
    assert not notices.refresh(MESSAGE_SECONDS, False, str.split)
    assert notices.refresh(MESSAGE_SECONDS + 0.1, False, str.split)
    assert notices.message == "two"
    assert not notices.refresh(99.0, True, str.split), "under an overlay nothing can be read"
    assert notices.refresh(99.0, False, str.split)
    assert notices.message == "three"
    messages.append("four")
    notices.refresh(99.1, False, str.split)
    assert notices.message == "four"
    notices.refresh(199.0, False, str.split)
    assert notices.message == ""


@pytest.mark.parametrize("desktop", [(800, 600), (1366, 768), (1920, 1080), (2560, 1440), (3840, 2160), (1080, 1920)])
@pytest.mark.parametrize("size", [64, 128])
def test_a_window_fits_on_the_desktop_and_a_screen_of_small_pixels_has_large_letters(
    desktop: tuple[int, int], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [desktop])
    width, height = open_display(size, None, fullscreen=False).get_size()
    assert (width, height) <= desktop
    assert height <= 0.8 * desktop[1] or (width, height) == theme.window_size(size, 1)
    assert theme.unit((width, height)) == (2 if desktop[1] == 2160 else 1)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("game", registry.names())
def test_the_help_fits_into_every_window(
    window: tuple[int, int], game: str, written: list[tuple[str, pygame.Rect]]
) -> None:
    keys: Keys = load_keys()
    rules = registry.get(game)
    about = keys, rules.title, rules.goal, frozenset[str]()
    pages = draw_help(pygame.Surface(window), *about)
    check(written, window)
    for page in range(1, pages):
        written.clear()
        assert draw_help(pygame.Surface(window), *about, page) == pages
        check(written, window)


def test_the_help_has_large_letters_and_every_key_at_640_by_480(written: list[tuple[str, pygame.Rect]]) -> None:
    about = load_keys(), "Garden", registry.get("garden").goal, frozenset[str]()
    pages = draw_help(pygame.Surface((640, 480)), *about)
    for page in range(1, pages):
        draw_help(pygame.Surface((640, 480)), *about, page)
    assert set(EXPLAINED.values()) <= {words for words, _ in written}


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("count", [1, 2, 4, 16, 80])
def test_pictures_to_choose_from_fit_into_every_window_and_the_marked_one_is_seen(
    window: tuple[int, int], count: int, written: list[tuple[str, pygame.Rect]]
) -> None:
    pictures = [np.full((64, 64, 3), number, np.uint8) for number in range(count)]
    offer = Offer("a title", "arrows, Enter: begin here, Esc: back", pictures, list(map(str, range(count))), print)
    for chosen in {0, count // 2, count - 1}:
        written.clear()
        offer.chosen = chosen
        draw_offer(pygame.Surface(window), offer)
        check(written, window)
        assert str(chosen) in [words for words, _ in written]
        points = [(x, y) for x in range(0, window[0], 20) for y in range(0, window[1], 20)]
        assert chosen in {at(window, offer, point) for point in points}


@pytest.mark.parametrize("window", WINDOWS)
def test_the_menu_fits_into_every_window(window: tuple[int, int], written: list[tuple[str, pygame.Rect]]) -> None:
    draw_menu(pygame.Surface(window), 0, registry.names(), registry.names()[0])
    check(written, window)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("game", registry.names())
def test_what_a_fresh_window_says_fits_into_the_picture(
    window: tuple[int, int], game: str, written: list[tuple[str, pygame.Rect]]
) -> None:
    picture = theme.layout(window, 64).picture
    about = "You are in a dream: a network draws every picture, and no game runs behind it."
    draw_card(pygame.Surface(window), (about, registry.get(game).goal, "J: main button. F1: all keys."), picture)
    check(written, window)
    assert all(picture.contains(rect) for _, rect in written)
