"""Going back through what was played, and playing on from there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest

from reverie.app.play.choice import Choice
from reverie.app.play.game_loop import GameLoop
from reverie.app.play.meter import Meter
from reverie.app.play.session import Session
from reverie.app.window.keys import load_keys
from reverie.app.window.saving import Saving
from reverie.app.window.window import Window
from reverie.engine.bundle import Bundle
from reverie.engine.rewind import EVERY, MOST, Moment, Rewind
from reverie.engine.taping import replay
from reverie.games.world import Frame
from tests.app.conftest import make_bundle
from tests.app.test_game_loop import dot_column, eventually

RIGHT = 4


class Heavy:
    """A snapshot of 100 MB, or so it says."""

    nbytes = 100 * 2**20


def picture(number: int) -> Frame:
    return np.full((2, 2, 3), number % 256, np.uint8)


def moment(number: int, snapshot: object = None) -> Moment:
    return Moment(False, snapshot, (), number, 0)


def played(session: Session, frames: int) -> list[Frame]:
    """Frames of a play to the right with warm luck, from which no two games are the same."""
    session.remembers = True
    return [session.step(RIGHT).frame.copy() for _ in range(frames)]


def test_it_goes_back_picture_by_picture_and_plays_on_from_a_moment() -> None:
    past = Rewind()
    for number in range(3 * EVERY):
        past.add(picture(number), lambda number=number: moment(number))  # type: ignore[misc]
    last = 3 * EVERY - 1
    assert [int(past.back(2)[0, 0, 0]) for _ in range(3)] == [last - 2, last - 4, last - 6]  # type: ignore[index]
    assert past.moment().score == (last - 6) // EVERY * EVERY
    assert past.back(1) is not None
    assert past.back(1000)[0, 0, 0] == 0  # type: ignore[index]
    assert past.back(1) is None


def test_the_oldest_is_forgotten_when_there_is_too_much() -> None:
    past = Rewind()
    for number in range(MOST * EVERY + 7 * EVERY):
        past.add(picture(number), lambda number=number: moment(number))  # type: ignore[misc]
    past.back(10**6)
    assert past.moment().score == 7 * EVERY
    heavy = Rewind()
    for number in range(5 * EVERY):
        heavy.add(picture(number), lambda number=number: moment(number, Heavy()))  # type: ignore[misc]
    heavy.back(10**6)
    assert heavy.moment().score == 3 * EVERY  # two of them are below the limit, three are not


def test_a_dream_plays_on_from_a_moment_before_the_picture_as_it_did_the_first_time(bundle: Bundle) -> None:
    session = Session(Choice("dots", settings={"temperature": 1.5}), bundle)
    first = played(session, 23)
    for _ in range(3):
        assert session.rewind()
    assert np.array_equal(session.frame, first[22 - 6])
    session.play_on()
    assert np.array_equal(session.frame, first[15])  # a moment is kept at every fifth frame from the first one on
    assert session.status().score is None
    assert all(np.array_equal(session.step(RIGHT).frame, frame) for frame in first[16:])


def test_rewinding_goes_back_over_a_new_start_and_to_its_seed_and_score() -> None:
    session = Session(Choice("dots"), make_bundle(outcome=True))
    played(session, 36)  # the dot is at the right edge, which earns one
    assert session.status().score == 1
    played(session, 1)
    session.new_start()
    played(session, 1)
    assert (session.status().seed, session.status().score) == (1, 0)
    session.rewind()
    session.play_on()
    assert (session.status().seed, session.status().score) == (0, 1)


def test_the_real_game_goes_back_too_and_the_way_leads_over_the_hand_over(bundle: Bundle) -> None:
    session = Session(Choice("dots", real=True), bundle)
    real = played(session, 8)
    session.hand_over()
    assert not session.is_real
    played(session, 2)
    for _ in range(2):
        session.rewind()
    session.play_on()
    assert session.is_real
    assert np.array_equal(session.frame, real[5])
    assert np.array_equal(session.step(RIGHT).frame, real[6])


def test_a_tape_of_a_play_that_went_back_replays_exactly(bundle: Bundle) -> None:
    session = Session(Choice("dots", tape=True, settings={"temperature": 1.5}), bundle)
    frames = played(session, 12)
    session.rewind()
    session.play_on()
    frames += played(session, 9)
    assert session.taped is not None
    tape = session.taped.tape()
    assert tape.frames == len(frames)
    assert all(np.array_equal(*pair) for pair in zip(replay(tape, bundle), frames, strict=True))


def test_without_a_window_nothing_is_kept(bundle: Bundle) -> None:
    session = Session(Choice("dots"), bundle)
    for _ in range(9):
        session.step(RIGHT)
    assert not session.rewind()


def test_the_player_goes_back_while_it_is_asked_to_also_in_a_pause(bundle: Bundle) -> None:
    session = Session(Choice("dots"), bundle)
    session.remembers = True
    loop = GameLoop(session, Meter(time.perf_counter()), fps=100)
    loop.start()
    assert eventually(lambda: loop.meter.frames >= 30)
    loop.pause(True)
    made = loop.meter.frames
    loop.rewind(True)
    assert eventually(lambda: "that is as far back as it goes" in loop.messages)
    loop.rewind(False)
    column = dot_column(session.frame)
    time.sleep(0.05)
    assert loop.meter.frames - made <= 1  # the one that was being made
    assert list(loop.messages).count("that is as far back as it goes") == 1
    loop.press("d", "right", time.perf_counter())
    loop.single_step()
    assert eventually(lambda: dot_column(session.frame) == (column + 1) % 8)
    loop.stop()


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundle: Bundle) -> Iterator[Window]:
    """A window without a picture over the dream of a dot, which has not begun."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("REVERIE_CONFIG", str(tmp_path))
    pygame.display.init()
    loop = GameLoop(Session(Choice("dots"), bundle), Meter(time.perf_counter()), fps=50)
    screen = pygame.display.set_mode((400, 400))
    yield Window(screen, loop, load_keys(), Saving(), (), fullscreen=False)
    pygame.display.quit()


def test_backspace_rewinds_while_it_is_held_and_losing_the_keyboard_ends_it(window: Window) -> None:
    def key(kind: int, code: int) -> None:
        window._handle(pygame.event.Event(kind, key=code), time.perf_counter())

    key(pygame.KEYDOWN, pygame.K_BACKSPACE)
    assert window.loop.rewinding
    key(pygame.KEYUP, pygame.K_d)
    assert window.loop.rewinding
    window._refresh()
    key(pygame.KEYUP, pygame.K_BACKSPACE)
    assert not window.loop.rewinding
    key(pygame.KEYDOWN, pygame.K_BACKSPACE)
    window._handle(pygame.event.Event(pygame.WINDOWFOCUSLOST), time.perf_counter())
    assert not window.loop.rewinding
