"""`reverie train`: a recipe and a recording become a run folder that `reverie export` turns into a bundle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reverie.games import registry
from reverie.training import recipe as recipes
from reverie.training.data.mixture import open_recording
from reverie.training.data.recording import Recording
from reverie.training.data.starts import start_histories
from reverie.training.errors import RunError
from reverie.training.files import beside
from reverie.training.loop.checkpoint import write_json
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.stage import GradientStage
from reverie.training.loop.train import Moment, Watch, run_stage
from reverie.training.runs import TrainedRun, read_record
from reverie.training.session import Session

MOST_REWARDS = 9
"""Different rewards that a model learns to predict; another one counts as the nearest of them."""


def train(
    recipe: str,
    data: Path,
    out: Path,
    minutes: float,
    resume: bool = False,
    seed: int = 0,
    begin: TrainedRun | None = None,
    log: Callable[[str], None] = print,
    context: DeviceContext | None = None,
    check: Callable[[], None] | None = None,
    watch: Watch = lambda moment: None,
) -> None:
    """Train the stages of a recipe on a recording for `minutes`, in all sessions together.

    data: folder of the recording, or of recordings of several games in a subfolder each.
    resume: go on with the run in `out`. Where its recipe has gained a network since, that one is trained too.
    begin: another run whose weights are taken over as far as they are there and fit.
    context: device, precision and processes; the processor by default. Of several processes, which must see the same
    folders, the first one writes the files and the log.
    check: called when nothing else is left to refuse; it may raise. watch: is told how far each stage is.
    The run folder then holds `run.json`, `<network>.safetensors` for each network, `starts.npz`, and what is needed to
    resume. Raises RunError or RecordingError with one sentence for a person's mistake.
    """
    context = context or DeviceContext()
    log = log if context.first else _no_log
    recording = open_recording(data)
    plan = recipes.load(recipe).fitted(
        len(recording.actions), recording.size, rewards_of(recording), tuple(recording.games)
    )
    record = _record(plan, recording, out, minutes, resume)
    _check_frames(plan, recording, data, out)
    if len(recording.games) == 1 and recording.environment:
        record["training"]["environment"] = recording.environment
    elif recording.environments:
        record["training"]["environments"] = recording.environments
    if begin:
        record["training"]["from"] = {"recipe": begin.record["recipe"], **begin.record["training"]}
    context.wait()  # from here on the first process changes what the others have just read
    if check is not None and context.first:
        check()
    session = Session(recording, out, minutes, seed, begin, context, log)
    if context.first:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "run.json", record)
        starts = start_histories(recording, plan.history)
        with beside(out / "starts.npz") as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **starts)  # type: ignore[arg-type]
    context.wait()
    later = 60 * minutes
    for stage in plan.stages(session):
        later -= 60 * stage.minutes if isinstance(stage, GradientStage) else 0.0
        figures = run_stage(stage, out, resume, log, context, partial(_tell, watch, later))
        if context.first:
            if figures is not None or stage.name not in record["metrics"]:
                record["metrics"][stage.name] = figures or stage.held_out(stage.network)
            write_json(out / "run.json", record)
    if context.first:
        record["training"] |= {
            "recipe": plan.name,
            "minutes": max(minutes, record["training"].get("minutes", 0)),  # a run that gains a part is not shorter
            "frames": int(record["metrics"]["dynamics"]["frames"]),
            "recorded_frames": len(recording) + plan.extra_frames,
            "learning_rate": plan.learning_rate,
            "seed": seed,
        }
        write_json(out / "run.json", record)
        log(f"done: reverie export {out} -o BUNDLE")


def _tell(watch: Watch, later: float, moment: Moment) -> None:
    """Tell of a stage's moment. later: seconds of training of the stages after it."""
    watch(replace(moment, left=max(0.0, moment.left) + later))


def _no_log(line: str) -> None:
    """The log of all processes but the first."""


def _record(plan: recipes.Recipe, recording: Recording, out: Path, minutes: float, resume: bool) -> dict[str, Any]:
    """Return what `run.json` holds at the beginning of a session. Raises RunError for parts that do not fit."""
    if not 0 < minutes < 1e9:
        raise RunError("--minutes must be more than 0.")
    if plan.extra_frames and (foreign := [game for game in recording.games if game not in registry.names()]):
        raise RunError(f"the recipe {plan.name} plays more of the game itself, and {foreign[0]} is not built in.")
    record = read_record(out)
    if record and not resume:
        raise RunError(f"{out} already holds a run; add --resume to go on, or name another folder.")
    if resume and not record:
        raise RunError(f"{out} holds no run to resume; leave --resume out.")
    rules = {game: number for game, number in recording.rules.items() if number > 1}
    description = {
        "recipe": plan.name,
        "kind": plan.kind,
        "history": plan.history,
        **plan.describe(),
        "games": {game: list(actions) for game, actions in recording.games.items()},
        "actions": list(recording.actions),
        "size": recording.size,
        **({"fps": recording.fps} if recording.fps else {}),
        **({"rules": rules} if rules else {}),
    }
    if record and not _goes_on(record, description):
        raise RunError(f"{out} was made with another recipe or recording; use another folder.")
    return {**description, "training": record.get("training", {}), "metrics": record.get("metrics", {})}


def _goes_on(record: dict[str, Any], description: dict[str, Any]) -> bool:
    """Whether a run is what its recipe describes, or lacks nothing but a network that the recipe has since gained."""
    before, now = record.get("networks"), description["networks"]
    if not isinstance(before, dict) or not before.items() <= now.items():
        return False
    if record.get("rules", {}) != description.get("rules", {}):
        return False
    gains = len(now) > len(before)
    return all(
        record.get(key) == value or (gains and key not in record)
        for key, value in description.items()
        if key != "networks"
    )


def _check_frames(plan: recipes.Recipe, recording: Recording, data: Path, out: Path) -> None:
    """Raises RunError where nothing can be learnt from a recording, or where a run has begun with other frames."""
    for number, game in enumerate(recording.games):
        longest = max(episode.length for episode in recording.episodes if recording.game_of(episode) == number)
        if longest < plan.frames_needed:
            raise RunError(
                f"the longest episode of {game} in {data} has {longest} frames, and the recipe {plan.name} learns from "
                f"{plan.frames_needed} at a time; record longer ones."
            )
    begun = plan.recorded_frames(out, len(recording.games))
    if begun not in (None, len(recording)):
        raise RunError(
            f"{out} was begun with {begun:,} frames and {data} now holds {len(recording):,}; "
            f"train into a new folder with --from {out}, or delete {out} to begin anew."
        )


def rewards_of(recording: Recording) -> tuple[float, ...]:
    """Return the values of a recording's rewards, 0 included; the commonest of a game where it has very many."""
    counts: list[Counter[float]] = [Counter() for _ in recording.games]
    for name, game in {episode.shard: recording.game_of(episode) for episode in recording.episodes}.items():
        values, each = np.unique(recording.shard(name).rewards, return_counts=True)
        counts[game].update(dict(zip(values.tolist(), each.tolist(), strict=True)))
    for count in counts:
        count.pop(0.0, None)
    return tuple(sorted({0.0, *(value for count in counts for value, _ in count.most_common(MOST_REWARDS - 1))}))
