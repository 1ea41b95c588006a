"""Turns all frames of a run into tokens, once: the recording, and the recipe's extra rollouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.models.tokens.networks import Tokenizer
from reverie.models.tokens.patch_vq import GREY, PatchVQ
from reverie.training.data.patches import patch_hashes
from reverie.training.data.recording import Recording, held_out_count
from reverie.training.files import beside
from reverie.training.loop.device_context import DeviceContext
from reverie.training.tokens.extra_rollouts import frames_played, play_extra_rollouts
from reverie.training.tokens.patch_codes import patches_of
from reverie.training.tokens.windows import TokenEpisodes, concatenate_episodes, tokenize

LOG_EVERY = 50_000
"""Frames from one line of the log to the next."""
Encode = Callable[[NDArray[np.uint8]], NDArray[np.integer]]
"""Frames (N, H, W, 3) uint8 to tokens (N, S)."""


def write_tokens(
    path: Path, recording: Recording, encode: Encode, extra_frames: int, seed: int, log: Callable[[str], None]
) -> None:
    """Write the tokens of a recording, and of `extra_frames` frames of each of its games, into the file `path`."""
    parts = []
    for number, (game, actions) in enumerate(recording.games.items()):
        if extra_frames:
            progress = _progress(log, extra_frames)
            rules = recording.rules[game]
            more = play_extra_rollouts(game, rules, recording.size, extra_frames, seed, encode, progress=progress)
            codes = np.array([recording.actions.index(name) for name in actions], np.uint8)
            parts.append(replace(more, actions=codes[more.actions], games=np.full_like(more.starts, number)))
    # The recording comes last: the held-out episodes are the last ones.
    episodes = concatenate_episodes([*parts, tokenize(recording, encode, _progress(log, len(recording)))])
    with beside(path) as part, part.open("wb") as file:
        np.savez(file, **vars(episodes))


def read_tokens(path: Path) -> TokenEpisodes:
    """Read what `write_tokens` has written."""
    with np.load(path, allow_pickle=False) as arrays:
        return TokenEpisodes(**arrays)


def recorded_frames(path: Path, extra_frames: int, games: int) -> int:
    """Number of a tokens file's frames that are of the recording."""
    with np.load(path, allow_pickle=False) as arrays:
        return int(arrays["lengths"].sum()) - frames_played(extra_frames) * games


def split_episodes(episodes: TokenEpisodes, frames: int) -> tuple[TokenEpisodes, TokenEpisodes]:
    """Return the episodes to train on and the held-out ones: the last few, with an episode of `frames` of each game.

    Where a game would be left without such an episode to learn from, both parts are all episodes. Every game must have
    one.
    """
    count = len(episodes.starts)
    long = [np.flatnonzero((episodes.games == game) & (episodes.lengths >= frames)) for game in set(episodes.games)]
    border = min(count - held_out_count(count), *(int(mine[-1]) for mine in long))
    if any(mine[0] >= border for mine in long):
        return episodes, episodes
    return episodes.part(0, border), episodes.part(border, count)


def frame_encoder(tokenizer: Tokenizer, context: DeviceContext) -> Encode:
    """Return a function from frames to tokens, computed on the context's device."""

    @torch.no_grad()
    def encode(frames: NDArray[np.uint8]) -> NDArray[np.integer]:
        parts = np.array_split(frames, -(-len(frames) // 64))
        tokens = [tokenizer.encode(context.to_device(torch.from_numpy(np.array(part)))) for part in parts]
        return np.asarray(torch.cat(tokens).cpu().numpy())  # (N, S)

    @torch.no_grad()
    def encode_patches(frames: NDArray[np.uint8]) -> NDArray[np.integer]:
        # Patches repeat, and each different one is compared with the codes once.
        assert isinstance(tokenizer, PatchVQ)
        grid = tokenizer.config.grid
        _, first, which = np.unique(patch_hashes(frames, grid), return_index=True, return_inverse=True)
        different = context.to_device(torch.from_numpy(patches_of(frames, grid)[first])).float() - GREY  # (K, pixels)
        return tokenizer.nearest(different).cpu().numpy()[which].reshape(len(frames), -1)  # (N, S)

    return encode_patches if isinstance(tokenizer, PatchVQ) else encode


def _progress(log: Callable[[str], None], total: int) -> Callable[[int], None]:
    """Return a function that logs now and then how many frames have become tokens."""
    logged = 0

    def progress(done: int) -> None:
        nonlocal logged
        if done - logged >= LOG_EVERY:
            logged = done
            log(f"tokens: {done} of {total} frames")

    return progress
