"""What the game's own randomness allows: the same state and action, played many times with other luck."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.sizes import BranchSizes
from reverie.evaluation.subjects.truth import LEAD, Truth


class Encoder(Protocol):
    """What turns frames into tokens."""

    def encode(self, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(N, H, W, 3) uint8 to (N, S) tokens."""


def changed_token_ceiling(
    subject: Encoder, truth: Truth | None, sizes: BranchSizes, progress: Progress = silent
) -> dict[str, Any]:
    """The best `changed_token_accuracy` that anything could reach that knows the game's whole state but not its luck.

    `changed_token_ceiling` (all positions at once): share of the changed positions where the token that most branches
    show is the true one. `changed_token_ceiling_ar` (position by position): the same among the branches that agree
    with the truth on every position before; where none is left to ask, the position counts as predictable, so the
    ceiling is not understated. truth: None for a game that cannot be branched, whose ceilings are None.
    """
    if truth is None:
        return dict.fromkeys(("changed_token_ceiling", "changed_token_ceiling_ar")) | {
            "ceiling_moments": 0,
            "ceiling_branches": 0,
        }
    parallel, causal = arithmetic.Share(), arithmetic.Share()
    last = min(LEAD + sizes.moments * sizes.every, truth.ticks)
    moments = range(LEAD, last, sizes.every)
    now: NDArray[np.int64] | None = None
    branched: NDArray[np.int64] | None = None
    for t, game, frames in truth.play(LEAD, last + 1):
        tokens = subject.encode(frames)
        if now is not None and branched is not None:
            moved = tokens != now
            parallel.add(_most_frequent(branched, np.ones((*branched.shape[:2], 1), bool)) == tokens, moved)
            agree = np.cumprod(branched == tokens, axis=2).astype(bool)
            agree = np.concatenate([np.ones_like(agree[:, :, :1]), agree[:, :, :-1]], axis=2)
            guess = np.where(agree.any(axis=0), _most_frequent(branched, agree), tokens)
            causal.add(guess == tokens, moved)
        now = branched = None
        if t in moments:
            now = tokens
            here = game.snapshot()
            futures = []
            for salt in range(1, sizes.branches + 1):
                game.restore(here)
                game.branch(salt)
                game.step(truth.actions[t])
                futures.append(subject.encode(game.render(truth.size)))
            game.restore(here)
            branched = np.stack(futures)
        progress("ceiling", t + 1 - LEAD, last + 1 - LEAD)
    return {
        "changed_token_ceiling": parallel.value,
        "changed_token_ceiling_ar": causal.value,
        "ceiling_moments": len(moments) * truth.batch,
        "ceiling_branches": sizes.branches,
    }


def _most_frequent(branched: NDArray[np.int64], asked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The token that most of the asked branches show. branched: (N, B, S), asked: (N, B, 1 or S). Returns (B, S)."""
    votes = ((branched[:, None] == branched[None]) & asked[None]).sum(axis=1)
    votes = np.where(asked, votes, -1)
    return np.asarray(np.take_along_axis(branched, votes.argmax(axis=0)[None], axis=0)[0])
