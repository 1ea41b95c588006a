"""Learns the codes of a `PatchVQ`: the commonest patches of a recording, and means of the others (Lloyd)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.models.tokens.patch_vq import GREY, PatchVQ, nearest
from reverie.models.tokens.two_level_vq import TwoLevelVQ
from reverie.schema import Within
from reverie.training.data.patches import patch_hashes
from reverie.training.data.recording import Recording

MOST_KINDS = 2**18
"""Different patches that are kept at most: more than any game has. A film has more."""
ROUNDS = 5
"""Rounds of Lloyd's algorithm; the first one brings most of the gain."""


@dataclass(frozen=True)
class PatchCodesTraining:
    """How the codes of patches are learnt.

    frames: frames of the recording, drawn at random, whose patches are counted.
    """

    frames: Annotated[int, Within(1, 10**8)] = 200_000


@dataclass(frozen=True)
class Kinds:
    """Different patches, told apart by their very pixels, the commonest first.

    pictures: (K, patch * patch * 3) uint8. counts: (K,) int64, how often each occurs.
    """

    pictures: NDArray[np.uint8]
    counts: NDArray[np.int64]


def learn_patch_codes(
    tokenizer: PatchVQ | TwoLevelVQ,
    recording: Recording,
    config: PatchCodesTraining,
    seed: int,
    log: Callable[[str], None],
) -> None:
    """Fill in the codebooks of a tokenizer, which is on the processor."""

    def frames() -> Iterator[NDArray[np.uint8]]:
        return some_frames(recording, config.frames, np.random.default_rng(seed))

    if isinstance(tokenizer, PatchVQ):
        _learn_level(tokenizer, frames(), "", log)
    else:
        _learn_level(tokenizer.coarse, _seen(tokenizer.downsampled, frames()), "coarse ", log)
        _learn_level(tokenizer.fine, _seen(tokenizer.residual, frames()), "fine ", log)


def _learn_level(level: PatchVQ, frames: Iterator[NDArray[np.uint8]], name: str, log: Callable[[str], None]) -> None:
    kinds = kinds_of(frames, level.config.grid)
    level.codebook.copy_(codes_of(kinds, level.config.vocabulary))
    pictures = torch.from_numpy(kinds.pictures)
    exact = torch.cat([(_again(level, part) == part).all(1) for part in pictures.split(4096)]).numpy()
    log(
        f"tokenizer: {kinds.counts.sum()} {name}patches of {len(kinds.counts)} kinds; {level.config.vocabulary} codes "
        f"show {kinds.counts[exact].sum() / kinds.counts.sum():.2%} of them to the pixel"
    )


def _again(level: PatchVQ, pictures: Tensor) -> Tensor:
    return (level.codebook[level.nearest(pictures.float() - GREY)] + GREY).to(torch.uint8)


def _seen(view: Callable[[Tensor], Tensor], frames: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    return (view(torch.from_numpy(part)).numpy() for part in frames)


def some_frames(
    recording: Recording, count: int, rng: np.random.Generator, game: int | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Draw about `count` frames of a recording at random, and yield them in parts (n, H, W, 3), episode by episode.

    game: the number of the game to draw from; None for all.
    """
    episodes = [episode for episode in recording.episodes if game in (None, recording.game_of(episode))]
    share = min(1.0, count / max(1, sum(episode.length for episode in episodes)))
    for number in rng.permutation(len(episodes)):
        frames = recording.rows(episodes[number]).frames
        chosen = np.flatnonzero(rng.random(len(frames)) < share)
        for part in np.split(chosen, range(512, len(chosen), 512)):
            if len(part):
                yield np.asarray(frames[part])


def kinds_of(frames: Iterator[NDArray[np.uint8]], grid: tuple[int, int], most: int = MOST_KINDS) -> Kinds:
    """Return the different patches in frames (n, H, W, 3), at most about `most`; later ones are left out."""
    known, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
    pictures: list[NDArray[np.uint8]] = []
    order = np.zeros(0, np.int64)  # of the pictures, as `known` has them
    for part in frames:
        hashes, first, times = np.unique(patch_hashes(part, grid), return_index=True, return_counts=True)
        if len(known) < most:
            new = ~np.isin(hashes, known, assume_unique=True)
            pictures.append(patches_of(part, grid)[first[new]])
            place = np.searchsorted(known, hashes[new])
            order = np.insert(order, place, len(known) + np.arange(len(place)))
            counts = np.insert(counts, place, 0)
            known = np.insert(known, place, hashes[new])
        there = np.searchsorted(known, hashes).clip(max=len(known) - 1)
        met = known[there] == hashes
        counts[there[met]] += times[met]
    common = np.argsort(-counts, kind="stable")
    return Kinds(np.concatenate(pictures)[order[common]], counts[common])


def patches_of(frames: NDArray[np.uint8], grid: tuple[int, int]) -> NDArray[np.uint8]:
    """Frames (N, H, W, 3) to patches (N * P, patch * patch * 3), row by row."""
    (rows, columns), (n, height, width, _) = grid, frames.shape
    x = frames.reshape(n, rows, height // rows, columns, width // columns, 3)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n * rows * columns, -1)


def codes_of(kinds: Kinds, vocabulary: int) -> Tensor:
    """Return the codebook of a `PatchVQ`: (V, pixels) float32 of whole numbers.

    If there are enough codes, every kind gets its own. Otherwise Lloyd's algorithm starts from the commonest kinds and
    moves each code to the mean of the kinds nearest to it. A code that mostly stands for one kind then takes exactly
    its picture, which is sharper. Unused codes repeat the first one, and no patch ever gets them.
    """
    pictures = torch.from_numpy(kinds.pictures).float() - GREY
    weight = torch.from_numpy(kinds.counts).double()
    codes = pictures[:vocabulary].clone()
    if len(pictures) <= vocabulary:
        return torch.cat([codes, codes[:1].expand(vocabulary - len(codes), -1)])
    for _ in range(ROUNDS):
        chosen, mass = _members(pictures, weight, codes)
        total = torch.zeros(codes.shape, dtype=torch.float64).index_add_(0, chosen, pictures * weight[:, None])
        codes = torch.where(mass[:, None] > 0, (total / mass.clamp(min=1)[:, None]).float(), codes)
    codes = codes.round()
    chosen, mass = _members(pictures, weight, codes)
    numbers, last = torch.arange(len(pictures)), len(pictures) - 1
    commonest = torch.full((vocabulary,), last).scatter_reduce_(0, chosen, numbers, "amin")
    mostly = (mass > 0) & (weight[commonest] > mass / 2)
    return torch.where(mostly[:, None], pictures[commonest], codes)


def _members(pictures: Tensor, weight: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the code of each picture, (K,) int64, and the total weight of each code, (V,) float64."""
    chosen = torch.cat([nearest(part, codes) for part in pictures.split(4096)])
    return chosen, torch.zeros(len(codes), dtype=torch.float64).index_add_(0, chosen, weight)
