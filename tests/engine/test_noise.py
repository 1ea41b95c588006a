from __future__ import annotations

import numpy as np
import pytest

from reverie.engine.noise import gumbel, keys_of, next_keys, normal

EULER = 0.5772156649


def test_the_numbers_are_of_the_gumbel_distribution() -> None:
    numbers = gumbel(keys_of([5]), np.arange(1_000_000)).astype(np.float64)
    assert numbers.mean() == pytest.approx(EULER, abs=0.005)
    assert numbers.var() == pytest.approx(np.pi**2 / 6, abs=0.02)
    for share in (0.001, 0.1, 0.5, 0.9, 0.999):
        assert (numbers < -np.log(-np.log(share))).mean() == pytest.approx(share, abs=0.002)
    assert np.isfinite(numbers).all()


@pytest.mark.parametrize("other", ["place", "frame", "seed"])
def test_numbers_of_neighbours_have_nothing_to_do_with_each_other(other: str) -> None:
    keys, places = keys_of([5]), np.arange(1_000_000)
    beside = {"place": (keys, places + 1), "frame": (next_keys(keys), places), "seed": (keys_of([6]), places)}[other]
    assert abs(np.corrcoef(gumbel(keys, places), gumbel(*beside))[0, 1]) < 0.005


def test_a_number_depends_on_its_own_trajectory_frame_and_place_alone() -> None:
    places = np.arange(1000)
    keys, alone = keys_of([3, 7, 9]), keys_of([7])
    for _ in range(3):
        among = gumbel(keys[:, None], places)
        assert np.array_equal(among[1], gumbel(alone, places))
        assert np.array_equal(among[2, 500:], gumbel(keys[2:], places[500:]))
        keys, alone = next_keys(keys), next_keys(alone)


def test_no_frame_comes_again() -> None:
    keys, seen = keys_of(range(100)), set()
    for _ in range(1000):
        seen.update(keys.tolist())
        keys = next_keys(keys)
    assert len(seen) == 100_000


def test_the_numbers_of_a_seed_stay_what_they_are() -> None:
    numbers = gumbel(keys_of([0, 1])[:, None], np.array([0, 12_345]))
    np.testing.assert_allclose(numbers, [[-1.324484, 1.413793], [-0.120403, 0.559080]], atol=2e-6)


def test_seeds_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        keys_of([-1])


def test_normal_noise_is_normal_and_of_its_own_place_alone() -> None:
    numbers = normal(keys_of([5]), np.arange(1_000_000)).astype(np.float64)
    assert numbers.mean() == pytest.approx(0, abs=0.005)
    assert numbers.var() == pytest.approx(1, abs=0.01)
    assert (np.abs(numbers) < 1.959964).mean() == pytest.approx(0.95, abs=0.002)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.005
    among = normal(keys_of([3, 7])[:, None], np.arange(1000))
    assert np.array_equal(among[1], normal(keys_of([7]), np.arange(1000)))
