"""The dynamics of latents: one pass of the trunk, a few steps of the denoiser, the outcome, and the decoders.

The same lines run on numpy and on torch. What differs between them is behind `Calls`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from reverie.engine import correction
from reverie.engine.arrays import Array, Arrays
from reverie.engine.dynamics import Prediction
from reverie.engine.guard import Checks
from reverie.engine.latent.model import model_of
from reverie.engine.latent.schedule import schedule
from reverie.engine.manifest import Manifest
from reverie.engine.settings import Settings

ENCODER = "the encoder gave NaN or infinity"
DYNAMICS = "the dynamics gave NaN or infinity"
DENOISER = "the denoiser gave NaN or infinity"
PLAIN = "the autoencoder's picture is shown"
DRAWS = 3
"""Draws of the next frame, whose spread says how unsure it is."""
RESOLUTION = 0.1
"""Numbers in a latent that are nearer to each other than this look alike."""
LIMIT = 6.0
"""Largest size of a number in a latent, as in training."""


class Calls(Protocol):
    """What runs the graphs of a bundle. arrays: the kind of array that it takes and gives."""

    any_batch: bool

    @property
    def arrays(self) -> Arrays: ...

    @property
    def runs(self) -> Counter[str]:
        """How often each graph was run."""

    def call(self, graph: str, values: Mapping[str, Array]) -> dict[str, Array]:
        """Run a graph on those of the values that it takes, by name. What it gives holds until its next run."""

    def normal(self, keys: Array, numbers: int) -> Array:
        """Return standard normal noise (B, numbers) float32 for keys (B,), see `engine.noise`."""

    def bits(self, ratio: Array) -> Array:
        """Return the information of normal noise at these ratios of signal to noise: log2(1 + ratio) / 2."""

    def numbers(self, value: int, batch: int) -> Array:
        """Return (B,) int64, all of the same value."""


@dataclass(frozen=True)
class LatentContext:
    """What the trunk says of the next frame.

    z: (B, S, channels) float32, the present frame. new: its keys and values. hidden: (B, P, hidden) float32.
    """

    z: Array
    new: Mapping[str, Array]
    checks: Checks
    hidden: Array


class LatentDynamics:
    """`engine.dynamics.Dynamics` of latents."""

    instead = PLAIN

    def __init__(self, manifest: Manifest, calls: Calls) -> None:
        self.model = model_of(manifest)
        self.arrays, self.any_batch, self._calls = calls.arrays, calls.any_batch, calls
        self._rewards = self.arrays.of(np.array(self.model.rewards or (0,), np.float32))
        self._pushed = {name: str(spec.source).split(".")[1] for name, spec in manifest.state.items() if spec.source}

    @property
    def predicts_outcome(self) -> bool:
        """Whether there is an outcome graph."""
        return bool(self.model.rewards)

    @property
    def runs(self) -> Counter[str]:
        """How often each graph was run."""
        return self._calls.runs

    def encode(self, frames: Array) -> tuple[Array, Checks]:
        """Frames (B, H, W, 3) uint8 to latents (B, S, channels) float32; zeros where the encoder gave no numbers."""
        z = self._calls.call("encoder", {"frames": frames})["z"]
        good = self.arrays.finite(z)
        return self.arrays.where(good, z, self.arrays.zeros(z.shape, "float32")), {ENCODER: good}

    def prepare(self, z: Array, state: Mapping[str, Array], actions: Array, games: Array) -> LatentContext:
        """One pass of the trunk over the present frames."""
        out = self._calls.call("dynamics", {"z": z, "action": actions, "game": games, **state})
        new = {name: out[output] for name, output in self._pushed.items()}
        return LatentContext(z, new, {DYNAMICS: self.arrays.finite(out["hidden"])}, out["hidden"])

    def predict(self, context: LatentContext, noise: Array, settings: Settings) -> Prediction:
        """Denoise the next frames' latents, and predict the outcome of the step to them."""
        z = self.denoise(context, noise, settings)
        checks = {**context.checks, DENOISER: self.arrays.finite(z)}
        good = self.arrays.all_of(checks, len(z))
        z = self.arrays.where(good, z, context.z)
        rewards, ended = self.arrays.zeros((len(z),), "float32"), self.arrays.zeros((len(z),), "bool")
        if self.predicts_outcome:
            rewards, ended = self.outcome(context, z)
            rewards, ended = rewards * good, ended & good
        return Prediction(z, rewards, ended, good, checks)

    def denoise(self, context: LatentContext, noise: Array, settings: Settings) -> Array:
        """Return the next frames' latents (B, S, channels), unchecked.

        Frans et al. 2024, "One step diffusion via shortcut models".
        """
        batch, s, c = context.z.shape
        x = self._calls.normal(noise, s * c).reshape(batch, s, c) * float(settings["temperature"])
        for step in schedule(int(settings["steps"])):
            level, size = (self._calls.numbers(value, batch) for value in (step.level, step.size))
            given = {"hidden": context.hidden, "noisy": x, "level": level, "size": size}
            x = x + (self._calls.call("denoiser", given)["clean"] - x) * step.share
        return x.clip(-LIMIT, LIMIT)

    def doubt(self, context: LatentContext, noise: Array, settings: Settings) -> Array:
        """Bits that tell a few draws of one step apart at a resolution of `RESOLUTION`: (B, rows, columns) float32."""
        draws = []
        for _ in range(DRAWS):
            noise = self.arrays.next_keys(noise)
            draws.append(self.denoise(context, noise, {**settings, "steps": 1}))
        mean = sum(draws) / DRAWS
        variance = sum((draw - mean) ** 2 for draw in draws) / (DRAWS - 1)
        bits = self._calls.bits(variance / RESOLUTION**2).sum(-1)
        return bits.reshape(len(bits), *self.model.grid)

    def outcome(self, context: LatentContext, z: Array) -> tuple[Array, Array]:
        """Return the most likely reward (B,), and whether the round ends (B,), of the step to the latents z."""
        out = self._calls.call("outcome", {"hidden": context.hidden, "z": z})
        return self._rewards[out["rewards"].argmax(-1)], out["ended"] > 0

    def decode(self, z: Array, settings: Settings) -> tuple[Array, Checks]:
        """Latents (B, S, channels) to frames (B, H, W, 3) uint8, drawn by the chosen decoder."""
        picture = self.arrays.copy(self._calls.call("decoder", {"z": z})["frames"])
        if settings["decoder"] != "diffusion":
            return picture, {}
        given = {"z": z, "picture": picture}
        frames, good = correction.draw(
            lambda noisy: self._calls.call(correction.GRAPH, {**noisy, **given}),
            picture,
            int(settings["decoder_steps"]),
            self.arrays,
        )
        return frames, {correction.FAULT: good}

    def checked(self, z: Any) -> Array:
        """Latents (B, S, channels) from outside. Raises ValueError for another shape or for what is no number."""
        own = z if self.arrays.is_own(z) else self.arrays.of(np.ascontiguousarray(z, np.float32))
        if own.ndim != 3 or tuple(own.shape[1:]) != (self.model.latents, self.model.channels):
            raise ValueError("the frame is none that this bundle has")
        if not bool(self.arrays.finite(own).all()):
            raise ValueError("the frame is none that this bundle has")
        return own
