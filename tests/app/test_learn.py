"""`reverie learn`: from a game's name to its dream in one command, which goes on however it was stopped."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reverie.app import cli
from reverie.app.commands.learn import Learn
from reverie.app.commands.record_plan import frames_in
from reverie.app.errors import Mistake
from reverie.app.learn import plan as plans
from reverie.app.learn.display import Display
from reverie.app.learn.plan import Plan, describe, fit_disk, fit_size, megabytes, minutes_and_hours, read_plan
from reverie.app.learn.run import record_rest
from reverie.app.learn.source import open_source
from reverie.app.own.game_folder import read_game
from reverie.engine.verify import verify
from reverie.training.data.record import record

TOY = "tests.games.toy:Toy"
TINY = 'source = "garden"\nrecipe = "tiny"\nsteps = 4000\n'


def folder_of(path: Path, text: str = TINY) -> Path:
    path.mkdir(parents=True)
    (path / "game.toml").write_text(text)
    return path


# What is learnt, and where.


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["garden"], "Say where all of it goes: reverie learn garden -o runs/NAME"),
        (["nothing", "-o", "OUT"], "There is no game 'nothing' to learn; there is garden, bricks"),
        (["v2", "-o", "OUT"], "There is no game 'v2' to learn"),
        (["garden", "-o", "OUT", "--frame-skip", "2"], "garden is built in and played as it is"),
        (["garden", "-o", "OUT", "--minutes", "0"], "--minutes must be more than 0, not 0."),
        (["garden", "-o", "FILE"], "is a file; name a folder."),
        (["VIDEOS", "-o", "OUT"], "holds no video; put videos"),
        (["GAME", "-o", "OUT"], "is a game folder, and all of it stays there; leave -o out."),
        (["GAME", "--size", "128"], "says how"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    (tmp_path / "FILE").write_text("")
    (tmp_path / "VIDEOS").mkdir()
    folder_of(tmp_path / "GAME")
    places = {name: str(tmp_path / name) for name in ("OUT", "FILE", "VIDEOS", "GAME")}
    assert cli.main(["learn", *(places.get(word, word) for word in words)]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (tmp_path / "OUT").exists()


@pytest.mark.parametrize("source", ["garden", TOY])
def test_a_game_gets_a_folder_that_the_other_commands_take(source: str, tmp_path: Path) -> None:
    if source == TOY:
        pytest.importorskip("gymnasium")
    game = open_source(Learn(source, tmp_path / "game"), "")
    assert game.source == source
    assert game.environment is not None
    assert game.environment.source == source
    assert read_game(tmp_path / "game") == game
    assert game.next_step() == f"next: reverie record {game.folder}"


def test_a_folder_is_not_taken_for_another_source(tmp_path: Path) -> None:
    open_source(Learn("garden", tmp_path / "game"), "")
    with pytest.raises(Mistake, match="is there for garden; choose another folder for bricks"):
        open_source(Learn("bricks", tmp_path / "game"), "garden")
    with pytest.raises(Mistake, match=r"game\.toml says otherwise"):
        open_source(Learn("bricks", tmp_path / "game"), "")


def test_a_dataset_is_known_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reverie.app.learn.source import is_dataset

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    (tmp_path / "mine/game-v0/data").mkdir(parents=True)
    (tmp_path / "mine/game-v0/data/metadata.json").write_text("{}")
    assert is_dataset("mine/game-v0")
    assert not is_dataset("mine/game-v1")


def test_a_folder_of_game_folders_is_one_game_folder_of_several_games(tmp_path: Path) -> None:
    for name in ("duel", "garden"):
        folder_of(tmp_path / "all" / name, f'source = "{name}"\nsteps = 300\n')
    game = open_source(Learn(str(tmp_path / "all")), "")
    assert [part.source for part in game.parts] == ["duel", "garden"]
    assert game.recording == game.folder
    assert game.next_step() == f"next: reverie record {game.folder / 'duel'}"
    assert plans.frames_lacking(game, 300) == 600
    record_rest(game, Plan("all", 1.0, 0.5, "tiny", 300, 1000.0), 0, Display({"record": 1.0, "export": 1.0}))
    assert plans.frames_lacking(game, 300) == 0
    assert frames_in(game.recording) == sum(frames_in(part.recording) for part in game.parts)
    assert game.next_step() == f"next: reverie train {game.folder}"


def test_a_folder_of_games_is_recorded_game_by_game(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder_of(tmp_path / "all" / "duel", 'source = "duel"\n')
    (tmp_path / "all" / "game.toml").write_text('title = "Two"\n')
    assert cli.main(["record", str(tmp_path / "all")]) == 2
    assert f"record each of them: reverie record {tmp_path / 'all' / 'duel'}" in capsys.readouterr().err


# The plan.

PLAN = Plan("garden", 60.0, 50.0, "own", 100_000, 1000.0, 60.0, 1800)


def test_a_plan_is_kept_in_the_folder(tmp_path: Path) -> None:
    assert read_plan(tmp_path) is None
    PLAN.save(tmp_path)
    assert read_plan(tmp_path) == PLAN
    (tmp_path / "learn.json").write_text('{"minutes": 3}')
    with pytest.raises(Mistake, match="is damaged; delete it"):
        read_plan(tmp_path)


def test_more_minutes_all_go_to_training() -> None:
    assert PLAN.with_minutes(None) is PLAN
    assert PLAN.with_minutes(60.0) is PLAN
    more = PLAN.with_minutes(110.0)
    assert (more.minutes, more.training_minutes, more.frames, more.steps) == (110.0, 100.0, 100_000, 3600)


def test_the_plan_says_what_how_long_and_how_much_disk(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    game = read_game(folder_of(tmp_path / "game"))
    said = describe(PLAN, game)
    assert said[0] == f"garden becomes a dream in {game.folder}, in 60 min:"
    assert said[1].split() == ["record", "2", "min", "1.2", "GB", "100,000", "frames", "of", "64", "pixels"]
    assert "recipe own, about 1,800 steps" in said[2]
    assert len(said) == 5


def test_too_few_minutes_are_said_with_how_many_it_takes(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    game = read_game(folder_of(tmp_path / "game"))
    last = describe(replace(PLAN, steps=450), game)[-1]
    assert last.startswith("These are too few minutes for a dream worth playing")
    assert "takes 900 steps, here about --minutes 110." in last


@pytest.mark.parametrize(
    ("recipe", "steps", "chosen"),
    [("auto", 2000, "own"), ("auto", 500, "own-small"), ("auto", 5, "own-small"), ("own", 500, "own")],
)
def test_networks_are_as_large_as_the_minutes_are_worth(recipe: str, steps: int, chosen: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    game = read_game(folder_of(tmp_path / "game", f'source = "garden"\nrecipe = "{recipe}"\n'))
    said: list[str] = []

    def planned(other: str) -> Plan:
        return replace(PLAN, recipe=other, steps=4 * steps)

    assert fit_size(replace(PLAN, steps=steps), game, planned, said.append).recipe == chosen
    assert len(said) == (chosen != "own")
    game.run.mkdir()
    (game.run / "run.json").write_text("{}")
    assert fit_size(replace(PLAN, steps=steps), game, planned, said.append).recipe == "own", "a run keeps its recipe"


def test_planning_that_was_stopped_goes_on_with_what_was_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    game, timed = read_game(folder_of(tmp_path / "game", 'source = "garden"\nsteps = 300\n')), []
    record(game.environment, game.recording, 300, "explore", 1, 64, 0)

    def measure(recipe: str, *_: object) -> object:
        timed.append(recipe)
        if timed == ["own", "own-small"]:
            raise KeyboardInterrupt
        return SimpleNamespace(steps=100, building=0.0, preparing=0.0)

    monkeypatch.setattr("reverie.training.speed.measure_speed", measure)
    monkeypatch.setattr(plans, "choose_recipe", lambda *_: "own")
    with pytest.raises(KeyboardInterrupt):
        plans.make_plan(game, "garden", 4.0, 0, lambda line: None)
    kept = read_plan(game.folder)
    assert kept is not None
    assert (kept.recipe, kept.settled) == ("own", False)
    plan = plans.make_plan(game, "garden", 4.0, 0, lambda line: None)
    assert timed == ["own", "own-small", "own-small"]
    assert (plan.recipe, plan.settled) == ("own-small", True)


def test_no_more_is_recorded_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    game = read_game(folder_of(tmp_path / "game"))

    def free(size: float) -> None:
        monkeypatch.setattr(plans.shutil, "disk_usage", lambda folder: SimpleNamespace(free=size))

    free(1e12)
    assert fit_disk(game, 50_000, [game]) == 50_000
    free(0.5e9)
    assert 20_000 < fit_disk(game, 50_000, [game]) < 30_000
    free(1e8)
    with pytest.raises(Mistake, match=r"The disk is full: .* needs at least \d+ MB more; make room, and go on"):
        fit_disk(game, 50_000, [game])


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (60, "60 s"), (120, "2 min"), (5400, "90 min"), (7260, "2 h 01 min")]
)
def test_a_time_is_said_for_people(seconds: float, said: str) -> None:
    assert minutes_and_hours(seconds) == said


def test_a_size_is_said_for_people() -> None:
    assert [megabytes(size) for size in (10, 2e6, 1.25e9)] == ["1 MB", "2 MB", "1.2 GB"]


# The stages.


def test_the_time_left_counts_what_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("reverie.app.learn.display.time.monotonic", lambda: now[0])
    display = Display({"record": 60.0, "train": 600.0, "export": 45.0})
    assert display.left == 705
    display.begin("record")
    now[0] += 20
    assert display.left == 685
    display.begin("train")
    display.tell(300.0, "step 3")
    assert display.left == 345


def test_recording_goes_on_with_what_is_lacking(tmp_path: Path) -> None:
    game = read_game(folder_of(tmp_path / "game"))
    record("garden", game.recording, 300)
    there = frames_in(game.recording)
    plan = Plan("garden", 1.0, 0.5, "tiny", there + 200, 1000.0)
    record_rest(game, plan, 0, Display({"record": 1.0, "export": 1.0}))
    assert there + 200 <= frames_in(game.recording) < there + 400


def test_a_game_that_turns_slow_gives_fewer_frames_and_not_a_later_dream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    game = read_game(folder_of(tmp_path / "game"))
    now = [0.0]
    monkeypatch.setattr("reverie.app.learn.run.time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr("reverie.app.learn.run.BUILT_IN_FRAMES", 100)
    monkeypatch.setattr("reverie.app.learn.run.FEWEST_FRAMES", 100)

    def slowly(*given: Any) -> None:
        now[0] += 1000.0
        record(*given[:-1])

    monkeypatch.setattr("reverie.training.data.record.record", slowly)
    plan = record_rest(game, Plan("garden", 60.0, 50.0, "tiny", 4000, 100.0), 0, Display({"record": 1.0}))
    assert plan.frames == frames_in(game.recording) < 4000
    assert read_plan(game.folder) == plan
    assert plans.frames_lacking(game, plan.frames) == 0


def test_what_was_recorded_first_is_not_recorded_again(tmp_path: Path) -> None:
    game = read_game(folder_of(tmp_path / "game", 'source = "garden"\nsteps = 300\n'))
    assert plans.record_first(game, 0) > 0
    there = frames_in(game.recording)
    assert 300 <= there < 500
    assert plans.record_first(game, 0) > 0
    assert frames_in(game.recording) == there


def learn(folder: Path) -> list[str]:
    words = ["learn", str(folder), "--minutes", "0.2", "--headless"]
    program = (
        "import sys; from reverie.training.loop import train; train.SAVE_EVERY = 1; "
        "from reverie.app import cli; sys.exit(cli.main(sys.argv[1:]))"
    )
    return [sys.executable, "-c", program, *words]


def state(folder: Path) -> dict[Path, int]:
    """When each file was written, in nanoseconds."""
    found = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            found[path] = path.stat().st_mtime_ns
    return found


def kill_after(changes: int, folder: Path, environment: dict[str, str]) -> bool:
    """Start it, and kill it when it has written so many times; false where it came to its end before."""
    process = subprocess.Popen(learn(folder), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = state(folder)
    while changes and process.poll() is None:
        time.sleep(0.02)
        now = state(folder)
        changes, before = changes - (now != before), now
    process.kill()
    return process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_killed_ten_times_it_goes_on_each_time_and_ends_with_a_dream(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from tests.app.kills import trained

    folder, luck = folder_of(tmp_path / "game"), random.Random(0)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    recorded, seconds, stages = 0, 0.0, set()
    for _ in range(10):
        if not kill_after(luck.randint(1, 8), folder, environment):
            break
        now = frames_in(folder / "recording")
        assert now >= recorded, "nothing that was recorded is lost"
        assert trained(folder) >= seconds, "nothing that was trained and saved is lost"
        recorded, seconds = now, trained(folder)
        stages.add((now > 0, (folder / "learn.json").is_file(), (folder / "run/run.json").is_file()))
    assert len(stages) > 1, "it was killed in several stages"
    done = subprocess.run(learn(folder), env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"next: reverie play {folder}\n")
    assert not verify(folder / "dream")
    assert not list(folder.glob(".*.unfinished"))
    before = (folder / "dream/manifest.json").stat().st_mtime
    again = subprocess.run(learn(folder), env=environment, capture_output=True, text=True, timeout=120)
    assert again.stdout == f"next: reverie play {folder}\n"
    assert (folder / "dream/manifest.json").stat().st_mtime == before, "what is done is not done again"
