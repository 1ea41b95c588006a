from __future__ import annotations

import numpy as np

from reverie.engine.manifest import StateSpec
from reverie.engine.ring import NumpyRing

SLOTS = 3
STATE = {
    "keys": StateSpec("float32", (2, 2, SLOTS, 5, 3), "push", "dynamics.new_keys", 2),
    "age": StateSpec("int64", (SLOTS,), "age"),
    "pictures": StateSpec("uint8", (SLOTS, 4), "push", "encoder.small", 0),
}


def push(ring: NumpyRing, number: int, good: tuple[bool, bool] = (True, True)) -> None:
    frame = np.full((2, 2, 2, 5, 3), number, np.float32)
    ring.push({"keys": frame, "pictures": np.full((2, 4), number % 256, np.uint8)}, np.array(good))


def content(ring: NumpyRing, row: int = 0) -> dict[int, float]:
    """Age to the number that was pushed, for filled slots."""
    keys, ages = ring.tensors["keys"], ring.tensors["age"]
    return {int(age): float(keys[row, 0, 0, slot, 0, 0]) for slot, age in enumerate(ages[row]) if age}


def test_a_ring_fills_and_the_newest_frame_has_age_one() -> None:
    ring = NumpyRing(2, STATE)
    assert ring.filled == 0
    push(ring, 10)
    push(ring, 11)
    assert ring.filled == 2
    assert content(ring) == {1: 11, 2: 10}


def test_a_full_ring_forgets_exactly_the_oldest_frame() -> None:
    ring = NumpyRing(2, STATE)
    for number in range(3):
        push(ring, number)
    assert content(ring) == {1: 2, 2: 1, 3: 0}
    before = ring.snapshot()
    oldest = int(np.argmax(ring.tensors["age"][0]))
    push(ring, 3)
    assert content(ring) == {1: 3, 2: 2, 3: 1}
    others = [slot for slot in range(SLOTS) if slot != oldest]
    assert np.array_equal(ring.tensors["keys"][:, :, :, others], before["keys"][:, :, :, others])
    assert np.array_equal(ring.tensors["pictures"][:, others], before["pictures"][:, others])


def test_many_turns_later_the_ring_still_holds_the_last_frames() -> None:
    ring = NumpyRing(2, STATE)
    for number in range(1001):
        push(ring, number)
    assert content(ring) == {1: 1000, 2: 999, 3: 998}
    assert (ring.tensors["pictures"][..., 0] == ring.tensors["keys"][:, 0, 0, :, 0, 0] % 256).all()


def test_what_is_not_good_is_not_pushed_and_the_trajectories_stay_right_apart() -> None:
    ring = NumpyRing(2, STATE)
    for number in range(4):
        push(ring, number)
    push(ring, 4, (True, False))
    assert content(ring, 0) == {1: 4, 2: 3, 3: 2}
    assert content(ring, 1) == {1: 3, 2: 2, 3: 1}
    push(ring, 5)
    assert content(ring, 0) == {1: 5, 2: 4, 3: 3}
    assert content(ring, 1) == {1: 5, 2: 3, 3: 2}


def test_restore_puts_back_what_the_snapshot_saw_and_where_it_goes_on() -> None:
    ring = NumpyRing(2, STATE)
    for number in range(4):
        push(ring, number)
    snapshot = ring.snapshot()
    push(ring, 4)
    push(ring, 5)
    ring.restore(snapshot)
    assert content(ring) == {1: 3, 2: 2, 3: 1}
    push(ring, 9)
    assert content(ring) == {1: 9, 2: 3, 3: 2}
