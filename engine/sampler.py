"""From logits to tokens: the parallel draw, and the autoregressive draw by fixed-point iteration, cut short or exact.

The noise of a frame is drawn first. A token is then argmax(filter(logits) / T + noise) (the Gumbel-max trick), which is
a sample of softmax(logits / T) over the codes that the filter keeps, and a deterministic function of logits and noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Tokens = NDArray[np.int64]

CausalLogits = Callable[[Tokens, NDArray[np.intp]], Floats]
"""(tokens (N, S), rows (N,)) -> logits (N, S, V), where position i of a row depends on its tokens before i alone."""


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn.

    mode: `parallel`, every position by itself, or `ar`, position by position.
    temperature: 1 samples what the model believes, lower is calmer, 0 takes the most likely token.
    min_p: codes less likely than this share of the most likely one are never drawn; 0 keeps them all.
    top_p: of the codes only the likeliest are drawn that have this probability together; 1 keeps them all. Where one
        alone has it, the model is sure, and that one is taken. Unlike min_p it keeps what has many ways to happen, each
        of them unlikely, such as a ball served anywhere. Holtzman et al. 2020, "The curious case of neural text
        degeneration".
    passes: of the parallel mode. 1 draws all positions at once; each further one draws them again, from the causal head
        and what the pass before has drawn, with the same noise.
    """

    mode: str = "parallel"
    temperature: float = 1.0
    min_p: float = 0.02
    top_p: float = 1.0
    passes: int = 1

    def __post_init__(self) -> None:
        if not np.isfinite(self.temperature) or self.temperature < 0:
            raise ValueError(f"the temperature must be 0 or more, not {self.temperature}")
        if not 0 <= self.min_p < 1:
            raise ValueError(f"min_p must be at least 0 and below 1, not {self.min_p}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if self.passes < 1:
            raise ValueError(f"passes must be at least 1, not {self.passes}")


def gumbel_noise(generators: Sequence[np.random.Generator], positions: int, vocabulary: int) -> Floats:
    """(B, S, V) float32 Gumbel noise, each row from its own generator."""
    noise = np.empty((len(generators), positions, vocabulary), np.float32)
    for row, generator in zip(noise, generators, strict=True):
        generator.standard_exponential(dtype=np.float32, out=row)
    np.maximum(noise, np.finfo(np.float32).tiny, out=noise)  # an exact 0 would give infinite noise
    np.log(noise, out=noise)
    return np.negative(noise, out=noise)


def draw(logits: Floats, noise: Floats, sampling: Sampling) -> Tokens:
    """Draw every position by itself. logits, noise: (B, S, V) float32. Returns tokens (B, S) int64."""
    if sampling.temperature == 0:
        return logits.argmax(-1).astype(np.int64, copy=False)
    # argmax(logits / T + noise) = argmax(logits + T * noise): one array pass fewer at T = 1.
    scores = logits + (noise if sampling.temperature == 1 else noise * np.float32(sampling.temperature))
    if sampling.min_p > 0:
        # p >= min_p * max p, said in logits: no softmax is needed.
        floor = logits.max(-1, keepdims=True) + np.float32(np.log(sampling.min_p))
        np.copyto(scores, np.float32(-np.inf), where=logits < floor)
    if sampling.top_p < 1:
        np.copyto(scores, np.float32(-np.inf), where=outside_nucleus(logits, sampling.top_p))
    return scores.argmax(-1).astype(np.int64, copy=False)


def outside_nucleus(logits: Floats, top_p: float) -> NDArray[np.bool_]:
    """Which codes are not among the likeliest that have `top_p` together. logits: (..., V). Returns the same shape."""
    with np.errstate(invalid="ignore"):  # what is no number is for the guard
        p = np.exp(logits - logits.max(-1, keepdims=True))  # of the likeliest: 1
    enough = np.float32(top_p) * p.sum(-1)
    least = np.ones_like(enough)
    unsure = enough > 1  # the others are sorted for nothing, and are most
    falling = -np.sort(-p[unsure], axis=-1)
    last = (np.cumsum(falling, axis=-1) >= enough[unsure, None]).argmax(-1)
    least[unsure] = np.take_along_axis(falling, last[:, None], axis=-1)[:, 0]
    return p < least[..., None]


def refine(
    causal_logits: CausalLogits, guess: Tokens, noise: Floats, sampling: Sampling, most: int
) -> tuple[Tokens, int]:
    """Draw a guess again, all positions at once, until that changes nothing, but at most `most` times.

    guess: (B, S) int64, any tokens; good ones (the parallel draw with the same noise) need few passes.
    With most = S this draws position by position, exactly: position i is right after at most i + 1 passes, because what
    it depends on is right after i, so no cycle can occur and S passes always do.
    Returns the tokens (B, S) and the number of passes made. The pass that only finds nothing changed counts too.
    """
    tokens = guess.copy()
    rows = np.arange(len(tokens))  # trajectories that still change; the others are left out of the pass
    passes = 0
    while len(rows) and passes < most:
        before = tokens[rows]
        after = draw(causal_logits(before, rows), noise[rows], sampling)
        tokens[rows] = after
        rows = rows[(before != after).any(-1)]
        passes += 1
    return tokens, passes
