"""What the dreams of a game are measured against: a built-in game with its state reader, or recorded play."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.sizes import Sizes
from reverie.evaluation.subjects.readers import reader_of
from reverie.evaluation.subjects.recorded_truth import MOST_BYTES, MOST_EPISODES, record_environment
from reverie.evaluation.subjects.state import StateReader, vanished
from reverie.evaluation.subjects.truth import (
    LEAD,
    SEEDS_APART,
    Played,
    PlayedTruth,
    Truth,
    held_out_seeds,
    record_play,
    record_truth,
)
from reverie.games import registry
from reverie.games.base import FIRST_HELD_OUT_SEED
from reverie.games.environment import Environment
from reverie.games.worlds import environment_of

if TYPE_CHECKING:
    from reverie.evaluation.metrics.hud import HudReader
    from reverie.evaluation.metrics.inverse_dynamics import InverseDynamics
    from reverie.evaluation.subjects.bundle_subject import BundleSubject

EXAMPLE_TICKS = 256
"""Length of the episodes that serve as examples of the game."""


@dataclass(frozen=True)
class Reference:
    """Of a built-in game.

    long_truth: makes few, long trajectories, in which it shows where a dream drifts. reader_exact: the validation of
    the reader, as keys of an entry.
    """

    truth: Truth
    long_truth: Callable[[], Truth]
    reader: StateReader
    reader_exact: dict[str, Any]


@dataclass(frozen=True)
class Examples:
    """Real play that nothing is measured on.

    pictures: (T + 1, B, h, w, 3) uint8, as the game draws them and then shrunk. actions: (T, B) int64, led from picture
    t to t + 1. cut: (T, B) bool, where picture t + 1 does not follow from picture t.
    """

    pictures: NDArray[np.uint8]
    actions: NDArray[np.int64]
    cut: NDArray[np.bool_]


@dataclass(frozen=True)
class RecordedReference:
    """Of a game whose state is not read off pictures: a built-in game without a reader, or an environment.

    examples: None where none are asked for. judge: names the actions between pictures, and has learnt it from the
    examples; None without them, and where torch, which it needs, is missing. hud: reads the game's hearts and digits;
    None where it has no such reader.
    """

    truth: Played
    examples: Examples | None = None
    judge: InverseDynamics | None = None
    hud: HudReader | None = None


@dataclass
class References:
    """The references of an evaluation, each made when it is first asked for.

    own: how the person makes the games that are their own, by the name of the game.
    """

    sizes: Sizes
    own: Mapping[str, Environment] = field(default_factory=dict)
    _made: dict[tuple[object, ...], Reference | RecordedReference] = field(default_factory=dict)

    def of(self, subject: BundleSubject, seed: int, progress: Progress = silent) -> Reference | RecordedReference:
        """The reference of one subject. Raises ValueError with one sentence where it cannot be made here.

        Bundles share it where they dream the same game by the same rules, with the same actions, at the same size.
        """
        environment = self._environment(subject)
        if environment is None and registry.get(subject.game).actions != subject.actions:
            raise ValueError(f"{subject.game} has other actions than the dream {subject.name} of it.")
        made_from = subject.game if environment is None else repr(environment)
        rules, size = subject.rules, subject.resolution
        key = (made_from, rules, subject.actions, size, seed)
        if key not in self._made:
            self._made[key] = (
                built_in_reference(subject.game, rules, size, self.sizes, seed)
                if environment is None
                else recorded_reference(environment, rules, subject.actions, size, self.sizes, seed, progress)
            )
        return self._made[key]

    def _environment(self, subject: BundleSubject) -> Environment | None:
        """How the game is made; None where it is built in and has a state reader."""
        if registry.has_reader(subject.game):
            return None
        if subject.game in registry.names():
            return Environment(subject.game)
        training = subject.bundle.manifest.training
        return self.own.get(subject.game) or environment_of(subject.game, subject.actions, training)


def built_in_reference(game: str, rules: int, size: int, sizes: Sizes, seed: int) -> Reference:
    """Play the held-out episodes of a game by these rules, and validate its reader on them.

    Raises ValueError for a game or rules that there are not.
    """
    make, reader = partial(registry.get(game), rules=rules), reader_of(game, size)

    def played(episodes: int, ticks: int) -> Truth:
        policy = registry.policy(game, "explore", episodes, seed=FIRST_HELD_OUT_SEED + seed)
        return record_truth(make, policy, reader.position, size, episodes, ticks, seed)

    truth = played(sizes.episodes, sizes.ticks)
    long: list[Truth] = []

    def long_truth() -> Truth:
        if not long:
            long.append(played(sizes.rollout.drift_rollouts, LEAD + sizes.rollout.drift_cap))
        return long[0]

    return Reference(truth, long_truth, reader, validate_reader(truth, reader, 500 if sizes.quick else 4000))


def validate_reader(truth: Truth, reader: StateReader, frames: int) -> dict[str, Any]:
    """The reader's own validation, on the first `frames` real frames of all episodes together.

    `reader_exact`: share of them read exactly. `reader_valid`: share that it calls legal, by the rules for rollouts.
    """
    exact = arithmetic.Share()
    valid: list[NDArray[np.bool_]] = []
    missing: list[NDArray[np.bool_]] = []
    rooms: NDArray[np.uint8] | None = None
    for _, game, pictures in truth.play(0, min(truth.ticks + 1, -(-frames // truth.batch))):
        rooms = reader.rooms(game) if rooms is None else rooms
        exact.add(reader.exact(pictures, game))
        seen = reader.read(pictures, rooms)
        valid.append(seen.valid)
        missing.append(seen.missing)
    legal = np.stack(valid) & ~vanished(np.stack(missing), reader.patience)
    return {"reader_exact": exact.value, "reader_valid": arithmetic.mean_or_none(legal), "reader_frames": exact.of}


def recorded_reference(
    environment: Environment,
    rules: int,
    actions: tuple[str, ...],
    size: int,
    sizes: Sizes,
    seed: int,
    progress: Progress = silent,
) -> RecordedReference:
    """Play held-out episodes of a game, and examples from which judges learn what it is like.

    A built-in game is played by these rules and its exploring policy, an environment with held random keys, in fewer
    episodes.
    Raises ValueError with one sentence where the environment cannot be made or has other actions.
    """
    built_in = environment.source in registry.names()
    play: Callable[..., Played] = partial(_play_built_in, rules) if built_in else record_environment
    seeds = held_out_seeds(seed, sizes.episodes if built_in else min(sizes.episodes, MOST_EPISODES))
    ticks = sizes.ticks if built_in else min(sizes.ticks, MOST_BYTES // (len(seeds) * size * size * 3) - 1)
    try:
        truth = play(environment, actions, size, seeds, ticks, progress)
    except ModuleNotFoundError as error:
        missing = f"{environment.source} cannot be made here: {error}; install what it needs to measure it."
        raise ValueError(missing) from error
    hud = registry.hud_reader(environment.source, size)
    if not sizes.judge_episodes:
        return RecordedReference(truth, hud=hud)
    seeds = held_out_seeds(seed, sizes.judge_episodes) + SEEDS_APART // 2
    examples = _examples(
        play(environment, actions, size, seeds[i : i + MOST_EPISODES], EXAMPLE_TICKS, progress)
        for i in range(0, len(seeds), MOST_EPISODES)
    )
    try:
        from reverie.evaluation.metrics.inverse_dynamics import InverseDynamics
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        return RecordedReference(truth, examples, hud=hud)
    judge = InverseDynamics(len(actions), seed)
    judge.train(examples.pictures, examples.actions, examples.cut, progress=progress)
    return RecordedReference(truth, examples, judge, hud)


def _examples(parts: Iterable[Played]) -> Examples:
    """Join plays of as many ticks, of which one after the other is made."""
    made = [(arithmetic.shrunk(part.frames(0, part.ticks + 1)), part.actions, part.cut) for part in parts]
    pictures, actions, cut = (np.concatenate(arrays, axis=1) for arrays in zip(*made, strict=True))
    return Examples(pictures, actions, cut)


def _play_built_in(
    rules: int,
    environment: Environment,
    actions: tuple[str, ...],
    size: int,
    seeds: NDArray[np.int64],
    ticks: int,
    progress: Progress = silent,
) -> PlayedTruth:
    """What `record_environment` is for an environment."""
    name = environment.source
    game = registry.get(name)
    if game.actions != actions:
        raise ValueError(f"{name} has other actions than the dream of it.")
    make = partial(game, rules=rules)
    played = record_play(make, registry.policy(name, "explore", len(seeds), int(seeds[0])), size, seeds, ticks)
    progress("playing", len(seeds), len(seeds))
    return played
