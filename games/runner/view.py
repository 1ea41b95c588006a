"""What a picture of the rooftop runner shows, and where things stand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from reverie.games.base import Bools, Ints
from reverie.games.kit.state import View, array

COLUMNS = 9
"""So many columns of 8 px are in sight, the first and the last in part; column i begins at x = 8 * i - phase."""
PHASES = (2, 4, 6, 8)
ROOF, CHIMNEY, GAP, OWL, LOW_MOTH, HIGH_MOTH = range(6)
"""What there is in a column of the roof."""
KINDS = 6
TOP = (0, 40, 48, 32, 38, 20)
"""The y at which each of them begins."""
RUNNER_X, RUNNER_Y = 16, 36
"""Where the runner's 8x12 px begin when it runs."""
HEIGHTS = np.array([0, 4, 8, 12, 14, 16, 18, 20, 20, 18, 16, 14, 12, 8, 4])
"""How high the runner is, px, in each tick of a jump; 0 is the run."""
AIR = len(HEIGHTS)
TURN = AIR // 2
"""From the tick after this one on a jump goes down."""


@dataclass
class RunnerView(View):
    """phase (B,): 2, 4, 6 or 8 px of the first column are out of sight; columns (B, 9): what there is in each, ROOF in
    one that is out of sight; air (B,): 0 on the roof, 1..14 the tick of a jump; low (B,): 1 while crouching."""

    phase: Ints = field(metadata=array())
    columns: Ints = field(metadata=array(COLUMNS))
    air: Ints = field(metadata=array())
    low: Ints = field(metadata=array())


def ahead(view: RunnerView) -> Ints:
    """(B, 9): how far to the right of the runner each column is, px."""
    return np.asarray(8 * np.arange(COLUMNS) - view.phase[:, None] - RUNNER_X)


def struck(view: RunnerView) -> Bools:
    """Who (B,) runs into a chimney or an owl, or off the roof."""
    far, height = ahead(view), HEIGHTS[view.air][:, None]
    near = np.abs(far) <= 4
    hit = (view.columns == CHIMNEY) & near & (height < 8)
    hit |= (view.columns == OWL) & near & (height < 14) & (view.low == 0)[:, None]
    gap = view.columns == GAP
    left, right = (((far <= foot) & (far + 7 >= foot) & gap).any(axis=1) for foot in (2, 5))
    return np.asarray(hit.any(axis=1) | (left & right & (view.air == 0)))


def caught(view: RunnerView) -> Bools:
    """(B, 9): the moths that the runner touches."""
    height = HEIGHTS[view.air][:, None]
    touches = np.where(view.columns == LOW_MOTH, height <= 8, (view.columns == HIGH_MOTH) & (height >= 12))
    return np.asarray(touches & (np.abs(ahead(view)) <= 6))
