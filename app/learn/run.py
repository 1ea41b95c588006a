"""The stages of `reverie learn`, one after the other, each as far as it is not done yet.

What is done is read from the game folder: the recording's frames, the run's record, the bundle. A stage that was
stopped goes on from what it wrote.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from reverie.app.commands.record_plan import frames_in
from reverie.app.errors import CheckFailed
from reverie.app.extras import needs_games, needs_train
from reverie.app.learn.display import Display
from reverie.app.learn.plan import (
    BUILT_IN_FRAMES,
    CHUNK_FRAMES,
    CHUNK_S,
    EXPORT_S,
    FEWEST_FRAMES,
    MINUTES,
    RECORDING_LATE,
    Plan,
    describe,
    frames_lacking,
    make_plan,
    played_games,
    read_plan,
    say_plainly,
)
from reverie.app.learn.source import open_source
from reverie.app.own.game_folder import GameFolder, read_game
from reverie.cores import usable_cores
from reverie.engine.manifest import MANIFEST
from reverie.games import registry

if TYPE_CHECKING:
    from reverie.app.commands.learn import Learn
    from reverie.training.loop.train import Moment


def learn(options: Learn, started: float) -> None:
    """Everything from a source to a dream that is played. Raises Mistake, CheckFailed or ValueError.

    After Ctrl-C it says how to go on, and KeyboardInterrupt goes on.
    """
    import shlex

    with needs_train(), needs_games():
        import reverie.export.run_export
        import reverie.training.run  # noqa: F401  what is lacking is said before anything is done
    try:
        game = _learn(options)
    except KeyboardInterrupt:
        where = ["-o", str(options.out)] if options.out else []
        words = sys.argv[1:] if len(sys.argv) > 1 else ["learn", options.source, *where]
        print(f"to go on: reverie {shlex.join(words)}", file=sys.stderr)
        raise
    from reverie.app.window.display import may_open

    if options.headless or not may_open():
        print(game.next_step())
    else:
        from reverie.app.commands.play import Play

        Play(str(game.folder), seed=options.seed).run(started)


def _learn(options: Learn) -> GameFolder:
    folder = options.out
    plan = read_plan(folder)
    game = open_source(options, plan.source if plan else "")
    plan = known = plan or read_plan(game.folder)
    if plan is None or not plan.settled:
        minutes = options.minutes or (plan.minutes if plan else MINUTES)
        plan = make_plan(game, options.source, minutes, options.seed, say_plainly)
    plan = plan.with_minutes(options.minutes)
    if plan != known:
        plan.save(game.folder)
    trained, exported = is_trained(game, plan), is_exported(game)
    if trained and exported:
        return game
    print("\n".join(describe(plan, game)), flush=True)
    left = frames_lacking(game, plan.frames)
    stages = {"record": left / plan.rate} if left else {}
    stages |= {} if trained else {"train": plan.preparing_s + 60 * plan.training_minutes}
    with Display({**stages, "export": EXPORT_S}) as display:
        if left:
            plan = record_rest(game, plan, options.seed, display)
        if not trained:
            train_run(game, plan, options, display)
        export(game, display)
    return read_game(game.folder)


def is_trained(game: GameFolder, plan: Plan) -> bool:
    """Whether the run has had all its minutes."""
    from reverie.training.runs import read_record

    minutes = read_record(game.run).get("training", {}).get("minutes", 0)
    return frames_in(game.recording) > 0 and minutes >= plan.training_minutes


def is_exported(game: GameFolder) -> bool:
    """Whether the dream is what the run has learnt."""
    dream, weights = game.dream / MANIFEST, game.run / "dynamics.safetensors"
    return dream.is_file() and weights.is_file() and dream.stat().st_mtime >= weights.stat().st_mtime


def record_rest(game: GameFolder, plan: Plan, seed: int, display: Display) -> Plan:
    """Record what is lacking, some seconds of play at a time, so that a killed process loses no more than these.

    Where that takes much longer than planned, fewer frames do, for the minutes are what was promised. Returns the plan
    with as many as there are, which then stands in the game folder too.
    """
    from reverie.training.data.record import record

    display.begin("record")
    workers, began, lacking, done = usable_cores(), time.perf_counter(), frames_lacking(game, plan.frames), 0
    played, seconds = played_games(game), max(2 * CHUNK_S, RECORDING_LATE * lacking / plan.rate)

    def progress(frames: int) -> None:
        nonlocal done
        done += frames
        rate = done / max(time.perf_counter() - began, 1e-3)
        display.tell(max(0, lacking - done) / max(rate, 1e-3), f"{min(done, lacking):,} of {lacking:,} frames")

    for number, one in enumerate(played):
        assert one.environment is not None
        deadline = began + seconds * (number + 1) / len(played)
        chunk = max(CHUNK_FRAMES, int(CHUNK_S * plan.rate))
        if one.source in registry.names():
            chunk = max(chunk, BUILT_IN_FRAMES * workers)
        while (there := frames_in(one.recording)) < plan.frames:
            if there >= FEWEST_FRAMES and time.perf_counter() > deadline:
                break
            steps = max(2 * workers, min(chunk, plan.frames - there))
            record(one.environment, one.recording, steps, "explore", workers, one.size, seed, progress)
    there = min(frames_in(one.recording) for one in played)
    if there < plan.frames:
        display.say(f"{there:,} frames are recorded and have to do: the game is slower than it was at first")
        plan = replace(plan, frames=there)
        plan.save(game.folder)
    return plan


def train_run(game: GameFolder, plan: Plan, options: Learn, display: Display) -> None:
    """Train, or go on training. The log goes to a file in the game folder. Raises CheckFailed or ValueError."""
    from reverie.app.commands.train_check import check_before_training
    from reverie.app.own.progress_page import ProgressPage
    from reverie.training.loop.device_context import find_device_context
    from reverie.training.loop.train import figures_line
    from reverie.training.run import train

    display.begin("train")

    def check() -> None:
        check_before_training(plan.recipe, game.recording, game, options.anyway, as_planned=plan.rate > 0)

    def watch(moment: Moment) -> None:
        page.watch(moment)
        newest = moment.held_out or moment.figures
        told = f"{page.told}; " if page.told else ""
        display.tell(moment.left, f"{moment.stage} step {moment.step}: {told}{figures_line(newest)}")

    with (game.folder / "learn.log").open("a", encoding="utf-8") as file:

        def log(line: str) -> None:
            print(line, file=file, flush=True)

        page = ProgressPage(game.run, game.recording, game.title, log, options.open)
        begun = (game.run / "run.json").is_file()
        train(
            plan.recipe,
            game.recording,
            game.run,
            plan.training_minutes,
            begun,
            options.seed,
            log=log,
            context=find_device_context("auto", "auto"),
            check=None if begun else check,
            watch=watch,
        )
        page.finish()


def export(game: GameFolder, display: Display) -> None:
    """Turn the run into a bundle, and look at it once more. Raises CheckFailed or ValueError."""
    from reverie.engine.verify import verify
    from reverie.export.run_export import export_run

    display.begin("export")
    export_run(game.run, game.dream, name=game.name, log=lambda line: None)
    if findings := verify(game.dream):
        raise CheckFailed(f"{game.dream} is not what it says it is: {findings[0]}")
    display.say(f"{game.dream} is verified")
