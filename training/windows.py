"""Windows of consecutive frames out of many episodes, as tokens; and a recording turned into tokens once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.recording import Recording

SELDOM = 0.01
"""This share of the frames, those with the rarest tokens, is drawn more often."""


@dataclass(frozen=True)
class TokenEpisodes:
    """All episodes of a recording, one after the other, as tokens.

    tokens: (N, S) uint16. actions: (N,) uint8. rewards: (N,) float32. ended: (N,) bool. starts, lengths: (E,) int64.
    """

    tokens: NDArray[np.uint16]
    actions: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


def tokenize(
    recording: Recording,
    encode: Callable[[NDArray[np.uint8]], NDArray[np.integer]],
    progress: Callable[[int], None] = lambda done: None,
) -> TokenEpisodes:
    """Run every frame through `encode` ((N, H, W, 3) uint8 to (N, S)); `progress` is told the frames done so far."""
    tokens, actions, rewards, ended, lengths = [], [], [], [], []
    done = 0
    for episode in recording.episodes:
        rows = recording.rows(episode)
        tokens.append(encode(np.asarray(rows.frames)).astype(np.uint16))
        actions.append(np.asarray(rows.actions))
        rewards.append(np.asarray(rows.rewards))
        ended.append(np.asarray(rows.ended))
        lengths.append(episode.length)
        done += episode.length
        progress(done)
    sizes = np.array(lengths, np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    joined = np.concatenate
    return TokenEpisodes(joined(tokens), joined(actions), joined(rewards), joined(ended), starts, sizes)


def joined(parts: Sequence[TokenEpisodes]) -> TokenEpisodes:
    """All episodes of several collections, in order."""
    before = np.cumsum([0, *(len(part.tokens) for part in parts)])
    return TokenEpisodes(
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.actions for part in parts]),
        np.concatenate([part.rewards for part in parts]),
        np.concatenate([part.ended for part in parts]),
        np.concatenate([part.starts + offset for part, offset in zip(parts, before, strict=False)]),
        np.concatenate([part.lengths for part in parts]),
    )


class Drawn(NamedTuple):
    """Windows out of episodes.

    tokens: (N, length, S) int64. actions: (N, length) int64. rewards: (N, length) float32, ended: (N, length) bool, of
    the transition from each frame to the next. elsewhen: tokens of another window of the same episode, at any time,
    shaped like tokens.
    """

    tokens: NDArray[np.int64]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    elsewhen: NDArray[np.int64]


class Windows:
    """Draws windows that never cross an episode's end.

    A window of `length` frames gives `length` frames with the actions done at them and, for each but the last, the
    frame that came of it: as `(frame_history, action, next_frame)` take the first `length - 1` frames, the action at
    the last of them, and the last frame.
    """

    def __init__(self, episodes: TokenEpisodes, length: int, rare_share: float = 0.0) -> None:
        """rare_share: share of windows that hold something rare; each kind of it is drawn equally often.

        Rare are transitions with a reward, by their reward, the ends of rounds, and frames that show what is seldom
        seen, such as one creature over another. Raises ValueError where no episode is long enough.
        """
        self.episodes, self.length, self.rare_share = episodes, length, rare_share
        room = np.maximum(episodes.lengths - length + 1, 0)  # window starts in each episode
        if not room.any():
            raise ValueError(f"no episode has {length} frames")
        self.room = room
        self.first = np.concatenate(
            [np.arange(start, start + n) for start, n in zip(episodes.starts, room, strict=True)]
        )
        # A transition at row r stands in the windows that start at r - length + 2 .. r.
        allowed = np.zeros(len(episodes.tokens), bool)
        allowed[self.first] = True
        self.rare: list[NDArray[np.int64]] = []  # for each kind, the windows that hold it
        kinds = [episodes.rewards == reward for reward in np.unique(episodes.rewards[episodes.rewards != 0])]
        kinds = [*kinds, episodes.ended, seldom(episodes.tokens)] if rare_share else []
        for rows in map(np.flatnonzero, kinds):
            spread = np.concatenate([rows - back for back in range(length - 1)])
            spread = spread[spread >= 0]
            if allowed[spread].any():
                self.rare.append(spread[allowed[spread]])
        self.all_rare = np.concatenate([*self.rare, np.zeros(0, np.int64)])

    def __len__(self) -> int:
        return len(self.first)

    def draw(self, count: int, rng: np.random.Generator) -> Drawn:
        """`count` windows."""
        first = self.first[rng.integers(len(self.first), size=count)]
        if self.rare:
            chosen = np.flatnonzero(rng.random(count) < self.rare_share)
            kinds = rng.integers(len(self.rare), size=len(chosen))
            sizes = np.array([len(kind) for kind in self.rare])
            before = np.cumsum(sizes) - sizes  # of each kind, in all kinds one after the other
            first[chosen] = self.all_rare[before[kinds] + rng.integers(sizes[kinds])]
        episode = np.searchsorted(self.episodes.starts, first, side="right") - 1
        other = self.episodes.starts[episode] + rng.integers(self.room[episode])
        rows, others = (start[:, None] + np.arange(self.length) for start in (first, other))
        e = self.episodes
        return Drawn(
            e.tokens[rows].astype(np.int64),
            e.actions[rows].astype(np.int64),
            e.rewards[rows],
            e.ended[rows],
            e.tokens[others].astype(np.int64),
        )


def seldom(tokens: NDArray[np.uint16], share: float = SELDOM) -> NDArray[np.bool_]:
    """Which frames (N,) of tokens (N, S) hold a token that is seldom: at most `share` of the frames do."""
    count = np.bincount(tokens.ravel())
    rarest = count[tokens].min(1)  # how often the rarest token of each frame occurs in all
    return np.asarray(rarest < np.quantile(rarest, share, method="lower"))


def frame_windows(recording: Recording, history: int) -> Sequence[tuple[int, int]]:
    """All (episode number, offset) at which `history` frames and the one after them lie inside one episode."""
    return [(number, t) for number, e in enumerate(recording.episodes) for t in range(e.length - history)]
