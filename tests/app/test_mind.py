"""What goes on in a dream: where it is unsure, other futures, and what it costs to look."""

from __future__ import annotations

import time
from functools import partial
from itertools import count

import numpy as np
import pygame
import pytest

from reverie.app.errors import Mistake
from reverie.app.play.choice import Choice
from reverie.app.play.futures import Futures
from reverie.app.play.mind import SHARE, Mind
from reverie.app.play.session import Session
from reverie.app.window import theme
from reverie.app.window.mind_view import draw_mind, side_of
from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from tests.app.conftest import make_bundle

RIGHT = 4


def test_while_it_is_hidden_nothing_is_measured_and_nothing_is_played(bundle: Bundle) -> None:
    session = Session(Choice("dots"), bundle)
    session.step(RIGHT)
    assert session.in_dream.mind is None
    assert session.status().thoughts is None
    assert session.dream is not None
    assert session.dream.doubt is None
    session.in_dream.toggle_mind()
    session.step(RIGHT)
    assert session.status().thoughts is not None
    session.in_dream.toggle_mind()
    assert session.status().thoughts is None


def test_the_dream_is_the_same_whether_one_looks_or_not(bundle: Bundle) -> None:
    frames = []
    for looks in (False, True):
        session = Session(Choice("dots", settings={"temperature": 2.0}), bundle)
        if looks:
            session.in_dream.toggle_mind()
        for _ in range(10):
            frames.append(session.step(RIGHT).frame.copy())
            if looks:
                session.in_dream.mind.think(0.05, 0.05)  # type: ignore[union-attr]
    assert all(np.array_equal(one, other) for one, other in zip(frames[:10], frames[10:], strict=True))


def test_other_futures_are_a_second_ahead(bundle: Bundle) -> None:
    session = Session(Choice("dots", settings={"temperature": 0.0}), bundle)
    session.in_dream.toggle_mind()
    session.step(RIGHT)
    for _ in range(5000):
        session.in_dream.mind.think(0.05, 0.05)  # type: ignore[union-attr]
        if session.in_dream.mind.thoughts.futures:  # type: ignore[union-attr]
            break
    futures = session.in_dream.mind.thoughts.futures  # type: ignore[union-attr]
    assert len(futures) == 3
    for _ in range(bundle.manifest.fps):
        session.step(RIGHT)
    assert all(np.array_equal(picture, session.frame) for picture in futures)


def test_without_time_left_over_the_futures_take_a_share_of_the_frames(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    mind = Mind(Dream(bundle), partial(next, count()))
    spent = [0.0]

    def slowly(futures: Futures) -> None:
        time.sleep(0.01)
        spent[0] += 0.01

    monkeypatch.setattr(Futures, "step", slowly)
    for _ in range(100):
        mind.think(0.01, 0.0)
    assert 0 < spent[0] <= 2 * SHARE * 100 * 0.01


def test_a_session_of_another_game_follows_that_one() -> None:
    session = Session(Choice("dots"), make_bundle(games=("garden", "crossing")))
    session.in_dream.toggle_mind()
    session.step(RIGHT)
    assert session.status().thoughts.bits  # type: ignore[union-attr]
    first = session.dream
    session.open_game("crossing")
    assert session.status().thoughts.bits == (), "what went on in the other game is not shown over this one"  # type: ignore[union-attr]
    session.step(RIGHT)
    assert session.dream.doubt is not None  # type: ignore[union-attr]
    assert not first._batch.measures_doubt, "the other one is not measured any more"  # type: ignore[union-attr]
    alone = Session(Choice(real=True))
    with pytest.raises(Mistake, match="the real game has no mind"):
        alone.in_dream.toggle_mind()


@pytest.mark.parametrize("window", [theme.window_size(64, 1), (640, 480), (1280, 960)])
def test_what_is_beside_the_picture_does_not_lie_over_it(window: tuple[int, int], bundle: Bundle) -> None:
    session = Session(Choice("dots"), bundle)
    session.in_dream.toggle_mind()
    session.step(RIGHT)
    while not session.in_dream.mind.thoughts.futures:  # type: ignore[union-attr]
        session.in_dream.mind.think(0.05, 0.05)  # type: ignore[union-attr]
    thoughts = session.in_dream.mind.thoughts._replace(unsure=None, bits=(9999.9,))  # type: ignore[union-attr]
    place = theme.layout(window, 64, side_of(window))
    assert not place.picture.inflate(12, 12).colliderect(place.side)
    screen = pygame.Surface(window)
    draw_mind(screen, thoughts, place)
    drawn = pygame.surfarray.array3d(screen).any(-1)
    drawn[place.side.left : place.side.right, place.side.top : place.side.bottom] = False
    assert not drawn.any()
