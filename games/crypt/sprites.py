"""What stands in the crypt, as grids of letters of 16 x 16 pixels: a glowing gem, the wraith that hunts, the bat."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

GEM, WRAITH, BAT = range(3)
_PALETTE = {
    "g": "#0e6b58", "G": "#1fc79a", "y": "#9dffe0", "w": "#ffffff",
    "k": "#1a0f2b", "p": "#4a2d7a", "P": "#8a5fd0", "l": "#cdb4ff", "r": "#ff4a4a", "R": "#ffd0a0",
    "b": "#241a14", "B": "#6b4a34", "o": "#b07a4c", "e": "#ffe35a",
}  # fmt: skip
_GRIDS = (
    "................ ................ ................ ................ .......gg....... ......gGGg...... "
    ".....gGyyGg..... ....gGywwyGg.... ...gGyywwyyGg... ...gGGyyyyGGg... ....gGGyyGGg.... .....gGGGGg..... "
    "......gGGg...... .......gg....... ................ ................",
    "......kkkk...... ....kkppppkk.... ...kppPPPPppk... ..kpPPllllPPpk.. ..kpPlllllllPk.. ..kPlrrllrrlPk.. "
    "..kPlrRllrRlPk.. ..kPlllllllllk.. ..kpPlkkkklPpk.. ..kpPPlkklPPpk.. .kpPPPllllPPPpk. .kpPPPPPPPPPPpk. "
    ".kppPPPPPPPPppk. ..kpkpPPPPpkpk.. ..k.kppkkppk.k.. ....k.kk..kk....",
    "................ ................ b..............b bB............Bb bBB...bb...BBb. bBoB.boob.BoBb. "
    "bBooBboooobBooBb bBooooeooeooooBb .bBoooooooooobb. ..bBoobbbboobb.. ...bBooooooBb... ....bBoooBb..... "
    ".....bb..bb..... ................ ................ ................",
)


@lru_cache(maxsize=1)
def sprites() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Colours (3, 16, 16, 3) float32 0..255, and which pixels are there (3, 16, 16)."""
    colours, there = np.zeros((3, 16, 16, 3), np.float32), np.zeros((3, 16, 16), np.bool_)
    for number, grid in enumerate(_GRIDS):
        for y, row in enumerate(grid.split()):
            for x, letter in enumerate(row[:16]):
                if letter != ".":
                    code = _PALETTE[letter]
                    colours[number, y, x] = [int(code[i : i + 2], 16) for i in (1, 3, 5)]
                    there[number, y, x] = True
    return colours, there


ICON = "bbbbbbbb bbbggbbb bbgGGgbb bgGyyGgb bgGyyGgb bbgGGgbb bbbggbbb bbbbbbbb"
"""The gem in the strip beside the score."""
ICON_COLOURS = (("b", "#0c1120"), ("g", "#0e6b58"), ("G", "#1fc79a"), ("y", "#9dffe0"))
