"""`reverie eval`: every figure of every bundle in every game and mode, on the same held-out episodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine.files import write_json
from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.metrics.actions import ActionSizes, action_follow
from reverie.evaluation.metrics.ceiling import CeilingSizes, changed_token_ceiling
from reverie.evaluation.metrics.rollout import RolloutSizes, drift_free_frames, rollout
from reverie.evaluation.metrics.teacher_forced import TeacherSizes, teacher_forced
from reverie.evaluation.pages.tables import accuracy_tables
from reverie.evaluation.progress import Progress, shown, silent
from reverie.evaluation.speed.machine import machine
from reverie.evaluation.subjects.recorded_truth import LESSONS, LESSONS_IN_A_HURRY, Film, measure_film, record_film
from reverie.evaluation.subjects.state import StateReader, vanished
from reverie.evaluation.subjects.subject import Subject, identity
from reverie.evaluation.subjects.truth import LEAD, Truth, record_truth
from reverie.games.base import FIRST_HELD_OUT_SEED
from reverie.games.worlds import environment_of

if TYPE_CHECKING:
    from reverie.evaluation.subjects.bundle_subject import BundleSubject
    from reverie.games.environment import Environment

EVALUATION_SECONDS = 13 * 60.0
"""What one bundle in one mode may take by default. Only the search for where a dream drifts is cut short by it."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured, of everything.

    lessons: episodes from which it is learnt to tell the actions of a game that has no reader.
    """

    episodes: int = 32
    horizon: int = 1024
    quick: bool = False
    lessons: int = LESSONS
    seconds: float = EVALUATION_SECONDS
    teacher: TeacherSizes = field(default_factory=TeacherSizes)
    ceiling: CeilingSizes = field(default_factory=CeilingSizes)
    actions: ActionSizes = field(default_factory=ActionSizes)
    rollout: RolloutSizes = field(default_factory=RolloutSizes)

    @classmethod
    def default(cls, episodes: int = 32, horizon: int = 1024) -> Sizes:
        """The run whose figures may be quoted."""
        return cls(episodes, horizon, rollout=RolloutSizes(horizon=horizon))

    @classmethod
    def in_a_hurry(cls, episodes: int = 32, horizon: int = 1024) -> Sizes:
        """At most two minutes for a bundle and mode; too few frames to quote."""
        return cls(
            min(episodes, 8),
            min(horizon, 512),
            quick=True,
            lessons=LESSONS_IN_A_HURRY,
            seconds=0.0,
            teacher=TeacherSizes(ticks=64),
            ceiling=CeilingSizes(moments=4, branches=16),
            actions=ActionSizes(moments=2),
            rollout=RolloutSizes(horizon=min(horizon, 512), short=64, long_episodes=2),
        )

    @property
    def ticks(self) -> int:
        """Ticks that each real trajectory needs."""
        return LEAD + max(
            self.horizon,
            self.teacher.ticks,
            self.ceiling.moments * self.ceiling.every,
            self.actions.moments * self.actions.every,
        )


@dataclass(frozen=True)
class Ground:
    """What all bundles of one game and size are measured against."""

    truth: Truth
    long_truth: Callable[[], Truth]
    reader: StateReader
    reader_exact: dict[str, Any]


def measure(subject: Subject, ground: Ground, sizes: Sizes, seed: int, progress: Progress = silent) -> dict[str, Any]:
    """One entry of the report: one bundle in one mode with one decoder, dreaming one of its games."""
    began = time.monotonic()
    truth, reader = ground.truth, ground.reader
    entry = identity(subject)
    entry |= teacher_forced(subject, truth, sizes.teacher, progress)
    entry |= changed_token_ceiling(subject, truth, sizes.ceiling, progress)
    entry |= action_follow(subject, truth, reader, sizes.actions, seed, progress)
    entry["rollout"], known = rollout(subject, truth, reader, sizes.rollout, seed, progress)
    left = sizes.seconds - (time.monotonic() - began)
    long_truth = ground.long_truth() if left > 0 else truth
    entry |= drift_free_frames(subject, long_truth, reader, known, sizes.rollout, seed, left, progress)
    entry |= ground.reader_exact
    entry |= {
        "frames": entry["teacher_forced_frames"] + sum(part["frames"] for part in entry["rollout"].values()),
        "episodes": truth.batch,
        "horizon": sizes.horizon,
        "seed": seed,
        "first_game_seed": int(truth.seeds[0]),
        "quick": sizes.quick,
        "seconds": round(time.monotonic() - began, 1),
    }
    return entry


def check_reader(truth: Truth, reader: StateReader, frames: int) -> dict[str, Any]:
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


def lay_ground(game: str, size: int, sizes: Sizes, seed: int) -> Ground:
    """Play the held-out episodes of a game, and validate its reader on them. Raises ValueError for an unknown game."""
    from reverie.evaluation.subjects.readers import reader_of
    from reverie.games import registry

    make, reader = registry.get(game), reader_of(game, size)

    def played(episodes: int, ticks: int) -> Truth:
        policy = registry.policy(game, "explore", episodes, seed=FIRST_HELD_OUT_SEED + seed)
        return record_truth(make, policy, reader.position, size, episodes, ticks, seed)

    truth = played(sizes.episodes, sizes.ticks)
    long: list[Truth] = []

    def long_truth() -> Truth:
        if not long:
            long.append(played(sizes.rollout.drift_rollouts, LEAD + sizes.rollout.drift_cap))
        return long[0]

    return Ground(truth, long_truth, reader, check_reader(truth, reader, 500 if sizes.quick else 4000))


def evaluate(
    bundles: Sequence[str | Path],
    episodes: int = 32,
    horizon: int = 1024,
    quick: bool = False,
    seed: int = 0,
    json_path: str | Path | None = None,
    html_path: str | Path | None = None,
    mode: str = "",
    decoder: str = "",
    game: str = "",
    backend: str = "onnx",
    own: Mapping[str, Environment] | None = None,
) -> dict[str, Any]:
    """Measure bundles in all their games and modes, or in one, print the tables, and write the reports asked for.

    bundles: names or folders; none means all that ship. episodes: held-out episodes; horizon: frames of the long
    rollouts. quick: two minutes an entry at most, and the report says so. seed: chooses the episodes and the
    sampling. mode, decoder, game: this one alone. backend: what runs the bundles. own: how the person makes the games
    that are their own. Returns the report of the command line's contract. Raises ValueError with one sentence for what
    cannot be measured.
    """
    from reverie.evaluation.subjects.bundle_subject import open_subjects

    if episodes < 1 or horizon < 1:
        raise ValueError(f"An evaluation needs at least one episode and one frame, not {episodes} and {horizon}.")
    if seed < 0:
        raise ValueError(f"The seed of an evaluation is 0 or more, not {seed}.")
    for path in (json_path, html_path):
        if path is not None and not Path(path).resolve().parent.is_dir():
            raise ValueError(f"There is no folder {Path(path).parent} to write {Path(path).name} into.")
    sizes = Sizes.in_a_hurry(episodes, horizon) if quick else Sizes.default(episodes, horizon)
    subjects = open_subjects(bundles, backend=backend)
    for what, wanted in (("mode", mode), ("decoder", decoder), ("game", game)):
        choices = " and ".join(dict.fromkeys(getattr(subject, what) for subject in subjects))
        subjects = [subject for subject in subjects if wanted in ("", getattr(subject, what))]
        if not subjects:
            raise ValueError(f"No bundle to be measured has the {what} {wanted!r}; there is {choices}.")
    report: dict[str, Any] = {"bundles": {}, "quick": quick, "machine": machine(), "made": _now()}
    report |= {"episodes": sizes.episodes, "horizon": sizes.horizon, "seed": seed}
    grounds: dict[tuple[str, int], Ground | Film] = {}
    with shown() as progress:
        for subject in subjects:
            key = (subject.game, subject.resolution)
            if key not in grounds:
                grounds[key] = ground_of(subject, sizes, seed, own, progress)

            def named(what: str, done: int, total: int, label: str = subject.label) -> None:
                progress(f"{label}: {what}", done, total)

            ground = grounds[key]
            if isinstance(ground, Film):
                entry = measure_film(subject, ground, sizes.horizon, sizes.teacher, quick, seed, named)
            else:
                entry = measure(subject, ground, sizes, seed, named)
            report["bundles"][subject.label] = entry
            if json_path is not None:  # after every entry: stopping a long run keeps what is done
                write_json(Path(json_path), report)
    for table in accuracy_tables(report):
        print(f"{table.title}\n\n{table.markdown()}\n\n{table.note}\n")
    if html_path is not None:
        from reverie.evaluation.pages.pictures import strips
        from reverie.evaluation.pages.report import write_html

        write_html(report, strips(subjects, grounds, seed, quick), Path(html_path))
    return report


def ground_of(
    subject: BundleSubject,
    sizes: Sizes,
    seed: int,
    own: Mapping[str, Environment] | None = None,
    progress: Progress = silent,
) -> Ground | Film:
    """What a bundle is measured against: a built-in game, or the environment that it dreams of, as its pictures.

    Raises ValueError where that cannot be made here.
    """
    from reverie.games import registry

    if subject.game in registry.names():
        return lay_ground(subject.game, subject.resolution, sizes, seed)
    written = subject.bundle.manifest.training.get("environment")
    try:
        environment = (own or {}).get(subject.game) or environment_of(subject.game, subject.actions, written)
        amount = (sizes.episodes, sizes.ticks, seed, sizes.lessons, progress)
        return record_film(environment, subject.actions, subject.resolution, *amount)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{subject.game} cannot be made here: {error}; install what it needs to measure it."
        ) from error


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
