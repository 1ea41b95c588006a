"""The stage that trains v1's VQ-VAE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.models.v1.vqvae import VQVAE
from reverie.schema import Within
from reverie.training.data.patches import patch_hashes
from reverie.training.data.recording import Recording
from reverie.training.loop.stage import GradientStage, Losses, OptimizerConfig
from reverie.training.tokens.codebook import CodebookLearner
from reverie.training.tokens.tokenizer_figures import tokenizer_figures

GRID = (8, 8)


@dataclass(frozen=True)
class VQVAETraining(OptimizerConfig):
    """How v1's tokenizer is trained.

    share: of the training time.
    batch: frames in a step.
    learning_rate: of AdamW, at its highest.
    average: 0, so that the weights themselves are saved.
    frames: frames of the recording that are used.
    warmup_share: first share of the stage's time, without quantisation.
    polish_share: last share of the stage's time, in which encoder and codes are fixed and the decoder learns on.
    commitment: weight of the distance between an embedding and its code.
    rarity: a patch counts as (its frequency) ** -rarity, so that rare pictures are drawn right too.
    """

    batch: Annotated[int, Within(1, 65536)] = 32
    learning_rate: Annotated[float, Within(1e-8, 1)] = 2e-3
    warmup_steps: Annotated[int, Within(1, 10**6)] = 50
    decay_share: Annotated[float, Within(0.001, 1)] = 0.6
    average: Annotated[float, Within(0, 1)] = 0.0
    share: Annotated[float, Within(0.001, 0.9)] = 0.1
    frames: Annotated[int, Within(1, 10**7)] = 40_000
    warmup_share: Annotated[float, Within(0, 1)] = 0.15
    polish_share: Annotated[float, Within(0, 1)] = 0.25
    commitment: Annotated[float, Within(0, 100)] = 0.25
    rarity: Annotated[float, Within(0, 1)] = 0.6


def sample_frames(
    recording: Recording, count: int, grid: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return about `count` frames (N, H, W, 3) of the recording: half at random, half those with the rarest patches.

    A random sample alone would miss most patches that are seen once in ten thousand frames.
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
    """The different patches in some frames, compared pixel by pixel.

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
    tokenizer: VQVAE, frames: NDArray[np.uint8], kinds: WeighedPatches, rng: np.random.Generator, most: int = 8192
) -> tuple[Tensor, Tensor]:
    """Return an embedding (K, D) and the weight (K,) of each kind, or of `most` of them where there are more.

    frames: (N, H, W, 3), in which the kinds were found.
    """
    device = tokenizer.codebook.device
    chosen = np.arange(len(kinds.frame))
    if len(chosen) > most:
        chosen = rng.choice(chosen, most, replace=False, p=kinds.weight / kinds.weight.sum(dtype=np.float64))
    z = []
    for part in np.array_split(chosen, -(-len(chosen) // 128)):
        embedded = tokenizer.embed(torch.from_numpy(frames[kinds.frame[part]]).to(device))
        z.append(embedded[torch.arange(len(part)), torch.from_numpy(kinds.position[part])])
    return torch.cat(z), torch.from_numpy(kinds.weight[chosen]).to(device)


class FrameBatch(NamedTuple):
    """Frames (B, 64, 64, 3) uint8, and the weight of each of their patches (B, 64) float32. step: its number."""

    frames: Tensor
    weight: Tensor
    step: int


class VQVAEStage(GradientStage[VQVAE, FrameBatch]):
    """Trains v1's VQ-VAE in three phases: a plain autoencoder; a codebook seeded from it; the decoder alone."""

    name = "tokenizer"
    fixed_when_done = True
    single_process = True
    compiled = False
    config: VQVAETraining

    def __init__(
        self,
        network: VQVAE,
        recording: Recording,
        config: VQVAETraining,
        minutes: float,
        seed: int,
        device: torch.device,
    ) -> None:
        """network: on the device. recording: frames of 64x64 pixels."""
        self.network, self.config, self.minutes, self.seed, self.device = network, config, minutes, seed, device
        self.phases = (0.0, config.warmup_share, 1 - config.polish_share)
        self.recording = recording
        self.frames = sample_frames(recording, config.frames, GRID, np.random.default_rng(seed))
        self.kinds = weigh_patches(self.frames, GRID, config.rarity)
        self.weight = torch.from_numpy(self.kinds.patch_weight).clip(0.05, 20)  # (N, 64)
        chance = self.kinds.patch_weight.mean(1, dtype=np.float64)
        self.chance = chance / chance.sum()
        self.learner = CodebookLearner(network.codebook)

    def batch(self, step: int) -> FrameBatch:
        """Frames of a step; those with rare patches are drawn more often."""
        chosen = np.random.default_rng([self.seed, step]).choice(len(self.frames), self.config.batch, p=self.chance)
        return FrameBatch(torch.from_numpy(self.frames[chosen]), self.weight[chosen], step)

    def begin_phase(self, phase: int, target: VQVAE) -> None:
        """Seed the codebook, or fix encoder and codes."""
        rng = np.random.default_rng([self.seed, phase])
        if phase == 1:
            embeddings = embed_kinds(self.network, self.frames, self.kinds, rng)
            self.learner.seed(*embeddings, 10, torch.Generator(self.device).manual_seed(self.seed))
        else:
            round_to_half(self.network)
            self.learner.reassign_unused(*embed_kinds(self.network, self.frames, self.kinds, rng))
            round_to_half(self.network)
        target.load_state_dict(self.network.state_dict())

    def loss(self, network: VQVAE, target: VQVAE, batch: FrameBatch, phase: int) -> Losses:
        """Weighted squared error of the pixels, and how far the embeddings are from their codes."""
        if phase < 2:
            z = network.embed(batch.frames).float()  # (B, 64, code_width)
        else:
            with torch.no_grad(), torch.autocast(batch.frames.device.type, enabled=False):
                z = network.embed(batch.frames)
        codes, commitment = z, z.new_zeros(())
        if phase > 0:
            with torch.autocast(z.device.type, enabled=False):
                tokens = network.nearest(z.detach())  # (B, 64)
            codes = network.codebook[tokens]  # (B, 64, code_width)
        if phase == 1:
            generator = torch.Generator(z.device).manual_seed(batch.step)
            self.learner.update(z.detach().flatten(0, 1), tokens.flatten(), batch.weight.flatten(), generator)
            quantised = network.codebook[tokens]
            commitment = (((z - quantised) ** 2).sum(-1) * batch.weight).mean()
            codes = z + (quantised - z).detach()  # straight-through
        drawn = network.decode_codes(codes).float()  # (B, 64, 192)
        error = ((drawn - network.patches(batch.frames)) ** 2).mean(-1)  # (B, 64)
        losses = {"pixels": (error * batch.weight).mean(), "commitment": self.config.commitment * commitment}
        return losses, {"psnr_db": 10 * torch.log10(4 / error.detach().mean())}

    def held_out(self, network: VQVAE) -> dict[str, Any]:
        """PSNR and use of the codes, on frames of the recording."""
        return tokenizer_figures(network, self.recording, self.seed, self.device)

    def state(self) -> dict[str, Any]:
        """The running means of the codebook."""
        return self.learner.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.learner.restore(state)


@torch.no_grad()
def round_to_half(tokenizer: VQVAE) -> None:
    """Round all weights to what float16 holds.

    Bundles store halves. The encoder is rounded before the dynamics are shown its tokens, and not on export, because
    rounding can tip a patch that lies between two codes.
    """
    for tensor in tokenizer.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half().float())
