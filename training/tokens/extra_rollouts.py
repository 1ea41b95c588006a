"""Plays more of a built-in game than a disk holds as pictures. Frames are encoded at once; only tokens are kept."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reverie.cores import usable_cores
from reverie.games import registry
from reverie.games.base import FIRST_HELD_OUT_SEED
from reverie.training.data.record import play_shard
from reverie.training.data.recording import Rows
from reverie.training.tokens.windows import TokenEpisodes, concatenate_episodes

EPISODE = 256
"""Frames of an episode."""
BATCH = 16
"""Episodes that a process plays at once: 200 MB of pictures at 128 x 128."""
PARTS_IN_FLIGHT = 2
"""Parts for each process that may wait to be encoded. Without a limit, memory would fill up where play is faster."""
APART = 1 << 20
"""Added to the number of a part, so that its games differ from those of a recording with the same seed."""


def play_extra_rollouts(
    world: str,
    rules: int,
    size: int,
    frames: int,
    seed: int,
    encode: Callable[[NDArray[np.uint8]], NDArray[np.integer]],
    workers: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> TokenEpisodes:
    """Play `frames` frames, rounded up to whole parts, in several processes, and encode them here as they come.

    rules: those of the world. encode: (N, H, W, 3) uint8 to (N, S). workers: None for one a core. The same seed plays
    the same games, however many processes there are. `progress` gets the number of frames so far.
    """
    parts, length = _parts(frames)
    played: list[TokenEpisodes] = []
    starts, lengths = np.arange(BATCH, dtype=np.int64) * length, np.full(BATCH, length, np.int64)
    games = np.zeros(BATCH, np.int64)
    workers = workers or usable_cores()
    with multiprocessing.get_context("spawn").Pool(min(workers, parts), _leave_interrupts) as pool:
        room = threading.Semaphore(PARTS_IN_FLIGHT * workers)

        def numbers() -> Iterator[int]:
            for number in range(parts):
                room.acquire()
                yield number

        try:
            for number, rows in enumerate(pool.imap(partial(_play, world, rules, size, seed, length), numbers())):
                room.release()
                tokens = encode(rows.frames).astype(np.uint16)
                played.append(TokenEpisodes(tokens, rows.actions, rows.rewards, rows.ended, starts, lengths, games))
                progress((number + 1) * len(tokens))
        finally:
            room.release(parts)  # the thread that hands out the parts must not be left waiting when the pool closes
    return concatenate_episodes(played)


def frames_played(frames: int) -> int:
    """Return the number of frames that `play_extra_rollouts` makes for `frames`."""
    parts, length = _parts(frames)
    return parts * BATCH * length


def _parts(frames: int) -> tuple[int, int]:
    """Return the number of parts of `BATCH` episodes for that many frames, and the frames of an episode."""
    return -(-frames // (BATCH * EPISODE)), max(2, min(EPISODE, -(-frames // BATCH)))


def _leave_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def _play(world: str, rules: int, size: int, seed: int, length: int, part: int) -> Rows:
    seeds = np.random.default_rng([seed, APART + part]).integers(FIRST_HELD_OUT_SEED, size=BATCH)
    # Mostly a policy that meets every kind of event; every third part, one that presses random keys.
    policy = registry.policy(world, "random" if part % 3 == 2 else "explore", BATCH, int(seeds[0]))
    return play_shard(registry.get(world)(BATCH, rules), policy, seeds, length, size)
