"""Teacher-forced figures of tokens: how many are right, what they cost, and which codes are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics.arithmetic import Share, mean_or_none
from reverie.evaluation.subjects.subject import Prediction, Transition
from reverie.evaluation.tokens.arithmetic import nll_bits, patches_changed, perplexity


class TokenPrediction(Prediction, Protocol):
    """A prediction that says how likely each code is."""

    def logits(self, truth: NDArray[np.int64]) -> NDArray[np.float32]:
        """(B, S, V). truth: (B, S), the true next tokens; in ar mode position i is predicted from those before it."""


class TokenFigures:
    """Collects the token keys of an entry.

    `token_flicker` is taken over the patches of which no pixel changed, which is stricter than over all patches.
    """

    def __init__(self, grids: Sequence[tuple[int, int]], vocabulary: int) -> None:
        """grids: rows and columns of each level of tokens, in the order in which a frame's tokens follow one another.

        vocabulary: number of codes.
        """
        self.grids, self.vocabulary = grids, vocabulary
        self.correct, self.changed_correct, self.copied, self.flicker = Share(), Share(), Share(), Share()
        self.bits: list[NDArray[np.float64]] = []
        self.counts = np.zeros(vocabulary, np.int64)

    def add(self, transition: Transition) -> None:
        """Count one step: tokens (B, S) before and after, and the prediction made in between."""
        keep = transition.keep
        logits = transition.prediction.logits(transition.after)[keep]  # (K, S, V) of the K that are kept
        after, before = transition.after[keep], transition.before[keep]  # (K, S)
        hit, moved = logits.argmax(axis=-1) == after, before != after  # (K, S)
        self.correct.add(hit)
        self.changed_correct.add(hit, moved)
        self.copied.add(~moved)
        frames = transition.frames_before[keep], transition.frames_after[keep]
        changed = [patches_changed(*frames, grid) for grid in self.grids]
        self.flicker.add(moved, ~np.concatenate(changed, axis=1))
        self.bits.append(nll_bits(logits, after))
        self.counts += np.bincount(after.ravel(), minlength=self.vocabulary)

    def result(self) -> dict[str, Any]:
        """The token keys of the entry."""
        return {
            "token_accuracy": self.correct.value,
            "copy_last_accuracy": self.copied.value,
            "changed_token_accuracy": self.changed_correct.value,
            "changed_tokens": self.changed_correct.of,
            "token_nll_bits": mean_or_none(np.concatenate([*(b.ravel() for b in self.bits), np.empty(0)])),
            "token_flicker": self.flicker.value,
            "codebook_used": int((self.counts > 0).sum()),
            "codebook_perplexity": perplexity(self.counts),
            "vocabulary": self.vocabulary,
        }
