"""Many dreams at once on a GPU, for agents that train in them: what `DreamBatch` does, with everything on the device.

Tokens, ring, noise, sampler and guard are tensors there; only actions come in, and nothing goes out unless it is asked
for. With the engine's own noise the dreams are those of a `DreamBatch` with the same seeds, up to the numerics.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.bundle import Bundle
from engine.diffusion import fixed_noise
from engine.sampler import Sampling
from engine.settings import Chosen, settings_of
from engine.torch_runtime import TorchRuntime


class EngineNoise:
    """The noise of a `DreamBatch`: each trajectory's from its own numpy generator.

    It is drawn by all cores, one frame ahead, while the device computes: numpy lets go of the interpreter meanwhile.
    """

    def __init__(self, seeds: Sequence[int], positions: int, vocabulary: int, device: torch.device) -> None:
        self.generators = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
        self.host = torch.empty(len(seeds), positions, vocabulary, pin_memory=device.type == "cuda")
        self.device, self.pool = device, ThreadPoolExecutor(os.cpu_count())
        self.drawn = self._draw()

    def _draw(self) -> list[Future[object]]:
        return [
            self.pool.submit(generator.standard_exponential, dtype=np.float32, out=row)
            for generator, row in zip(self.generators, self.host.numpy(), strict=True)
        ]

    def take(self) -> Tensor:
        """(B, S, V) float32 Gumbel noise of the next frame."""
        for future in self.drawn:
            future.result()
        noise = self.host.to(self.device, copy=True)
        self.drawn = self._draw()
        return _gumbel(noise)

    def snapshot(self) -> tuple[Tensor, list[dict[str, Any]]]:
        """What decides all noise to come: the next frame's, which is drawn already, and the generators after it."""
        for future in self.drawn:
            future.result()
        return self.host.clone(), [dict(generator.bit_generator.state) for generator in self.generators]

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot."""
        for future in self.drawn:
            future.result()
        host, states = snapshot
        self.host.copy_(host)
        for generator, state in zip(self.generators, states, strict=True):
            generator.bit_generator.state = state


class DeviceNoise:
    """Noise drawn on the device itself: faster, with the same distribution, and other dreams than a `DreamBatch`'s."""

    def __init__(self, seeds: Sequence[int], positions: int, vocabulary: int, device: torch.device) -> None:
        self.shape, self.device = (len(seeds), positions, vocabulary), device
        seed = int(np.random.SeedSequence(list(seeds)).generate_state(1, np.uint64)[0] >> 1)
        self.generator = torch.Generator(device).manual_seed(seed)

    def take(self) -> Tensor:
        """(B, S, V) float32 Gumbel noise of the next frame."""
        return _gumbel(torch.empty(self.shape, device=self.device).exponential_(generator=self.generator))

    def snapshot(self) -> Tensor:
        """What decides all noise to come."""
        return self.generator.get_state()

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot."""
        self.generator.set_state(snapshot)


def _gumbel(exponential: Tensor) -> Tensor:
    return exponential.clamp_(min=torch.finfo(torch.float32).tiny).log_().neg_()


NOISES: dict[str, type[EngineNoise] | type[DeviceNoise]] = {"engine": EngineNoise, "device": DeviceNoise}


def draw(logits: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
    """`engine.sampler.draw` of tensors: logits, Gumbel noise (B, S, V) float32 to tokens (B, S) int64."""
    if sampling.temperature == 0:
        return logits.argmax(-1)
    scores = logits + noise * sampling.temperature
    if sampling.min_p > 0:
        floor = logits.amax(-1, keepdim=True) + float(np.log(sampling.min_p))
        scores = scores.masked_fill(logits < floor, float("-inf"))
    if sampling.top_p < 1:
        scores = scores.masked_fill(outside_nucleus(logits, sampling.top_p), float("-inf"))
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
    """`engine.ring.Ring` of tensors."""

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
    noise: object


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
        noise: str = "engine",
        game: str | None = None,
        **chosen: Unpack[Chosen],
    ) -> None:
        """Settings left out are the bundle's. noise: `engine` or `device`, which see. Starts at `reset`.

        game: which of the bundle's games all of them dream, the first by default.

        Raises ValueError for a bundle without torch programs or one that was opened with another backend, and for a
        setting that it does not have.
        """
        manifest, runtime = bundle.manifest, bundle.runtime
        if not isinstance(runtime, TorchRuntime):
            raise ValueError(
                f"{manifest.name} must be opened with the backend torch or torch-cuda, not {bundle.backend}."
            )
        if noise not in NOISES:
            raise ValueError(f"there is no noise {noise!r}: choose {' or '.join(NOISES)}")
        self.settings = settings_of(manifest, **chosen)
        self.bundle, self.runtime, self.batch, self.device = bundle, runtime, batch, runtime.device
        number = manifest.game_number(game)
        self.actions, self.starts = manifest.actions_of(manifest.games[number]), bundle.starts.of(number)
        # What the graphs call the actions, and the game where there are several.
        self.codes = torch.tensor([manifest.actions.index(name) for name in self.actions], device=self.device)
        self.told = [torch.full((batch,), number, device=self.device)] if len(manifest.games) > 1 else []
        self.noise_of = NOISES[noise]
        self.values = torch.tensor(manifest.outcome.rewards if manifest.outcome else (0.0,), device=self.device)
        self.noise: EngineNoise | DeviceNoise | None = None

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
        self.noise = self.noise_of(seeds, manifest.positions, manifest.vocabulary, self.device)
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
        noise = self.noise.take()
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
        return TorchSnapshot(ring, self.tokens.clone(), self.frames.clone(), self.noise.snapshot())

    @torch.inference_mode()
    def restore(self, snapshot: TorchSnapshot) -> None:
        """Go back to a snapshot of the same dreams."""
        assert self.noise is not None
        if self.ring is not None and snapshot.ring is not None:
            for name, value in zip(vars(self.ring), snapshot.ring, strict=True):
                setattr(self.ring, name, value.clone())
        self.tokens, self.frames = snapshot.tokens.clone(), snapshot.frames.clone()
        self.noise.restore(snapshot.noise)

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
        good = finite(noisy)
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
