"""The data of a diffusion decoder: frames of a recording, and what the plain decoder draws of them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.training.data.recording import Episode, Recording, held_out_count


class Codec(Protocol):
    """The two ways between frames (N, H, W, 3) uint8 and their representation z (N, S, ...)."""

    def encode(self, frames: Tensor, /) -> Tensor:
        """Frames to z."""

    def decode(self, z: Tensor, /) -> Tensor:
        """z to frames."""


class Frames:
    """The frames of some episodes of a recording, numbered through."""

    def __init__(self, recording: Recording, episodes: list[Episode]) -> None:
        self.rows = [recording.rows(episode).frames for episode in episodes]
        self.ends = np.cumsum([len(rows) for rows in self.rows])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def take(self, numbers: NDArray[np.int64]) -> Tensor:
        """Frames by their numbers: (N, H, W, 3) uint8."""
        owners = np.searchsorted(self.ends, numbers, side="right")
        pairs = zip(owners, numbers - self.ends[owners], strict=True)
        return torch.from_numpy(np.stack([self.rows[owner][back] for owner, back in pairs]))

    def spread(self, most: int) -> NDArray[np.int64]:
        """Numbers of at most so many frames, evenly spread, that have another one after them in their episode."""
        followed = np.delete(np.arange(len(self)), self.ends - 1)
        return followed[np.linspace(0, len(followed) - 1, min(most, len(followed))).astype(np.int64)]


def split_frames(recording: Recording) -> tuple[Frames, Frames]:
    """Return the frames to train on and the held-out ones: the last few episodes, at least one if there are two."""
    episodes = recording.episodes
    border = len(episodes) - held_out_count(len(episodes))
    return Frames(recording, episodes[:border]), Frames(recording, episodes[border:] or episodes)


@torch.no_grad()
def encode_decode(codec: Codec, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Return the representation z (N, S, ...) of frames (N, H, W, 3) uint8, and the plain decoder's picture of it."""
    z = codec.encode(frames)
    return z, codec.decode(z)


def place_means(pixels: Tensor, patch: int) -> Tensor:
    """Means over each square of `patch` pixels, (N, S), of pixels (N, H, W, C)."""
    n, height, width, c = pixels.shape
    return pixels.reshape(n, height // patch, patch, width // patch, patch, c).mean((2, 4, 5)).flatten(1)
