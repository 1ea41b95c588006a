"""The replay buffer."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from reverie.agents.replay_buffer import ReplayBuffer

GAMMA, N_STEP = 0.5, 3


def fill(buffer: ReplayBuffer, decisions: int, over: tuple[int, ...] = (), row_of: int = 2) -> None:
    """Decision t of row b shows a picture of brightness t, does action t, and earns t."""
    for t in range(buffer.count, buffer.count + decisions):
        observations = np.full((row_of, 6, 32, 32), t, np.uint8)
        ended = np.array([t in over, False])[:row_of]
        buffer.add(observations, np.full(row_of, t), np.full(row_of, float(t)), ended)


def test_a_decision_is_drawn_with_what_came_of_it() -> None:
    buffer = ReplayBuffer(40, 2, N_STEP, GAMMA)
    fill(buffer, 12)
    samples = buffer.sample(200, np.random.default_rng(0))
    t = samples.actions
    assert set(t.tolist()) == set(range(1, 9))
    assert (samples.observations[:, 0, 0, 0] == t).all()
    assert (samples.observations[:, 3, 0, 0] == t - 1).all()
    assert (samples.next_observations[:, 0, 0, 0] == t + N_STEP).all()
    np.testing.assert_allclose(samples.returns, t + 0.5 * (t + 1) + 0.25 * (t + 2))
    assert (samples.discounts == GAMMA**N_STEP).all()


def test_nothing_counts_beyond_the_end_of_a_round() -> None:
    buffer = ReplayBuffer(40, 2, N_STEP, GAMMA)
    fill(buffer, 12, over=(5,))
    samples = buffer.sample(400, np.random.default_rng(0))
    ended = samples.indices[1] == 0
    last = ended & (samples.actions == 5)
    assert last.any()
    assert (samples.returns[last] == 5).all()
    assert (samples.discounts[ended & (samples.actions >= 3) & (samples.actions <= 5)] == 0).all()
    first = ended & (samples.actions == 6)
    assert (samples.observations[first, 3, 0, 0] == 6).all()


def test_what_is_overwritten_is_forgotten() -> None:
    buffer = ReplayBuffer(20, 2, N_STEP, GAMMA)
    fill(buffer, 27)
    samples = buffer.sample(400, np.random.default_rng(0))
    assert set(samples.actions.tolist()) == set(range(18, 24))
    assert (samples.observations[:, 3, 0, 0] == samples.actions - 1).all()
    assert (samples.next_observations[:, 0, 0, 0] == samples.actions + N_STEP).all()


def test_what_surprised_is_drawn_more_often_and_counts_less_each_time() -> None:
    buffer = ReplayBuffer(40, 2, N_STEP, GAMMA)
    fill(buffer, 12)
    buffer.update_priorities((np.arange(1, 9).repeat(2), np.tile([0, 1], 8)), np.zeros(16, np.float32))
    buffer.update_priorities((np.array([4]), np.array([1])), np.array([9.0], np.float32))
    samples = buffer.sample(400, np.random.default_rng(0))
    surprising = (samples.indices[0] == 4) & (samples.indices[1] == 1)
    assert surprising.mean() > 0.5
    assert samples.weights[surprising].max() < samples.weights[~surprising].min()
