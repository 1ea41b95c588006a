"""The state readers of the built-in games, in the form that the metrics ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.subjects.state import Seen, StateReader
from reverie.games import registry
from reverie.games.base import BatchGame
from reverie.games.garden.reader import PATIENCE
from reverie.games.garden.reader import Reader as GardensOwn
from reverie.games.garden.reading import SEEN, Reading, visible_state
from reverie.games.garden.rules import Garden
from reverie.games.kit.game import HeartGame
from reverie.games.kit.reader import SceneReader


class GardenReader:
    """The garden's reader. size: side of the frames, 64 or 128."""

    patience = PATIENCE

    def __init__(self, size: int) -> None:
        self._reader = GardensOwn(size)
        self.size = size

    def rooms(self, game: BatchGame) -> NDArray[np.uint8]:
        """(B, 8, 8): the tiles of the rooms."""
        return self._truth(game).tiles

    def read(self, frames: NDArray[np.uint8], rooms: NDArray[np.uint8] | None = None) -> Seen:
        """Read (N, size, size, 3) uint8; rooms (N, 8, 8), if given."""
        reading = self._reader.read(frames, rooms)
        found = reading.player_found & (reading.player_count == 1)
        player = np.where(found[:, None], reading.player_xy, np.nan).astype(np.float64)
        return Seen(found, player, reading.valid, np.isnan(reading.creature_xy[:, :, 0]))

    def position(self, game: BatchGame) -> NDArray[np.float64]:
        """(B, 2): where the players are, in pixels at 64x64."""
        if not isinstance(game, Garden):
            raise TypeError("This reader knows the garden only.")
        return game.state.player.astype(np.float64)

    def exact(self, frames: NDArray[np.uint8], game: BatchGame) -> NDArray[np.bool_]:
        """(B,): the reading of the game's own frames is its state.

        The player's number, place and facing, hearts, score, grace, berries and tiles are equal; every creature of
        which at least SEEN pixels show stands where it does, and none is seen where there is none.
        """
        truth, reading = self._truth(game), self._reader.read(frames)
        same = reading.player_found & (reading.player_count == 1) & reading.readable
        same &= (reading.player_xy == truth.player_xy).all(axis=1) & (reading.facing == truth.facing)
        same &= (reading.hearts == truth.hearts) & (reading.score == truth.score) & (reading.grace == truth.grace)
        same &= (reading.berries == truth.berries).all(axis=(1, 2))
        same &= (reading.tiles[:, 1:] == truth.tiles[:, 1:]).all(axis=(1, 2))
        return np.asarray(same & _all_stand(truth, reading) & _all_stand(reading, truth))

    def _truth(self, game: BatchGame) -> Reading:
        if not isinstance(game, Garden):
            raise TypeError("This reader knows the garden only.")
        return visible_state(game, self.size)


def _all_stand(ones: Reading, others: Reading) -> NDArray[np.bool_]:
    """(N,): every creature that clearly shows in `ones` stands in `others` too; the two beetles (0, 1) are alike."""
    match = (ones.creature_xy[:, :, None] == others.creature_xy[:, None]).all(axis=3)
    match &= np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
    return np.asarray((match.any(axis=2) | (ones.creature_px < SEEN)).all(axis=1))


class KitReader:
    """The reader of a game that keeps its state in a reverie.games.kit table. size: side of the frames, 64 or 128.

    Raises UnknownGame for a game that is not built in.
    """

    def __init__(self, game: str, size: int) -> None:
        self._reader: SceneReader[Any] = registry.reader(game, size)
        self._game = registry.get(game)
        self.size = size
        self.patience = self._reader.patience

    def rooms(self, game: BatchGame) -> NDArray[np.uint8]:
        """(B, ...): what stays the same; without any numbers where nothing does."""
        return self._reader.rooms(self._state(game))

    def read(self, frames: NDArray[np.uint8], rooms: NDArray[np.uint8] | None = None) -> Seen:
        """Read (N, size, size, 3) uint8; rooms (N, ...), if given."""
        reading = self._reader.read(frames, rooms)
        return Seen(reading.found, reading.player_xy.astype(np.float64), reading.valid, reading.missing)

    def position(self, game: BatchGame) -> NDArray[np.float64]:
        """(B, 2): where the players are, in pixels at 64x64."""
        return self._reader.player(self._state(game)).astype(np.float64)

    def exact(self, frames: NDArray[np.uint8], game: BatchGame) -> NDArray[np.bool_]:
        """(B,): the reading of the game's own frames is all that its state shows."""
        reading = self._reader.read(frames)
        return reading.found & reading.readable & self._reader.exact(reading.view, self._state(game))

    def _state(self, game: BatchGame) -> Any:
        if not isinstance(game, HeartGame) or game.name != self._game.name:
            raise TypeError(f"This reader knows {self._game.name} only.")
        return game.state


def reader_of(game: str, size: int) -> StateReader:
    """The reader of a built-in game. Raises ValueError for a game that has none, or is not drawn at that size."""
    if not registry.has_reader(game):
        known = ", ".join(filter(registry.has_reader, registry.names()))
        raise ValueError(
            f"There is no state reader for {game!r}, so its dreams cannot be measured; there is one for {known}."
        )
    return GardenReader(size) if game == Garden.name else KitReader(game, size)
