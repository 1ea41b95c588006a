"""What a picture of the stained glass shows, and where things stand."""

from __future__ import annotations

from dataclasses import dataclass, field

from reverie.games.base import Ints
from reverie.games.kit.state import View, array

COLUMNS, ROWS = 8, 6
"""Panes are 8x4 px."""
FIELD_TOP, PANES_TOP = 8, 16
SPARK = 4
"""Side of the spark, px."""
MIRROR_Y, WIDTH = 58, 12


@dataclass
class BricksView(View):
    """panes (B, 6, 8): 1 where one is; mirror (B,) x; spark (B, 2) x and y; held (B,): 1 while it rests unlit."""

    panes: Ints = field(metadata=array(ROWS, COLUMNS))
    mirror: Ints = field(metadata=array())
    spark: Ints = field(metadata=array(2))
    held: Ints = field(metadata=array())
