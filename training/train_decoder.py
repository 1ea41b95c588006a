"""Trains the diffusion decoder on a trained tokenizer's tokens: first plain DDPM, then longer and longer steps too.

A step of any length is learnt from two of half its length, taken by the averaged network: the target of progressive
distillation (Salimans and Ho 2022) with one network for all lengths, told the length (Frans et al. 2024, "One step
diffusion via shortcut models").
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models.diffusion_decoder import LONGEST_PLAIN, Condition, DiffusionDecoder, ddim, noise, signal
from training.checkpoint import Clock, RunError, load_state, load_weights, save_state, save_weights
from training.recording import Episode, Recording

HELD_OUT_SHARE = 0.02
"""Share of a recording's episodes that training only looks at to say how well it goes."""
LOWEST = 0.01
"""The lowest noise level that is learnt at."""
COUNTED = 2048
"""Frames in which tokens are counted."""
STEPS = (1, 2, 4, 8)
"""Numbers of sampling steps that figures are given for."""


@dataclass(frozen=True)
class DecoderTraining:
    """How a diffusion decoder is trained.

    batch: frames in a step.
    learning_rate: of AdamW, at its highest.
    weight_decay: of all weights.
    warmup_steps: steps in which the rate rises.
    decay_share: last share of the time, in which the rate falls to zero.
    average: decay of the running average of the weights, which is what is exported and what long steps learn from.
    plain_share: first share of the time, in which no long steps are learnt.
    long_share: share of a batch that learns long steps afterwards.
    previous_share: share of frames that are shown the frame before.
    previous_noise: largest standard deviation of the noise on the frame before, in levels of a pixel.
    rarity: a tile counts as (the frequency of its token) ** -rarity, so that rare pictures are drawn right too.
    """

    batch: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    decay_share: float = 0.4
    average: float = 0.998
    plain_share: float = 0.5
    long_share: float = 0.25
    previous_share: float = 0.5
    previous_noise: float = 8.0
    rarity: float = 0.4


class Pairs:
    """Draws frames and the frames before them out of some episodes of a recording."""

    def __init__(self, recording: Recording, episodes: list[Episode]) -> None:
        """Raises RunError where no episode has two frames."""
        self.recording, self.episodes = recording, [episode for episode in episodes if episode.length > 1]
        if not self.episodes:
            raise RunError(f"{recording.folder} holds no episode of two frames; record more.")
        self.ends = np.cumsum([episode.length - 1 for episode in self.episodes])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def take(self, numbers: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Pairs by their number: the frames before and the frames, both (N, H, W, 3) uint8."""
        before, frames = [], []
        for number in numbers:
            owner = int(np.searchsorted(self.ends, number, side="right"))
            episode = self.episodes[owner]
            row = episode.length - 1 - int(self.ends[owner] - number)
            pair = self.recording.rows(episode).frames[row : row + 2]
            before.append(pair[0])
            frames.append(pair[1])
        return torch.from_numpy(np.stack(before)), torch.from_numpy(np.stack(frames))


def split(recording: Recording) -> tuple[Pairs, Pairs]:
    """The last few episodes of a recording are kept out of training; at least one, if there are two."""
    episodes = recording.episodes
    kept = min(len(episodes) - 1, max(1, round(len(episodes) * HELD_OUT_SHARE)))
    border = len(episodes) - kept
    return Pairs(recording, episodes[:border]), Pairs(recording, episodes[border:] or episodes)


class DecoderTrainer:
    """A decoder, its running average, and the steps that train it. Step n depends on the seed and n alone."""

    def __init__(
        self, decoder: DiffusionDecoder, tokenizer: nn.Module, pairs: Pairs, config: DecoderTraining, seed: int
    ) -> None:
        self.decoder, self.tokenizer, self.pairs, self.config, self.seed = decoder, tokenizer, pairs, config, seed
        decoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster
        self.average = copy.deepcopy(decoder).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            decoder.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay
        )
        self.device = next(decoder.parameters()).device
        self.weight = code_weights(tokenizer, pairs, decoder.config.vocabulary, config.rarity)
        self.steps = 0

    def step(self, share: float) -> float:
        """One step, at this share of the time. Returns the mean squared error of what the network predicts."""
        config, rng = self.config, np.random.default_rng([self.seed, self.steps])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        frames, condition = self._draw(rng, generator)
        clean = self.decoder.correction(frames, condition.vq)
        n = len(clean)
        fresh = torch.randn(clean.shape, generator=generator).to(self.device)
        long = round(n * config.long_share) if share > config.plain_share else 0
        level, length = (drawn.to(self.device) for drawn in draw_levels(n, long, generator))
        noisy = mix(clean, fresh, level)
        with torch.autocast(self.device.type, torch.bfloat16):
            if long:
                some = Condition(*(part[:long] for part in condition))
                clean[:long] = two_halves(self.average, noisy[:long], level[:long], length[:long], some)
            drawn = self.decoder(noisy, level, length, condition)
        error = (drawn - clean).square().mean(1)
        loss = (error * self._tile_weights(condition.tokens)).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.decoder.parameters(), 1.0)
        rate = min(1.0, (self.steps + 1) / config.warmup_steps) * min(1.0, (1 - share) / config.decay_share)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * rate
        self.optimizer.step()
        self.steps += 1
        self._update_average(min(config.average, (self.steps + 1) / (self.steps + 10)))
        return float(error.detach().mean())

    def _draw(self, rng: np.random.Generator, generator: torch.Generator) -> tuple[Tensor, Condition]:
        config = self.config
        pairs = self.pairs.take(rng.integers(len(self.pairs), size=config.batch))
        before, frames = (part.to(self.device) for part in pairs)
        condition = follow(self.tokenizer, before, frames)
        # In play the frame before is the decoder's own: something between the VQ decoder's and the true one.
        far, strength = torch.rand(2, config.batch, 1, 1, 1, generator=generator)
        dirt = torch.randn(frames.shape, generator=generator) * strength * config.previous_noise
        own = condition.previous.float().lerp(before.float(), far.to(self.device)) + dirt.to(self.device)
        shown = torch.rand(config.batch, 1, generator=generator) < config.previous_share
        return frames, condition._replace(
            previous=own.round().clamp(0, 255).to(torch.uint8), still=condition.still & shown.to(self.device)
        )

    def _tile_weights(self, tokens: Tensor) -> Tensor:
        """(N, H, W): what every pixel counts."""
        (h, w), p = self.decoder.config.grid, self.decoder.config.patch
        return self.weight[tokens].reshape(-1, h, w).repeat_interleave(p, 1).repeat_interleave(p, 2)

    @torch.no_grad()
    def _update_average(self, decay: float) -> None:
        for mean, value in zip(self.average.parameters(), self.decoder.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, but the decoder's own weights."""
        return {"steps": self.steps, "optimizer": self.optimizer.state_dict(), "average": self.average.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.steps = int(state["steps"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.load_state_dict(state["average"])


def mix(clean: Tensor, fresh: Tensor, level: Tensor) -> Tensor:
    """Put noise `fresh` on corrections `clean`, both (N, 3, H, W), at levels (N,)."""
    level = level[:, None, None, None]
    return signal(level) * clean + noise(level) * fresh


@torch.no_grad()
def two_halves(decoder: DiffusionDecoder, noisy: Tensor, level: Tensor, length: Tensor, condition: Condition) -> Tensor:
    """The clean correction that leads as far in one step of `length` as two steps of half of it lead.

    noisy: (N, 3, H, W) at `level`, (N,). length: (N,), no longer than level. Returns (N, 3, H, W).
    """
    middle, target = level - length / 2, level - length
    half, _ = decoder.denoise_step(noisy, level, middle, condition)
    end, _ = decoder.denoise_step(half, middle, target, condition)
    level, target = level[:, None, None, None], target[:, None, None, None]
    ratio = noise(target) / noise(level)
    return (end - ratio * noisy) / (signal(target) - ratio * signal(level))


def draw_levels(count: int, long: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noise levels (count,) and lengths of steps (count,): 0, and up to the whole way for the first `long` of them."""
    # Spread evenly, high levels more often than low ones: there it is decided what is drawn.
    even = torch.arange(count - long) + torch.rand(count - long, generator=generator)
    plain = (even / (count - long)).sqrt().clamp(min=LOWEST)
    length = (2 * LONGEST_PLAIN) ** torch.rand(long, generator=generator)
    level = length + (1 - length) * torch.rand(long, generator=generator)
    return torch.cat([level, plain]), torch.cat([length, torch.zeros(count - long)])


@torch.no_grad()
def follow(tokenizer: nn.Module, before: Tensor, frames: Tensor) -> Condition:
    """The condition of `frames` after the VQ decoder's pictures of the frames `before`, both (N, H, W, 3) uint8."""
    old, tokens = tokenizer.encode(before), tokenizer.encode(frames)  # type: ignore[operator]
    decode = tokenizer.decode
    return Condition(tokens, decode(tokens), decode(old), tokens == old)  # type: ignore[operator]


def code_weights(tokenizer: nn.Module, pairs: Pairs, vocabulary: int, rarity: float) -> Tensor:
    """What a tile counts by its token, (vocabulary,): (the frequency of the token) ** -rarity, 1 in the mean."""
    numbers = np.linspace(0, len(pairs) - 1, min(len(pairs), COUNTED)).astype(np.int64)
    count, device = torch.zeros(vocabulary), next(tokenizer.parameters()).device
    for part in np.array_split(numbers, -(-len(numbers) // 64)):
        tokens = tokenizer.encode(pairs.take(part)[1].to(device)).cpu()
        count += torch.bincount(tokens.flatten(), minlength=vocabulary)
    weight = count.clamp(min=1) ** -rarity
    return (weight * count.sum() / (weight * count).sum()).clamp(0.05, 20).to(device)


def train_decoder(
    decoder: DiffusionDecoder,
    tokenizer: nn.Module,
    recording: Recording,
    config: DecoderTraining,
    run: Path,
    minutes: float,
    seed: int,
    resume: bool,
    log: Callable[[str], None],
) -> dict[str, float]:
    """Train until `minutes` are spent, over all sessions together; writes `diffusion.safetensors` every minute.

    tokenizer: trained, with `encode` and `decode`; it stays as it is. Both networks are on the same device.
    Returns the figures on held-out episodes. Raises RunError where there is nothing to resume, or where the recording,
    the tokenizer and the decoder do not fit one another.
    """
    size = decoder.config.size
    if (recording.size, recording.size) != size:
        raise RunError(f"{recording.folder} holds frames of {recording.size} pixels; the decoder draws {size[0]}.")
    weights_path, live_path = run / "diffusion.safetensors", run / "diffusion-live.safetensors"
    state_path = run / "diffusion-trainer.pt"
    train, held_out = split(recording)
    trainer, spent = DecoderTrainer(decoder, tokenizer, train, config, seed), 0.0
    if resume and state_path.exists():
        load_weights(live_path, decoder)
        state = load_state(state_path)
        trainer.restore(state)
        spent = float(state["seconds"])
    elif resume:
        raise RunError(f"{run} has no training of the diffusion decoder to resume; leave --resume out.")
    log(f"diffusion: {sum(p.numel() for p in decoder.parameters()) / 1e6:.2f} M parameters, {len(train)} frames")
    clock, recent = Clock(minutes * 60, spent), 0.0

    def keep() -> None:
        save_weights(weights_path, trainer.average.state_dict())
        save_weights(live_path, decoder.state_dict())
        save_state(state_path, {**trainer.state(), "seconds": clock.elapsed})

    try:
        while clock.share < 1:
            error = trainer.step(clock.share)
            recent = 0.98 * recent + 0.02 * error if recent else error
            if trainer.steps % 100 == 0:
                log(f"diffusion {clock.share:4.0%} step {trainer.steps}: error {recent:.5f}")
            if clock.due(60):
                keep()
            if trainer.steps % 1000 == 0:
                log(f"held out: {figures_line(decoder_figures(trainer.average, tokenizer, held_out))}")
    finally:
        keep()  # also on Ctrl-C
    decoder.load_state_dict(trainer.average.state_dict())
    return {"steps": trainer.steps, **decoder_figures(trainer.average, tokenizer, held_out)}


@torch.no_grad()
def decoder_figures(decoder: DiffusionDecoder, tokenizer: nn.Module, pairs: Pairs, count: int = 64) -> dict[str, float]:
    """PSNR in dB and SSIM against the true frames: the VQ decoder's, and the diffusion decoder's by number of steps.

    `alone`: of frames drawn with none before them. `flicker`: how much tiles that look the same in both true frames
    differ in the drawn ones, in mean levels of a pixel, when the second is drawn after the first in one step.
    """
    device, noise = next(decoder.parameters()).device, start_noise(decoder)
    numbers = np.linspace(0, len(pairs) - 1, min(len(pairs), count)).astype(np.int64)
    sums: dict[str, list[Tensor]] = {}
    for part in np.array_split(numbers, -(-len(numbers) // 16)):
        before, frames = (half.to(device) for half in pairs.take(part))
        condition = follow(tokenizer, before, frames)
        first = decoder.sample(Condition.alone(tokenizer.encode(before), condition.previous), noise, 1)
        second = decoder.sample(condition._replace(previous=first), noise, 1)
        (h, w), p = decoder.config.grid, decoder.config.patch
        same = (before == frames).reshape(-1, h, p, w, p * 3).all(4).all(2)
        same = same.repeat_interleave(p, 1).repeat_interleave(p, 2)
        alone = Condition.alone(condition.tokens, condition.vq)
        pictures = {"vq": condition.vq}
        pictures |= {f"alone_{steps}": decoder.sample(alone, noise, steps) for steps in STEPS}
        pictures["after_1"] = second
        for name, picture in pictures.items():
            sums.setdefault(f"{name}_psnr_db", []).append(psnr_db(picture, frames))
            sums.setdefault(f"{name}_ssim", []).append(ssim(picture, frames))
        for name, picture in (("flicker_alone", pictures["alone_1"]), ("flicker", second)):
            sums.setdefault(name, []).append((picture.float() - first.float()).abs().mean(3)[same])
    return {name: float(torch.cat(values).mean()) for name, values in sums.items()}


def start_noise(decoder: DiffusionDecoder, seed: int = 0) -> Tensor:
    """A field of noise (3, H, W) to begin every frame with."""
    device = next(decoder.parameters()).device
    return torch.randn(3, *decoder.config.size, generator=torch.Generator().manual_seed(seed)).to(device)


def psnr_db(a: Tensor, b: Tensor) -> Tensor:
    """Of every frame, (N,): peak signal-to-noise ratio of frames (N, H, W, 3) uint8, at most 78 dB."""
    error = (a.float() - b.float()).square().mean((1, 2, 3)).clamp(min=1e-3)
    return 10 * torch.log10(255**2 / error)


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Of every frame, (N,): structural similarity of frames (N, H, W, 3) uint8, over windows of 8x8 pixels.

    Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity", with even windows.
    """
    x, y = (frames.permute(0, 3, 1, 2).float() for frames in (a, b))
    means = [F.avg_pool2d(image, 8, 1) for image in (x, y, x * x, y * y, x * y)]
    mean_x, mean_y, square_x, square_y, product = means
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    spread = square_x - mean_x**2 + square_y - mean_y**2
    top = (2 * mean_x * mean_y + c1) * (2 * (product - mean_x * mean_y) + c2)
    return (top / ((mean_x**2 + mean_y**2 + c1) * (spread + c2))).mean((1, 2, 3))


def figures_line(figures: dict[str, float]) -> str:
    """Figures on one line."""
    return ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
