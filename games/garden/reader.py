"""Reading the garden's state off its pictures, by analysis and synthesis: what was found is drawn and compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.garden import art
from reverie.games.garden.layout import ARCH, BERRY, BLANK, FLOOR, PAD, PLANTER
from reverie.games.garden.reading import SEEN, Reading, sort_beetles
from reverie.games.garden.rules import CREATURES, WISP
from reverie.games.garden.search import PLACES, SIDE, Floats, Match, Templates, features
from reverie.games.kit.art import to_rgb, walk_frame
from reverie.games.kit.reader import RESIDUAL_LIMIT
from reverie.games.kit.state import HEARTS
from reverie.games.kit.strip_reader import grace_of

PATIENCE = 8
"""In pictures in order, a creature may stay out of sight for so many frames; in the game it does for two or three."""
_CHUNK = 32
_PLAYER_ERROR = 3000.0  # mean squared error per px, RGB summed: 32 a channel
_CREATURE_ERROR = 4000.0
_CREATURE_GAIN = 1500.0
_FEWEST = 2
_CAP = 4000.0
_KINDS = 8
_WALKABLE = np.isin(np.arange(9), (FLOOR, PAD, PLANTER, BERRY))


@dataclass
class _Found:
    """A sprite in some of N pictures: found (N,), place (N, 2) px at 64x64, sprite (N,) ids, px (N,) uncovered."""

    found: Bools
    place: Ints
    sprite: Ints
    px: Ints


class Reader:
    """Reads pictures of one size (64, 128 or 256). Raises ValueError for another."""

    def __init__(self, size: int) -> None:
        if size not in (64, 128, 256):
            raise ValueError(f"The garden is read at 64, 128 and 256 pixels, not at {size}.")
        self.size = size
        self._player = Templates(size, (0, 2, 4, 6))
        self._wisp = Templates(size, (art.WISP,))
        self._beetle = Templates(size, (art.BEETLE,))
        step = size // SIDE
        small = art.atlas(size).tiles[:, ::step, ::step]
        self._tiles = to_rgb(np.ascontiguousarray(small)).astype(np.float32)

    def read(self, frames: NDArray[np.uint8], room: NDArray[np.uint8] | None = None) -> Reading:
        """Read frames (N, size, size, 3) uint8.

        room: the tiles (8, 8), or (N, 8, 8), that the pictures should show; where walls moved, they are not valid.
        Raises ValueError for frames of another shape or type.
        """
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.shape[1:] != (self.size, self.size, 3):
            wanted = f"(N, {self.size}, {self.size}, 3)"
            raise ValueError(f"This reader needs uint8 frames of shape {wanted}, not {frames.dtype} {frames.shape}.")
        if len(frames) == 0:
            raise ValueError("There is no frame to read.")
        rooms = None if room is None else np.broadcast_to(room, (len(frames), 8, 8))
        parts = []
        for i in range(0, len(frames), _CHUNK):
            part = slice(i, i + _CHUNK)
            parts.append(self._read(frames[part], None if rooms is None else rooms[part]))
        return Reading.join(parts)

    def _read(self, frames: NDArray[np.uint8], rooms: NDArray[np.uint8] | None) -> Reading:
        n, step = len(frames), self.size // SIDE
        small = frames[:, ::step, ::step].astype(np.float32)
        costs = self._tile_costs(small)
        tiles = costs.sum(axis=3).argmin(axis=2).astype(np.uint8)
        player, count, sprites, seen = self._find(small, tiles)
        again = self._judge_tiles(costs, seen)
        changed = np.flatnonzero((again != tiles).any(axis=1))
        tiles = again
        if len(changed):
            # What stood on a tile misled the first look at it: look for the sprites again on the right ground.
            redone = self._find(small[changed], tiles[changed])
            count[changed], seen[changed] = redone[1], redone[3]
            for old, new in zip([player, *sprites], [redone[0], *redone[2]], strict=True):
                for name in ("found", "place", "sprite", "px"):
                    getattr(old, name)[changed] = getattr(new, name)
        hearts, score, grace, readable = self._hud(small)
        ids = np.full((n, 64), BLANK, np.uint8)
        ids[:, 8:] = tiles
        berries = ids == BERRY
        kinds = np.where(berries, PLANTER, ids).astype(np.uint8).reshape(n, 8, 8)
        residual = self._residual(frames, ids, (hearts, score, grace), player, sprites)
        xy = np.stack([np.where(s.found[:, None], s.place * step, np.nan) for s in sprites], axis=1).astype(np.float32)
        xy, px = sort_beetles(xy, np.stack([np.where(s.found, s.px, 0) for s in sprites], axis=1))
        visible = (px > 0).sum(axis=1)
        missing = CREATURES - visible
        valid = player.found & (count == 1) & readable & (residual <= RESIDUAL_LIMIT)
        valid &= self._stands_free(ids, player) & (missing <= self._hiding_places(kinds, sprites))
        if rooms is not None:
            # A tile that sprites cover almost wholly says nothing about walls.
            open_px = seen[:, 8:].reshape(n, 7, 8, 8, 8).sum(axis=(2, 4)) + 64 * (kinds[:, 1:] == ARCH)
            valid &= ((kinds[:, 1:] == rooms[:, 1:]) | (open_px < 16)).all(axis=(1, 2))
        return Reading(
            player_found=player.found,
            player_count=count,
            player_xy=np.where(player.found[:, None], player.place * step, np.nan).astype(np.float32),
            facing=player.sprite // 2,
            creature_xy=xy,
            creature_px=px,
            visible=visible,
            berries=berries.reshape(n, 8, 8),
            tiles=kinds,
            hearts=hearts,
            score=score,
            grace=grace,
            readable=readable,
            residual=residual,
            valid=valid,
        )

    def _tile_costs(self, small: Floats) -> Floats:
        """(N, 56, 8, 64): capped squared error of every px of every field tile against the eight kinds."""
        n = len(small)
        cells = small[:, 8:].reshape(n, 7, 8, 8, 8, 3).transpose(0, 1, 3, 2, 4, 5).reshape(n, 56, 1, 64, 3)
        costs = np.zeros((n, 56, _KINDS, 64), np.float32)
        for channel in range(3):
            costs += (cells[..., channel] - self._tiles[:_KINDS, :, :, channel].reshape(_KINDS, 64)) ** 2
        return np.minimum(costs, _CAP, out=costs)

    @staticmethod
    def _judge_tiles(costs: Floats, seen: Bools) -> NDArray[np.uint8]:
        """The kinds (N, 56) by the px that no sprite covers.

        There are two berries: where one is wanting, a planter of which nothing tells whether it bears one does.
        """
        n = len(costs)
        shown = seen[:, 8:].reshape(n, 7, 8, 8, 8).transpose(0, 1, 3, 2, 4).reshape(n, 56, 64, 1).astype(np.float32)
        totals = (costs @ shown)[..., 0]
        kinds: NDArray[np.uint8] = totals.argmin(axis=2).astype(np.uint8)
        open_question = (kinds == PLANTER) & (np.abs(totals[:, :, BERRY] - totals[:, :, PLANTER]) < 1)
        for row in np.flatnonzero(open_question.any(axis=1)):
            wanting = max(0, 2 - int((kinds[row] == BERRY).sum()))
            kinds[row, np.flatnonzero(open_question[row])[:wanting]] = BERRY
        return kinds

    def _find(self, small: Floats, tiles: NDArray[np.uint8]) -> tuple[_Found, Ints, list[_Found], Bools]:
        """The player, how many there are (0, 1, 2), the creatures, and the px (N, 64, 64) that no sprite covers."""
        n = len(small)
        ids = np.full((n, 64), BLANK, np.uint8)
        ids[:, 8:] = tiles
        kinds = ids.reshape(n, 8, 8)
        ground = np.ascontiguousarray(self._tiles[kinds].transpose(0, 1, 3, 2, 4, 5)).reshape(n, SIDE, SIDE, 3)
        seen = np.ones((n, SIDE, SIDE), np.bool_)
        pixels = features(small, ground)
        player, count = self._find_player(self._player.match(pixels, seen))
        self._hide(self._player, seen, player)
        arch = np.repeat(np.repeat(kinds == ARCH, 8, axis=1), 8, axis=2)
        free = seen & ~arch
        sprites = []
        for templates in (self._wisp, self._beetle, self._beetle):
            match = templates.match(pixels, free)
            sprite = self._find_creature(match, templates.ids[0])
            self._hide(templates, free, sprite)
            sprites.append(sprite)
        return player, count, [sprites[1], sprites[2], sprites[0]], free | arch

    @staticmethod
    def _find_player(match: Match) -> tuple[_Found, Ints]:
        n = len(match.error)
        rows = np.arange(n)
        mean = match.mean.reshape(n, -1)
        best = mean.argmin(axis=1)
        place = PLACES[best // 4]
        found = mean[rows, best] < _PLAYER_ERROR
        near = (np.abs(PLACES - place[:, None]) < 6).all(axis=2)
        others = (match.mean.min(axis=2) < _PLAYER_ERROR) & ~near
        sprite = best % 4 * 2 + walk_frame(place)
        return _Found(found, place, sprite, match.count.reshape(n, -1)[rows, best].astype(np.int64)), (
            found.astype(np.int64) + (found & others.any(axis=1))
        )

    @staticmethod
    def _find_creature(match: Match, first: int) -> _Found:
        """The one whose presence explains most of the picture."""
        rows = np.arange(len(match.error))
        gain = (match.without - match.error)[..., 0]
        count = match.count[..., 0]
        good = (count >= _FEWEST) & (match.mean[..., 0] < _CREATURE_ERROR) & (gain > _CREATURE_GAIN * count)
        gain = np.where(good, gain, -np.inf)
        best = gain.argmax(axis=1)
        place = PLACES[best]
        found: Bools = np.isfinite(gain[rows, best])
        return _Found(found, place, first + walk_frame(place), count[rows, best].astype(np.int64))

    @staticmethod
    def _hide(templates: Templates, seen: Bools, sprite: _Found) -> None:
        rows = np.flatnonzero(sprite.found)
        templates.hide(seen, rows, sprite.sprite[rows], sprite.place[rows])

    def _hud(self, small: Floats) -> tuple[Ints, Ints, Ints, Bools]:
        """Hearts, score, grace (N,) and whether the first two are readable (N,)."""
        cells = small[:, :8].reshape(len(small), 8, 8, 8, 3).transpose(0, 2, 1, 3, 4)
        gap = np.abs(cells[:, :, None] - self._tiles[art.HEART_FULL : art.BAR]).mean(axis=(3, 4, 5))
        halves = self._tiles[[BLANK, *range(art.BAR, art.TILES)]]
        bar = np.abs(cells[:, 3:5, None] - halves).mean(axis=(3, 4, 5))
        full = gap[:, :3, 0] < gap[:, :3, 1]
        hearts = full.sum(axis=1)
        first = art.DIGIT - art.HEART_FULL
        digits = gap[:, 6:, first:]
        tens, ones = digits.argmin(axis=2).T
        clear = (gap[:, :3, :2].min(axis=2) <= RESIDUAL_LIMIT).all(axis=1)
        clear &= (digits.min(axis=2) <= RESIDUAL_LIMIT).all(axis=1)
        lawful = (hearts >= 1) & (full == (np.arange(HEARTS) < hearts[:, None])).all(axis=1)
        return hearts, tens * 10 + ones, grace_of(bar), clear & lawful

    def _residual(
        self,
        frames: NDArray[np.uint8],
        ids: NDArray[np.uint8],
        strip: tuple[Ints, Ints, Ints],
        player: _Found,
        sprites: list[_Found],
    ) -> NDArray[np.float32]:
        """Mean absolute error in the worst patch of a tile's size, at every half tile. strip: hearts, score, grace."""
        n = len(frames)
        none = np.full((n, 2), -1)
        picture = art.draw_tiles(self.size, art.tile_ids(ids.reshape(n, 8, 8), none, *strip))
        # The second beetle was found beneath the first.
        for one in (sprites[1], sprites[0], sprites[WISP], player):
            rows = np.flatnonzero(one.found)
            art.draw_sprites(picture, rows, one.sprite[rows], one.place[rows])
            if one is sprites[WISP]:
                art.cover(picture, *np.nonzero(ids == ARCH))
        wrong = np.abs(frames.astype(np.int16) - to_rgb(picture)).sum(axis=3, dtype=np.int32)
        half = self.size // 16
        blocks = wrong.reshape(n, 16, half, 16, half).sum(axis=(2, 4))
        patches = blocks[:, 1:, 1:] + blocks[:, :-1, 1:] + blocks[:, 1:, :-1] + blocks[:, :-1, :-1]
        worst: NDArray[np.float32] = (patches.max(axis=(1, 2)) / (3 * 4 * half * half)).astype(np.float32)
        return worst

    @staticmethod
    def _stands_free(ids: NDArray[np.uint8], player: _Found) -> Bools:
        """Whether all tiles under the player can be walked on."""
        rows = np.arange(len(ids))
        first, last = player.place // 8, (player.place + 7) // 8
        walkable = _WALKABLE[ids]
        free: Bools = walkable[rows, first[:, 1] * 8 + first[:, 0]] & walkable[rows, last[:, 1] * 8 + last[:, 0]]
        return free

    @staticmethod
    def _hiding_places(kinds: NDArray[np.uint8], sprites: list[_Found]) -> Ints:
        """How many creatures (N,) could be out of sight: one behind each archway, one beneath a pair that overlaps."""
        beneath = sprites[0].found & (sprites[0].px >= SEEN)
        places: Ints = (kinds == ARCH).sum(axis=(1, 2)) + beneath
        return places
