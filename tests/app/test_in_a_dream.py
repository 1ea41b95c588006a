"""What a person can do in a dream, in a window without a picture over the dream of a dot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest
from PIL import Image

from reverie.app.play.choice import Choice
from reverie.app.play.game_loop import GameLoop
from reverie.app.play.meter import Meter
from reverie.app.play.session import Session
from reverie.app.window import theme
from reverie.app.window.brush import TILES, Brush
from reverie.app.window.dream_offers import BRANCH_SECONDS
from reverie.app.window.keys import load_keys
from reverie.app.window.saving import Saving
from reverie.app.window.window import Window
from reverie.engine.bundle import Bundle
from reverie.engine.taping import replay
from tests.app.conftest import dot_frame
from tests.app.test_game_loop import dot_column, eventually

Open = Callable[..., Window]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundle: Bundle) -> Iterator[Open]:
    """Opens a window; its loop runs, and its own loop does not."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("REVERIE_CONFIG", str(tmp_path))
    pygame.display.init()
    windows: list[Window] = []

    def start(dream: Bundle | None = bundle, **choice: object) -> Window:
        session = Session(Choice("dots", **choice), dream)  # type: ignore[arg-type]
        loop = GameLoop(session, Meter(time.perf_counter()), fps=50)
        screen = pygame.display.set_mode((400, 460))
        windows.append(Window(screen, loop, load_keys(), Saving(), (), fullscreen=False))
        loop.start()
        return windows[-1]

    yield start
    for window in windows:
        window.loop.stop()
    pygame.display.quit()


def press(window: Window, *keys: int) -> None:
    """Press keys one after the other, and draw."""
    for key in keys:
        for kind in (pygame.KEYDOWN, pygame.KEYUP):
            window._handle(pygame.event.Event(kind, key=key), time.perf_counter())
        window._refresh()


def seen(window: Window, true: Callable[[], object]) -> bool:
    """Whether something comes about while the window is drawn."""

    def drawn() -> object:
        window._refresh()
        return true()

    return eventually(drawn)


def test_f2_offers_the_start_pictures_and_escape_changes_nothing(opened: Open) -> None:
    window = opened()
    press(window, pygame.K_F2)
    assert seen(window, lambda: window.overlay.offer)
    assert window.overlay.offer is not None
    assert len(window.overlay.offer.pictures) == 4
    assert window.loop.paused
    press(window, pygame.K_ESCAPE)
    assert not window.loop.paused
    assert window.loop.session.status().seed == 0
    press(window, pygame.K_F2)
    assert seen(window, lambda: window.overlay.offer)
    press(window, pygame.K_RIGHT, pygame.K_RETURN)
    assert seen(window, lambda: window.loop.session.status().seed == 1)


def test_a_dropped_picture_is_shown_as_the_dream_sees_it_before_it_begins_there(opened: Open, tmp_path: Path) -> None:
    Image.fromarray(dot_frame(6, 1)).resize((640, 640), Image.Resampling.NEAREST).save(tmp_path / "mine.png")
    window = opened()

    def drop(name: str) -> None:
        window._handle(pygame.event.Event(pygame.DROPFILE, file=str(tmp_path / name)), time.perf_counter())

    drop("mine.png")
    assert seen(window, lambda: window.overlay.offer)
    assert window.overlay.offer is not None
    assert np.array_equal(window.overlay.offer.pictures[0], dot_frame(6, 1))
    assert np.array_equal(window.overlay.offer.pictures[1], window.loop.session.in_dream.seen(dot_frame(6, 1)))
    assert dot_column(window.loop.session.frame) == 3
    press(window, pygame.K_RETURN)
    assert seen(window, lambda: dot_column(window.loop.session.frame) == 1)
    drop("other.png")
    assert seen(window, lambda: "Cannot begin at" in window.notices.message)


def test_a_picture_that_was_asked_for_waits_until_it_was_seen(opened: Open) -> None:
    window = opened(picture=dot_frame(6, 1))
    time.sleep(0.1)
    assert window.loop.paused
    assert window.loop.meter.frames == 0
    assert window.overlay.offer is not None
    assert np.array_equal(window.overlay.offer.pictures[0], dot_frame(6, 1))
    press(window, pygame.K_RETURN)
    assert seen(window, lambda: window.loop.meter.frames > 2)
    assert dot_column(window.loop.session.frame) == 1


def test_o_lets_it_play_itself_and_a_key_that_plays_takes_over(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    window = opened()
    loop = window.loop
    monkeypatch.setattr(loop.session.in_dream, "own_action", lambda: loop.session.actions.index("right"))
    press(window, pygame.K_o)
    assert loop.plays_itself
    assert seen(window, lambda: dot_column(loop.session.frame) not in (3, 4))
    press(window, pygame.K_h, pygame.K_p, pygame.K_p)  # to look at it is not to play it
    assert loop.plays_itself
    press(window, pygame.K_UP)
    assert not loop.plays_itself
    press(window, pygame.K_o, pygame.K_o)
    assert not loop.plays_itself


def test_a_window_that_nobody_touches_shows_how_it_is_played(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverie.app.window.window.UNTOUCHED_SECONDS", 0.2)
    for touched in (False, True):
        window = opened()
        window.loop.limit = None
        events = [[pygame.event.Event(pygame.KEYDOWN, key=pygame.K_h)]] * touched
        end = time.monotonic() + 1.0

        def next_events(window: Window = window, events: list = events, end: float = end) -> list:  # type: ignore[type-arg]
            time.sleep(0.02)
            window._leave = time.monotonic() > end
            return events.pop() if events else []

        monkeypatch.setattr(window, "_next_events", next_events)
        monkeypatch.setattr(window.loop, "start", lambda: None)  # it runs
        window.run()
        assert window.loop.plays_itself is not touched


def test_what_a_person_plays_for_a_recording_is_not_played_for_them(opened: Open) -> None:
    window = opened()
    window.loop.session.recorder = object()  # type: ignore[assignment]
    press(window, pygame.K_o)
    assert not window.loop.plays_itself
    window.loop.session.recorder = None


def test_k_plays_four_futures_and_a_number_goes_on_with_that_one(opened: Open) -> None:
    warm = {"temperature": 2.0}
    window = opened(settings=warm, tape=True)
    session = window.loop.session
    window.loop.pause(True)
    time.sleep(0.2)  # for the frame in progress
    before = session.frame.copy()
    window.loop.latch.press("d", "right", time.perf_counter())
    press(window, pygame.K_k)
    frames = round(BRANCH_SECONDS * session.bundle.manifest.fps)  # type: ignore[union-attr]
    assert seen(window, lambda: window.overlay.offer)
    offer = window.overlay.offer
    assert offer is not None
    runs = session.bundle.dynamics.runs  # type: ignore[union-attr]
    assert eventually(lambda: runs["dynamics"] >= 4 * frames)
    time.sleep(0.2)
    endings = [picture.copy() for picture in offer.pictures]
    assert len(endings) == 4
    assert np.array_equal(session.frame, before), "the dream itself waits"
    window.loop.latch.clear()
    made = window.loop.meter.frames
    press(window, pygame.K_3)
    assert eventually(lambda: window.loop.meter.frames == made + frames)
    assert window.loop.paused, "as it was before"
    window.loop.stop()
    assert any(np.array_equal(frame, endings[2]) for frame in window.loop.recent)
    assert session.taped is not None
    replayed = list(replay(session.taped.tape(), session.bundle))  # type: ignore[arg-type]
    assert np.array_equal(replayed[made + frames - 1], endings[2])


def test_futures_that_nobody_wants_are_given_up_and_the_real_game_has_none(opened: Open) -> None:
    window = opened()
    press(window, pygame.K_k)
    assert seen(window, lambda: window.overlay.offer)
    press(window, pygame.K_ESCAPE)
    made = window.loop.meter.frames
    assert seen(window, lambda: window.loop.meter.frames > made + 3)
    real = opened(real=True)
    press(real, pygame.K_k)
    assert seen(real, lambda: "the real game has the luck" in real.notices.message)


def test_a_patch_is_picked_up_and_put_down_and_the_dream_goes_on_from_there(opened: Open) -> None:
    window = opened(tape=True, settings={"temperature": 0.0})
    session, loop = window.loop.session, window.loop
    session.remembers = True
    assert seen(window, lambda: loop.meter.frames > 2)
    press(window, pygame.K_p)
    time.sleep(0.2)
    window._refresh()
    y, x = 0, dot_column(session.frame)
    picture = theme.layout((400, 460), 64).picture
    scale = picture.width // 64

    def click(button: int, row: int, column: int) -> None:
        pos = (picture.left + (8 * column + 4) * scale, picture.top + (8 * row + 4) * scale)
        window._handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=button, pos=pos), time.perf_counter())

    click(pygame.BUTTON_LEFT, 5, 1)  # nothing was picked up
    click(pygame.BUTTON_RIGHT, y, x)
    click(pygame.BUTTON_LEFT, 5, 1)
    assert seen(window, lambda: session.frame[44, 12, 0] > 200)
    assert session.frame[4, 8 * x + 4, 0] > 200, "the rest stays"
    click(pygame.BUTTON_RIGHT, 2, 2)  # the dark, with which the first dot is covered
    click(pygame.BUTTON_LEFT, y, x)
    assert seen(window, lambda: session.frame[4, 8 * x + 4, 0] < 50)
    painted = session.frame.copy()
    loop.do(session.save_moment)
    loop.press("d", "right", time.perf_counter())
    loop.single_step()
    assert seen(window, lambda: np.array_equal(session.frame, dot_frame(5, 2)))
    loop.do(session.load_moment)
    assert seen(window, lambda: np.array_equal(session.frame, painted))
    loop.latch.clear()
    made = loop.meter.frames
    loop.single_step()
    assert seen(window, lambda: loop.meter.frames == made + 1)
    assert np.array_equal(session.frame, dot_frame(5, 1))
    loop.stop()
    assert session.taped is not None
    again = list(replay(session.taped.tape(), session.bundle))  # type: ignore[arg-type]
    assert np.array_equal(again[-1], dot_frame(5, 1))
    assert np.array_equal(again[-2], dot_frame(5, 2))


def test_the_real_game_is_not_painted(opened: Open) -> None:
    window = opened(real=True)
    window.loop.do(lambda: window.loop.session.in_dream.paint(np.zeros((8, 8, 3), np.uint8), 0, 0))
    assert seen(window, lambda: "cannot be painted" in window.notices.message)


@pytest.mark.parametrize("size", [64, 128])
def test_a_patch_lies_between_the_tiles_as_it_lay_and_inside_the_picture(size: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    brush = Brush()
    for at in ((0, 0), (size - 1, size - 1), (13, 27), (size // 2, 3)):
        brush.pick(frame, at)
        assert brush.patch is not None
        side = size // TILES
        [(y, x)] = [
            (y, x)
            for y in range(size - side + 1)
            for x in range(size - side + 1)
            if np.array_equal(frame[y : y + side, x : x + side], brush.patch)
        ]
        for to in ((0, 0), (size - 1, size - 1), (31, 5)):
            top, left = brush.place(size, to)
            assert 0 <= top <= size - side
            assert 0 <= left <= size - side
            assert (top - y) % side == (left - x) % side == 0
        assert brush.place(size, (y + side // 2, x + side // 2)) == (y, x)


def test_a_fresh_window_says_what_it_is_until_a_key_is_pressed(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    write = theme.text
    monkeypatch.setattr(
        theme, "text", lambda screen, words, *rest: (said.append(words), write(screen, words, *rest))[1]
    )
    window = opened()
    assert seen(window, lambda: any("You are in a dream" in words for words in said))
    assert any("F1: all keys." in words for words in said)
    assert not window.notices.message, "it is not said twice"
    press(window, pygame.K_h)
    said.clear()
    window._dirty = True
    window._refresh()
    assert not any("dream:" in words for words in said)
