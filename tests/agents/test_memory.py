"""What an agent remembers of its decisions."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from reverie.agents.memory import Memory

DISCOUNT, STEPS = 0.5, 3


def remember(memory: Memory, decisions: int, over: tuple[int, ...] = (), row_of: int = 2) -> None:
    """Decision t of row b shows a picture of brightness t, does action t, and earns t."""
    for t in range(memory.count, memory.count + decisions):
        looks = np.full((row_of, 6, 32, 32), t, np.uint8)
        ended = np.array([t in over, False])[:row_of]
        memory.add(looks, np.full(row_of, t), np.full(row_of, float(t)), ended)


def test_a_decision_is_drawn_with_what_came_of_it() -> None:
    memory = Memory(40, 2, STEPS, DISCOUNT)
    remember(memory, 12)
    some = memory.draw(200, np.random.default_rng(0))
    t = some.actions
    assert set(t.tolist()) == set(range(1, 9))
    assert (some.looks[:, 0, 0, 0] == t).all()
    assert (some.looks[:, 3, 0, 0] == t - 1).all()
    assert (some.after[:, 0, 0, 0] == t + STEPS).all()
    np.testing.assert_allclose(some.earned, t + 0.5 * (t + 1) + 0.25 * (t + 2))
    assert (some.goes_on == DISCOUNT**STEPS).all()


def test_nothing_counts_beyond_the_end_of_a_round() -> None:
    memory = Memory(40, 2, STEPS, DISCOUNT)
    remember(memory, 12, over=(5,))
    some = memory.draw(400, np.random.default_rng(0))
    ended = some.where[1] == 0
    last = ended & (some.actions == 5)
    assert last.any()
    assert (some.earned[last] == 5).all()
    assert (some.goes_on[ended & (some.actions >= 3) & (some.actions <= 5)] == 0).all()
    first = ended & (some.actions == 6)
    assert (some.looks[first, 3, 0, 0] == 6).all()


def test_what_is_overwritten_is_forgotten() -> None:
    memory = Memory(20, 2, STEPS, DISCOUNT)
    remember(memory, 27)
    some = memory.draw(400, np.random.default_rng(0))
    assert set(some.actions.tolist()) == set(range(18, 24))
    assert (some.looks[:, 3, 0, 0] == some.actions - 1).all()
    assert (some.after[:, 0, 0, 0] == some.actions + STEPS).all()


def test_what_surprised_is_drawn_more_often_and_counts_less_each_time() -> None:
    memory = Memory(40, 2, STEPS, DISCOUNT)
    remember(memory, 12)
    memory.surprise((np.arange(1, 9).repeat(2), np.tile([0, 1], 8)), np.zeros(16, np.float32))
    memory.surprise((np.array([4]), np.array([1])), np.array([9.0], np.float32))
    some = memory.draw(400, np.random.default_rng(0))
    surprising = (some.where[0] == 4) & (some.where[1] == 1)
    assert surprising.mean() > 0.5
    assert some.weights[surprising].max() < some.weights[~surprising].min()
