"""The stage that trains the autoencoder of the latent family."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from reverie.models.latent.autoencoder import Autoencoder, WideBlock, to_pixels
from reverie.schema import Within
from reverie.training.data.recording import Recording, held_out_count
from reverie.training.loop.stage import GradientStage, Losses, OptimizerConfig

HELD_OUT_FRAMES = 512
"""Frames that held-out figures are taken over."""
INIT_PIXELS = 4096 * 64 * 64
"""Pixels whose squares the linear part is computed from: of so many frames that memory stays the same at any size."""
PATCH = 8
"""Edge in pixels of the squares that are ranked by their error."""
WORST_SHARE = 0.1
"""Share of those squares that counts twice: small things are lost first, and the mean over a picture hides it."""
SMALLEST = 0.02
"""Errors below this, of a range of 2, count by their square, others by their size (Charbonnier)."""


@dataclass(frozen=True)
class AutoencoderTraining(OptimizerConfig):
    """How the autoencoder is trained.

    share: of the training time.
    batch: frames in a step.
    noise: standard deviation of what is added to the latents, so that the decoder forgives small errors.
    edges: how much more a pixel counts that differs from its neighbours by the whole range.
    changes: how much more a pixel counts that differs from the frame before by the whole range.
    worst: weight of the worst tenth of a batch's squares, over which the error is taken once more.
    slopes: weight of the differences between neighbours, which keeps textures.
    """

    batch: Annotated[int, Within(1, 65536)] = 64
    learning_rate: Annotated[float, Within(1e-8, 1)] = 1.5e-3
    decay_share: Annotated[float, Within(0.001, 1)] = 0.6
    average: Annotated[float, Within(0, 1)] = 0.995
    share: Annotated[float, Within(0.001, 0.9)] = 0.25
    noise: Annotated[float, Within(0, 1)] = 0.1
    edges: Annotated[float, Within(0, 100)] = 4.0
    changes: Annotated[float, Within(0, 100)] = 4.0
    worst: Annotated[float, Within(0, 100)] = 0.3
    slopes: Annotated[float, Within(0, 100)] = 0.5


class FrameBatch(NamedTuple):
    """Frames and those before them (B, H, W, 3) uint8. noise: (B, S, channels), what is added to the latents."""

    frames: Tensor
    before: Tensor
    noise: Tensor


class AutoencoderStage(GradientStage[Autoencoder, FrameBatch]):
    """Trains encoder and decoder together."""

    name = "autoencoder"
    fixed_when_done = True
    smallest_part = 16
    compiled_layers = (WideBlock,)
    config: AutoencoderTraining

    def __init__(
        self, network: Autoencoder, recording: Recording, config: AutoencoderTraining, minutes: float, seed: int
    ) -> None:
        self.network, self.config, self.minutes, self.seed = network, config, minutes, seed
        border = len(recording.episodes) - held_out_count(len(recording.episodes))
        self.recording, self.unseen = recording, recording.episodes[border:]
        self.seen = recording.episodes[:border]
        self.ends = np.cumsum([episode.length for episode in self.seen])

    def prepare(self) -> None:
        """Begin with the principal components of the recording's squares."""
        frames, _ = spread_frames(self.recording, self.seen, INIT_PIXELS // self.network.config.size**2)
        squares = F.pixel_unshuffle(to_pixels(torch.from_numpy(frames)), self.network.config.patch)  # (N, pixels, h, w)
        self.network.init_from_squares(squares.permute(0, 2, 3, 1).flatten(0, 2).to(next(self.network.parameters())))

    def batch(self, step: int) -> FrameBatch:
        """Frames at random."""
        rng = np.random.default_rng([self.seed, step])
        frames, before = [], []
        for row in np.sort(rng.integers(self.ends[-1], size=self.config.batch)):
            number = int(np.searchsorted(self.ends, row, side="right"))
            pictures = self.recording.rows(self.seen[number]).frames
            place = int(row - self.ends[number] + self.seen[number].length)
            frames.append(pictures[place])
            before.append(pictures[max(place - 1, 0)])
        sizes = self.network.config
        noise = rng.standard_normal((self.config.batch, sizes.positions, sizes.channels), np.float32)
        now, last = (torch.from_numpy(np.stack(part)) for part in (frames, before))
        return FrameBatch(now, last, torch.from_numpy(noise))

    def loss(self, network: Autoencoder, target: Autoencoder, batch: FrameBatch, phase: int) -> Losses:
        """Charbonnier error, weighted where pixels change and at edges; of the worst squares; of the slopes."""
        pixels = to_pixels(batch.frames)  # (B, 3, H, W)
        latents = network.embed(pixels)
        drawn = network.draw(latents + self.config.noise * batch.noise).float()
        weight = self._weights(pixels, to_pixels(batch.before))
        error = charbonnier(drawn - pixels).mean(1, keepdim=True)  # (B, 1, H, W)
        squares = F.avg_pool2d(error, PATCH).flatten()
        worst = squares.topk(max(1, int(len(squares) * WORST_SHARE))).values.mean()
        slopes = sum(charbonnier(slope(drawn, axis) - slope(pixels, axis)).mean() for axis in (2, 3))
        losses = {
            "pixels": (error * weight).mean(),
            "worst": self.config.worst * worst,
            "slopes": self.config.slopes * torch.as_tensor(slopes),
        }
        return losses, {"psnr_db": psnr_db(drawn.detach(), pixels)}

    def _weights(self, pixels: Tensor, before: Tensor) -> Tensor:
        """How much each pixel counts (B, 1, H, W), 1 on average."""
        edges = sum(F.pad(slope(pixels, axis).abs(), (0, 1) if axis == 3 else (0, 0, 0, 1)) for axis in (2, 3))
        changes = (pixels - before).abs()
        weight = 1 + (self.config.edges * torch.as_tensor(edges) + self.config.changes * changes).mean(1, True) / 2
        return weight / weight.mean()

    @torch.no_grad()
    def held_out(self, network: Autoencoder) -> dict[str, Any]:
        """PSNR over whole frames and over the pixels that have changed, on frames that were not trained on."""
        device = next(network.parameters()).device
        frames, before = spread_frames(self.recording, self.unseen, HELD_OUT_FRAMES)
        whole, changed, count = 0.0, 0.0, 0
        for first in range(0, len(frames), 64):
            now = torch.from_numpy(frames[first : first + 64]).to(device)
            moved = (now != torch.from_numpy(before[first : first + 64]).to(device)).any(-1)  # (N, H, W)
            error = (network.decode(network.encode(now)).float() - now.float()).square().mean(-1)
            whole += float(error.mean((1, 2)).sum())
            changed += float(error[moved].sum())
            count += int(moved.sum())
        return {
            "psnr_db": 10 * np.log10(255**2 / max(whole / len(frames), 1e-9)),
            "changed_psnr_db": 10 * np.log10(255**2 / max(changed / max(count, 1), 1e-9)),
        }


def spread_frames(recording: Recording, episodes: list[Any], count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return about `count` frames at most (N, H, W, 3) of some episodes, evenly spread, and the frames before them."""
    total = sum(episode.length for episode in episodes)
    every, frames, before = max(1, math.ceil(total / count)), [], []
    for episode in episodes:
        pictures = recording.rows(episode).frames
        places = np.arange(min(1, episode.length - 1), episode.length, every)
        frames.append(np.asarray(pictures[places]))
        before.append(np.asarray(pictures[np.maximum(places - 1, 0)]))
    return np.concatenate(frames), np.concatenate(before)


def slope(pixels: Tensor, axis: int) -> Tensor:
    """Differences between neighbours along an axis, which becomes shorter by one."""
    return pixels.diff(dim=axis)


def charbonnier(error: Tensor) -> Tensor:
    """A smooth absolute value (Charbonnier et al. 1994)."""
    return (error.square() + SMALLEST**2).sqrt() - SMALLEST


def psnr_db(drawn: Tensor, pixels: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of pixels from -1 to 1."""
    return 10 * torch.log10(4 / (drawn - pixels).square().mean())
