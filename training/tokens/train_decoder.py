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
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.models.tokens.diffusion_decoder import LONGEST_PLAIN, DiffusionDecoder, sigma, signal
from reverie.training.data.recording import Recording
from reverie.training.loop.checkpoint import Clock, RunError, load_state, save_state, save_weights
from reverie.training.loop.device_context import Place
from reverie.training.loop.figures import figures_line
from reverie.training.loop.interrupts import held_back
from reverie.training.loop.prefetch import Ahead
from reverie.training.loop.utilisation import Meter
from reverie.training.tokens.decoder_figures import decoder_figures
from reverie.training.tokens.decoder_frames import Codec, Frames, see, split, tile_means

LOWEST = 0.01
"""The lowest noise level that is learnt at."""
COUNTED = 8192
"""Frames in which tokens are counted, and how far from the truth the VQ decoder draws them."""
LEAST_SPREAD = 0.1 / 127.5
"""Corrections of a code are taken to be no smaller: a tenth of a level of a pixel."""
DOUBT = 0.1
"""In how many tiles a code is taken to have been seen with large corrections, so that rare codes are not trusted."""


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
    rarity: float = 0.4


class DecoderTrainer:
    """A decoder, its running average, and the steps that train it. Step n depends on the seed and n alone."""

    def __init__(
        self,
        decoder: DiffusionDecoder,
        tokenizer: Codec,
        frames: Frames,
        config: DecoderTraining,
        seed: int,
        place: Place | None = None,
    ) -> None:
        """decoder, tokenizer: on the place's device; the processor is the place by default."""
        self.decoder, self.tokenizer, self.frames, self.config, self.seed = decoder, tokenizer, frames, config, seed
        weight, spread = code_statistics(decoder, tokenizer, frames, config.rarity)
        decoder.spread.copy_(spread)
        # Errors count as they are seen, in levels of a pixel, and not in units of each code.
        self.visible = (spread / decoder.config.spread).square()
        self.weight = weight * self.visible
        decoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster
        self.average = copy.deepcopy(decoder).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            decoder.parameters(),
            lr=config.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.place = place or Place()
        self.device, self.predict = self.place.device, self.place.compiled(decoder)
        self.ahead = Ahead(self._take)
        self.steps = 0

    def _take(self, step: int) -> tuple[Tensor, torch.Generator]:
        """A step's frames and what the rest of it draws from, both on the device."""
        rng = np.random.default_rng([self.seed, step])
        generator = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        frames = self.frames.take(rng.integers(len(self.frames), size=self.config.batch))
        return self.place.to_device(frames), generator

    def step(self, share: float) -> Tensor:
        """One step, at this share of the time. Returns the mean squared error of what the network predicts."""
        config, n = self.config, self.config.batch
        frames, generator = self.ahead.take(self.steps)
        tokens, vq = see(self.tokenizer, frames)
        clean = self.decoder.correction(frames, tokens, vq)
        fresh = torch.randn(clean.shape, generator=generator, device=self.device)
        long = round(n * config.long_share)
        level, length = draw_levels(n, long, generator)
        noisy = mix(clean, fresh, level)
        with self.place.autocast():
            if share > config.plain_share:
                few = (part[:long] for part in (noisy, level, length, tokens, vq))
                clean[:long] = two_halves(self.average, *few)
            drawn = self.predict(noisy, level, length, tokens, vq)
        error = tile_means((drawn - clean).square(), self.decoder)
        loss = (error * self.weight[tokens]).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.decoder.parameters(), 1.0)
        rate = min(1.0, (self.steps + 1) / config.warmup_steps) * min(1.0, (1 - share) / config.decay_share)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * rate
        self.optimizer.step()
        self.steps += 1
        self._update_average(min(config.average, (self.steps + 1) / (self.steps + 10)))
        return (error.detach() * self.visible[tokens]).mean()

    @torch.no_grad()
    def _update_average(self, decay: float) -> None:
        for mean, value in zip(self.average.parameters(), self.decoder.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "steps": self.steps,
            "model": self.decoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.steps = int(state["steps"])
        self.decoder.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.load_state_dict(state["average"])


def mix(clean: Tensor, fresh: Tensor, level: Tensor) -> Tensor:
    """Put noise `fresh` on corrections `clean`, both (N, H, W, 3), at levels (N,)."""
    level = level[:, None, None, None]
    return signal(level) * clean + sigma(level) * fresh


@torch.no_grad()
def two_halves(
    decoder: DiffusionDecoder, noisy: Tensor, level: Tensor, length: Tensor, tokens: Tensor, vq: Tensor
) -> Tensor:
    """The clean correction that leads as far in one step of `length` as two steps of half of it lead.

    noisy: (N, H, W, 3) at `level`, (N,). length: (N,), no longer than level. Returns (N, H, W, 3).
    """
    middle, target = level - length / 2, level - length
    half, _ = decoder.denoise_step(noisy, level, middle, tokens, vq)
    end, _ = decoder.denoise_step(half, middle, target, tokens, vq)
    level, target = level[:, None, None, None], target[:, None, None, None]
    ratio = sigma(target) / sigma(level)
    return (end - ratio * noisy) / (signal(target) - ratio * signal(level))


def draw_levels(count: int, long: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noise levels (count,) and lengths of steps (count,): long ones for the first `long` of them, then 0.

    They are on the generator's device.
    """
    # Spread evenly, high levels more often than low ones: there it is decided what is drawn.
    device = generator.device
    even = torch.arange(count - long, device=device) + torch.rand(count - long, generator=generator, device=device)
    plain = (even / (count - long)).sqrt().clamp(min=LOWEST)
    length = LONGEST_PLAIN ** torch.rand(long, generator=generator, device=device)
    level = length + (1 - length) * torch.rand(long, generator=generator, device=device)
    return torch.cat([level, plain]), torch.cat([length, torch.zeros(count - long, device=device)])


@torch.no_grad()
def code_statistics(
    decoder: DiffusionDecoder, tokenizer: Codec, frames: Frames, rarity: float
) -> tuple[Tensor, Tensor]:
    """Of every code, (vocabulary,) both: what a tile of it counts, and how large its corrections are.

    The first is (the frequency of the code) ** -rarity, 1 in the mean over tiles. The second is the root of the mean
    square of what the VQ decoder's tile lacks, in units of a picture in [-1, 1].
    """
    vocabulary, prior = decoder.config.vocabulary, decoder.config.spread
    device, numbers = decoder.spread.device, frames.spread(COUNTED)
    count, square = torch.zeros(2, vocabulary, device=device)
    for part in np.array_split(numbers, -(-len(numbers) // 64)):
        true = frames.take(part).to(device)
        tokens, vq = see(tokenizer, true)
        lacks = tile_means(((true.float() - vq.float()) / 127.5).square(), decoder)
        count += torch.bincount(tokens.flatten(), minlength=vocabulary)
        square.index_add_(0, tokens.flatten(), lacks.flatten())
    weight = count.clamp(min=1) ** -rarity
    weight = weight * count.sum() / (weight * count).sum()
    spread = ((square + DOUBT * prior**2) / (count + DOUBT)).sqrt()
    # What was counted once or never must not drown all else.
    return weight.clamp(0.05, 20), spread.clamp(min=LEAST_SPREAD)


def train_decoder(
    decoder: DiffusionDecoder,
    tokenizer: Codec,
    recording: Recording,
    config: DecoderTraining,
    run: Path,
    minutes: float,
    seed: int,
    resume: bool,
    log: Callable[[str], None],
    place: Place | None = None,
) -> dict[str, float]:
    """Train until `minutes` are spent, over all sessions together; writes `decoder.safetensors` every minute.

    tokenizer: trained, with `encode` and `decode`; it stays as it is. Both networks are on the device of the place, by
    default the processor.
    Returns the figures on held-out episodes. Raises RunError where there is nothing to resume, or where the recording,
    the tokenizer and the decoder do not fit one another.
    """
    device, (h, w), size = next(decoder.parameters()).device, decoder.config.grid, decoder.config.size
    if (recording.size, recording.size) != size:
        raise RunError(f"{recording.folder} holds frames of {recording.size} pixels; the decoder draws {size[0]}.")
    train, held_out = split(recording)
    tokens, _ = see(tokenizer, train.take(np.array([0])).to(device))
    if tokens.shape[1] != h * w:
        raise RunError(
            f"the tokenizer makes {tokens.shape[1]} tokens of a frame; the decoder takes {h * w}, one a tile."
        )
    weights_path, state_path = run / "decoder.safetensors", run / "decoder-trainer.pt"
    trainer, spent = DecoderTrainer(decoder, tokenizer, train, config, seed, place), 0.0
    if resume and state_path.exists():
        state = load_state(state_path)
        trainer.restore(state)
        spent = float(state["seconds"])
    elif resume:
        raise RunError(f"{run} has no training of the diffusion decoder to resume; leave --resume out.")
    log(f"diffusion: {sum(p.numel() for p in decoder.parameters()) / 1e6:.2f} M parameters, {len(train)} frames")
    clock, meter = Clock(minutes * 60, spent), Meter(0, None, trainer.steps)
    recent: Tensor | None = None

    def keep() -> None:
        save_weights(weights_path, trainer.average.state_dict())
        save_state(state_path, {**trainer.state(), "seconds": clock.elapsed})

    try:
        while clock.share < 1:
            with held_back():
                error = trainer.step(clock.share)
                recent = error if recent is None else recent.lerp(error, 0.02)
                if trainer.steps % 100 == 0:
                    speed = meter.line(trainer.steps, trainer.ahead.waited)
                    log(f"diffusion {clock.share:4.0%} step {trainer.steps}: error {float(recent):.5f}; {speed}")
                if clock.due(60):
                    keep()
                if trainer.steps % 1000 == 0:
                    log(f"held out: {figures_line(decoder_figures(trainer.average, tokenizer, held_out))}")
    finally:
        with held_back():
            keep()  # also on Ctrl-C
    decoder.load_state_dict(trainer.average.state_dict())
    return {"steps": trainer.steps, **decoder_figures(trainer.average, tokenizer, held_out)}
