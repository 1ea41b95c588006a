"""Predicts one frame at a time from true histories, for a family of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.engine.dream_batch import DreamBatch

if TYPE_CHECKING:
    from reverie.evaluation.subjects.bundle_subject import BundleSubject

Representation = NDArray[Any]


class DreamTeacher:
    """A batch of true histories. The next frame is predicted at temperature 0, where the family has a temperature."""

    def __init__(self, subject: BundleSubject, batch: int) -> None:
        self._dream = DreamBatch(subject.bundle, batch, game=subject.game, **subject.choices)
        if "temperature" in self._dream.settings:
            self._dream.change(temperature=0.0)
        self._dynamics = subject.bundle.dynamics
        self._noise = self._dynamics.arrays.keys_of(range(batch))

    def step(self, z: Representation, actions: NDArray[np.int64]) -> DreamPrediction:
        """Push the true frame (B, ...) with the action (B,) taken in it, and predict the frame that follows."""
        self._dream.show(z)
        context = self._dream.advance(actions)
        noise, self._noise = self._noise, self._dynamics.arrays.next_keys(self._noise)
        predicted = self._dynamics.predict(context, noise, self._dream.settings)
        numpy = self._dynamics.arrays.numpy
        outcome = (numpy(predicted.rewards), numpy(predicted.ended)) if self._dynamics.predicts_outcome else None
        return DreamPrediction(numpy(predicted.z), outcome)


class DreamPrediction(NamedTuple):
    """The predicted frame (B, ...), and the predicted rewards (B,) and ends (B,) of the step to it."""

    z: Representation
    predicted: tuple[NDArray[np.float32], NDArray[np.bool_]] | None

    def most_likely(self) -> Representation:
        """Return the predicted frame, (B, ...)."""
        return self.z

    def outcome(self, truth: Representation) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
        """Return reward (B,) and end (B,) of the step to the predicted frame, whatever the true one is."""
        return self.predicted
