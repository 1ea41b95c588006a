"""True histories pushed through the bundle's own ring, and what the bundle says of the next tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from reverie.engine.dream_batch import DreamBatch
from reverie.engine.tokens.graph_dynamics import GraphDynamics, TokenContext

if TYPE_CHECKING:
    from reverie.evaluation.subjects.bundle_subject import BundleSubject


class TokenTeacher:
    """A batch of true histories, predicted on by one frame at a time."""

    def __init__(self, subject: BundleSubject, batch: int) -> None:
        self._dream, self._mode = DreamBatch(subject.bundle, batch, game=subject.game, mode=subject.mode), subject.mode

    def step(self, z: NDArray[np.int64], actions: NDArray[np.int64]) -> BundlePrediction:
        """Push the true tokens (B, S) with the action (B,) taken in their frame, and predict the next frame."""
        self._dream.show(z)
        return BundlePrediction(self._dream, self._mode, cast(TokenContext, self._dream.advance(actions)))


class BundlePrediction:
    """What the bundle says of the next frame."""

    def __init__(self, dream: DreamBatch, mode: str, context: TokenContext) -> None:
        manifest = dream.bundle.manifest
        self._name, self._graphs, self._mode, self._context = manifest.name, manifest.graphs, mode, context
        self._dynamics, self._settings = cast(GraphDynamics, dream.bundle.dynamics), dream.settings

    def logits(self, truth: NDArray[np.int64]) -> NDArray[np.float32]:
        """(B, S, V); in ar mode position i from the true tokens (B, S) before it."""
        return self._context.logits if self._mode == "parallel" else self._causal(truth)

    def most_likely(self) -> NDArray[np.int64]:
        """(B, S): the frame drawn at temperature 0, in as many passes as the bundle is sampled with."""
        tokens = self._context.logits.argmax(axis=-1)
        # What the engine's sampler does; in ar mode it looks for the fixed point.
        passes = int(self._settings.get("passes", 1))
        most = passes - 1 if self._mode == "parallel" else tokens.shape[1]
        for _ in range(most):
            after = self._causal(tokens).argmax(axis=-1)
            if (after == tokens).all():
                break
            tokens = after
        return tokens

    def outcome(self, truth: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
        """The most likely reward (B,) and whether the round ends (B,), given the true next tokens (B, S)."""
        return self._dynamics.outcome(self._context, truth) if self._dynamics.predicts_outcome else None

    def _causal(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        if "causal_head" not in self._graphs:
            raise ValueError(f"{self._name} has no causal head.")
        return self._dynamics.causal_logits(self._context, tokens)
