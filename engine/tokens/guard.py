"""What the graphs of the family may never give, as sentences, and who gave it."""

from __future__ import annotations

import numpy as np

from reverie.engine.guard import Bools
from reverie.engine.tokens.sampler import Tokens

DYNAMICS = "the dynamics gave NaN or infinity"
CAUSAL_HEAD = "the causal head gave NaN or infinity"
SAMPLER = "the sampler drew a token that there is not"
ENCODER = "the encoder gave a token that there is not"
VQ_PICTURE = "the VQ decoder's picture is shown"


def known(tokens: Tokens, vocabulary: int) -> Bools:
    """(B,): whose tokens (B, S) are codes that there are."""
    return np.asarray((tokens.min(1) >= 0) & (tokens.max(1) < vocabulary))
