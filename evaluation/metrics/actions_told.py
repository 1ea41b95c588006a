"""Whether the actions show in a dream as they show in the game, by a network that names them from two pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic

if TYPE_CHECKING:
    from reverie.evaluation.metrics.inverse_dynamics import InverseDynamics
    from reverie.evaluation.metrics.recorded_rollout import Moment

TOLD_FRAMES = 256
"""`actions_told` is taken over the first so many dreamt frames."""


class ActionsTold:
    """A watcher of rollouts. judge: None where there is none; all figures are None then.

    `action_accuracy`: share of the actions that the judge names right between two dreamt frames; `_real`: between the
    same two frames of the game; `_most_common`: share of the action that was pressed most. `actions_told`: the first
    over the second; in the entry itself over the frames 1 to TOLD_FRAMES.
    """

    def __init__(self, judge: InverseDynamics | None) -> None:
        self._judge = judge
        self._dreamt: list[NDArray[np.bool_]] = []
        self._real: list[NDArray[np.bool_]] = []
        self._actions: list[NDArray[np.int64]] = []

    def see(self, moment: Moment) -> None:
        """See Watcher."""
        self._actions.append(moment.actions)
        if self._judge is not None:
            told = self._judge.predict(
                np.concatenate([moment.dreamt_before, moment.real_before]),
                np.concatenate([moment.dreamt, moment.real]),
            ).reshape(2, -1)
            right = told == moment.actions
            self._dreamt.append(right[0])
            self._real.append(right[1])

    def segment(self, rows: slice, counted: NDArray[np.bool_]) -> dict[str, float | None]:
        """See Watcher."""
        if self._judge is None:
            return {"action_accuracy": None, "action_accuracy_real": None, "actions_told": None}
        chosen = counted[rows]
        dreamt, real = (arithmetic.mean_or_none(np.stack(right)[rows][chosen]) for right in (self._dreamt, self._real))
        told = dreamt / real if dreamt is not None and real else None
        return {"action_accuracy": dreamt, "action_accuracy_real": real, "actions_told": told}

    def result(self, counted: NDArray[np.bool_]) -> dict[str, Any]:
        """See Watcher."""
        pressed = np.bincount(np.stack(self._actions)[counted], minlength=1)
        known = self._judge is not None and pressed.sum()
        figures = self.segment(slice(None), counted)
        figures["actions_told"] = self.segment(slice(TOLD_FRAMES), counted)["actions_told"]
        return figures | {"action_accuracy_most_common": float(pressed.max() / pressed.sum()) if known else None}
