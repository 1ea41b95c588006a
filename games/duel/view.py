"""What a picture of the comet duel shows, and where things stand."""

from __future__ import annotations

from dataclasses import dataclass, field

from reverie.games.base import Ints
from reverie.games.kit.state import View, array

TOP = 8
MINE_X, THEIRS_X = 2, 58
WIDTH, HEIGHT = 4, 12
"""Sides of a station, px."""
COMET = 4
NEAREST, FARTHEST = MINE_X + WIDTH, THEIRS_X - COMET
"""Where the comet touches either station."""


@dataclass
class DuelView(View):
    """mine, theirs (B,): y of the stations; comet (B, 2) x and y."""

    mine: Ints = field(metadata=array())
    theirs: Ints = field(metadata=array())
    comet: Ints = field(metadata=array(2))
