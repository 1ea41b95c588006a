"""The dynamics of tokens on graphs: one pass of the trunk, the sampler, the outcome, and the decoders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine import correction
from reverie.engine.arrays import NumpyArrays
from reverie.engine.dynamics import Prediction
from reverie.engine.guard import Bools, Checks, finite, passed
from reverie.engine.manifest import Manifest
from reverie.engine.noise import Keys
from reverie.engine.runtime import Runtime
from reverie.engine.settings import Settings
from reverie.engine.tokens.guard import CAUSAL_HEAD, DYNAMICS, ENCODER, SAMPLER, VQ_PICTURE, known
from reverie.engine.tokens.model import model_of
from reverie.engine.tokens.sampler import Floats, Tokens, draw, entropy, likeliest, most_passes, refine

Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class TokenContext:
    """What the trunk says of the next frame.

    z: (B, S) int64, the present frame. new: keys and values of it. logits: (B, S, V) float32. top: (B, S, 1), the
    largest of each position. hidden: (B, S, hidden) float32 for the causal head and the outcome, None without either.
    games: (B,) int64.
    """

    z: Tokens
    new: Mapping[str, Floats]
    checks: Checks
    logits: Floats
    top: Floats
    hidden: Floats | None
    games: NDArray[np.int64]


class GraphDynamics:
    """`engine.dynamics.Dynamics` over a runtime of graphs."""

    def __init__(self, manifest: Manifest, runtime: Runtime) -> None:
        self.model = model_of(manifest)
        self.arrays = NumpyArrays()
        self.any_batch, self.instead = True, VQ_PICTURE
        self._runtime = runtime
        self._rewards = np.array(self.model.rewards or (0,), np.float32)
        self._pushed = {name: str(spec.source).split(".")[1] for name, spec in manifest.state.items() if spec.source}

    @property
    def predicts_outcome(self) -> bool:
        """Whether there is an outcome graph."""
        return bool(self.model.rewards)

    @property
    def runs(self) -> Counter[str]:
        """How often each graph was run."""
        return self._runtime.runs

    def encode(self, frames: Frames) -> tuple[Tokens, Checks]:
        """Frames (B, H, W, 3) uint8 to tokens (B, S) int64; of a token that there is not the nearest one is taken."""
        tokens = self._runtime.call("encoder", {"frames": np.ascontiguousarray(frames)})["tokens"]
        return tokens.clip(0, self.model.vocabulary - 1), {ENCODER: known(tokens, self.model.vocabulary)}

    def prepare(
        self, z: Tokens, state: Mapping[str, NDArray[Any]], actions: NDArray[np.int64], games: NDArray[np.int64]
    ) -> TokenContext:
        """One pass of the trunk over the present frames."""
        out = self._runtime.call("dynamics", {"tokens": z, "action": actions, "game": games, **state})
        new = {name: out[output] for name, output in self._pushed.items()}
        logits = out["logits"]
        top = likeliest(logits)
        return TokenContext(z, new, {DYNAMICS: finite(top)}, logits, top, out.get("hidden"), games)

    def predict(self, context: TokenContext, noise: Keys, settings: Settings) -> Prediction:
        """Sample the next frames' tokens, and say what the step to them brings."""
        tokens, head_is_finite = self._sample(context, noise, settings)
        checks = {
            **context.checks,
            CAUSAL_HEAD: head_is_finite,
            SAMPLER: known(tokens, self.model.vocabulary),
        }
        good = passed(checks)
        tokens = self.arrays.where(good, tokens, context.z)
        rewards, ended = np.zeros(len(tokens), np.float32), np.zeros(len(tokens), np.bool_)
        if self.predicts_outcome:
            rewards, ended = self.outcome(context, tokens)
            rewards, ended = rewards * good, ended & good
        return Prediction(tokens, rewards, ended, good, checks)

    def doubt(self, context: TokenContext, noise: Keys, settings: Settings) -> Floats:
        """Bits that say which token is drawn, the causal head not asked: (B, rows, columns) float32."""
        sound = np.where(np.isfinite(context.logits), context.logits, np.float32(-1e9))
        bits: Floats = self.model.over_picture(entropy(sound, settings))
        return bits

    def causal_logits(self, context: TokenContext, tokens: Tokens, rows: NDArray[np.intp] | None = None) -> Floats:
        """Logits (N, S, V) of the next frames from their tokens (N, S): position i from the tokens before i.

        rows: (N,), which trajectories of the context they are; all of them by default.
        """
        hidden, games = context.hidden, context.games
        assert hidden is not None
        if rows is not None and len(rows) < len(hidden):
            hidden, games = hidden[rows], games[rows]
        return self._runtime.call("causal_head", {"hidden": hidden, "tokens": tokens, "game": games})["logits"]

    def outcome(self, context: TokenContext, tokens: Tokens) -> tuple[Floats, Bools]:
        """The most likely reward (B,), and whether the round ends (B,), of the step to the tokens (B, S)."""
        assert context.hidden is not None
        out = self._runtime.call("outcome", {"hidden": context.hidden, "tokens": tokens})
        return self._rewards[out["rewards"].argmax(-1)], out["ended"] > 0

    def decode(self, z: Tokens, settings: Settings) -> tuple[Frames, Checks]:
        """Tokens (B, S) to frames (B, H, W, 3) uint8, drawn by the chosen decoder; it depends on the tokens alone."""
        vq = self._runtime.call("decoder", {"tokens": z})["frames"]
        if settings["decoder"] != "diffusion":
            return vq, {}
        given = {"tokens": z, "vq": vq}
        frames, good = correction.draw(
            lambda noisy: self._runtime.call(correction.GRAPH, {**noisy, **given}),
            vq,
            int(settings["steps"]),
            self.arrays,
        )
        return frames, {correction.FAULT: good}

    def checked(self, z: Any) -> Tokens:
        """Tokens (B, S) from outside. Raises ValueError for another shape or a token that there is not."""
        tokens = np.ascontiguousarray(z, np.int64)
        if tokens.ndim != 2 or tokens.shape[1] != self.model.tokens or not known(tokens, self.model.vocabulary).all():
            raise ValueError("the frame is none that this bundle has")
        return tokens

    def _sample(self, context: TokenContext, noise: Keys, settings: Settings) -> tuple[Tokens, Bools]:
        """The next frames' tokens (B, S), unchecked, and whose causal head gave numbers (B,)."""
        tokens = draw(context.logits, noise, settings, context.top)
        if not (most := most_passes(settings, self.model.tokens)):
            return tokens, np.ones(len(tokens), np.bool_)
        head = partial(self.causal_logits, context)
        tokens, _, head_is_finite = refine(head, tokens, noise, settings, most)
        return tokens, head_is_finite
