"""Many dreams at once: trajectories over a bundle. They hold all state; the bundle is shared and never changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from reverie.engine import diffusion
from reverie.engine.bundle import Bundle
from reverie.engine.guard import (
    CAUSAL_HEAD,
    DIFFUSION,
    DYNAMICS,
    ENCODER,
    SAMPLER,
    Bools,
    Faults,
    finite,
    known,
    passed,
)
from reverie.engine.noise import Keys, keys_of, next_keys
from reverie.engine.ring import Ring, RingSnapshot
from reverie.engine.runtime import Frames, Prediction
from reverie.engine.sampler import Tokens, draw, refine
from reverie.engine.settings import Chosen, changed, settings_of


@dataclass(frozen=True)
class DreamSnapshot:
    """Everything that decides what comes next, apart from the settings."""

    ring: RingSnapshot | None
    tokens: Tokens
    frames: Frames
    noise: Keys

    @property
    def nbytes(self) -> int:
        """What its arrays take in memory."""
        ring = sum(array.nbytes for array in self.ring) if self.ring else 0
        return ring + self.tokens.nbytes + self.frames.nbytes


class DreamBatch:
    """B trajectories of one bundle, each with its own seed.

    A trajectory does not depend on the others in its batch (up to float rounding inside the graphs). Each frame has its
    noise, whatever the mode and the temperature, so switching a setting changes nothing but what it says.

    `change` sets `settings` between two frames. `timings` holds the last step's milliseconds by stage, `head_runs` its
    runs of the causal head, `rewards` (B,) float32 and `ended` (B,) bool what it brought: 0 and False where nothing
    predicts it.

    The history holds tokens alone, so the decoder never changes what is dreamt; and what either decoder draws depends
    on the frame's tokens alone.

    Where a graph gives what it never may (see `engine.guard`), that trajectory stays as it was before the step and
    shows its frame again; only its noise is spent, so that the next step may come out otherwise. `faults` counts these.
    """

    def __init__(self, bundle: Bundle, batch: int, *, game: str | None = None, **chosen: Unpack[Chosen]) -> None:
        """Settings left out are the bundle's. Starts at `reset`. Raises ValueError for what the bundle lacks.

        game: which of the bundle's games all of them dream, the first by default; it decides `actions` and `starts`.
        """
        manifest = bundle.manifest
        self.bundle, self.batch = bundle, batch
        self._number = manifest.game_number(game)
        self.game = manifest.games[self._number]
        self.actions, self.size = manifest.actions_of(self.game), manifest.resolution
        self.starts = bundle.starts.of(self._number)
        self._codes = np.array([manifest.actions.index(name) for name in self.actions])  # what the graphs call them
        self.settings = settings_of(manifest, **chosen)
        self.ring = Ring(batch, manifest.cache) if manifest.cache else None
        self.tokens: Tokens = np.zeros((batch, manifest.positions), np.int64)
        self.frames: Frames = np.zeros((batch, self.size, self.size, 3), np.uint8)
        self.timings: dict[str, float] = {}
        self.head_runs = 0
        self.rewards = np.zeros(batch, np.float32)
        self.ended = np.zeros(batch, np.bool_)
        self.faults = Faults()
        self._values = np.array(manifest.outcome.rewards if manifest.outcome else (0,), np.float32)
        self._noise: Keys = np.zeros(0, np.uint64)

    def change(self, **chosen: Unpack[Chosen]) -> None:
        """Change some of the `settings`, from the next frame on. Raises ValueError for what the bundle lacks."""
        self.settings = changed(self.settings, self.bundle.manifest, **chosen)

    @property
    def history_fill(self) -> int:
        """Frames that the next prediction looks at, the present one included; at most the bundle's `history`."""
        return 1 + (self.ring.filled if self.ring else 0)

    def reset(self, seeds: Sequence[int], starts: Sequence[int] | None = None) -> Frames:
        """Begin again from the game's start histories: by default number seed % N. Returns frames (B, H, W, 3)."""
        known = self.starts
        chosen = [seed % len(known) for seed in seeds] if starts is None else list(starts)
        for start in chosen:
            if not 0 <= start < len(known):
                raise ValueError(f"there is no start {start}: this dream has starts 0 to {len(known) - 1}")
        return self.reset_from(seeds, known.frames[chosen], known.actions[chosen])

    def reset_from(self, seeds: Sequence[int], frames: NDArray[np.uint8], actions: NDArray[np.integer]) -> Frames:
        """Begin again from histories of your own.

        frames: (B, T, H, W, 3) uint8, oldest first, T >= 1. actions: (B, T - 1), actions[:, i] led from i to i + 1.
        Returns the last frames. Raises ValueError for another shape or type, an action that the game lacks, or
        another number of seeds.
        """
        expected = (self.batch, frames.shape[1] if frames.ndim == 5 else 0, self.size, self.size, 3)
        if frames.shape != expected or frames.dtype != np.uint8 or not expected[1]:
            raise ValueError(
                f"the history must be {self.batch} x T frames of {self.size} x {self.size} x 3 uint8, "
                f"not {' x '.join(map(str, frames.shape))} {frames.dtype}"
            )
        if actions.shape != (self.batch, expected[1] - 1):
            raise ValueError(f"{expected[1]} frames need {expected[1] - 1} actions between them")
        first = max(0, expected[1] - self.bundle.manifest.history)
        self.begin(seeds, frames[:, first])
        for t in range(first, expected[1] - 1):
            self.append_frames(frames[:, t + 1], actions[:, t])
        return self.frames

    def begin(self, seeds: Sequence[int], frames: Frames) -> None:
        """Begin again at frames (B, H, W, 3) uint8 before which there was nothing."""
        tokens = self.bundle.runtime.encode(np.ascontiguousarray(frames))
        self._check({ENCODER: known(tokens, self.bundle.manifest.vocabulary)})
        # No good frame came before this one: of what is not known the nearest code is taken.
        self.begin_tokens(seeds, tokens.clip(0, self.bundle.manifest.vocabulary - 1), np.array(frames, order="C"))

    def begin_tokens(self, seeds: Sequence[int], tokens: Tokens, frames: Frames | None = None) -> None:
        """As `begin`, from the frames' tokens (B, S) int64. frames: their pixels where known, by default decoded."""
        if len(seeds) != self.batch:
            raise ValueError(f"{self.batch} trajectories need {self.batch} seeds, not {len(seeds)}")
        self._noise = keys_of(seeds)
        if self.ring is not None:
            self.ring.clear()
        self.put_tokens(tokens, frames)

    def reset_where(self, mask: Bools, seeds: Sequence[int], starts: Sequence[int] | None = None) -> Frames:
        """Begin again only where mask (B,) is true, as `reset` would; the other trajectories stay as they are.

        seeds, starts: one for each trajectory; only those of the mask are looked at. Returns all frames (B, H, W, 3).
        """
        if not len(self._noise):
            raise ValueError("a dream starts with reset")
        if np.shape(mask) != (self.batch,) or len(seeds) != self.batch:
            raise ValueError(f"{self.batch} trajectories need a mask and seeds of {self.batch}")
        rows = [row for row, begins in enumerate(mask) if begins]
        if not rows:
            return self.frames
        fresh = DreamBatch(self.bundle, len(rows), game=self.game)
        fresh.reset([seeds[row] for row in rows], None if starts is None else [starts[row] for row in rows])
        if self.ring is not None and fresh.ring is not None:
            self.ring.put(rows, fresh.ring)
        # Copies, for the frames that were handed out stay what they were.
        self.tokens, self.frames = self.tokens.copy(), self.frames.copy()
        self.tokens[rows], self.frames[rows] = fresh.tokens, fresh.frames
        self._noise[rows] = fresh._noise
        self.faults = Faults(self.faults.count + fresh.faults.count, fresh.faults.last or self.faults.last)
        return self.frames

    def append_frames(self, frames: NDArray[np.uint8], actions: NDArray[np.integer] | Sequence[int]) -> None:
        """Force real frames in: (B, H, W, 3) uint8, each what `actions` (B,) led to from the frame before it."""
        if frames.shape != self.frames.shape or frames.dtype != np.uint8:
            raise ValueError(f"the frames must be {self.frames.shape} uint8, not {frames.shape} {frames.dtype}")
        prediction = self._predict(actions)
        tokens = self.bundle.runtime.encode(frames)
        checks = {DYNAMICS: finite(prediction.logits), ENCODER: known(tokens, self.bundle.manifest.vocabulary)}
        good = self._check(checks)
        self._commit(prediction, tokens, np.array(frames, order="C"), good)

    def put_tokens(self, tokens: Tokens, frames: Frames | None = None) -> None:
        """Say what the present frames are, as tokens (B, S) int64; `advance` or a beginning must have come before.

        frames: their pixels where they are known, by default decoded.
        """
        tokens = np.ascontiguousarray(tokens, np.int64)
        self.frames = self._decode(tokens) if frames is None else frames
        self.tokens = tokens

    def advance(self, actions: NDArray[np.integer] | Sequence[int]) -> Prediction:
        """Commit the present frames under `actions` (B,) to the ring and predict the next ones, undrawn, unchecked."""
        prediction = self._predict(actions)
        self._push(prediction, np.ones(self.batch, np.bool_))
        return prediction

    def _predict(self, actions: NDArray[np.integer] | Sequence[int]) -> Prediction:
        array = np.asarray(actions, np.int64)
        if array.shape != (self.batch,):
            raise ValueError(f"{self.batch} trajectories need {self.batch} actions, not {array.shape}")
        if any(not 0 <= action < len(self.actions) for action in array):
            raise ValueError(f"unknown action {array.tolist()}: actions are 0 to {len(self.actions) - 1}")
        return self.bundle.runtime.dynamics(self.tokens, self._codes[array], self.ring, self._number)

    def step(self, actions: NDArray[np.integer] | Sequence[int]) -> Frames:
        """One frame for each trajectory. actions: (B,). Returns frames (B, H, W, 3) uint8."""
        if not len(self._noise):
            raise ValueError("a dream starts with reset")
        t0 = perf_counter()
        prediction = self._predict(actions)
        t1 = perf_counter()
        tokens, good = self._sample(prediction)
        self._judge(prediction, tokens, good)
        t2 = perf_counter()
        self._commit(prediction, tokens, self._decode(tokens), good)
        t3 = perf_counter()
        self.timings = {"dynamics": 1e3 * (t1 - t0), "sample": 1e3 * (t2 - t1), "decode": 1e3 * (t3 - t2)}
        return self.frames

    def snapshot(self) -> DreamSnapshot:
        """A copy of everything that decides what comes next; the settings are not part of it."""
        ring = self.ring.snapshot() if self.ring else None
        return DreamSnapshot(ring, self.tokens.copy(), self.frames.copy(), self._noise.copy())

    def restore(self, snapshot: DreamSnapshot) -> Frames:
        """Go back to a snapshot, exactly. Returns its frames."""
        if snapshot.tokens.shape != self.tokens.shape or (snapshot.ring is None) != (self.ring is None):
            raise ValueError("the snapshot was taken from another bundle or batch")
        if self.ring is not None and snapshot.ring is not None:
            self.ring.restore(snapshot.ring)
        self.tokens, self.frames = snapshot.tokens.copy(), snapshot.frames.copy()
        self._noise = snapshot.noise.copy()
        return self.frames

    def _check(self, checks: dict[str, Bools]) -> Bools:
        """(B,): who passed; the others are counted among the faults."""
        self.faults = self.faults.plus(checks)
        return passed(checks)

    def _push(self, prediction: Prediction, good: Bools) -> None:
        if self.ring is not None:
            assert prediction.keys is not None
            assert prediction.values is not None
            self.ring.push(prediction.keys, prediction.values, good)

    def _commit(self, prediction: Prediction, tokens: Tokens, frames: Frames, good: Bools) -> None:
        """The present frames of the good go into the ring and the next ones take their place; the others stay."""
        self._push(prediction, good)
        if good.all():
            self.tokens, self.frames = tokens, frames
        else:
            self.tokens = np.where(good[:, None], tokens, self.tokens)
            self.frames = np.where(good[:, None, None, None], frames, self.frames)

    def _sample(self, prediction: Prediction) -> tuple[Tokens, Bools]:
        """The next frames' tokens (B, S), and whose are good (B,); the others have those of their present frame."""
        tokens, checks = self._draw(prediction)
        checks[SAMPLER] = known(tokens, self.bundle.manifest.vocabulary)
        good = self._check(checks)
        return tokens if good.all() else np.where(good[:, None], tokens, self.tokens), good

    def _draw(self, prediction: Prediction) -> tuple[Tokens, dict[str, Bools]]:
        manifest, sampling = self.bundle.manifest, self.settings
        noise, self._noise = self._noise, next_keys(self._noise)
        guess = draw(prediction.logits, noise, sampling)
        checks = {DYNAMICS: finite(prediction.logits), CAUSAL_HEAD: np.ones(self.batch, np.bool_)}
        self.head_runs = 0
        most = sampling.passes - 1 if sampling.mode == "parallel" else manifest.positions
        if not most:
            return guess, checks
        hidden = prediction.hidden
        assert hidden is not None
        causal = self.bundle.runtime.causal_logits

        def causal_logits(tokens: Tokens, rows: NDArray[np.intp]) -> NDArray[np.float32]:
            logits = causal(hidden if len(rows) == len(guess) else hidden[rows], tokens, self._number)
            checks[CAUSAL_HEAD][rows] &= finite(logits)
            return logits

        drawn, self.head_runs = refine(causal_logits, guess, noise, sampling, most)
        return drawn, checks

    def _judge(self, prediction: Prediction, tokens: Tokens, good: Bools) -> None:
        """What the step to the frame just drawn brings: the most likely reward, an end if it is likelier than not."""
        if self.bundle.manifest.outcome is not None:
            assert prediction.hidden is not None
            rewards, ended = self.bundle.runtime.outcome(prediction.hidden, tokens)
            self.rewards, self.ended = self._values[rewards.argmax(-1)] * good, (ended > 0) & good

    def _decode(self, tokens: Tokens) -> Frames:
        """The pictures of the next frames' tokens (B, S), drawn by the chosen decoder."""
        runtime = self.bundle.runtime
        if self.settings.decoder != "diffusion":
            return runtime.decode(tokens)
        assert self.settings.steps is not None
        frames, good = diffusion.sample(runtime, tokens, self.settings.steps)
        self._check({DIFFUSION: good})
        return frames
