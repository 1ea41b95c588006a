"""How long a dream lives: whether its frames look and move as real ones do, for games of any kind.

A frame is out of place where nothing like it is among real frames, where it is flatter than they are, or where the
picture has moved less or more in the last two seconds than in the real game. A dream is dead where 8 frames in a row
are out of place.

A limit is that of 99.9 % of real frames and a margin. Without the margin real play dies too, for frames beyond such a
limit come one after the other: limits of 16 episodes of the crypt ended 1 of these and 1 of 16 others within 1,024
frames. With the margins none of the 32 ends. That a frame is like a real one is not enough: in the crypt a grey picture
is nearer to one (17) than many a real frame is (11.8 in the median, 38.9 for 99.9 %).
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.metrics.recorded_rollout import Moment
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.sizes import AliveSizes
from reverie.evaluation.subjects.subject import Frames, Subject
from reverie.evaluation.subjects.truth import LEAD, Played, begin

SIDE = 16
"""Frames are compared by their luminance on so many squares a side."""
STRETCH = 40
"""Frames of two seconds."""
RARE = 0.001
"""Share of real frames that lie beyond what a limit is made of."""
STRANGE_MARGIN, FLAT_MARGIN, MOVED_MARGIN = 1.25, 1.1, 1.5
"""So many times as far as that is the limit itself, of what is strange, of what is flat and of movement."""
AGES = (64, 256, 512, 1024)
LONG = 10_000
"""Numbers of the frames by which it is said how many dreams live."""
KINDS = ("strange", "flat", "still", "wild")
"""Ways to be out of place: nothing real is like it, it is too flat, it moves too little, it moves too much."""
_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
_AT_ONCE = 512

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def luminance(frames: Frames) -> Floats:
    """Frames (..., H, W, 3) uint8 as (..., 256) float32, 0 to 255: the mean luminance of 16x16 squares.

    Sides that are no multiple of 16 lose their last pixels.
    """
    *n, height, width, _ = frames.shape
    y, x = height // SIDE, width // SIDE
    squares = frames[..., : y * SIDE, : x * SIDE, :].reshape(*n, SIDE, y, SIDE, x, 3)
    means = squares.mean((-4, -2), dtype=np.float32)  # (..., 16, 16, 3)
    return np.ascontiguousarray((means @ _WEIGHTS).reshape(*n, SIDE * SIDE))


def detail(seen: Floats) -> Floats:
    """(..., 256) to (...): mean absolute difference between neighbouring squares."""
    squares = seen.reshape(*seen.shape[:-1], SIDE, SIDE)
    across, down = (np.abs(np.diff(squares, axis=axis)).mean((-2, -1)) for axis in (-1, -2))
    return np.asarray((across + down) / 2)


def movement(seen: Floats) -> Floats:
    """(T, B, 256) to (T, B): mean absolute change from frame to frame over the two seconds that end with it.

    NaN where there are no two seconds yet.
    """
    steps = np.full(seen.shape[:2], np.nan, np.float32)
    if len(seen) > STRETCH:
        change = np.abs(np.diff(seen, axis=0)).mean(2, dtype=np.float64)  # (T - 1, B)
        total = np.concatenate([np.zeros((1, seen.shape[1])), change.cumsum(axis=0)])
        steps[STRETCH:] = np.maximum(total[STRETCH:] - total[:-STRETCH], 0) / STRETCH
    return steps


class Bank:
    """Real frames as their luminance, in which the nearest one is looked for."""

    def __init__(self, pictures: Frames, most: int, seed: int) -> None:
        """pictures: (T, B, H, W, 3) uint8. most: frames that are kept, spread by the seed."""
        frames = pictures.reshape(-1, *pictures.shape[2:])
        chosen = np.random.default_rng(seed).permutation(len(frames))[:most]
        self._real = np.concatenate(
            [luminance(frames[np.sort(part)]) for part in np.array_split(chosen, -(-len(chosen) // _AT_ONCE))]
        )
        self._squares = (self._real**2).sum(axis=1)

    def __len__(self) -> int:
        return len(self._real)

    def distance(self, seen: Floats) -> Floats:
        """(..., 256) to (...): root mean squared difference to the nearest real frame, in steps of luminance."""
        flat, parts = seen.reshape(-1, seen.shape[-1]), []
        for start in range(0, len(flat), _AT_ONCE):
            part = flat[start : start + _AT_ONCE]
            nearest = (self._squares - 2 * (part @ self._real.T)).min(axis=1)
            parts.append(np.sqrt(np.maximum(nearest + (part**2).sum(axis=1), 0) / flat.shape[1]))
        return np.concatenate([*parts, np.empty(0, np.float32)]).reshape(seen.shape[:-1])


class Limits:
    """What real play stays within, by KINDS. From held-out real frames (T, B, 256), of which (T, B) bool count."""

    def __init__(self, bank: Bank, real: Floats, counted: Bools) -> None:
        self._bank = bank
        moved = movement(real)[counted]
        moved = moved[~np.isnan(moved)] if not np.isnan(moved).all() else np.array([0.0, 255.0])
        self.of = {
            "strange": STRANGE_MARGIN * float(np.quantile(bank.distance(real)[counted], 1 - RARE)),
            "flat": float(np.quantile(detail(real)[counted], RARE)) / FLAT_MARGIN,
            "still": float(np.quantile(moved, RARE)) / MOVED_MARGIN,
            "wild": float(np.quantile(moved, 1 - RARE)) * MOVED_MARGIN,
        }

    def out_of_place(self, seen: Floats) -> dict[str, Bools]:
        """(T, B, 256) to (T, B) bool for each of KINDS."""
        moved, of = movement(seen), self.of
        with np.errstate(invalid="ignore"):
            return {
                "strange": self._bank.distance(seen) > of["strange"],
                "flat": detail(seen) < of["flat"],
                "still": moved < of["still"],
                "wild": moved > of["wild"],
            }


def lifetimes(out: dict[str, Bools]) -> list[int | None]:
    """For each of B dreams the frames before it died; None where it lived as long as it was watched."""
    return [arithmetic.drift_free(column) for column in ~np.logical_or.reduce(list(out.values())).T]


def alive_by(lives: list[int | None], age: int) -> float:
    """Share of the dreams that had not died by that frame."""
    return sum(life is None or life >= age for life in lives) / len(lives)


class Alive:
    """A watcher of rollouts.

    `alive`: share of the dreams that live, by the number of the frame; `alive_real`: the same for the real game beside
    them. None beyond the horizon. `alive_dreams`: how many dreams. `alive_bank`: real frames that they are compared
    with. `alive_out_of_place`: share of the dreamt frames, by kind. `alive_limits`: what is out of place, in steps of
    luminance.
    """

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._dreamt: list[Floats] = []
        self._real: list[Floats] = []
        self.limits: Limits | None = None

    def see(self, moment: Moment) -> None:
        """See Watcher."""
        self._dreamt.append(luminance(moment.dreamt))
        self._real.append(luminance(moment.real))

    def segment(self, rows: slice, counted: Bools) -> dict[str, Any]:
        """See Watcher."""
        return {}

    def result(self, counted: Bools) -> dict[str, Any]:
        """See Watcher. `limits` are known from here on, where any real frame counts."""
        if not counted.any():
            return {}
        dreamt, real = np.stack(self._dreamt), np.stack(self._real)
        self.limits = Limits(self._bank, real, counted)
        found, found_real = (self.limits.out_of_place(seen) for seen in (dreamt, real))
        lives, real_lives = lifetimes(found), lifetimes({kind: out & counted for kind, out in found_real.items()})

        def shares(of: list[int | None]) -> dict[str, float | None]:
            return {str(age): alive_by(of, age) if age <= len(dreamt) else None for age in AGES}

        return {
            "alive": shares(lives),
            "alive_real": shares(real_lives),
            "alive_out_of_place": {kind: float(out.mean()) for kind, out in found.items()},
            "alive_limits": self.limits.of,
            "alive_dreams": dreamt.shape[1],
            "alive_bank": len(self._bank),
        }


def alive_for_long(
    subject: Subject,
    truth: Played,
    limits: Limits,
    sizes: AliveSizes,
    seed: int,
    seconds: float,
    progress: Progress = silent,
) -> dict[str, Any]:
    """`alive_long`: share of a few dreams that live by frame `alive_long_frames`, of `alive_long_dreams`.

    They are dreamt with the keys of the truth, again and again, to `sizes.frames` or until `seconds` are spent or all
    are dead. Figures are None and 0 where there is no time for a frame.
    """
    followed = truth.only(slice(sizes.dreams))
    deadline = time.monotonic() + seconds
    out: list[Bools] = []
    seen: list[Floats] = []
    lives: list[int | None] = []
    done = 0
    if seconds > 0:
        dream, keys = begin(subject, followed, seed), followed.actions[LEAD - 1 :]
        while done < sizes.frames and time.monotonic() < deadline and (None in lives or not lives):
            before = len(seen)
            for _ in range(min(_AT_ONCE, sizes.frames - done)):
                seen.append(luminance(dream.step(keys[done % len(keys)])))
                done += 1
                progress("alive", done, sizes.frames)
            found = limits.out_of_place(np.stack(seen))
            out.append(np.logical_or.reduce(list(found.values()))[before:])
            seen = seen[-STRETCH:]
            lives = lifetimes({"any": np.concatenate(out)})
    reached = sizes.frames if lives and None not in lives else done
    return {
        "alive_long": alive_by(lives, reached) if lives else None,
        "alive_long_frames": reached,
        "alive_long_dreams": followed.batch if lives else 0,
    }
