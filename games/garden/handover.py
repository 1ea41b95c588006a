"""From pictures to a state the real game can go on from: how the window hands a dream over to the game."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.garden.layout import BLANK, DOWN, DX, DY, HEDGES, RIGHT, describe
from reverie.games.garden.reader import Reader
from reverie.games.garden.reading import Reading
from reverie.games.garden.rules import CREATURES, SPEED, WISP, State, place
from reverie.games.kit.state import HEARTS
from reverie.games.rng import uniform

_STEP = (-10, 10, -1, 1)
_LUCK = 100


def state_from_frames(frames: NDArray[np.uint8], seed: int = 0) -> State:
    """A state (batch of 1) that looks like the last of frames (T, size, size, 3) uint8, size 64, 128 or 256.

    Which way creatures go is taken from the frames before; what no frame shows is drawn from the seed.
    Raises ValueError with one sentence where the frames have another shape or show no garden that could be played on.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or len(frames) == 0:
        raise ValueError(f"A hand-over needs frames of shape (T, size, size, 3), not {frames.shape}.")
    reading = Reader(frames.shape[1]).read(frames)
    scale = frames.shape[1] // 64
    tiles = _voted(reading.tiles)
    state = State.empty(1)
    state.set_rooms(np.array([0]), [describe(tiles, ())])
    state.seed[0] = seed
    state.hearts[0] = np.clip(reading.hearts[-1], 1, HEARTS)
    state.score[0] = reading.score[-1]
    state.grace[0] = reading.grace[-1]
    state.berries[0] = _berries(state, np.flatnonzero(reading.berries[-1]))
    state.player[0], state.facing[0] = place(state.pad[0]), DOWN
    if reading.player_found[-1]:
        position = reading.player_xy[-1].astype(np.int64) // scale
        if _fits(state.player_open[0], position):
            state.player[0], state.facing[0] = position, reading.facing[-1]
    tracks = _tracks(reading, scale)
    for i in range(CREATURES):
        position, heading = _resume(state, tracks[i], len(frames), i)
        state.creatures[0, i], state.heading[0, i] = position, heading
    return state


def _voted(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The kind (8, 8) that most of the last frames (T, 8, 8) show."""
    counts = np.stack([(tiles == kind).sum(axis=0) for kind in range(BLANK + 1)])
    kinds: NDArray[np.uint8] = counts.argmax(axis=0).astype(np.uint8)
    return kinds


def _berries(state: State, seen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Two planters with a berry: those seen first, then others."""
    planters = state.planters[0][state.planters[0] >= 0]
    order = sorted(planters.tolist(), key=lambda tile: tile not in seen)
    return np.array(order[:2], np.int64)


def _cell(position: NDArray[np.int64]) -> int:
    return int((position[1] // 8 + 1) * 10 + position[0] // 8 + 1)


def _fits(is_open: NDArray[np.bool_], position: NDArray[np.int64]) -> bool:
    """Whether all tiles under a position are open."""
    return bool(is_open[_cell(position)] and is_open[_cell(position + 7)])


def _tracks(reading: Reading, scale: int) -> list[list[tuple[int, NDArray[np.int64]]]]:
    """For every creature, (frame, position) where it was seen, oldest first: beetles are followed step by step."""
    tracks: list[list[tuple[int, NDArray[np.int64]]]] = [[], [], []]
    for t in range(len(reading)):
        seen = [(xy // scale).astype(np.int64) for xy in reading.creature_xy[t, :WISP] if not np.isnan(xy[0])]
        for i in sorted(range(WISP), key=lambda i: not tracks[i]):
            if not tracks[i] or not seen:
                continue
            when, last = tracks[i][-1]
            gaps = [int(np.abs(xy - last).sum()) for xy in seen]
            if min(gaps) <= SPEED * (t - when):
                tracks[i].append((t, seen.pop(int(np.argmin(gaps)))))
        for i in sorted(range(WISP), key=lambda i: len(tracks[i])):
            # Whatever nobody's track leads to begins a track of its own, or the shortest one anew.
            if seen and (not tracks[i] or tracks[i][-1][0] < t):
                tracks[i] = [(t, seen.pop())]
        wisp = reading.creature_xy[t, WISP]
        if not np.isnan(wisp[0]):
            tracks[WISP].append((t, (wisp // scale).astype(np.int64)))
    return tracks


def _resume(
    state: State, track: list[tuple[int, NDArray[np.int64]]], frames: int, which: int
) -> tuple[NDArray[np.int64], int]:
    """Position and heading of a creature at the last frame."""
    is_open = state.creature_open[0]
    if track and _fits(is_open, track[-1][1]):
        position, heading = track[-1][1], -1
        if len(track) > 1:
            heading = _direction(track[-1][1] - track[-2][1])
        ways = _ways(is_open, position)
        if ways:
            if heading not in ways and not (heading >= 0 and (position % 8 == 0).all()):
                heading = ways[int(uniform(state.seed, _LUCK, which)[0] * len(ways))]
            return _advance(is_open, position, heading, frames - 1 - track[-1][0])
    # Nobody saw it: it comes out from behind an archway, or from any tile that has a way out.
    spots = [*(int(t) for t in state.arches[0] if t >= 0), *np.flatnonzero(~np.isin(state.tiles[0], HEDGES))]
    for tile in spots:
        position = place(np.array(tile))
        if is_open[_cell(position)] and (ways := _ways(is_open, position)):
            return position, ways[int(uniform(state.seed, _LUCK, which)[0] * len(ways))]
    raise ValueError("These frames show no garden in which a creature could move.")


def _direction(move: NDArray[np.int64]) -> int:
    """The direction of a move along one axis, -1 for any other."""
    if (move != 0).sum() != 1:
        return -1
    return next(d for d in range(RIGHT + 1) if DX[d] == np.sign(move[0]) and DY[d] == np.sign(move[1]))


def _ways(is_open: NDArray[np.bool_], position: NDArray[np.int64]) -> list[int]:
    """Directions in which a creature there can go."""
    off = position % 8
    if off[0]:
        return [2, 3]
    if off[1]:
        return [0, 1]
    return [d for d in range(4) if is_open[_cell(position) + _STEP[d]]]


def _advance(
    is_open: NDArray[np.bool_], position: NDArray[np.int64], heading: int, ticks: int
) -> tuple[NDArray[np.int64], int]:
    """Go on straight, back where the way is blocked, for so many ticks out of sight."""
    for _ in range(ticks):
        if (position % 8 == 0).all() and not is_open[_cell(position) + _STEP[heading]]:
            heading ^= 1
        position = position + SPEED * np.array([DX[heading], DY[heading]])
    return position, heading
