"""Many dreams at once: trajectories over a bundle. They hold all state; the bundle is shared and never changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine.arrays import Array
from reverie.engine.bundle import Bundle
from reverie.engine.dynamics import Context
from reverie.engine.guard import STAYS, Bools, Faults
from reverie.engine.ring import RingSnapshot
from reverie.engine.settings import Settings, Value, changed, settings_of

Actions = Array | Sequence[int]
"""(B,) indices into a dream's actions."""


@dataclass(frozen=True)
class DreamSnapshot:
    """Everything that decides what comes next, apart from the settings."""

    ring: RingSnapshot | None
    z: Array
    frames: Array
    noise: Array

    @property
    def nbytes(self) -> int:
        """What its arrays take in memory."""
        ring = sum(array.nbytes for array in self.ring.values()) if self.ring else 0
        return int(ring + self.z.nbytes + self.frames.nbytes)


class DreamBatch:
    """B trajectories of one bundle, each with its own seed.

    A trajectory does not depend on the others in its batch (up to float rounding inside the graphs). Each frame has its
    noise, whatever the settings, so changing a setting changes nothing but what it says.

    `change` replaces `settings` between two frames. `timings` holds the last step's milliseconds by stage, `rewards`
    (B,) float32 and `ended` (B,) bool what it brought: 0 and False where nothing predicts it.

    `z` (B, ...) is what the family makes of the present frames: what is dreamt depends on it, and never on how it is
    decoded. `frames` (B, H, W, 3) uint8 are the pictures. All of these are arrays of the bundle's backend: numpy's, or
    torch's on a device, to which only actions go and from which nothing comes unless it is asked for.

    `doubt` (B, rows, columns) float32 says where over the picture the last step was unsure, in bits, while
    `measures_doubt` is set; else it stays as it was, None at first.

    If a graph gives what it never may (see `engine.guard`), that trajectory stays as it was before the step and
    shows its frame again; only its noise is spent, so that the next step may come out otherwise. `faults` counts these.
    """

    def __init__(self, bundle: Bundle, batch: int, *, game: str | None = None, **chosen: Value | None) -> None:
        """Settings left out are the bundle's. Starts at `reset`. Raises ValueError for what the bundle lacks.

        game: which of the bundle's games all of them dream, the first by default; it decides `actions` and `starts`.
        """
        manifest = bundle.manifest
        self.bundle, self.batch = bundle, batch
        number = manifest.game_number(game)
        self.game = manifest.games[number]
        self.actions, self.size = manifest.actions_of(self.game), manifest.resolution
        self.starts = bundle.starts.of(number)
        self.settings: Settings = settings_of(manifest, chosen)
        self._dynamics = bundle.dynamics
        self._arrays = arrays = bundle.dynamics.arrays
        # What the graphs call the actions and the game.
        self._numbers = arrays.of(np.array([manifest.actions.index(name) for name in self.actions]))
        self._games = arrays.of(np.full(batch, number, np.int64))
        self.ring = arrays.ring(batch, manifest.state) if manifest.state else None
        self.z = arrays.zeros((batch, *map(int, manifest.representation.shape[1:])), manifest.representation.type)
        self.frames = arrays.zeros((batch, self.size, self.size, 3), "uint8")
        self.timings: dict[str, float] = {}
        self.rewards, self.ended = arrays.zeros((batch,), "float32"), arrays.zeros((batch,), "bool")
        self.measures_doubt = False
        self.doubt: Array | None = None
        self._tally = arrays.tally()
        self._noise: Array = None

    def change(self, **chosen: Value | None) -> None:
        """Change some of the `settings`, from the next frame on. Raises ValueError for what the bundle lacks."""
        self.settings = changed(self.settings, self.bundle.manifest, chosen)

    @property
    def faults(self) -> Faults:
        """Frames that a graph got so wrong that they were not shown."""
        return self._tally.faults

    @property
    def history_fill(self) -> int:
        """Frames that the next prediction looks at, the present one included; at most the bundle's `history`."""
        return 1 + (self.ring.filled if self.ring else 0)

    def reset(self, seeds: Sequence[int], starts: Sequence[int] | None = None) -> Array:
        """Begin again from the game's start histories: by default number seed % N. Returns frames (B, H, W, 3)."""
        known = self.starts
        chosen = [seed % len(known) for seed in seeds] if starts is None else list(starts)
        for start in chosen:
            if not 0 <= start < len(known):
                raise ValueError(f"there is no start {start}: this dream has starts 0 to {len(known) - 1}")
        return self.reset_from(seeds, known.frames[chosen], known.actions[chosen])

    def reset_from(self, seeds: Sequence[int], frames: NDArray[np.uint8], actions: NDArray[np.integer]) -> Array:
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

    def begin(self, seeds: Sequence[int], frames: Array) -> None:
        """Begin again at frames (B, H, W, 3) uint8 before which there was nothing."""
        frames = self._given(frames)
        z, checks = self._dynamics.encode(frames)
        self._tally.add(checks, STAYS)
        self._begin(seeds, z, frames)

    def begin_z(self, seeds: Sequence[int], z: Any) -> Array:
        """As `begin`, from the frames' representation (B, ...). Returns them decoded.

        Raises ValueError for what no frame of the bundle can be.
        """
        z = self._dynamics.checked(z)
        self._begin(seeds, z, self._decode(z))
        return self.frames

    def seen(self, frames: Array) -> tuple[Array, Array]:
        """What the family makes of frames (B, H, W, 3) uint8: z (B, ...), and that decoded. The dream stays."""
        z, checks = self._dynamics.encode(self._given(frames))
        self._tally.add(checks, STAYS)
        return z, self._decode(z)

    def reset_where(self, mask: Bools, seeds: Sequence[int], starts: Sequence[int] | None = None) -> Array:
        """Begin again only where mask (B,) is true, as `reset` would; the other trajectories stay as they are.

        seeds, starts: one for each trajectory; only those of the mask are looked at. Returns all frames (B, H, W, 3).
        """
        self._must_have_begun()
        if np.shape(mask) != (self.batch,) or len(seeds) != self.batch:
            raise ValueError(f"{self.batch} trajectories need a mask and seeds of {self.batch}")
        chosen = self._arrays.numpy(mask) if self._arrays.is_own(mask) else np.asarray(mask)
        rows = np.flatnonzero(chosen).tolist()
        if not rows:
            return self.frames
        # Where another number of trajectories costs much, all of them begin anew, and some are taken.
        fresh_rows = rows if self._dynamics.any_batch else list(range(self.batch))
        fresh = DreamBatch(self.bundle, len(fresh_rows), game=self.game)
        fresh.reset([seeds[row] for row in fresh_rows], None if starts is None else [starts[row] for row in fresh_rows])
        of = [fresh_rows.index(row) for row in rows]
        if self.ring is not None:
            self.ring.put(rows, fresh.ring, of)
        # Copies, for the frames that were handed out stay what they were.
        self.z, self.frames = self._arrays.copy(self.z), self._arrays.copy(self.frames)
        self.z[rows], self.frames[rows] = fresh.z[of], fresh.frames[of]
        self._noise[rows] = fresh._noise[of]
        self._tally.merge(fresh._tally)
        return self.frames

    def append_frames(self, frames: Array, actions: Actions) -> None:
        """Force real frames in: (B, H, W, 3) uint8, each what `actions` (B,) led to from the frame before it."""
        frames = self._given(frames)
        context = self._prepare(actions)
        z, checks = self._dynamics.encode(frames)
        checks = {**context.checks, **checks}
        self._tally.add(checks, STAYS)
        good = self._arrays.all_of(checks, self.batch)
        self._commit(context, z, frames, good)

    def put_z(self, z: Any, actions: Actions) -> Array:
        """Force frames in by their representation (B, ...), each what `actions` (B,) led to. Returns them decoded.

        Raises ValueError for what no frame of the bundle can be.
        """
        z = self._dynamics.checked(z)
        self.advance(actions)
        self.z, self.frames = z, self._decode(z)
        return self.frames

    def advance(self, actions: Actions) -> Context:
        """Push the present frames under `actions` (B,) into the history, unchecked, and stay at them.

        Returns what the family found in the pass: what it says of the next frames. `put_z` or `show` is to follow.
        """
        context = self._prepare(actions)
        self._push(context, self._arrays.all_of({}, self.batch))
        return context

    def show(self, z: Any) -> None:
        """Say what the present frames are, by their representation (B, ...), without a picture of them."""
        self.z = self._dynamics.checked(z)

    def step(self, actions: Actions) -> Array:
        """One frame for each trajectory. actions: (B,). Returns frames (B, H, W, 3) uint8."""
        self._must_have_begun()
        t0 = perf_counter()
        context = self._prepare(actions)
        t1 = perf_counter()
        noise, self._noise = self._noise, self._arrays.next_keys(self._noise)
        if self.measures_doubt:
            self.doubt = self._dynamics.doubt(context, noise, self.settings)
        following = self._dynamics.predict(context, noise, self.settings)
        self._tally.add(following.checks, STAYS)
        self.rewards, self.ended = following.rewards, following.ended
        t2 = perf_counter()
        self._commit(context, following.z, self._decode(following.z), following.good)
        t3 = perf_counter()
        self.timings = {"dynamics": 1e3 * (t1 - t0), "sample": 1e3 * (t2 - t1), "decode": 1e3 * (t3 - t2)}
        return self.frames

    def change_luck(self, seeds: Sequence[int]) -> None:
        """Let what follows come out as the noise of these seeds (B,) has it, and not as that of the seeds before."""
        self._must_have_begun()
        if len(seeds) != self.batch:
            raise ValueError(f"{self.batch} trajectories need {self.batch} seeds, not {len(seeds)}")
        self._noise = self._arrays.keys_of(seeds)

    def painted(self, frames: Array) -> Array:
        """What the present frames are when they are changed into these (B, H, W, 3) uint8: z (B, ...).

        It is that of the new frames where they look otherwise than the present ones, and elsewhere as it was: a frame
        that is decoded and encoded again need not be the same.
        """
        self._must_have_begun()
        (now, checks), (then, more) = self._dynamics.encode(self.frames), self._dynamics.encode(self._given(frames))
        self._tally.add({**checks, **more}, STAYS)
        same = now == then
        return self.z * same + then * ~same

    def paint_z(self, z: Any) -> Array:
        """Change the present frames into those of this representation (B, ...). Returns them decoded.

        What led to them stays in the history. Raises ValueError for what no frame of the bundle can be.
        """
        self._must_have_begun()
        z = self._dynamics.checked(z)
        self.z, self.frames = z, self._decode(z)
        return self.frames

    def snapshot(self) -> DreamSnapshot:
        """A copy of everything that decides what comes next; the settings are not part of it."""
        ring, copy = self.ring.snapshot() if self.ring else None, self._arrays.copy
        return DreamSnapshot(ring, copy(self.z), copy(self.frames), copy(self._noise))

    def restore(self, snapshot: DreamSnapshot) -> Array:
        """Go back to a snapshot, exactly. Returns its frames."""
        if snapshot.z.shape != self.z.shape or (snapshot.ring is None) != (self.ring is None):
            raise ValueError("the snapshot was taken from another bundle or batch")
        if self.ring is not None and snapshot.ring is not None:
            self.ring.restore(snapshot.ring)
        copy = self._arrays.copy
        self.z, self.frames, self._noise = copy(snapshot.z), copy(snapshot.frames), copy(snapshot.noise)
        return self.frames

    def _begin(self, seeds: Sequence[int], z: Array, frames: Array) -> None:
        if len(seeds) != self.batch:
            raise ValueError(f"{self.batch} trajectories need {self.batch} seeds, not {len(seeds)}")
        self._noise = self._arrays.keys_of(seeds)
        if self.ring is not None:
            self.ring.clear()
        self.z, self.frames = z, frames

    def _must_have_begun(self) -> None:
        if self._noise is None:
            raise ValueError("a dream starts with reset")

    def _given(self, frames: Array) -> Array:
        """Frames (B, H, W, 3) uint8 from outside, as an array of the dream's own."""
        if self._arrays.is_own(frames):
            return frames
        shape = (self.batch, self.size, self.size, 3)
        if frames.shape != shape or frames.dtype != np.uint8:
            raise ValueError(f"the frames must be {shape} uint8, not {frames.shape} {frames.dtype}")
        return self._arrays.of(np.array(frames, order="C"))

    def _prepare(self, actions: Actions) -> Context:
        if not self._arrays.is_own(actions):
            array = np.asarray(actions, np.int64)
            if array.shape != (self.batch,):
                raise ValueError(f"{self.batch} trajectories need {self.batch} actions, not {array.shape}")
            if any(not 0 <= action < len(self.actions) for action in array):
                raise ValueError(f"unknown action {array.tolist()}: actions are 0 to {len(self.actions) - 1}")
            actions = self._arrays.of(array)
        state = self.ring.tensors if self.ring is not None else {}
        context: Context = self._dynamics.prepare(self.z, state, self._numbers[actions], self._games)
        return context

    def _push(self, context: Context, good: Array) -> None:
        if self.ring is not None:
            self.ring.push(context.new, good)

    def _commit(self, context: Context, z: Array, frames: Array, good: Array) -> None:
        """The present frames of the good go into the ring and the next ones take their place; the others stay."""
        self._push(context, good)
        self.z = self._arrays.where(good, z, self.z)
        self.frames = self._arrays.where(good, frames, self.frames)

    def _decode(self, z: Array) -> Array:
        frames, checks = self._dynamics.decode(z, self.settings)
        if checks:
            self._tally.add(checks, self._dynamics.instead)
        return frames
