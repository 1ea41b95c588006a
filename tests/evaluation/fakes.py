"""A tiny game with a lamp that chance lights, its reader, and models of it whose figures are known beforehand."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.progress import Progress
from reverie.evaluation.sizes import BranchSizes
from reverie.evaluation.subjects.state import Seen
from reverie.evaluation.subjects.subject import label_of
from reverie.evaluation.subjects.truth import Truth
from reverie.evaluation.tokens.ceiling import changed_token_ceiling
from reverie.evaluation.tokens.frame_figures import TokenFigures
from reverie.games.base import BatchGame, Ints

STEP = np.array([[0, 0], [0, -2], [0, 2], [-2, 0], [2, 0]])
LAMP = (40, 80, 120, 160)


class DotGame(BatchGame):
    """A white 8x8 dot moved by the keys; the patch in the corner is a lamp that takes one of four levels at random.

    The lamp is the reward, from -1 to 1, and its highest level ends the round.
    """

    name = "dot"
    title = "Dot"
    actions: ClassVar[tuple[str, ...]] = ("noop", "up", "down", "left", "right")
    sizes: ClassVar[tuple[int, ...]] = (64,)

    def reset(self, seeds: Ints, vary: bool = False) -> None:
        self.seeds = np.asarray(seeds, np.int64).copy()
        self.player = np.stack([self.seeds % 20 * 2, 8 + self.seeds % 12 * 2], axis=1)
        self.lamp = np.zeros(self.batch, np.int64)
        self.tick, self.salt = 0, 0

    def reset_where(self, mask: NDArray[np.bool_], seeds: Ints, vary: bool = False) -> None:
        raise NotImplementedError

    def step(self, actions: Ints) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        self.tick += 1
        self.player = np.clip(self.player + STEP[self.checked_actions(actions)], [0, 8], [56, 56])
        luck = (self.seeds * 7919 + self.tick * 104729 + self.salt * 15485863) % 1_000_003
        self.lamp = luck * 2654435761 % 2**32 // 2**20 % 4
        return (self.lamp - 1).clip(-1, 1).astype(np.float32), self.lamp == 3

    def render(self, size: int) -> NDArray[np.uint8]:
        return draw(self.player, self.lamp)

    def snapshot(self) -> Any:
        return self.seeds.copy(), self.player.copy(), self.lamp.copy(), self.tick, self.salt

    def restore(self, snapshot: Any) -> None:
        self.seeds, self.player, self.lamp, self.tick, self.salt = snapshot

    def branch(self, salt: int) -> None:
        self.salt = salt


def draw(player: NDArray[Any], lamp: NDArray[Any]) -> NDArray[np.uint8]:
    frames = np.full((len(player), 64, 64, 3), 20, np.uint8)
    for index, (x, y) in enumerate(player):
        frames[index, :8, :8] = LAMP[lamp[index]]
        frames[index, y : y + 8, x : x + 8] = 255
    return frames


class DotReader:
    """Finds the dot by its white pixels; valid: exactly 64 of them, in a square."""

    patience = 12

    def rooms(self, game: BatchGame) -> NDArray[np.uint8]:
        return np.zeros(game.batch, np.uint8)

    def read(self, frames: NDArray[np.uint8], rooms: Any = None) -> Seen:
        white = (frames == 255).all(axis=3)
        where = np.full((len(frames), 2), np.nan)
        for index, mask in enumerate(white):
            if mask.any():
                where[index] = np.argwhere(mask).min(axis=0)[::-1]
        whole = white.sum(axis=(1, 2)) == 64
        return Seen(whole, np.where(whole[:, None], where, np.nan), whole, np.zeros((len(frames), 1), bool))

    def position(self, game: BatchGame) -> NDArray[np.float64]:
        assert isinstance(game, DotGame)
        return game.player.astype(np.float64)

    def exact(self, frames: NDArray[np.uint8], game: BatchGame) -> NDArray[np.bool_]:
        return np.asarray((self.read(frames).player == self.position(game)).all(axis=1))


class RandomKeys:
    """Holds a random key for four ticks."""

    def __init__(self, batch: int, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._key = np.zeros(batch, np.int64)
        self._tick = 0

    def act(self, game: BatchGame) -> Ints:
        if self._tick % 4 == 0:
            self._key = self._rng.integers(0, 5, game.batch)
        self._tick += 1
        return self._key


class FakeSubject:
    """What all fake models share: a patch's token says how bright it is, and decoding gives that brightness back.

    Frames of the tokens are blocky; dreams are drawn from the state itself, so that the reader can read them.
    """

    name, mode, decoder, game, resolution, grids, vocabulary = "fake", "parallel", "vq", "dot", 64, ((8, 8),), 256
    actions = DotGame.actions
    family = "tokens"
    facts: ClassVar[dict[str, Any]] = {}
    parameters = 0
    training: ClassVar[dict[str, float]] = {}

    def __init__(self, history: int = 4) -> None:
        self.history = history
        self.label = label_of(self.name, self.mode, self.decoder, "parallel", "vq")

    def encode(self, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
        patches = frames[..., 0].reshape(len(frames), 8, 8, 8, 8).astype(np.int64)
        return np.asarray(patches.sum(axis=(2, 4)).reshape(len(frames), 64) // 64)

    def decode(self, z: NDArray[np.int64]) -> NDArray[np.uint8]:
        grid = z.reshape(len(z), 8, 8, 1).astype(np.uint8)
        return np.repeat(grid.repeat(8, axis=1).repeat(8, axis=2), 3, axis=3)

    def teacher(self, batch: int) -> Any:
        return CopyTeacher(self.vocabulary)

    def frame_figures(self) -> TokenFigures:
        return TokenFigures(self.grids, self.vocabulary)

    def branched(self, truth: Truth | None, sizes: BranchSizes, progress: Progress) -> dict[str, Any]:
        return changed_token_ceiling(self, truth, sizes, progress)

    def dream(self, frames: NDArray[np.uint8], actions: NDArray[np.int64], seed: int) -> Any:
        assert frames.shape[0] == self.history
        assert actions.shape == (self.history - 1, frames.shape[1])
        return self.dream_from(frames[-1])

    def dream_from(self, frames: NDArray[np.uint8]) -> Any:
        return FrozenDream(frames)


class CopyTeacher:
    """Says that nothing changes."""

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary

    def step(self, z: NDArray[np.int64], actions: NDArray[np.int64]) -> Any:
        return CertainPrediction(z, self.vocabulary)


class CertainPrediction:
    """Puts nearly all probability on given tokens."""

    def __init__(self, tokens: NDArray[np.int64], vocabulary: int) -> None:
        self.tokens, self.vocabulary = tokens, vocabulary

    def logits(self, truth: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.eye(self.vocabulary, dtype=np.float32)[self.tokens] * 50

    def most_likely(self) -> NDArray[np.int64]:
        return self.tokens

    def outcome(self, truth: NDArray[np.int64]) -> Any:
        return None


class FrozenDream:
    """Shows its first frame for ever."""

    def __init__(self, frames: NDArray[np.uint8]) -> None:
        self.frames = frames

    def step(self, actions: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self.frames

    def snapshot(self) -> Any:
        return None

    def restore(self, snapshot: Any) -> None:
        pass


class PerfectDream:
    """Reads the dot off the frames and plays by the rules; its lamp stays as it was."""

    def __init__(self, frames: NDArray[np.uint8]) -> None:
        self.player = DotReader().read(frames).player.astype(np.int64)
        self.lamp = np.zeros(len(frames), np.int64)

    def step(self, actions: NDArray[np.int64]) -> NDArray[np.uint8]:
        self.player = np.clip(self.player + STEP[actions], [0, 8], [56, 56])
        return draw(self.player, self.lamp)

    def snapshot(self) -> Any:
        return self.player.copy()

    def restore(self, snapshot: Any) -> None:
        self.player = snapshot.copy()


class ErasedDream(PerfectDream):
    """Plays by the rules until its player fades away at frame `at`."""

    def __init__(self, frames: NDArray[np.uint8], at: int) -> None:
        super().__init__(frames)
        self.left = at - 1

    def step(self, actions: NDArray[np.int64]) -> NDArray[np.uint8]:
        frames = super().step(actions)
        self.left -= 1
        return frames if self.left >= 0 else np.full_like(frames, 20)


class PerfectSubject(FakeSubject):
    def dream_from(self, frames: NDArray[np.uint8]) -> Any:
        return PerfectDream(frames)


class ErasedSubject(FakeSubject):
    at = 40

    def dream_from(self, frames: NDArray[np.uint8]) -> Any:
        return ErasedDream(frames, self.at)
