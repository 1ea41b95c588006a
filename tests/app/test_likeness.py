"""How far a picture is from its game, and waking from a dream that has lost it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.app.errors import Mistake
from reverie.app.play.choice import Choice
from reverie.app.play.session import Session
from reverie.engine import library
from reverie.engine.bundle import Bundle, load_starts, read_manifest
from reverie.engine.likeness import GOOD, LOST, LOST_MEASUREMENTS, WAKE_FRAMES, Likeness, cells_of
from reverie.engine.rewind import EVERY
from reverie.engine.taping import replay
from reverie.games.real import RealGame

RIGHT = 4
Mush = Callable[[bool], None]


@pytest.fixture
def mush(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> Mush:
    """Switches on that the dream of a dot is drawn as noise."""
    run, on = bundle.runtime.run, [False]

    def drawn(graph: str, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        out = run(graph, inputs)
        if graph == "decoder" and on[0]:
            return [np.random.default_rng(0).integers(0, 256, out[0].shape, np.uint8)]
        return list(out)

    monkeypatch.setattr(bundle.runtime, "run", drawn)

    def switch(to: bool) -> None:
        on[0] = to

    return switch


def test_pictures_of_unknown_rooms_are_like_the_game_and_mush_is_not() -> None:
    path = library.resolve("v2")
    likeness = Likeness(load_starts(path, read_manifest(path)[0]))
    rooms = [RealGame("garden", 128).reset(seed) for seed in range(5000, 5020)]
    assert np.mean([likeness.far(room) <= GOOD for room in rooms]) >= 0.9
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    for picture in (noise, np.zeros_like(noise), np.mean(rooms, 0).astype(np.uint8), rooms[0] // 2):
        assert likeness.far(picture) > LOST


def test_the_meter_is_full_for_good_pictures_and_empty_for_lost_ones() -> None:
    assert [cells_of(far) for far in (0.3, 1.0, 1.5, LOST, 9.0)] == ["■■■■■", "■■■■■", "■■□□□", "□□□□□", "□□□□□"]


def test_a_dream_wakes_at_its_last_good_picture_with_other_luck(bundle: Bundle, mush: Mush) -> None:
    session = Session(Choice("dots", tape=True, settings={"temperature": 2.0}), bundle)
    session.remembers = True
    good = [session.step(RIGHT).frame.copy() for _ in range(3 * EVERY)]
    assert session.status().far is not None
    assert session.status().far <= GOOD  # type: ignore[operator]
    mush(True)
    for _ in range(WAKE_FRAMES + EVERY):
        session.step(RIGHT)
    assert session.status().far > LOST  # type: ignore[operator]
    mush(False)
    assert session.in_dream.wake() == "back to the last good picture, with other luck"
    assert np.array_equal(session.frame, good[2 * EVERY])
    again = [session.step(RIGHT).frame.copy() for _ in range(4)]
    assert session.taped is not None
    tape = session.taped.tape()
    assert [event.kind() for event in tape.events[-3:]] == ["restore", "luck", "act"]
    assert np.array_equal(list(replay(tape, bundle))[-1], again[-1])


def test_a_dream_without_a_good_picture_begins_anew(bundle: Bundle, mush: Mush) -> None:
    session = Session(Choice("dots"), bundle)
    session.remembers = True
    mush(True)
    for _ in range(WAKE_FRAMES + EVERY):
        session.step(RIGHT)
    assert session.in_dream.wake() == "no good picture is kept: new start, seed 1"


def test_a_lucid_dream_wakes_by_itself_and_another_does_not(bundle: Bundle, mush: Mush) -> None:
    for lucid in (True, False):
        session = Session(Choice("dots", lucid=lucid), bundle)
        session.remembers = True
        mush(False)
        for _ in range(2 * WAKE_FRAMES):
            session.step(RIGHT)
        mush(True)
        for _ in range((LOST_MEASUREMENTS + 1) * EVERY):
            session.step(RIGHT)
        assert session.in_dream.woke == int(lucid)


def test_there_is_nothing_to_wake_from_in_the_real_game(bundle: Bundle) -> None:
    session = Session(Choice("dots", real=True), bundle)
    session.remembers = True
    for _ in range(6):
        session.step(RIGHT)
    assert session.status().far is None
    with pytest.raises(Mistake, match="nothing to wake from"):
        session.in_dream.wake()
