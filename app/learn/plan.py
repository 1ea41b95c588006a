"""What `reverie learn` is going to do and how long it takes, from what was measured on this machine."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from reverie.app.commands.record_plan import frames_in
from reverie.app.errors import Mistake
from reverie.app.own.choose_recipe import AUTO, choose_recipe
from reverie.app.own.game_folder import GameFolder
from reverie.cores import usable_cores
from reverie.engine.files import write_json
from reverie.engine.unfinished import unfinished_folder
from reverie.games import registry
from reverie.reading import read_text
from reverie.schema import read_object

PLAN = "learn.json"
MOST_BYTES = 1 << 20
"""Bytes of it at most."""
MINUTES = 60.0
"""Minutes for everything, where nobody says how many."""
RECORDING_SHARE = 0.2
"""Share of the minutes at most that is spent with recording."""
RECORDING_LATE = 1.3
"""So many times as long as planned recording may take; then what there is has to do."""
TRAINING_SHARE = 0.5
"""Share of the minutes at least that is spent with training."""
FEWEST_FRAMES = 2000
"""Frames that are recorded however slow the game is."""
FIRST_S, FIRST_FRAMES, FIRST_MOST_S = 3.0, 400, 15.0
"""Seconds of play with which recording begins, so that everything can be measured: more, up to the last, for so many
frames of a worker."""
CHUNK_S, CHUNK_FRAMES = 20.0, 300
"""Seconds of play that are written at a time, what a killed process loses at most; so many frames at least."""
BUILT_IN_FRAMES = 16_384
"""Frames of a built-in game that a worker writes at a time."""
PROBE_S = 8.0
"""Seconds for which each stage of the training is timed."""
EXPORT_S = 45.0
"""Seconds for export and verification; 24 to 27 were measured on two cores."""
CHECK_S = 15.0
"""Seconds for looking at the recording and for the last held-out figures."""
RUN_BYTES = 150e6
"""Bytes of a run and a bundle besides the recording: weights, optimizer state, graphs."""
SPARE = 0.9
"""Share of the free disk that may be used."""


@dataclass(frozen=True)
class Plan:
    """What is to be done. It stands in the game folder, so that the same command goes on with the same plan.

    source: as the person named it. minutes: for everything. training_minutes: of them, for training. frames: of the
    recording of each game. rate: frames that are recorded in a second, 0 for imported play. preparing_s: seconds
    between recording and training. steps: of training, as far as they could be foretold. settled: whether it was seen
    that its networks are of the right size.
    """

    source: str
    minutes: float
    training_minutes: float
    recipe: str
    frames: int
    rate: float = 0.0
    preparing_s: float = 0.0
    steps: int = 0
    settled: bool = False

    def save(self, folder: Path) -> None:
        """Write it whole. Raises OSError."""
        write_json(folder / PLAN, asdict(self))

    def with_minutes(self, minutes: float | None) -> Plan:
        """The same for other minutes, all of which go to training; None changes nothing."""
        if minutes is None or minutes == self.minutes:
            return self
        training = max(self.training_minutes + minutes - self.minutes, TRAINING_SHARE * minutes)
        steps = int(self.steps * training / self.training_minutes)
        return replace(self, minutes=minutes, training_minutes=training, steps=steps)


def read_plan(folder: Path | None) -> Plan | None:
    """The plan of a game folder; None where there is none yet. Raises Mistake where it cannot be read."""
    if folder is None or not (folder / PLAN).is_file():
        return None
    try:
        plan = read_object(Plan, json.loads(read_text(folder / PLAN, MOST_BYTES)), "")
        if plan.training_minutes > 0 and plan.minutes > 0:
            return plan
        raise ValueError("no minutes")
    except (ValueError, OSError, RecursionError) as error:
        raise Mistake(f"{folder / PLAN} is damaged; delete it, and it is planned again.") from error


def make_plan(game: GameFolder, source: str, minutes: float, seed: int, say: Callable[[str], None]) -> Plan:
    """Record the first frames, choose the recipe, and time both. Raises Mistake, CheckFailed or ValueError.

    What was timed is kept in the game folder, and a process that was killed goes on from there. say: gets what is being
    done, in a few words.
    """
    from reverie.training.data.mixture import open_recording
    from reverie.training.loop.device_context import find_device_context
    from reverie.training.speed import measure_speed

    began, rate, frames = time.perf_counter(), 0.0, 0
    for one in game.games:
        if one.environment is None and not frames_in(one.recording):
            raise Mistake(f"{one.folder} holds no recording yet; {one.next_step()}")
    if played := played_games(game):
        say("recording the first frames")
        rate = len(played) / sum(1 / record_first(one, seed) for one in played)
        affordable = max(FEWEST_FRAMES, int(RECORDING_SHARE * 60 * minutes * rate / len(played)))
        frames = fit_disk(game, min(affordable, *(one.steps for one in played)), played)
    recording, context = open_recording(game.recording), find_device_context("auto", "auto")
    lacking = frames_lacking(game, frames)
    recording_s = lacking / rate if rate else 0.0

    def planned(recipe: str) -> Plan:
        say(f"timing the recipe {Path(recipe).stem}")
        with unfinished_folder("probe", game.folder) as probe:
            speed = measure_speed(recipe, recording, minutes, probe, min(PROBE_S, 3 * minutes), context)
        preparing = CHECK_S + speed.building + speed.preparing * (len(recording) + lacking)
        left = minutes - (time.perf_counter() - began + recording_s + preparing + EXPORT_S) / 60
        training = max(left, TRAINING_SHARE * minutes)
        steps = int(speed.steps * training / minutes)
        return Plan(source, minutes, round(training, 2), recipe, frames, rate, preparing, steps)

    plan = read_plan(game.folder) or planned(choose_recipe(game.recipe, game.recording, game.run))
    plan = plan.with_minutes(minutes)
    plan.save(game.folder)
    return replace(fit_size(plan, game, planned, say), settled=True)


def fit_size(plan: Plan, game: GameFolder, planned: Callable[[str], Plan], say: Callable[[str], None]) -> Plan:
    """The plan with the largest networks that learn enough in its minutes.

    They stay what they are where the recipe is the person's choice, and where a run has begun with it. planned: makes
    the same plan for a recipe, by its measured speed.
    """
    from reverie.training import recipe as recipes

    free = game.recipe == AUTO and not (game.run / "run.json").is_file()
    while free and (recipe := recipes.load(plan.recipe)).smaller and plan.steps < recipe.worth_steps:
        say(f"{recipe.name} would make {plan.steps:,} steps here, and {recipe.worth_steps:,} are worth playing")
        plan = planned(recipe.smaller)
    return plan


def record_first(game: GameFolder, seed: int) -> float:
    """Record a few seconds of play, where they are not there yet. Returns how many frames are recorded in a second."""
    from reverie.training.data.record import record

    assert game.environment is not None
    workers, played = usable_cores(), play_rate(game)
    first = max(int(FIRST_S * played), min(FIRST_FRAMES, int(FIRST_MOST_S * played)))
    first = workers * (BUILT_IN_FRAMES if game.source in registry.names() else first)
    steps = max(2 * workers, min(game.steps, first)) - frames_in(game.recording)
    if steps < 2 * workers:
        return workers * played
    told: list[tuple[float, int]] = [(time.perf_counter(), 0)]

    def progress(frames: int) -> None:
        told.append((time.perf_counter(), frames))

    record(game.environment, game.recording, steps, "explore", workers, game.size, seed, progress)
    if len(told) > 4 * workers:
        del told[:workers]  # until then the processes began, which takes as long for any number of frames
    return sum(frames for _, frames in told[1:]) / (told[-1][0] - told[0][0])


def play_rate(game: GameFolder) -> float:
    """Steps that one process makes in a second, drawn."""
    import numpy as np

    from reverie.games.policies import HeldKeys
    from reverie.games.worlds import open_world

    assert game.environment is not None
    world = open_world(game.environment, game.size)
    policy, count = HeldKeys(len(world.actions), np.random.default_rng(0)), 0
    world.reset(0)
    began = time.perf_counter()
    while count < 2 or time.perf_counter() - began < 1:
        world.step(policy.act())
        count += 1
    rate = count / (time.perf_counter() - began)
    getattr(world, "close", lambda: None)()
    return rate


def played_games(game: GameFolder) -> list[GameFolder]:
    """The games that can be played here, and so recorded."""
    return [one for one in game.games if one.environment is not None]


def frames_lacking(game: GameFolder, frames: int) -> int:
    """Frames that are still to be recorded where each game is to have so many."""
    return sum(max(0, frames - frames_in(one.recording)) for one in played_games(game))


def fit_disk(game: GameFolder, frames: int, played: list[GameFolder]) -> int:
    """As many of the frames of each game as the disk has room for. Raises Mistake where that is too few to learn."""
    each = frame_bytes(played[0].size)
    there = [frames_in(one.recording) for one in played]
    room = int((SPARE * shutil.disk_usage(game.folder).free - RUN_BYTES) / each)
    fewest = min(frames, FEWEST_FRAMES)
    if room < (need := sum(max(0, fewest - count) for count in there)) or room < 0:
        size = megabytes((each * need + RUN_BYTES) / SPARE)
        raise Mistake(f"The disk is full: {game.folder} needs at least {size} more; make room, and go on.")
    return min(frames, max(fewest, (room + sum(there)) // len(played)))


def frame_bytes(size: int) -> int:
    """Bytes of a frame on disk, with its action, reward and end."""
    return 3 * size * size + 6


def megabytes(size: float) -> str:
    """A size for people."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


def describe(plan: Plan, game: GameFolder) -> list[str]:
    """The plan in a few lines, and what is to be expected of it where that is little."""
    from reverie.training import recipe as recipes

    recipe, played, lacking = recipes.load(plan.recipe), played_games(game), frames_lacking(game, plan.frames)
    lines = [f"{plan.source} becomes a dream in {game.folder}, in {minutes_and_hours(60 * plan.minutes)}:"]
    if plan.rate:
        recorded = minutes_and_hours(lacking / plan.rate) if lacking else "recorded"
        size, of = played[0].size, f" of each of {len(played)} games" if len(played) > 1 else ""
        room = megabytes(frame_bytes(size) * plan.frames * len(played))
        lines.append(f"  record          {recorded:<14} {room:>7}   {plan.frames:,} frames of {size} pixels{of}")
    train = minutes_and_hours(60 * plan.training_minutes + plan.preparing_s)
    lines.append(
        f"  train           {train:<14} {megabytes(RUN_BYTES):>7}   recipe {recipe.name}, about {plan.steps:,} steps"
    )
    lines.append(f"  export, verify  {minutes_and_hours(EXPORT_S)}")
    lines.append("Ctrl-C stops it, and the same command goes on.")
    if plan.steps < recipe.worth_steps:
        wanted = plan.minutes + plan.training_minutes * (recipe.worth_steps / max(1, plan.steps) - 1)
        lines.append(
            f"These are too few minutes for a dream worth playing: as far as was seen, it takes "
            f"{recipe.worth_steps:,} steps, here about --minutes {5 * -(-wanted // 5):.0f}. "
            f"The same command with more minutes goes on with what was learnt."
        )
    return lines


def minutes_and_hours(seconds: float) -> str:
    """A time for people."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def say_plainly(line: str) -> None:
    """What `say` does where there is no display of progress."""
    print(line, file=sys.stderr)
