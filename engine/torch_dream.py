"""Many dreams at once on a GPU, for agents that train in them: what `DreamBatch` does, with everything on the device.

Tokens, ring, noise, sampler and guard are tensors there; only actions come in, and nothing goes out unless it is asked
for. The dreams are those of a `DreamBatch` with the same seeds, up to the numerics.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.engine.bundle import Bundle
from reverie.engine.diffusion import fixed_noise
from reverie.engine.noise import keys_of
from reverie.engine.sampler import Sampling
from reverie.engine.settings import Chosen, settings_of
from reverie.engine.torch_noise import gumbel, next_keys
from reverie.engine.torch_runtime import TorchRuntime


def draw(logits: Tensor, keys: Tensor, sampling: Sampling) -> Tensor:
    """`reverie.engine.sampler.draw` of tensors: logits (B, S, V) float32, keys (B,) int64 to tokens (B, S) int64."""
    if sampling.temperature == 0:
        return logits.argmax(-1)
    floor = logits.amax(-1, keepdim=True) + float(np.log(sampling.min_p)) if sampling.min_p > 0 else -float("inf")
    kept = logits >= floor
    if sampling.top_p < 1:
        kept &= ~outside_nucleus(logits, sampling.top_p)
    at = kept.flatten().nonzero()[:, 0]
    trajectory, place = at // logits[0].numel(), at % logits[0].numel()
    scores = torch.full_like(logits, -float("inf"))
    scores.view(-1)[at] = logits.flatten()[at] + gumbel(keys[trajectory], place) * sampling.temperature
    return scores.argmax(-1)


def outside_nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Which codes are not among the likeliest that have `top_p` together. logits: (..., V). Returns the same shape."""
    p = (logits - logits.amax(-1, keepdim=True)).exp()
    enough = top_p * p.sum(-1)
    least = torch.ones_like(enough)
    unsure = enough > 1  # elsewhere the likeliest alone has enough
    falling = p[unsure].sort(-1, descending=True).values
    last = (falling.cumsum(-1) >= enough[unsure][:, None]).int().argmax(-1)
    least[unsure] = falling.gather(-1, last[:, None])[:, 0]
    return p < least[..., None]


def finite(logits: Tensor) -> Tensor:
    """(B,) bool: whose logits are numbers."""
    return logits.flatten(1).amax(1).isfinite()


class TorchRing:
    """`reverie.engine.ring.Ring` of tensors."""

    def __init__(self, batch: int, shape: tuple[int, int, int, int, int], device: torch.device) -> None:
        """shape: layers, heads, slots, positions and head_dim."""
        self.keys, self.values = (torch.zeros(batch, *shape, device=device) for _ in range(2))
        self.age = torch.zeros(batch, shape[2], dtype=torch.int64, device=device)
        self.slot = torch.zeros(batch, dtype=torch.int64, device=device)
        self.rows = torch.arange(batch, device=device)

    def push(self, keys: Tensor, values: Tensor, good: Tensor) -> None:
        """keys, values: (B, layers, heads, P, head_dim) of the frame that was; only the good, (B,) bool, take it."""
        at = self.rows, slice(None), slice(None), self.slot
        for ring, new in ((self.keys, keys), (self.values, values)):
            ring[at] = torch.where(good[:, None, None, None, None], new, ring[at])
        older = torch.where(self.age > 0, self.age + 1, self.age)
        older[self.rows, self.slot] = 1
        self.age = torch.where(good[:, None], older, self.age)
        self.slot = torch.where(good, (self.slot + 1) % self.age.shape[1], self.slot)


class TorchSnapshot(NamedTuple):
    """Everything that decides what comes next in some dreams."""

    ring: list[Tensor] | None
    tokens: Tensor
    frames: Tensor
    noise: Tensor


class TorchDreams:
    """B trajectories of one bundle on the device of its torch runtime.

    `tokens` (B, S) int64, `frames` (B, H, W, 3) uint8, `rewards` (B,) float32, `ended` (B,) bool and `faults`, the
    number of frames that the guard held back, are tensors on that device.
    """

    def __init__(
        self,
        bundle: Bundle,
        batch: int,
        *,
        game: str | None = None,
        **chosen: Unpack[Chosen],
    ) -> None:
        """Settings left out are the bundle's. Starts at `reset`.

        game: which of the bundle's games all of them dream, the first by default.

        Raises ValueError for a bundle without torch programs or one that was opened with another backend, and for a
        setting that it does not have.
        """
        manifest, runtime = bundle.manifest, bundle.runtime
        if not isinstance(runtime, TorchRuntime):
            raise ValueError(
                f"{manifest.name} must be opened with the backend torch or torch-cuda, not {bundle.backend}."
            )
        self.settings = settings_of(manifest, **chosen)
        self.bundle, self.runtime, self.batch, self.device = bundle, runtime, batch, runtime.device
        number = manifest.game_number(game)
        self.actions, self.starts = manifest.actions_of(manifest.games[number]), bundle.starts.of(number)
        # What the graphs call the actions, and the game where there are several.
        self.codes = torch.tensor([manifest.actions.index(name) for name in self.actions], device=self.device)
        self.told = [torch.full((batch,), number, device=self.device)] if len(manifest.games) > 1 else []
        self.values = torch.tensor(manifest.outcome.rewards if manifest.outcome else (0.0,), device=self.device)
        self.noise: Tensor | None = None

    @torch.inference_mode()
    def reset(self, seeds: Sequence[int], starts: Sequence[int] | None = None) -> Tensor:
        """Begin again from the game's start histories: by default number seed % N. Returns frames (B, H, W, 3)."""
        known = self.starts
        chosen = [seed % len(known) for seed in seeds] if starts is None else list(starts)
        return self.reset_from(seeds, known.frames[chosen], known.actions[chosen])

    @torch.inference_mode()
    def reset_from(self, seeds: Sequence[int], frames: NDArray[np.uint8], actions: NDArray[np.integer]) -> Tensor:
        """Begin again from histories of your own: frames (B, T, H, W, 3) uint8, oldest first, actions (B, T - 1).

        Returns the last frames. Raises ValueError for another number of trajectories.
        """
        if len(seeds) != self.batch or len(frames) != self.batch:
            raise ValueError(f"{self.batch} trajectories need {self.batch} seeds and histories, not {len(seeds)}")
        manifest, cache = self.bundle.manifest, self.bundle.manifest.cache
        shape = (cache.layers, cache.heads, cache.slots, cache.positions, cache.head_dim) if cache else None
        self.ring = TorchRing(self.batch, shape, self.device) if shape else None
        self.noise = torch.from_numpy(keys_of(seeds).view(np.int64)).to(self.device)
        self.faults = torch.zeros((), dtype=torch.int64, device=self.device)
        self.rewards = torch.zeros(self.batch, device=self.device)
        self.ended = torch.zeros(self.batch, dtype=torch.bool, device=self.device)
        recent = torch.from_numpy(np.array(frames[:, -manifest.history :])).to(self.device)
        between = torch.from_numpy(actions.astype(np.int64)).to(self.device)[
            :, actions.shape[1] + 1 - recent.shape[1] :
        ]
        self.frames = recent[:, 0].contiguous()
        self.tokens = self._encode(self.frames).clamp(0, manifest.vocabulary - 1)
        for t in range(recent.shape[1] - 1):
            logits, _, kept = self._dynamics(between[:, t])
            tokens = self._encode(recent[:, t + 1].contiguous())
            self._commit(tokens, recent[:, t + 1], kept, finite(logits) & self._codes(tokens))
        return self.frames

    @torch.inference_mode()
    def reset_where(self, mask: Tensor, seeds: Sequence[int], starts: Sequence[int] | None = None) -> Tensor:
        """Begin again only where mask (B,) bool is true, as `reset` would; the other trajectories stay as they are.

        seeds, starts: one for each trajectory; only those of the mask are looked at. Returns all frames (B, H, W, 3).
        """
        if self.noise is None:
            raise ValueError("a dream starts with reset")
        before, brought = self.snapshot(), (self.rewards, self.ended, self.faults)
        # All of them begin anew: other numbers of trajectories would be other graphs to capture.
        self.reset(seeds, starts)
        self.rewards, self.ended, self.faults = (*brought[:2], self.faults + brought[2])
        fresh = self.snapshot()

        def either(new: Tensor, old: Tensor) -> Tensor:
            return torch.where(mask.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        rings = None if fresh.ring is None or before.ring is None else list(map(either, fresh.ring, before.ring))
        self.restore(TorchSnapshot(rings, *map(either, fresh[1:], before[1:])))
        return self.frames

    @torch.inference_mode()
    def step(self, actions: Tensor | NDArray[np.integer] | Sequence[int]) -> Tensor:
        """One frame for each trajectory. actions: (B,) of indices, which are taken as they are where they are a tensor.

        Returns frames (B, H, W, 3) uint8 on the device.
        """
        if self.noise is None:
            raise ValueError("a dream starts with reset")
        if not isinstance(actions, Tensor):
            array = np.asarray(actions, np.int64)
            if array.shape != (self.batch,) or ((array < 0) | (array >= len(self.actions))).any():
                raise ValueError(f"{self.batch} trajectories need {self.batch} known actions, not {array.tolist()}")
            actions = torch.from_numpy(array)
        logits, hidden, kept = self._dynamics(actions.to(self.device))
        noise, self.noise = self.noise, next_keys(self.noise)
        tokens, good = draw(logits, noise, self.settings), finite(logits)
        for _ in range(self._most_passes()):
            assert hidden is not None
            logits = self.runtime.run_tensors("causal_head", [hidden, tokens, *self.told])[0]
            before, tokens = tokens, draw(logits, noise, self.settings)
            good &= finite(logits)
            if torch.equal(before, tokens):
                break
        good &= self._codes(tokens)
        tokens = torch.where(good[:, None], tokens, self.tokens)
        if self.bundle.manifest.outcome is not None:
            assert hidden is not None
            rewards, ended = self.runtime.run_tensors("outcome", [hidden, tokens])
            self.rewards, self.ended = self.values[rewards.argmax(-1)] * good, (ended > 0) & good
        self._commit(tokens, self._decode(tokens), kept, good)
        return self.frames

    @torch.inference_mode()
    def snapshot(self) -> TorchSnapshot:
        """A copy of everything that decides what comes next."""
        assert self.noise is not None
        ring = None if self.ring is None else [x.clone() for x in vars(self.ring).values()]
        return TorchSnapshot(ring, self.tokens.clone(), self.frames.clone(), self.noise.clone())

    @torch.inference_mode()
    def restore(self, snapshot: TorchSnapshot) -> None:
        """Go back to a snapshot of the same dreams."""
        if self.ring is not None and snapshot.ring is not None:
            for name, value in zip(vars(self.ring), snapshot.ring, strict=True):
                setattr(self.ring, name, value.clone())
        self.tokens, self.frames, self.noise = snapshot.tokens.clone(), snapshot.frames.clone(), snapshot.noise.clone()

    def _most_passes(self) -> int:
        settings = self.settings
        return settings.passes - 1 if settings.mode == "parallel" else self.bundle.manifest.positions

    def _dynamics(self, actions: Tensor) -> tuple[Tensor, Tensor | None, list[Tensor]]:
        """Logits (B, S, V) and hidden (B, S, hidden) of the next frames; keys and values of the present ones."""
        ring, inputs = self.ring, [self.tokens, self.codes[actions]]
        if ring is not None:
            inputs += [ring.keys, ring.values, ring.age]
        logits, *rest = self.runtime.run_tensors("dynamics", inputs + self.told)
        hidden = rest.pop(0) if self.bundle.manifest.hidden is not None else None
        return logits, hidden, rest

    def _encode(self, frames: Tensor) -> Tensor:
        return self.runtime.run_tensors("encoder", [frames])[0]

    def _codes(self, tokens: Tensor) -> Tensor:
        """(B,) bool: whose tokens are codes that there are."""
        return ((tokens >= 0) & (tokens < self.bundle.manifest.vocabulary)).all(1)

    def _decode(self, tokens: Tensor) -> Tensor:
        vq = self.runtime.run_tensors("decoder", [tokens])[0]
        if self.settings.decoder != "diffusion":
            return vq
        assert self.settings.steps is not None
        noisy = torch.from_numpy(fixed_noise(*vq.shape[1:3]).copy()).to(self.device).expand(self.batch, -1, -1, -1)
        frames = vq
        for level, target in pairwise(np.linspace(1, 0, self.settings.steps + 1)):
            levels = [torch.full((self.batch,), float(at), device=self.device) for at in (level, target)]
            noisy, frames = self.runtime.run_tensors("diffusion", [noisy.contiguous(), *levels, tokens, vq])
        good = noisy.flatten(1).isfinite().all(1)
        self.faults += (~good).sum()
        return torch.where(good[:, None, None, None], frames, vq)

    def _commit(self, tokens: Tensor, frames: Tensor, kept: list[Tensor], good: Tensor) -> None:
        """The present frames of the good go into the ring and the next ones take their place; the others stay."""
        if self.ring is not None:
            keys, values = kept
            self.ring.push(keys, values, good)
        self.tokens = torch.where(good[:, None], tokens, self.tokens)
        self.frames = torch.where(good[:, None, None, None], frames, self.frames)
        self.faults += (~good).sum()
