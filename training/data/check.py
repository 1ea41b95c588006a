"""Checks a recording for mistakes before a training. Needs numpy only.

Most checks use a sample: a few hundred transitions from each of several episodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.training.data.patches import Codes, patch_hashes
from reverie.training.data.recording import Episode, Recording, Rows

SAMPLE_FRAMES = 4_000
SAMPLE_EPISODES = 24
LEAST_TRANSITIONS = 200
"""With fewer transitions of one kind nothing is said of shifts: it could be chance."""
UNMOVED = 1e-6
"""A feature of motion that varies less than so much, all rows together, stands still."""
FINEST = 64
"""Pixels a side at which motion is looked for first."""
SELDOM_PRESSED = 0.005
"""An action is hardly ever pressed where its share of the transitions is below this."""
STILL = 0.75
"""Share of transitions that show the frame before again, above which a recording is frozen."""
LONG_STILL = 100
"""Frames that may stand still, while keys are pressed, before something is wrong."""
WITH_A_CODE = 0.98
"""There are too few codes where the commonest patches, one for each code, are less than this share of what changes."""
PARAMETERS_A_FRAME = 100
"""A rule of thumb: a dynamics network wants a frame for every so many of its parameters."""


@dataclass(frozen=True)
class Finding:
    """A mistake that was found. sentence: for a person. broken: whether training on it is a waste of time."""

    sentence: str
    broken: bool


def check_recording(
    recording: Recording, parameters: int = 0, reference: Rows | None = None, codes: Codes | None = None
) -> list[Finding]:
    """Return the mistakes found in a recording.

    parameters: size of the network to train; 0 skips that check. reference: fresh play of the environment with its own
    colours, where it can be opened. codes: of a tokenizer of patches; None for other tokenizers.
    """
    sample = [recording.rows(episode) for episode in _sample(recording)]
    findings = [
        shifted(sample, reference),
        frozen(sample),
        swapped(sample, np.asarray(reference.frames)) if reference is not None else None,
        *seldom_pressed(recording),
        too_few_codes(sample, codes) if codes else None,
        too_little(recording, parameters) if parameters else None,
    ]
    return [finding for finding in findings if finding is not None]


def _sample(recording: Recording) -> list[Episode]:
    """Parts of episodes, spread over the recording."""
    episodes = [episode for episode in recording.episodes if episode.length > 1]
    chosen = [episodes[i] for i in np.unique(np.linspace(0, len(episodes) - 1, SAMPLE_EPISODES).astype(int))]
    longest = max(64, SAMPLE_FRAMES // max(1, len(chosen)))
    return [Episode(e.shard, e.start + max(0, e.length - longest) // 2, min(e.length, longest), e.seed) for e in chosen]


def different_patches(recording: Recording, codes: Codes) -> int:
    """Return the number of different patches in a sample of the recording, at most the number of codes."""
    hashes = [np.unique(patch_hashes(np.asarray(recording.rows(e).frames), codes.grid)) for e in _sample(recording)]
    return min(codes.count, len(np.unique(np.concatenate(hashes))))


# Actions shifted by one frame.


def shifted(sample: list[Rows], reference: Rows | None = None) -> Finding | None:
    """Find out whether the action one row before or after explains a change better than that of its own row.

    A game that reacts late gives the same picture. If the reference does so too, this reports nothing.
    """
    for shift, how, cause in (
        (1, "after", "the action is stored with the frame that it led to"),
        (-1, "before", "the action is stored one frame too soon, or the game answers one frame late"),
    ):
        own, other = _explained(sample, shift)
        if _is_shifted(own, other) and not (
            reference and _is_shifted(*_explained([reference], shift, LEAST_TRANSITIONS // 4))
        ):
            return Finding(
                f"The actions are shifted by one frame: a change is explained by the action of the frame {how} "
                f"({other:.0%} of it) and not by its own ({own:.0%}); {cause}.",
                broken=how == "after",
            )
    return None


def _is_shifted(own: float, other: float) -> bool:
    return other > 0.04 and other > 2 * own + 0.01


def _explained(sample: list[Rows], shift: int, least: int = LEAST_TRANSITIONS) -> tuple[float, float]:
    """Return how much of the change after frame t its own action explains, and how much the action of row t + shift.

    Only rows in which the two actions differ are used.
    """
    changes, own, other = [], [], []
    for rows in sample:
        count = len(rows.actions) - 1  # the last row has no transition
        t = np.arange(max(0, -shift), count - max(0, shift))
        t = t[(rows.actions[t] != rows.actions[t + shift]) & ~np.asarray(rows.ended[t])]
        if len(t):
            changes.append(_motion(np.asarray(rows.frames[t]), np.asarray(rows.frames[t + 1])))
            own.append(np.asarray(rows.actions[t]))
            other.append(np.asarray(rows.actions[t + shift]))
    if sum(map(len, changes)) < least:
        return 0.0, 0.0
    motion = np.concatenate(changes)
    # A frame in which much changes (a new round, a flash) must not outweigh all others.
    low, high = np.percentile(motion, (2, 98), axis=0)
    motion = np.clip(motion, low, high)
    return _share(motion, np.concatenate(own)), _share(motion, np.concatenate(other))


def _motion(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return motion features (N, features): for each colour and scale motion right and down, and the amount of change.

    A moving picture changes by minus its motion times its slope. The sum over the picture gives the direction of the
    motion, wherever the moving thing is. Coarser pictures also catch steps of several pixels.
    """
    features = []
    first, second = before.astype(np.float32), after.astype(np.float32)
    while first.shape[1] > FINEST:
        first, second = _halved(first), _halved(second)
    for _ in range(4):
        change, mean = second - first, (first + second) / 2
        down, right = np.gradient(mean, axis=1), np.gradient(mean, axis=2)
        features += [(change * slope).sum((1, 2)) for slope in (down, right)] + [np.abs(change).sum((1, 2))]
        first, second = _halved(first), _halved(second)
    return np.concatenate(features, axis=1).astype(np.float64)


def _halved(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    n, h, w, c = frames.shape
    even = frames[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c)
    return np.asarray(even.mean((2, 4)))


def _share(motion: NDArray[np.float64], actions: NDArray[np.uint8]) -> float:
    """Return the share of the motion's variance that the action explains, in the feature that it explains best.

    The means of one half of the rows are tested on the other half, so that chance explains nothing.
    """
    halves = np.arange(len(actions)) % 2 == 0
    error, spread = np.zeros(motion.shape[1]), np.zeros(motion.shape[1])
    for fit in (halves, ~halves):
        middle = motion[fit].mean(0)
        guess = np.tile(middle, (len(motion), 1))
        for action in np.unique(actions):
            rows = fit & (actions == action)
            if rows.sum() >= 8:
                guess[actions == action] = motion[rows].mean(0)
        error += ((motion - guess)[~fit] ** 2).sum(0)
        spread += ((motion - middle)[~fit] ** 2).sum(0)
    moves = spread > UNMOVED  # a colour that never changes
    return float(max(0.0, (1 - error[moves] / spread[moves]).max(initial=0.0)))


# Frames that stand still.


def frozen(sample: list[Rows]) -> Finding | None:
    """Find frames that repeat at regular intervals, or that stand still while keys are pressed."""
    same: list[NDArray[np.bool_]] = [
        (np.asarray(rows.frames[1:]) == np.asarray(rows.frames[:-1])).all((1, 2, 3)) for rows in sample
    ]
    total = sum(map(len, same))
    if total < 32:
        return None
    share = sum(int(part.sum()) for part in same) / total
    for period in (2, 3, 4):
        # Repeated frames may begin anywhere in an episode. The phase with the fewest repeats is the new frame.
        new, copies = [], []
        for part in same:
            if len(part) >= 4 * period:
                shares = np.sort([part[place::period].mean() for place in range(period)])
                new.append(shares[0])
                copies.append(shares[1:].min())
        if new and np.mean(copies) > 0.95 and np.mean(new) < 0.5:
            return Finding(
                f"The frames are duplicated: each is shown {period} times, so the recorder was faster than the game; "
                f"record one frame a step.",
                broken=True,
            )
    pressed = [np.asarray(rows.actions[:-1]) for rows in sample]
    active = [part[keys != 0] for part, keys in zip(same, pressed, strict=True)]
    moving = np.concatenate(active) if active else np.zeros(0, bool)
    if len(moving) >= 32 and moving.mean() > STILL:
        return Finding(
            f"The frames are frozen: {moving.mean():.0%} of the keys that were pressed changed no pixel.", broken=True
        )
    longest = max((_longest_still(part, keys) for part, keys in zip(same, pressed, strict=True)), default=0)
    if longest >= LONG_STILL:
        return Finding(
            f"The frames are frozen for {longest} frames in a row while keys are pressed ({share:.0%} of all frames "
            f"repeat the one before).",
            broken=False,
        )
    return None


def _longest_still(same: NDArray[np.bool_], actions: NDArray[np.uint8]) -> int:
    """The longest run of equal frames in which at least three different actions were taken."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    runs = [(b - a) for a, b in zip(edges[::2], edges[1::2], strict=True) if len(np.unique(actions[a:b])) >= 3]
    return int(max(runs, default=0))


# Red and blue swapped.


def swapped(sample: list[Rows], reference: NDArray[np.uint8]) -> Finding | None:
    """Find out whether the recording has the environment's colours only with red and blue swapped."""
    recorded = np.concatenate([np.asarray(rows.frames[:: max(1, len(rows.frames) // 16)]) for rows in sample])
    own, turned, truth = _colours(recorded), _colours(recorded[..., ::-1]), _colours(reference)
    as_it_is, the_other_way = np.abs(own - truth).sum(), np.abs(turned - truth).sum()
    if as_it_is > 0.05 and the_other_way < as_it_is / 2:
        return Finding(
            "Red and blue are swapped: the environment draws these colours the other way round; "
            'write colour_order = "bgr" (or leave it out) in game.toml, and record again.',
            broken=True,
        )
    return None


def _colours(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of the pixels in each of 8 x 8 x 8 colours, (512,)."""
    bins = (frames.reshape(-1, 3) >> 5).astype(np.int64) @ np.array([64, 8, 1])
    return np.bincount(bins, minlength=512) / len(bins)


# Too little.


def seldom_pressed(recording: Recording) -> list[Finding]:
    """Return a finding for each action that is hardly ever pressed."""
    counts = np.zeros(len(recording.actions), np.int64)
    for episode in recording.episodes:
        counts += np.bincount(recording.rows(episode).actions[:-1], minlength=len(counts))[: len(counts)]
    total = max(1, int(counts.sum()))
    return [
        Finding(
            f"The action '{name}' is hardly ever pressed: {count} times in {total:,} frames; record play that uses it, "
            f"or leave it out of the actions.",
            broken=False,
        )
        for name, count in zip(recording.actions, counts.tolist(), strict=True)
        if count < SELDOM_PRESSED * total
    ]


def too_little(recording: Recording, parameters: int) -> Finding | None:
    """Find out whether there are too few frames for a network of that many parameters."""
    wanted = -(-parameters // PARAMETERS_A_FRAME)
    if len(recording) >= wanted:
        return None
    return Finding(
        f"There is too little data for this model: {len(recording):,} frames, and {parameters / 1e6:.1f} M parameters "
        f"want about {wanted:,}; record more, or choose a smaller recipe.",
        broken=False,
    )


def too_few_codes(sample: list[Rows], codes: Codes) -> Finding | None:
    """Find out whether far more kinds of patches change than there are codes."""
    counts = _changed_patches(sample, codes)
    if _with_a_code(counts, codes) >= WITH_A_CODE:
        return None
    return Finding(
        f"There are too few codes for these pictures: {len(counts):,} different patches in a sample of "
        f"{sum(len(rows.frames) for rows in sample):,} frames, and {codes.count:,} codes; small things will be drawn "
        f"wrong. Choose a recipe with more codes.",
        broken=False,
    )


def drawn_by_codes(recording: Recording, codes: Codes) -> float:
    """Return the share (0 to 1) of what changes that the commonest patches, one for each code, draw to the pixel."""
    return _with_a_code(_changed_patches([recording.rows(episode) for episode in _sample(recording)], codes), codes)


def _with_a_code(counts: NDArray[np.int64], codes: Codes) -> float:
    return float(counts[: codes.count].sum() / max(counts.sum(), 1)) if len(counts) else 1.0


def _changed_patches(sample: list[Rows], codes: Codes) -> NDArray[np.int64]:
    """Return how often each kind of patch was changed to, (N,), the commonest first."""
    changed = []
    for rows in sample:
        hashes = patch_hashes(np.asarray(rows.frames), codes.grid)
        changed.append(hashes[1:][hashes[1:] != hashes[:-1]])
    return np.sort(np.unique(np.concatenate(changed), return_counts=True)[1])[::-1]
