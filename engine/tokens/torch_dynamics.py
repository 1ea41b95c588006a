"""The dynamics of tokens on the networks themselves, with torch: what `graph_dynamics` does, with all on a device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.engine import correction
from reverie.engine.dynamics import Prediction
from reverie.engine.errors import BundleError
from reverie.engine.guard import Checks
from reverie.engine.manifest import Manifest
from reverie.engine.settings import Settings
from reverie.engine.tokens.guard import CAUSAL_HEAD, DYNAMICS, ENCODER, SAMPLER, VQ_PICTURE
from reverie.engine.tokens.model import model_of
from reverie.engine.tokens.sampler import most_passes
from reverie.engine.tokens.torch_model import graphs_of
from reverie.engine.tokens.torch_sampler import draw, entropy
from reverie.engine.torch_arrays import TorchArrays
from reverie.engine.torch_runtime import TorchRuntime

EXACT = ("encoder", "decoder")
"""Graphs whose matrix products keep their precision: an encoder decides between codes that lie close."""


@dataclass(frozen=True)
class TorchContext:
    """What the trunk says of the next frame; fields as in `graph_dynamics.TokenContext`.

    On a GPU `logits`, `hidden` and `new` hold until the next pass of the trunk.
    """

    z: Tensor
    new: Mapping[str, Tensor]
    checks: Checks
    logits: Tensor
    hidden: Tensor | None
    games: Tensor


class TorchDynamics:
    """`engine.dynamics.Dynamics` over the networks of a torch runtime."""

    def __init__(self, manifest: Manifest, runtime: TorchRuntime) -> None:
        """Raises BundleError where the networks are not those of the graphs that the manifest declares."""
        self.model = model_of(manifest)
        self.arrays = TorchArrays(runtime.device)
        self.any_batch, self.instead = runtime.device.type != "cuda", VQ_PICTURE
        self._runtime, self._graphs = runtime, manifest.graphs
        modules, specs = graphs_of(runtime.networks)
        for name, spec in manifest.graphs.items():
            if specs.get(name) != (spec.inputs, spec.outputs):
                raise BundleError(
                    f"the networks of {manifest.name} are not those of its {name}: export or download the bundle again"
                )
            runtime.add(name, modules[name], rounded=name not in EXACT, captured=name != "encoder")
        self._rewards = torch.tensor(self.model.rewards or (0.0,), device=runtime.device)
        self._pushed = {name: str(spec.source).split(".")[1] for name, spec in manifest.state.items() if spec.source}

    @property
    def predicts_outcome(self) -> bool:
        """Whether there is an outcome head."""
        return bool(self.model.rewards)

    @property
    def runs(self) -> Counter[str]:
        """How often each graph's module was run."""
        return self._runtime.runs

    def call(self, graph: str, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run what a graph is made of on those of the values that it takes, by name. Returns what it gives, by name."""
        spec = self._graphs[graph]
        given = self._runtime.run(graph, [values[name] for name in spec.inputs])
        return dict(zip(spec.outputs, given, strict=True))

    def encode(self, frames: Tensor) -> tuple[Tensor, Checks]:
        """Frames (B, H, W, 3) uint8 to tokens (B, S) int64."""
        tokens = self.call("encoder", {"frames": frames.contiguous()})["tokens"]
        return tokens.clamp(0, self.model.vocabulary - 1), {ENCODER: self._known(tokens)}

    def prepare(self, z: Tensor, state: Mapping[str, Tensor], actions: Tensor, games: Tensor) -> TorchContext:
        """One pass of the trunk over the present frames."""
        out = self.call("dynamics", {"tokens": z, "action": actions, "game": games, **state})
        new = {name: out[output] for name, output in self._pushed.items()}
        logits = out["logits"]
        return TorchContext(z, new, {DYNAMICS: _finite(logits)}, logits, out.get("hidden"), games)

    def predict(self, context: TorchContext, noise: Tensor, settings: Settings) -> Prediction:
        """Sample the next frames' tokens, and predict the outcome of the step to them."""
        tokens, head_is_finite = self._sample(context, noise, settings)
        checks = {**context.checks, CAUSAL_HEAD: head_is_finite, SAMPLER: self._known(tokens)}
        good = self.arrays.all_of(checks, len(tokens))
        tokens = self.arrays.where(good, tokens, context.z)
        rewards, ended = self.arrays.zeros((len(tokens),), "float32"), self.arrays.zeros((len(tokens),), "bool")
        if self.predicts_outcome:
            rewards, ended = self.outcome(context, tokens)
            rewards, ended = rewards * good, ended & good
        return Prediction(tokens, rewards, ended, good, checks)

    def doubt(self, context: TorchContext, noise: Tensor, settings: Settings) -> Tensor:
        """Bits that say which token is drawn, the causal head not asked: (B, rows, columns) float32."""
        sound = context.logits.nan_to_num(-1e9, -1e9, -1e9)
        bits: Tensor = self.model.over_picture(entropy(sound, settings))
        return bits

    def causal_logits(self, context: TorchContext, tokens: Tensor, rows: Tensor | None = None) -> Tensor:
        """Logits (N, S, V) of the next frames from their tokens (N, S): position i from the tokens before i.

        rows: (N,), which trajectories of the context they are; all of them by default.
        """
        hidden, games = context.hidden, context.games
        assert hidden is not None
        if rows is not None:
            hidden, games = hidden[rows], games[rows]
        return self.call("causal_head", {"hidden": hidden, "tokens": tokens, "game": games})["logits"]

    def outcome(self, context: TorchContext, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The most likely reward (B,), and whether the round ends (B,), of the step to the tokens (B, S)."""
        assert context.hidden is not None
        out = self.call("outcome", {"hidden": context.hidden, "tokens": tokens})
        return self._rewards[out["rewards"].argmax(-1)], out["ended"] > 0

    def decode(self, z: Tensor, settings: Settings) -> tuple[Tensor, Checks]:
        """Tokens (B, S) to frames (B, H, W, 3) uint8, drawn by the chosen decoder."""
        vq = self.call("decoder", {"tokens": z})["frames"].clone()
        if settings["decoder"] != "diffusion":
            return vq, {}
        given = {"tokens": z, "vq": vq}
        frames, good = correction.draw(
            lambda noisy: self.call(correction.GRAPH, {**noisy, **given}), vq, int(settings["steps"]), self.arrays
        )
        return frames, {correction.FAULT: good}

    def checked(self, z: Any) -> Tensor:
        """Tokens (B, S) from outside. Raises ValueError for another shape or an unknown token."""
        tokens = z.to(torch.int64) if isinstance(z, Tensor) else self.arrays.of(np.ascontiguousarray(z, np.int64))
        if tokens.ndim != 2 or tokens.shape[1] != self.model.tokens or not bool(self._known(tokens).all()):
            raise ValueError("the frame is none that this bundle has")
        return tokens

    def _known(self, tokens: Tensor) -> Tensor:
        """(B,) bool: whose tokens (B, S) are codes that there are."""
        return ((tokens >= 0) & (tokens < self.model.vocabulary)).all(1)

    def _sample(self, context: TorchContext, noise: Tensor, settings: Settings) -> tuple[Tensor, Tensor]:
        """The next frames' tokens (B, S), unchecked, and whose causal head gave numbers (B,).

        All trajectories are drawn again until none of them changes: other numbers of them would be other shapes.
        """
        tokens = draw(context.logits, noise, settings)
        head_is_finite = torch.ones(len(tokens), dtype=torch.bool, device=tokens.device)
        for _ in range(most_passes(settings, self.model.tokens)):
            logits = self.causal_logits(context, tokens)
            before, tokens = tokens, draw(logits, noise, settings)
            head_is_finite &= _finite(logits)
            if torch.equal(before, tokens):
                break
        return tokens, head_is_finite


def _finite(logits: Tensor) -> Tensor:
    """(B,) bool: whose logits (B, ...) are numbers. Minus infinity alone passes: it is what is never chosen."""
    return logits.flatten(1).amax(1).isfinite()
