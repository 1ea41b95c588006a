"""Windows of consecutive frames out of many episodes, as tokens; and a recording turned into tokens once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.training.data.recording import Recording

SELDOM_SHARE = 0.01
"""This share of the frames, those with the rarest tokens, is drawn more often."""


@dataclass(frozen=True)
class TokenEpisodes:
    """All episodes of a recording, one after the other, as tokens.

    tokens: (N, S) uint16. actions: (N,) uint8. rewards: (N,) float32. ended: (N,) bool. starts, lengths, games: (E,)
    int64, the games by number.
    """

    tokens: NDArray[np.uint16]
    actions: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    games: NDArray[np.int64]

    def codes_shown(self, games: int, vocabulary: int) -> NDArray[np.bool_]:
        """Which codes the episodes of each game hold: (games, vocabulary)."""
        shown = np.zeros((games, vocabulary), np.bool_)
        for game, start, length in zip(self.games, self.starts, self.lengths, strict=True):
            shown[game, self.tokens[start : start + length]] = True
        return shown

    def part(self, first: int, last: int) -> TokenEpisodes:
        """The episodes from `first` on, up to `last` or, where that is their number, to the end."""
        bounds = np.append(self.starts, len(self.tokens))
        rows, episodes = slice(bounds[first], bounds[last]), slice(first, last)
        return TokenEpisodes(
            self.tokens[rows],
            self.actions[rows],
            self.rewards[rows],
            self.ended[rows],
            self.starts[episodes] - bounds[first],
            self.lengths[episodes],
            self.games[episodes],
        )


def tokenize(
    recording: Recording,
    encode: Callable[[NDArray[np.uint8]], NDArray[np.integer]],
    progress: Callable[[int], None] = lambda done: None,
) -> TokenEpisodes:
    """Run every frame through `encode` ((N, H, W, 3) uint8 to (N, S)); `progress` is told the frames done so far."""
    tokens, actions, rewards, ended, lengths, games = [], [], [], [], [], []
    done = 0
    for episode in recording.episodes:
        rows = recording.rows(episode)
        tokens.append(encode(np.asarray(rows.frames)).astype(np.uint16))
        actions.append(np.asarray(rows.actions))
        rewards.append(np.asarray(rows.rewards))
        ended.append(np.asarray(rows.ended))
        lengths.append(episode.length)
        games.append(recording.game_of(episode))
        done += episode.length
        progress(done)
    sizes = np.array(lengths, np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    join = np.concatenate
    played = join(tokens), join(actions), join(rewards), join(ended)
    return TokenEpisodes(*played, starts, sizes, np.array(games, np.int64))


def concatenate_episodes(parts: Sequence[TokenEpisodes]) -> TokenEpisodes:
    """All episodes of several collections, in order."""
    before = np.cumsum([0, *(len(part.tokens) for part in parts)])
    return TokenEpisodes(
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.actions for part in parts]),
        np.concatenate([part.rewards for part in parts]),
        np.concatenate([part.ended for part in parts]),
        np.concatenate([part.starts + offset for part, offset in zip(parts, before, strict=False)]),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.games for part in parts]),
    )


class WindowArrays(NamedTuple):
    """Windows out of episodes.

    tokens: (N, length, S) int64. actions: (N, length) int64. rewards: (N, length) float32, ended: (N, length) bool, of
    the transition from each frame to the next. other_time: tokens of another window of the same episode, at any time,
    shaped like tokens. games: (N,) int64, the number of each one's game.
    """

    tokens: NDArray[np.int64]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    other_time: NDArray[np.int64]
    games: NDArray[np.int64]


class Windows:
    """Draws windows that never cross an episode's end.

    A window of `length` frames gives `length` frames with the actions done at them and, for each but the last, the
    frame that came of it: as `(frame_history, action, next_frame)` take the first `length - 1` frames, the action at
    the last of them, and the last frame.
    """

    def __init__(
        self, episodes: TokenEpisodes, length: int, rare_share: float = 0.0, weights: Sequence[float] = ()
    ) -> None:
        """rare_share: share of windows that hold something rare; each kind of it is drawn equally often.

        Rare are transitions with a reward, by their reward, the ends of rounds, and frames that show what is seldom
        seen, such as one creature over another. weights: how often each game is drawn against the others, by its
        number; equally where there are none. Raises ValueError where a game that is drawn has no episode long enough.
        """
        self.episodes, self.length, self.rare_share = episodes, length, rare_share
        self.room = np.maximum(episodes.lengths - length + 1, 0)  # window starts in each episode
        count = max(len(weights), int(episodes.games.max()) + 1)
        share = np.array(weights or [1.0] * count, np.float64)
        self.share = share / share.sum()
        self.games = [self._game(number) for number in range(count)]
        if any(not len(game.first) for game, share in zip(self.games, self.share, strict=True) if share):
            raise ValueError(f"no episode has {length} frames")

    def _game(self, number: int) -> GameWindows:
        """The windows of one game."""
        e, length = self.episodes, self.length
        room = np.where(e.games == number, self.room, 0)
        first = np.concatenate([np.arange(start, start + n) for start, n in zip(e.starts, room, strict=True)])
        if not self.rare_share or not len(first):
            return GameWindows(first, [])
        mine = (e.games == number).repeat(e.lengths)
        strange = np.zeros(len(mine), bool)
        strange[mine] = seldom(e.tokens[mine])
        kinds = [e.rewards == reward for reward in np.unique(e.rewards[mine & (e.rewards != 0)])]
        # A transition at row r stands in the windows that start at r - length + 2 .. r.
        allowed = np.zeros(len(mine), bool)
        allowed[first] = True
        rare = []
        for kind in (*kinds, e.ended, strange):
            rows = np.flatnonzero(kind & mine)
            spread = np.concatenate([rows - back for back in range(length - 1)])
            spread = spread[spread >= 0]
            if allowed[spread].any():
                rare.append(spread[allowed[spread]])
        return GameWindows(first, rare)

    def __len__(self) -> int:
        return sum(len(game.first) for game in self.games)

    def draw(self, count: int, rng: np.random.Generator) -> WindowArrays:
        """`count` windows."""
        e = self.episodes
        games = rng.choice(len(self.games), count, p=self.share) if len(self.games) > 1 else np.zeros(count, np.int64)
        first = np.zeros(count, np.int64)
        for number in np.unique(games):
            mine = games == number
            first[mine] = self.games[number].draw(int(mine.sum()), self.rare_share, rng)
        episode = np.searchsorted(e.starts, first, side="right") - 1
        other = e.starts[episode] + rng.integers(self.room[episode])
        rows, others = (start[:, None] + np.arange(self.length) for start in (first, other))
        return WindowArrays(
            e.tokens[rows].astype(np.int64),
            e.actions[rows].astype(np.int64),
            e.rewards[rows],
            e.ended[rows],
            e.tokens[others].astype(np.int64),
            games.astype(np.int64),
        )


class GameWindows:
    """Where the windows of one game begin: all of them, and those that hold something rare, by its kind."""

    def __init__(self, first: NDArray[np.int64], rare: list[NDArray[np.int64]]) -> None:
        self.first, self.rare = first, rare
        self.all_rare = np.concatenate([*rare, np.zeros(0, np.int64)])

    def draw(self, count: int, rare_share: float, rng: np.random.Generator) -> NDArray[np.int64]:
        """First rows of `count` windows."""
        first = self.first[rng.integers(len(self.first), size=count)]
        if self.rare:
            chosen = np.flatnonzero(rng.random(count) < rare_share)
            kinds = rng.integers(len(self.rare), size=len(chosen))
            sizes = np.array([len(kind) for kind in self.rare])
            before = np.cumsum(sizes) - sizes  # of each kind, in all kinds one after the other
            first[chosen] = self.all_rare[before[kinds] + rng.integers(sizes[kinds])]
        return first


def seldom(tokens: NDArray[np.uint16], share: float = SELDOM_SHARE) -> NDArray[np.bool_]:
    """Which frames (N,) of tokens (N, S) hold a token that is seldom: at most `share` of the frames do."""
    count = np.bincount(tokens.ravel())
    rarest = count[tokens].min(1)  # how often the rarest token of each frame occurs in all
    return np.asarray(rarest < np.quantile(rarest, share, method="lower"))
