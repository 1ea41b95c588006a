"""The small interface between a dream and whatever runs the graphs: a verb for each, on numpy arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.engine.ring import Ring

Frames = NDArray[np.uint8]
Floats = NDArray[np.float32]
Tokens = NDArray[np.int64]

INPUTS: dict[str, tuple[str, ...]] = {
    "encoder": ("frames",),
    "dynamics": ("tokens", "action", "keys", "values", "age", "game"),
    "causal_head": ("hidden", "tokens", "game"),
    "outcome": ("hidden", "tokens"),
    "decoder": ("tokens",),
    "diffusion": ("noisy", "level", "target", "tokens", "vq"),
}
OUTPUTS: dict[str, tuple[str, ...]] = {
    "encoder": ("tokens",),
    "dynamics": ("logits", "hidden", "new_keys", "new_values"),
    "causal_head": ("logits",),
    "outcome": ("rewards", "ended"),
    "decoder": ("frames",),
    "diffusion": ("less_noisy", "frames"),
}


def graph_inputs(graph: str, cache: bool, games: bool) -> tuple[str, ...]:
    """Names of a graph's inputs, in order. `cache`: the dynamics has a ring. `games`: it dreams several."""
    left_out = {*(() if cache else ("keys", "values", "age")), *(() if games else ("game",))}
    return tuple(name for name in INPUTS[graph] if name not in left_out)


def graph_outputs(graph: str, cache: bool, hidden: bool) -> tuple[str, ...]:
    """Names of a graph's outputs, in order. `hidden`: the dynamics feeds a further head."""
    if graph != "dynamics":
        return OUTPUTS[graph]
    return ("logits", *(("hidden",) if hidden else ()), *(("new_keys", "new_values") if cache else ()))


class Prediction(NamedTuple):
    """What the dynamics graph says of the next frame.

    logits: (B, S, V) float32. hidden: (B, S, hidden) float32 for the causal head and the outcome, None without either.
    keys, values: (B, layers, heads, P, head_dim) float32 of the frame it was given, None without a cache.
    """

    logits: Floats
    hidden: Floats | None
    keys: Floats | None
    values: Floats | None


class Runtime(ABC):
    """Runs the graphs of one bundle. It holds no trajectory, so that many dreams can share it.

    A subclass fills in `run`. cache, hidden: whether the bundle's dynamics has a ring and feeds a further head. games:
    whether it is told which of several games to dream.
    note: why it does not run where it was asked to, in one sentence; '' where it does.
    """

    note = ""

    def __init__(self, cache: bool, hidden: bool, games: bool) -> None:
        self._cache, self._hidden, self._games = cache, hidden, games

    @abstractmethod
    def run(self, graph: str, inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
        """Run one graph on inputs in the order of `graph_inputs`; outputs come in the order of `graph_outputs`."""

    def encode(self, frames: NDArray[np.uint8]) -> Tokens:
        """Frames (B, H, W, 3) uint8 to tokens (B, S) int64."""
        return self.run("encoder", [np.ascontiguousarray(frames)])[0]  # type: ignore[return-value]

    def dynamics(self, tokens: Tokens, action: NDArray[np.int64], ring: Ring | None, game: int = 0) -> Prediction:
        """Tokens (B, S) of frame t, action (B,) and the ring of the frames before, which is read and left as it is.

        game: number of the game that all of them dream.
        """
        inputs: list[NDArray[np.generic]] = [tokens, action]
        if ring is not None:
            inputs += [ring.keys, ring.values, ring.age]
        if self._games:
            inputs.append(np.full(len(tokens), game, np.int64))
        out = iter(self.run("dynamics", inputs))
        logits = next(out)
        hidden = next(out) if self._hidden else None
        keys, values = (next(out), next(out)) if self._cache else (None, None)
        return Prediction(logits, hidden, keys, values)  # type: ignore[arg-type]

    def causal_logits(self, hidden: Floats, tokens: Tokens, game: int = 0) -> Floats:
        """hidden (B, S, hidden), tokens (B, S) of the next frame to logits (B, S, V): position i from tokens < i.

        game: number of the game that all of them dream.
        """
        told = [np.full(len(tokens), game, np.int64)] if self._games else []
        return self.run("causal_head", [hidden, tokens, *told])[0]  # type: ignore[return-value]

    def outcome(self, hidden: Floats, tokens: Tokens) -> tuple[Floats, Floats]:
        """hidden (B, S, hidden), tokens (B, S) of the next frame to what the step to it brings.

        Returns logits over the manifest's rewards (B, R) and the logit of the round's end (B,).
        """
        rewards, ended = self.run("outcome", [hidden, tokens])
        return rewards, ended  # type: ignore[return-value]

    def decode(self, tokens: Tokens) -> NDArray[np.uint8]:
        """Tokens (B, S) int64 to frames (B, H, W, 3) uint8."""
        return self.run("decoder", [tokens])[0]  # type: ignore[return-value]

    def denoise(self, noisy: Floats, level: float, target: float, tokens: Tokens, vq: Frames) -> tuple[Floats, Frames]:
        """One step of the diffusion decoder, from a noise level down to a lower one, both in [0, 1].

        noisy: (B, H, W, 3) float32. tokens: (B, S) int64. vq: (B, H, W, 3) uint8, the VQ decoder's picture of them.
        Returns `noisy` at the level `target`, and the frames (B, H, W, 3) uint8 as they stand.
        """
        levels = [np.full(len(noisy), at, np.float32) for at in (level, target)]
        less_noisy, frames = self.run("diffusion", [noisy, *levels, tokens, vq])
        return less_noisy, frames  # type: ignore[return-value]
