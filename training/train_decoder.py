"""Trains the diffusion decoder on a trained tokenizer's tokens: first plain DDPM, then longer and longer steps too.

A step of any length is learnt from two of half its length, taken by the averaged network: the target of progressive
distillation (Salimans and Ho 2022) with one network for all lengths, told the length (Frans et al. 2024, "One step
diffusion via shortcut models").
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.diffusion_decoder import LONGEST_PLAIN, Condition, DiffusionDecoder, sigma, signal
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
    long_share: share of a batch that is asked for long steps.
    plain_share: first share of the time, in which the answer to them is the plain one: not two halves, but the truth.
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
    long_share: float = 0.25
    plain_share: float = 0.5
    previous_share: float = 0.5
    previous_noise: float = 8.0
    rarity: float = 0.4


class Tokenizer(Protocol):
    """What both VQ-VAEs offer: the two ways between frames (N, H, W, 3) uint8 and tokens (N, S) int64."""

    def encode(self, frames: Tensor) -> Tensor:
        """Frames to tokens."""

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens to frames."""


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
        self, decoder: DiffusionDecoder, tokenizer: Tokenizer, pairs: Pairs, config: DecoderTraining, seed: int
    ) -> None:
        self.decoder, self.tokenizer, self.pairs, self.config, self.seed = decoder, tokenizer, pairs, config, seed
        decoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster
        self.average = copy.deepcopy(decoder).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            decoder.parameters(),
            lr=config.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.device = next(decoder.parameters()).device
        self.weight = code_weights(tokenizer, pairs, decoder.config.vocabulary, config.rarity, self.device)
        self.steps = 0

    def step(self, share: float) -> float:
        """One step, at this share of the time. Returns the mean squared error of what the network predicts."""
        config, rng = self.config, np.random.default_rng([self.seed, self.steps])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        frames, condition = self._draw(rng, generator)
        clean = self.decoder.correction(frames, self.decoder.base(condition))
        n = len(clean)
        fresh = torch.randn(clean.shape, generator=generator).to(self.device)
        long = round(n * config.long_share)
        level, length = (drawn.to(self.device) for drawn in draw_levels(n, long, generator))
        noisy = mix(clean, fresh, level)
        with torch.autocast(self.device.type, torch.bfloat16):
            if share > config.plain_share:
                some = Condition(*(part[:long] for part in condition))
                clean[:long] = two_halves(self.average, noisy[:long], level[:long], length[:long], some)
            drawn = self.decoder(noisy, level, length, condition)
        error = (drawn - clean).square()
        loss = (error * self.decoder.pixels(self.weight[condition.tokens])).mean()
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
    """Put noise `fresh` on corrections `clean`, both (N, H, W, 3), at levels (N,)."""
    level = level[:, None, None, None]
    return signal(level) * clean + sigma(level) * fresh


@torch.no_grad()
def two_halves(decoder: DiffusionDecoder, noisy: Tensor, level: Tensor, length: Tensor, condition: Condition) -> Tensor:
    """The clean correction that leads as far in one step of `length` as two steps of half of it lead.

    noisy: (N, H, W, 3) at `level`, (N,). length: (N,), no longer than level. Returns (N, H, W, 3).
    """
    middle, target = level - length / 2, level - length
    half, _ = decoder.denoise_step(noisy, level, middle, condition)
    end, _ = decoder.denoise_step(half, middle, target, condition)
    level, target = level[:, None, None, None], target[:, None, None, None]
    ratio = sigma(target) / sigma(level)
    return (end - ratio * noisy) / (signal(target) - ratio * signal(level))


def draw_levels(count: int, long: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noise levels (count,) and lengths of steps (count,): long ones for the first `long` of them, then 0."""
    # Spread evenly, high levels more often than low ones: there it is decided what is drawn.
    even = torch.arange(count - long) + torch.rand(count - long, generator=generator)
    plain = (even / (count - long)).sqrt().clamp(min=LOWEST)
    length = LONGEST_PLAIN ** torch.rand(long, generator=generator)
    level = length + (1 - length) * torch.rand(long, generator=generator)
    return torch.cat([level, plain]), torch.cat([length, torch.zeros(count - long)])


@torch.no_grad()
def follow(tokenizer: Tokenizer, before: Tensor, frames: Tensor) -> Condition:
    """The condition of `frames` after the VQ decoder's pictures of the frames `before`, both (N, H, W, 3) uint8."""
    old, tokens = tokenizer.encode(before), tokenizer.encode(frames)
    return Condition(tokens, tokenizer.decode(tokens), tokenizer.decode(old), tokens == old)


@torch.no_grad()
def code_weights(tokenizer: Tokenizer, pairs: Pairs, vocabulary: int, rarity: float, device: torch.device) -> Tensor:
    """What a tile counts by its token, (vocabulary,): (the frequency of the token) ** -rarity, 1 in the mean."""
    numbers = np.linspace(0, len(pairs) - 1, min(len(pairs), COUNTED)).astype(np.int64)
    count = torch.zeros(vocabulary)
    for part in np.array_split(numbers, -(-len(numbers) // 64)):
        tokens = tokenizer.encode(pairs.take(part)[1].to(device)).cpu()
        count += torch.bincount(tokens.flatten(), minlength=vocabulary)
    weight = count.clamp(min=1) ** -rarity
    weight = weight * count.sum() / (weight * count).sum()
    return weight.clamp(0.05, 20).to(device)  # what was counted once or never must not drown all else


def train_decoder(
    decoder: DiffusionDecoder,
    tokenizer: Tokenizer,
    recording: Recording,
    config: DecoderTraining,
    run: Path,
    minutes: float,
    seed: int,
    resume: bool,
    log: Callable[[str], None],
) -> dict[str, float]:
    """Train until `minutes` are spent, over all sessions together; writes `decoder.safetensors` every minute.

    tokenizer: trained, with `encode` and `decode`; it stays as it is. Both networks are on the same device.
    Returns the figures on held-out episodes. Raises RunError where there is nothing to resume, or where the recording,
    the tokenizer and the decoder do not fit one another.
    """
    size = decoder.config.size
    if (recording.size, recording.size) != size:
        raise RunError(f"{recording.folder} holds frames of {recording.size} pixels; the decoder draws {size[0]}.")
    weights_path, live_path = run / "decoder.safetensors", run / "decoder-live.safetensors"
    state_path = run / "decoder-trainer.pt"
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
def decoder_figures(decoder: DiffusionDecoder, tokenizer: Tokenizer, pairs: Pairs, count: int = 64) -> dict[str, float]:
    """PSNR in dB and SSIM against the true frames: of the VQ decoder, and of the diffusion decoder by its steps.

    `after_*`: drawn in one step after the frame before, which was drawn alone; all else is drawn alone. `flicker_*`: by
    how many levels, in the mean, the drawn pixels change in tiles that look the same in both true frames.
    """
    device, noise = next(decoder.parameters()).device, start_noise(decoder)
    numbers = np.linspace(0, len(pairs) - 1, min(len(pairs), count)).astype(np.int64)
    values: dict[str, list[Tensor]] = {}
    for part in np.array_split(numbers, -(-len(numbers) // 16)):
        before, frames = (half.to(device) for half in pairs.take(part))
        condition = follow(tokenizer, before, frames)
        alone = Condition.alone(condition.tokens, condition.vq)
        earlier = decoder.sample(Condition.alone(tokenizer.encode(before), condition.previous), noise, 1)
        drawn = {"vq": condition.vq, "after": decoder.sample(condition._replace(previous=earlier), noise, 1)}
        drawn |= {f"steps_{steps}": decoder.sample(alone, noise, steps) for steps in STEPS}
        same = unchanged_tiles(before, frames, decoder)
        for name, picture in drawn.items():
            values.setdefault(f"{name}_psnr_db", []).append(psnr_db(picture, frames))
            values.setdefault(f"{name}_ssim", []).append(ssim(picture, frames))
        for name, first in (("vq", condition.previous), ("after", earlier), ("steps_1", earlier)):
            change = (drawn[name].float() - first.float()).abs()
            values.setdefault(f"flicker_{name}", []).append(change[same])
    return {name: float(torch.cat(parts).mean()) for name, parts in values.items()}


def unchanged_tiles(before: Tensor, frames: Tensor, decoder: DiffusionDecoder) -> Tensor:
    """The pixels of tiles that are alike in two frames: frames (N, H, W, 3) uint8 to (N, H, W) bool."""
    (h, w), p = decoder.config.grid, decoder.config.patch
    alike = (before == frames).reshape(-1, h, p, w, p * 3).all(4).all(2)
    return decoder.pixels(alike.flatten(1)).squeeze(3)


def start_noise(decoder: DiffusionDecoder, seed: int = 0) -> Tensor:
    """A field of noise (H, W, 3) to begin every frame with."""
    device = next(decoder.parameters()).device
    return torch.randn(*decoder.config.size, 3, generator=torch.Generator().manual_seed(seed)).to(device)


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
