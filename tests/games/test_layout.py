"""The rooms of the garden."""

from __future__ import annotations

import numpy as np

from reverie.games.garden.layout import ARCH, FAR, FIELD, FLOOR, HEDGES, PAD, PLANTER, connected, layout


def test_five_hundred_rooms_are_all_rooms_one_can_play_in():
    seen = set()
    for seed in range(500):
        room = layout(seed)
        flat = room.tiles.reshape(-1)
        walk = np.flatnonzero(np.isin(flat, (FLOOR, PAD, PLANTER))).tolist()
        creatures = np.flatnonzero(np.isin(flat, (FLOOR, ARCH, PLANTER))).tolist()
        assert connected(walk), seed
        assert connected(creatures), seed
        assert len(walk) >= 26, seed
        assert 12 <= int(np.isin(flat[list(FIELD)], HEDGES).sum()) <= 18, seed
        assert int((flat == PAD).sum()) == 1, seed
        assert int((flat == PLANTER).sum()) in (4, 5), seed
        assert int((flat == ARCH).sum()) in (2, 3), seed
        planters = room.planters[room.planters >= 0]
        assert (room.distance[room.pad, planters] < FAR).all(), seed
        seen.add(flat.tobytes())
    assert len(seen) == 500, "every seed has a room of its own"


def test_a_room_is_always_the_same():
    first = layout(1_000_003).tiles.copy()
    layout.cache_clear()
    assert np.array_equal(layout(1_000_003).tiles, first)
