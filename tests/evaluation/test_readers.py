"""The garden's reader, as the metrics use it."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.evaluation.subjects.readers import GardenReader, reader_of
from reverie.evaluation.subjects.state import player_within, vanished
from reverie.games.garden.rules import Garden


@pytest.fixture(scope="module")
def game() -> Garden:
    game = Garden(12)
    game.reset(1_000_000 + np.arange(12), vary=True)
    for key in (1, 4, 4, 2):
        game.step(np.full(12, key))
    return game


def test_real_frames_are_read_exactly_and_are_legal_in_their_rooms(game: Garden) -> None:
    reader = GardenReader(64)
    frames = game.render(64)
    assert reader.exact(frames, game).all()
    seen = reader.read(frames, reader.rooms(game))
    assert seen.valid.all()
    assert player_within(seen, reader.position(game), 0).all()


def test_frames_of_another_moment_are_not_exact(game: Garden) -> None:
    before = game.snapshot()
    game.step(np.zeros(12, np.int64))
    later = game.render(64)
    game.restore(before)
    assert not GardenReader(64).exact(later, game).any()


def test_a_frame_whose_player_was_wiped_away_is_not_legal(game: Garden) -> None:
    reader = GardenReader(64)
    frames = game.render(64)
    for frame, (x, y) in zip(frames, reader.position(game).astype(int), strict=True):
        frame[y : y + 8, x : x + 8] = frame[8:16, 8:16].mean(axis=(0, 1))
    seen = reader.read(frames, reader.rooms(game))
    assert not seen.valid.any()


def test_a_frame_of_another_room_is_not_legal(game: Garden) -> None:
    reader = GardenReader(64)
    assert not reader.read(game.render(64), np.roll(reader.rooms(game), 1, axis=0)).valid.any()


def test_a_creature_that_stays_away_longer_than_patience_has_vanished() -> None:
    missing = np.zeros((30, 2, 3), bool)
    missing[5:17, 0, 1] = True
    missing[5:18, 1, 2] = True
    gone = vanished(missing, patience=12)
    assert not gone[:, 0].any()
    assert np.flatnonzero(gone[:, 1]).tolist() == [17]


def test_a_game_without_a_reader_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="no state reader for 'pond'"):
        reader_of("pond", 64)
