"""From logits to tokens: the parallel draw, and the autoregressive draw by fixed-point iteration, cut short or exact.

The noise of a frame is known beforehand (`engine.noise`). A token is then argmax(filter(logits) / T + noise), the
Gumbel-max trick: a sample of softmax(logits / T) over the codes that the filter keeps, and a deterministic function of
logits and noise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reverie.engine.guard import finite
from reverie.engine.noise import Keys, gumbel
from reverie.engine.settings import Settings

Floats = NDArray[np.float32]
Tokens = NDArray[np.int64]

CausalLogits = Callable[[Tokens, NDArray[np.intp]], Floats]
"""(tokens (N, S), rows (N,)) -> logits (N, S, V), where position i of a row depends on its tokens before i alone."""


def draw(logits: Floats, keys: Keys, settings: Settings, top: Floats | None = None) -> Tokens:
    """Draw every position by itself.

    logits: (B, S, V) float32. keys: (B,) uint64, of the frame's noise. top: (B, S, 1), the largest logit of each
    position, where it is known already. Returns tokens (B, S) int64.

    settings: `temperature`: 1 samples what the model believes, lower is calmer, 0 takes the most likely token.
    `min_p`: codes less likely than this share of the most likely one are never drawn; 0 keeps them all.
    `top_p`: of the codes only the likeliest are drawn that have this probability together; 1 keeps them all. Where one
    alone has it, the model is sure, and that one is taken. Unlike min_p it keeps what has many ways to happen, each of
    them unlikely, such as a ball served anywhere. Holtzman et al. 2020, "The curious case of neural text degeneration".
    """
    temperature, min_p, top_p = (float(settings[name]) for name in ("temperature", "min_p", "top_p"))
    if temperature == 0:
        return logits.argmax(-1).astype(np.int64, copy=False)
    if top is None:
        top = likeliest(logits)
    if not (sound := np.isfinite(top)).all():  # what is no number is for the guard; the others are drawn as ever
        logits, top = np.where(sound, logits, 0), np.where(sound, top, 0)
    kept = _kept(logits, top, min_p, top_p)
    _, positions, vocabulary = logits.shape
    row, code = np.divmod(kept, vocabulary)
    trajectory, place = np.divmod(kept, positions * vocabulary)
    scores = logits.ravel()[kept] + np.float32(temperature) * gumbel(keys[trajectory], place)
    best = np.maximum.reduceat(scores, _firsts(row))
    won = np.flatnonzero(scores == best[row])
    return code[won[_firsts(row[won])]].reshape(logits.shape[:-1]).astype(np.int64, copy=False)


def _firsts(row: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each row's entries begin, of row numbers (N,) that rise."""
    return np.flatnonzero(np.diff(row, prepend=-1))


def likeliest(logits: Floats) -> Floats:
    """Return the largest logit of each position, (B, S, V) to (B, S, 1). It is no number where one of them is none."""
    top: Floats = logits.max(-1, keepdims=True)
    return top


def entropy(logits: Floats, settings: Settings) -> Floats:
    """Bits that say on average which token is drawn from finite logits (B, S, V), of each position (B, S)."""
    temperature, min_p, top_p = (float(settings[name]) for name in ("temperature", "min_p", "top_p"))
    if temperature == 0:
        return np.zeros(logits.shape[:2], np.float32)
    top = likeliest(logits)
    kept = _kept(logits, top, min_p, top_p)
    row = kept // logits.shape[-1]
    nats = (logits.ravel()[kept] - top.ravel()[row]) / temperature  # of each code that is kept, less than the likeliest
    weights = np.exp(nats)
    mass = np.bincount(row, weights, top.size)
    mean = np.bincount(row, weights * nats, top.size) / mass
    return ((np.log(mass) - mean) / np.log(2)).reshape(logits.shape[:2]).astype(np.float32)


def _kept(logits: Floats, top: Floats, min_p: float, top_p: float) -> NDArray[np.intp]:
    """Which codes may be drawn, as indices into all logits. top: (B, S, 1), the largest of each position."""
    # Few codes are likely enough, and whatever costs more than a look is done for those alone.
    floor = top + np.float32(np.log(min_p)) if min_p > 0 else -np.inf  # p >= min_p * max p, in logits
    kept = np.flatnonzero(logits >= floor)
    return kept[_inside_nucleus(logits, top, kept, top_p)] if top_p < 1 else kept


def _inside_nucleus(logits: Floats, top: Floats, kept: NDArray[np.intp], top_p: float) -> NDArray[np.bool_]:
    """Which of the kept codes (N,), as indices into all logits, are among the likeliest that have `top_p` together."""
    rows, vocabulary = top.size, logits.shape[-1]
    row = kept // vocabulary
    mass = np.zeros(rows, np.float32)  # where the likeliest code has 1
    several = np.flatnonzero(np.bincount(row, minlength=rows) > 1)  # elsewhere nothing is left to choose
    mass[several] = np.exp(logits.reshape(rows, vocabulary)[several] - top.reshape(rows, 1)[several]).sum(-1)
    enough = top_p * mass
    likely = logits.ravel()[kept] - top.ravel()[row]
    least = np.zeros(rows, np.float32)
    unsure = np.flatnonzero(enough[row] > 1)  # elsewhere the likeliest alone has enough
    falling = unsure[np.lexsort((-likely[unsure], row[unsure]))]
    p = np.exp(likely[falling], dtype=np.float64)
    before = np.cumsum(p) - p
    first = _firsts(row[falling])
    before -= np.repeat(before[first], np.diff(first, append=len(falling)))  # of the same row alone
    needed = before < enough[row[falling]]
    np.minimum.at(least, row[falling[needed]], likely[falling[needed]])
    return likely >= least[row]


def refine(
    causal_logits: CausalLogits, guess: Tokens, keys: Keys, settings: Settings, most: int
) -> tuple[Tokens, int, NDArray[np.bool_]]:
    """Draw a guess again, all positions at once, until that changes nothing, but at most `most` times.

    guess: (B, S) int64, any tokens; good ones (the parallel draw with the same noise) need few passes.
    With most = S this draws position by position, exactly: position i is right after at most i + 1 passes, because what
    it depends on is right after i, so no cycle can occur and S passes always do.
    Returns the tokens (B, S), the number of passes made, and whose logits were numbers in every pass (B,). The pass
    that only finds nothing changed counts too.
    """
    tokens = guess.copy()
    rows = np.arange(len(tokens))  # trajectories that still change; the others are left out of the pass
    passes, sound = 0, np.ones(len(tokens), np.bool_)
    while len(rows) and passes < most:
        before = tokens[rows]
        logits = causal_logits(before, rows)
        top = likeliest(logits)
        sound[rows] &= finite(top)
        after = draw(logits, keys[rows], settings, top)
        tokens[rows] = after
        rows = rows[(before != after).any(-1)]
        passes += 1
    return tokens, passes, sound


def most_passes(settings: Settings, positions: int) -> int:
    """How often a frame is drawn again at most: settings `mode` and `passes`; of the ar mode, once a position."""
    return int(settings.get("passes", 1)) - 1 if settings["mode"] == "parallel" else positions
