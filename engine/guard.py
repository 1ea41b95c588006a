"""The guard: what no graph may give a dream. A trajectory that was given it goes on from its last good frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.engine.sampler import Floats, Tokens

Bools = NDArray[np.bool_]
"""One for each trajectory: (B,) bool."""

DYNAMICS = "the dynamics gave NaN or infinity"
CAUSAL_HEAD = "the causal head gave NaN or infinity"
SAMPLER = "the sampler drew a token that there is not"
ENCODER = "the encoder gave a token that there is not"
DIFFUSION = "the diffusion decoder gave NaN or infinity"


@dataclass(frozen=True)
class Faults:
    """Frames that were not shown. count: of all trajectories together. last: the last one's sentence, '' before one."""

    count: int = 0
    last: str = ""

    def plus(self, checks: Mapping[str, Bools]) -> Faults:
        """These and what the checks found: sentence to whether it holds for each trajectory."""
        new = int(np.count_nonzero(~passed(checks)))
        wrong = [what for what, good in checks.items() if not good.all()]
        if not new:
            return self
        shown = (
            "the VQ decoder's picture is shown"
            if wrong[0] == DIFFUSION
            else "the dream goes on from its last good frame"
        )
        return Faults(self.count + new, f"{wrong[0]}: {shown}")


def passed(checks: Mapping[str, Bools]) -> Bools:
    """(B,): which trajectories passed every check."""
    return np.logical_and.reduce(list(checks.values()))


def finite(logits: Floats) -> Bools:
    """(B,): whose logits (B, S, V) are numbers. Minus infinity alone is one: a code that is never drawn."""
    # A maximum passes NaN and infinity on, so that one number is asked about and not each.
    return np.isfinite(logits.reshape(len(logits), -1).max(1))


def known(tokens: Tokens, vocabulary: int) -> Bools:
    """(B,): whose tokens (B, S) are codes that there are."""
    return np.asarray((tokens.min(1) >= 0) & (tokens.max(1) < vocabulary))
