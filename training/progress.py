"""The figures of a training as they came: what its curves are drawn from. They lie beside the run, as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reverie.training.loop.checkpoint import write_json
from reverie.training.loop.train import Moment

FILE = "progress.json"
MOST_POINTS = 1500
"""Points of a stage; of more, every second one is left out."""


@dataclass(frozen=True)
class Point:
    """The figures at one moment. stage: its name. step: of the stage. seconds: training time of the stage.

    held_out: whether they are figures on held-out data.
    """

    stage: str
    step: int
    seconds: float
    figures: dict[str, float]
    held_out: bool = False


@dataclass
class History:
    """All points of a run, in the order in which they came."""

    points: list[Point] = field(default_factory=list)

    @staticmethod
    def read(run: Path) -> History:
        """That of a run folder; empty where there is none that can be read, for nothing depends on it."""
        try:
            content = json.loads((run / FILE).read_text(encoding="utf-8"))
            points = [Point(**{**point, "figures": _numbers(point["figures"])}) for point in content["points"]]
            return History([point for point in points if point.seconds >= 0 and point.step >= 0])
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return History()

    def write(self, run: Path) -> None:
        """Write it whole. Raises OSError."""
        write_json(run / FILE, {"points": [asdict(point) for point in self.points]})

    def add(self, moment: Moment) -> None:
        """Add what a moment says. Points that a killed process had made after its last checkpoint are forgotten."""
        new = {held_out for held_out in (False, True) if (moment.held_out if held_out else moment.figures)}

        def stays(point: Point) -> bool:
            before = point.step < moment.step or (point.step == moment.step and point.held_out not in new)
            return point.stage != moment.stage or before

        self.points = list(filter(stays, self.points))
        now = (moment.stage, moment.step, round(moment.seconds, 1))
        if moment.figures:
            self.points.append(Point(*now, _numbers(moment.figures)))
        if moment.held_out:
            self.points.append(Point(*now, _numbers(moment.held_out), held_out=True))
        mine = [p for p in self.points if p.stage == moment.stage and not p.held_out]
        if len(mine) > MOST_POINTS:
            left_out = {id(p) for p in mine[1:-1:2]}
            self.points = [p for p in self.points if id(p) not in left_out]


def _numbers(figures: dict[str, Any]) -> dict[str, float]:
    """Figures as plain numbers; one that is a table by game becomes one for each, and what is no number is left out."""
    flat = {}
    for name, value in figures.items():
        for game, number in value.items() if isinstance(value, dict) else [("", value)]:
            if math.isfinite(float(number)):
                flat[f"{name} {game}".strip()] = float(number)
    return flat
