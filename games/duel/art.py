"""The comet duel, drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reverie.games.duel.view import MINE_X, THEIRS_X, DuelView
from reverie.games.kit import art
from reverie.games.kit.art import Pixels, colour

_NIGHT = "#0b1026"
_STARS = ("#33406e", "#7d8cc4", "#e6ecff")
_PLANET = ("#2a1742", "#4d2466", "#8a3a7c", "#c8607c", "#f0a17c")
_RING = ("#5a4a86", "#b9a3d6")
_PLACES = ((5, 14, 1), (14, 27, 0), (12, 52, 2), (22, 13, 0), (29, 59, 1), (41, 12, 2), (52, 21, 0), (49, 54, 1))
"""Stars: x, y and how bright."""
_COLOURS = {
    "k": "#2a130a",
    "z": "#8a3412",
    "o": "#e8722a",
    "O": "#ffb85c",
    "y": "#fff27a",
    "Y": "#fffbd0",
    "w": "#ffe7c0",
    "b": "#0c1120",
    "i": "#8df4ff",
    "I": "#f4ffff",
    "u": "#35b6d8",
    "U": "#1b6c98",
}
_COLD = {"k": "#0a1a2a", "z": "#1b4a78", "o": "#2d86cf", "O": "#62c8f5", "y": "#b6fff0", "Y": "#f0fffb", "w": "#d8f0ff"}
_STATION = ".zoy kzOy koOy kowy koOy kzOy kzOy koOy kowy koOy kzOy .zoy"
_END = "...kzooy ..kzoOyY .kzoOOyY kzooOOyY"
_WINDOW = "kzooOOyY kzowwOyY kzowwOyY kzooOOyY"
_WAIST = "kkzzoOyY kkkzzOyY kkkzzOyY kkzzoOyY"
_STATION_LARGE = (
    f"{_END} {_WINDOW} {_WAIST} {' '.join(reversed(_WAIST.split()))} {_WINDOW} {' '.join(reversed(_END.split()))}"
)
_COMET = ".ii. iIIu iIiu .uu."
_COMET_LARGE = "..iiii.. .iIIIii. iIIIIIiu iIIIIiuu iIIIiiuu iiIiiuuU .iuuuUU. ..uUUU.."
_ICON = "bbbbbbbb bbbbuubb bUUuiIib bbbUiIIu bUUUiIIu bbbbuiib bUUuuubb bbbbbbbb"


@dataclass(frozen=True)
class Atlas:
    """Art at one size: sky (S, S), stations (2, h, w) mine and theirs, comet (1, q, q), glyphs: see kit.art."""

    sky: Pixels
    stations: Pixels
    comet: Pixels
    glyphs: Pixels


def _sky(size: int) -> Pixels:
    """A few stars and a planet with a ring."""
    scale = size // 64
    sky = np.full((size, size), colour(_NIGHT))
    for x, y, bright in _PLACES:
        at_y, at_x = y * scale, x * scale
        if scale == 2:
            # At the large size a star has arms.
            sky[at_y, at_x - 1 : at_x + 2] = sky[at_y - 1 : at_y + 2, at_x] = colour(_STARS[max(bright - 1, 0)])
        sky[at_y, at_x] = colour(_STARS[bright])
    y, x = (np.mgrid[:size, :size] + 0.5) / scale - np.array([36, 32])[:, None, None]
    light = np.digitize(-(0.55 * x + 0.75 * y) / 9.5 + 0.12 * np.sin(1.9 * y + 0.4 * x), (-0.55, -0.15, 0.25, 0.65))
    inside = np.hypot(x, y) < 9.5
    sky[inside] = np.array([colour(code) for code in _PLANET])[light[inside]]
    ring = np.abs(np.hypot(x / 15.5, (y - 0.28 * x) / 3.6) - 1) < 0.17
    shown = ring & (~inside | (y > 0.28 * x))
    sky[shown] = np.array([colour(code) for code in _RING])[(x < 4).astype(int)[shown]]
    return sky


@lru_cache(maxsize=2)
def atlas(size: int) -> Atlas:
    """The art for frames of size x size px (64 or 128)."""
    large = size == 128
    station = _STATION_LARGE if large else _STATION
    return Atlas(
        sky=_sky(size),
        stations=np.stack([art.parse(station, _COLOURS), art.parse(station, _COLD)[:, ::-1]]),
        comet=art.parse(_COMET_LARGE if large else _COMET, _COLOURS)[None],
        glyphs=art.hud_glyphs(size, _ICON, tuple(_COLOURS.items())),
    )


def draw(size: int, view: DuelView) -> NDArray[np.uint8]:
    """Pictures (N, size, size, 3) uint8 RGB of N states."""
    a, rows = atlas(size), np.arange(len(view.mine))
    picture = np.tile(a.sky, (len(rows), 1, 1))
    for which, (x, y) in enumerate(((MINE_X, view.mine), (THEIRS_X, view.theirs))):
        art.blit(picture, rows, a.stations, np.full_like(rows, which), np.stack([np.full_like(y, x), y], axis=1))
    art.blit(picture, rows, a.comet, np.zeros_like(rows), view.comet)
    art.hud(picture, view, a.glyphs)
    return art.to_rgb(picture)
