"""Trains v1's VQ-VAE: first as a plain autoencoder, then with a codebook seeded from what it has learnt."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.models.v1.vqvae import VQVAE
from reverie.training.data.patches import patch_hashes
from reverie.training.data.recording import Recording
from reverie.training.loop.checkpoint import Clock
from reverie.training.loop.device_context import Place
from reverie.training.tokens.codebook import CodebookLearner

GRID = (8, 8)


@dataclass(frozen=True)
class TokenizerTraining:
    """How v1's tokenizer is trained.

    share: of the training time.
    batch: frames in a step.
    learning_rate: of AdamW, at its highest.
    frames: frames of the recording that are looked at.
    warmup_share: share of the time without quantisation.
    polish_share: last share of the time, in which encoder and codes stay and the decoder alone learns on.
    commitment: weight of the distance between an embedding and its code.
    rarity: a patch counts as (its frequency) ** -rarity, so that rare pictures are drawn right too.
    """

    share: float = 0.1
    batch: int = 32
    learning_rate: float = 2e-3
    frames: int = 40_000
    warmup_share: float = 0.15
    polish_share: float = 0.25
    commitment: float = 0.25
    rarity: float = 0.6


def sample_frames(
    recording: Recording, count: int, grid: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """About `count` frames (N, H, W, 3) of the recording: half of them by chance, half those with the rarest patches.

    By chance alone most of the patches that are seen once in ten thousand frames would be missed.
    """
    if count >= len(recording):
        return np.concatenate([np.asarray(recording.rows(episode).frames) for episode in recording.episodes])
    hashes = [patch_hashes(np.asarray(recording.rows(episode).frames), grid) for episode in recording.episodes]
    _, kind, counts = np.unique(np.concatenate(hashes), return_inverse=True, return_counts=True)
    rarest = counts[kind].reshape(len(recording), -1).min(1)
    order = np.argsort(rarest + rng.random(len(rarest)))  # among equals by chance
    chosen = np.zeros(len(recording), bool)
    chosen[order[: count // 2]] = True
    chosen[rng.choice(order[count // 2 :], count - count // 2, replace=False)] = True
    ends = np.cumsum([episode.length for episode in recording.episodes])
    parts = zip(recording.episodes, np.split(chosen, ends[:-1]), strict=True)
    return np.concatenate([np.asarray(recording.rows(episode).frames[np.flatnonzero(part)]) for episode, part in parts])


@dataclass(frozen=True)
class WeighedPatches:
    """The different patches in some frames, told apart by their very pixels.

    frame, position: (K,) int64, where one patch of each kind is. weight: (K,) float32, of all patches of a kind
    together. patch_weight: (N, P) float32, mean 1: how much each patch counts, by how often its kind occurs.
    """

    frame: NDArray[np.int64]
    position: NDArray[np.int64]
    weight: NDArray[np.float32]
    patch_weight: NDArray[np.float32]


def weigh_patches(frames: NDArray[np.uint8], grid: tuple[int, int], rarity: float) -> WeighedPatches:
    """The kinds of patches in frames (N, H, W, 3); a patch counts as (its frequency) ** -rarity."""
    n, positions = len(frames), grid[0] * grid[1]
    hashes = patch_hashes(frames, grid)
    _, first, where, counts = np.unique(hashes.ravel(), return_index=True, return_inverse=True, return_counts=True)
    weight = (counts[where].astype(np.float64) ** -rarity).reshape(n, positions)
    total = (counts.astype(np.float64) ** (1 - rarity)).astype(np.float32)
    return WeighedPatches(first // positions, first % positions, total, (weight / weight.mean()).astype(np.float32))


@torch.no_grad()
def embed_kinds(
    tokenizer: VQVAE, frames: Tensor, kinds: WeighedPatches, rng: np.random.Generator, most: int = 8192
) -> tuple[Tensor, Tensor]:
    """One embedding (K, D) and the weight (K,) of each kind, or of `most` of them where there are more.

    frames: (N, H, W, 3) uint8, what the kinds were found in, on the tokenizer's device.
    """
    chosen = np.arange(len(kinds.frame))
    if len(chosen) > most:
        chosen = rng.choice(chosen, most, replace=False, p=kinds.weight / kinds.weight.sum(dtype=np.float64))
    z = []
    for part in np.array_split(chosen, -(-len(chosen) // 128)):
        embedded = tokenizer.embed(frames[torch.from_numpy(kinds.frame[part]).to(frames.device)])
        z.append(embedded[torch.arange(len(part)), torch.from_numpy(kinds.position[part])])
    return torch.cat(z), torch.from_numpy(kinds.weight[chosen]).to(frames.device)


def train_tokenizer(
    tokenizer: VQVAE,
    recording: Recording,
    config: TokenizerTraining,
    seconds: float,
    seed: int,
    log: Callable[[str], None],
    place: Place,
) -> None:
    """Train a VQ-VAE, which is on the place's device, for `seconds`."""
    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator(place.device).manual_seed(seed)
    frames = sample_frames(recording, config.frames, GRID, rng)
    there = torch.from_numpy(frames).to(place.device)
    kinds = weigh_patches(frames, GRID, config.rarity)
    weights = kinds.patch_weight
    counts = torch.from_numpy(weights).clip(0.05, 20).to(place.device)
    embed, decode = place.compiled(tokenizer.embed), place.compiled(tokenizer.decode_codes)
    chance = weights.mean(1, dtype=np.float64)
    chance /= chance.sum()
    log(
        f"tokenizer: {len(frames)} frames with {len(kinds.frame)} different patches, "
        f"{sum(p.numel() for p in tokenizer.parameters()) / 1e6:.2f} M parameters"
    )
    optimizer = torch.optim.AdamW(tokenizer.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=0.01)
    learner = CodebookLearner(tokenizer.codebook)
    seeded, step, mean = False, 0, torch.zeros((), device=place.device)
    tokenizer.train()
    clock = Clock(seconds * (1 - config.polish_share))
    while clock.share < 1:
        share = clock.share
        rate = config.learning_rate * min(1.0, (step + 1) / 50) * (1 - share**2 * 0.97)
        for group in optimizer.param_groups:
            group["lr"] = rate
        chosen = torch.from_numpy(rng.choice(len(frames), config.batch, p=chance)).to(place.device)
        batch, weight = there[chosen], counts[chosen]
        if not seeded and share > config.warmup_share:
            learner.seed(*embed_kinds(tokenizer, there, kinds, rng), 10, generator)
            seeded = True
        with place.autocast():
            z = embed(batch)
        z = z.float()
        codes, commitment = z, z.new_zeros(())
        if seeded:
            tokens = tokenizer.nearest(z.detach())
            learner.update(z.detach().flatten(0, 1), tokens.flatten(), weight.flatten(), generator)
            quantised = tokenizer.codebook[tokens]
            commitment = (((z - quantised) ** 2).sum(-1) * weight).mean()
            codes = z + (quantised - z).detach()  # straight-through
        with place.autocast():
            drawn = decode(codes)
        error = ((drawn.float() - tokenizer.patches(batch)) ** 2).mean(-1)
        loss = (error * weight).mean() + config.commitment * commitment
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tokenizer.parameters(), 1.0)
        optimizer.step()
        step += 1
        mean = mean.lerp(error.detach().mean(), 0.02 if step > 1 else 1.0)
        if step % 200 == 0:
            db = 10 * math.log10(4 / float(mean))
            log(f"tokenizer {share:4.0%} step {step}: {db:.2f} dB, loss {float(loss.detach()):.5f}")
    round_to_half(tokenizer)
    in_use = learner.settle(*embed_kinds(tokenizer, there, kinds, rng))
    round_to_half(tokenizer)
    log(f"tokenizer: {in_use} codes in use")
    polish_decoder(tokenizer, there, weights, config, seconds * config.polish_share, seed, log, place)
    tokenizer.eval()


@torch.no_grad()
def round_to_half(tokenizer: VQVAE) -> None:
    """Round all weights to what float16 holds.

    Bundles store halves. The encoder is rounded before the dynamics are shown its tokens, and not on export, because
    rounding can tip a patch that lies between two codes.
    """
    for tensor in tokenizer.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half().float())


def polish_decoder(
    tokenizer: VQVAE,
    frames: Tensor,
    weights: NDArray[np.float32],
    config: TokenizerTraining,
    seconds: float,
    seed: int,
    log: Callable[[str], None],
    place: Place,
) -> None:
    """Train the decoder alone, on the tokens as they are.

    frames: (N, H, W, 3) uint8, on the place's device. weights: (N, P), of their patches.
    """
    rng = np.random.default_rng(seed)
    chance = weights.mean(1, dtype=np.float64)
    chance /= chance.sum()
    optimizer = torch.optim.AdamW(tokenizer.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
    clock, step = Clock(seconds), 0
    counts, decode = torch.from_numpy(weights).clip(0.05, 20).to(place.device), place.compiled(tokenizer.decode_codes)
    tokenizer.train()
    while clock.share < 1:
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate / 2 * (1 - clock.share)
        chosen = torch.from_numpy(rng.choice(len(frames), config.batch, p=chance)).to(place.device)
        batch = frames[chosen]
        with torch.no_grad():
            codes = tokenizer.codebook[tokenizer.nearest(tokenizer.embed(batch))]
        with place.autocast():
            drawn = decode(codes)
        error = ((drawn.float() - tokenizer.patches(batch)) ** 2).mean(-1)
        loss = (error * counts[chosen]).mean()
        optimizer.zero_grad(set_to_none=True)  # what is not part of the decoder has no gradient and stays
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tokenizer.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 500 == 0:
            log(f"decoder {clock.share:4.0%} step {step}: {10 * math.log10(4 / float(error.detach().mean())):.2f} dB")
