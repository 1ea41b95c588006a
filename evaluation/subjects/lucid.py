"""Dreams that wake by themselves, as `reverie play --lucid` does: by what their own pictures show, without the game."""

from __future__ import annotations

from itertools import count

import numpy as np
from numpy.typing import NDArray

from reverie.engine.dream import Dream, DreamSnapshot
from reverie.engine.likeness import GOOD, LOST_MEASUREMENTS, WAKE_FRAMES, Likeness
from reverie.engine.rewind import Moment, Rewind
from reverie.evaluation.subjects.bundle_subject import BundleSubject
from reverie.evaluation.subjects.subject import Frames


class LucidSubject(BundleSubject):
    """A bundle in one variant, whose dreams are lucid. `wakes` counts how often they woke."""

    def __init__(self, plain: BundleSubject) -> None:
        super().__init__(plain.bundle, plain.mode, plain.decoder, plain.game)
        self.choices, self.settings = plain.choices, plain.settings
        self._rollouts: list[LucidRollout] = []

    @property
    def wakes(self) -> int:
        """Of all dreams so far."""
        return sum(rollout.wakes for rollout in self._rollouts)

    def dream(self, frames: NDArray[np.uint8], actions: NDArray[np.int64], seed: int) -> LucidRollout:
        """See BundleSubject."""
        seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(frames.shape[1])]
        sleepers = []
        for number, own in enumerate(seeds):
            dream = Dream(self.bundle, seed=own, game=self.game, **self.choices)
            dream.reset_from(own, frames[:, number], actions[:, number].tolist())
            sleepers.append(Sleeper(dream, own))
        self._rollouts.append(LucidRollout(sleepers))
        return self._rollouts[-1]


class Sleeper:
    """One dream that looks at every fifth of its pictures, and wakes where three in a row are none of its game's."""

    def __init__(self, dream: Dream, seed: int) -> None:
        """dream: already begun. seed: of what follows where it wakes and no good picture is kept."""
        self.dream, self.wakes = dream, 0
        self._seed, self._lucks = seed, count(1)
        self._likeness, self._past, self._lost = Likeness(dream.starts), Rewind(), 0

    def step(self, action: int) -> NDArray[np.uint8]:
        """Dream on by one frame; returns it (H, W, 3) uint8. Where it wakes, the next one comes from where it woke."""
        frame = self.dream.step(action).frame.copy()
        self._past.add(frame, self._moment, lambda: self._is_good(frame))
        if self._lost >= LOST_MEASUREMENTS:
            self._wake()
        return frame

    def _is_good(self, frame: NDArray[np.uint8]) -> bool:
        self._lost = self._lost + 1 if self._likeness.far(frame) > GOOD else 0
        return not self._lost

    def _moment(self) -> Moment:
        return Moment(False, self.dream.snapshot(), (), 0.0, self._seed)

    def _wake(self) -> None:
        moment, self._lost = self._past.last_good(WAKE_FRAMES), 0
        if moment is None:
            self._seed += 1
            self.dream.reset(self._seed)
        else:
            self.dream.restore(moment.snapshot)
            self.dream.change_luck(next(self._lucks))
        self.wakes += 1


class LucidRollout:
    """Lucid dreams, each by itself."""

    def __init__(self, sleepers: list[Sleeper]) -> None:
        self._sleepers = sleepers

    @property
    def wakes(self) -> int:
        """How often they woke, all together."""
        return sum(sleeper.wakes for sleeper in self._sleepers)

    def step(self, actions: NDArray[np.int64]) -> Frames:
        """Dream on by one frame. actions: (B,). Returns (B, H, W, 3) uint8."""
        return np.stack([s.step(int(action)) for s, action in zip(self._sleepers, actions, strict=True)])

    def snapshot(self) -> list[DreamSnapshot]:
        """Where each dream stands; not what it could wake to."""
        return [sleeper.dream.snapshot() for sleeper in self._sleepers]

    def restore(self, snapshot: list[DreamSnapshot]) -> None:
        """Go back to a snapshot."""
        for sleeper, each in zip(self._sleepers, snapshot, strict=True):
            sleeper.dream.restore(each)
