"""Whether the keys act in a dream that still learns as they do in the game: the judge of `reverie eval`, made small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reverie.app.own.strip import Play

if TYPE_CHECKING:
    from reverie.evaluation.metrics.inverse_dynamics import InverseDynamics
    from reverie.training.data.recording import Recording

EXAMPLES = 4096
"""Frames of the recording at most that a judge learns from."""
EPOCHS = 4
FIGURE = "actions_told"


class ActionsTold:
    """For each game, a judge that has learnt from the recording to name the action between two frames.

    It is right in a dream less often than in the game. The share of the one of the other is what `share` returns.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._judges: dict[str, InverseDynamics] = {}

    def share(self, plays: list[Play], dreamt: NDArray[np.uint8]) -> float | None:
        """Actions named right in the dreams of a game, over those named right in its plays.

        dreamt: (K, B, H, W, 3) uint8, what `dream_plays` made of the plays. None where none is named right in the game.
        """
        game, history = plays[0].game, plays[0].history
        if game not in self._judges:
            self._judges[game] = self._judge(game)
        real = np.stack([play.frames[history - 1 :] for play in plays], 1)  # (K + 1, B, H, W, 3)
        actions = np.array([[self._number(name) for name in play.actions[history - 1 :]] for play in plays]).T
        right = [
            int((self._judges[game].predict(_flat(frames[:-1]), _flat(frames[1:])) == actions.ravel()).sum())
            for frames in (np.concatenate([real[:1], dreamt]), real)
        ]
        return right[0] / right[1] if right[1] else None

    def _number(self, action: str) -> int:
        return self.recording.actions.index(action)

    def _judge(self, game: str) -> InverseDynamics:
        """Learn from the first episodes, which are not held out."""
        from reverie.evaluation.metrics.inverse_dynamics import InverseDynamics

        number, frames, actions, cut, count = list(self.recording.games).index(game), [], [], [], 0
        for episode in self.recording.episodes:
            if self.recording.game_of(episode) == number and count < EXAMPLES:
                rows, length = self.recording.rows(episode), min(episode.length, EXAMPLES - count)
                frames.append(np.array(rows.frames[:length]))
                actions.append(rows.actions[:length].astype(np.int64))
                cut.append(np.arange(length) == length - 1)
                count += length
        judge = InverseDynamics(len(self.recording.actions))
        pictures = np.concatenate(frames)[:, None]
        judge.train(pictures, np.concatenate(actions)[:-1, None], np.concatenate(cut)[:-1, None], EPOCHS)
        return judge


def _flat(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(K, B, H, W, 3) to (K * B, H, W, 3)."""
    return frames.reshape(-1, *frames.shape[2:])
