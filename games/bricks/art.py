"""The stained glass, drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reverie.games.bricks.view import MIRROR_Y, PANES_TOP, ROWS, BricksView
from reverie.games.kit import art
from reverie.games.kit.art import Pixels

_STONE = {
    "a": "#2a2542",
    "b": "#1d1a31",
    "c": "#373056",
    "n": "#0d1834",
    "l": "#1d2c58",
    "s": "#8fa8e0",
    "t": "#3c5290",
}
_GLASS = (
    ("#ffb3ac", "#ff5a5f", "#d6263f", "#8a1436"),
    ("#ffe0a8", "#ffa64a", "#e8722a", "#9a3f1e"),
    ("#fff6c2", "#ffe066", "#dfae2c", "#8f6a1e"),
    ("#d2ffc8", "#74dd7a", "#35a556", "#1d6647"),
    ("#c8f4ff", "#62c8f5", "#2d86cf", "#1f4f8f"),
    ("#f0d2ff", "#c488f2", "#8a4fc4", "#552a85"),
)
"""Glint, light, body and shade of each row of panes."""
_LEAD = "#0a0d18"
_PANE = "wllllllk lbbbbbdk lbbbbddk kkkkkkkk"
_PANE_LARGE = """wwlllllllllllldk wllbbbbbblbbbbdk llbbbbbblbbbbbdk lbbbbbblbbbbbbdk
lbbbbblbbbbbbddk lbbbblbbbbbbdddk ldddddddddddddak kkkkkkkkkkkkkkkk"""
_SKY = "nnnnnnnl nnntnnnl nnnnnnnl llllllll"
_SKY_LARGE = """nnnnnnnnnnnnnnnl nnnnnnnnnnntnnnl nnntnnnnnnnnnnnl nntstnnnnnnnnnnl
nnntnnnnnnnnnnnl nnnnnnnnnnnnntnl nnnnnnntnnnnnnnl llllllllllllllll"""
_WALL = "aaaaaaab aaaaaaab aaaaaaab bbbbbbbb aaabaaaa aaabaaaa aaabaaaa bbbbbbbb"
_WALL_LARGE = """ccccccccccccccab caaaaaaaaaaaaaab caaaaaaaaaaaaaab caaaaaaacaaaaaab
caaaaaaaaaaaaaab caaacaaaaaaaaaab aaaaaaaaaaaaaaab bbbbbbbbbbbbbbbb
ccccccabcccccccc aaaaaaabcaaaaaaa aaacaaabcaaaaaaa aaaaaaabcaaaaaaa
aaaaaaabcaaaacaa aaaaaaabcaaaaaaa aaaaaaabaaaaaaaa bbbbbbbbbbbbbbbb"""
_THINGS = {"w": "#ffffff", "y": "#fff27a", "o": "#ff9326", "s": "#8a93b8", "d": "#59608a", "z": "#3a4066"} | {
    "1": "#e9f4ff",
    "2": "#a8bede",
    "3": "#6a7fae",
    "4": "#3d4a78",
    "g": "#e8c85a",
    "G": "#9a7430",
    "b": "#0c1120",
    "r": "#d6263f",
    "c": "#62c8f5",
    "v": "#8a4fc4",
}
_LIT = ".yy. ywwy yowo .oo."
_UNLIT = ".ss. sssd sddz .zz."
_LIT_LARGE = "..yyyy.. .yywwyy. yywwwwyy ywwwwwyo ywwwwwyo yywwwyoo .yyyyoo. ..oooo.."
_UNLIT_LARGE = "..ssss.. .s11ssd. s11sssdd s1ssssdz sssssddz sssdddzz .ddddzz. ..zzzz.."
_MIRROR = "g1111111111g G2222222222G G3222222223G .G44444444G."
_MIRROR_LARGE = """.gg1111111111111111111g. gg111111111111111111111g gG222222222122222222222G GG222222221222222222222G
GG322222212222222222223G GG333333333333333333333G .GG3444444444444444443G. ...GGGGGGGGGGGGGGGGGG..."""
_ICON = "bbbbbbbb brrrkcck brrrkcck bkkkkkkk bvvvkggk bvvvkggk bkkkkkkk bbbbbbbb".replace("k", "b")


@dataclass(frozen=True)
class Atlas:
    """Art at one size.

    wall (S, S), panes (6, h, w) a row each, sky (h, w) where one is broken, spark (2, q, q) lit
    and unlit, mirror (1, h, w), glyphs: see kit.art.
    """

    wall: Pixels
    panes: Pixels
    sky: Pixels
    spark: Pixels
    mirror: Pixels
    glyphs: Pixels


@lru_cache(maxsize=2)
def atlas(size: int) -> Atlas:
    """The art for frames of size x size px (64 or 128)."""
    large = size == 128
    pane = _PANE_LARGE if large else _PANE
    glass = [dict(zip("wlbdk", (*row, _LEAD), strict=True)) | {"a": row[3]} for row in _GLASS]
    sparks = (_LIT_LARGE, _UNLIT_LARGE) if large else (_LIT, _UNLIT)
    return Atlas(
        wall=np.tile(art.parse(_WALL_LARGE if large else _WALL, _STONE), (8, 8)),
        panes=np.stack([art.parse(pane, colours) for colours in glass]),
        sky=art.parse(_SKY_LARGE if large else _SKY, _STONE),
        spark=np.stack([art.parse(grid, _THINGS) for grid in sparks]),
        mirror=art.parse(_MIRROR_LARGE if large else _MIRROR, _THINGS)[None],
        glyphs=art.hud_glyphs(size, _ICON, tuple(_THINGS.items())),
    )


def draw_panes(size: int, panes: NDArray[np.int64]) -> Pixels:
    """Walls with panes (N, 6, 8), without anything that moves: (N, size, size)."""
    a, n = atlas(size), len(panes)
    picture = np.tile(a.wall, (n, 1, 1))
    height = a.panes.shape[1]
    top = PANES_TOP * size // 64
    shown = (panes == 1)[:, :, None, :, None]
    glass = np.where(shown, a.panes[None, :, :, None, :], a.sky[:, None, :])
    picture[:, top : top + ROWS * height] = glass.reshape(n, ROWS * height, size)
    return picture


def draw(size: int, view: BricksView) -> NDArray[np.uint8]:
    """Pictures (N, size, size, 3) uint8 RGB of N states."""
    a, rows = atlas(size), np.arange(len(view.mirror))
    picture = draw_panes(size, view.panes)
    mirror = np.stack([view.mirror, np.full_like(view.mirror, MIRROR_Y)], axis=1)
    art.blit(picture, rows, a.mirror, np.zeros_like(rows), mirror)
    art.blit(picture, rows, a.spark, view.held, view.spark)
    art.hud(picture, view, a.glyphs)
    return art.to_rgb(picture)
