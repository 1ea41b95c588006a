"""Hostile files that a person may be handed beside bundles: recordings, runs, game folders, keys, recipes and logs."""

from __future__ import annotations

import contextlib
import io
import json
import math
import pickle
import shutil
import struct
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from reverie.app.errors import Mistake
from reverie.reading import one_line
from tests.fuzz.inputs_of_bundles import Bomb, change_starts
from tests.fuzz.mutations import as_text, code, mutated_bytes, mutated_json

ACTIONS = ("noop", "left", "right")


def indexes(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed index of a recording."""
    recording = _copy(base / "recording", folder)
    file = recording / "index-00.json"
    file.write_bytes(as_text(mutated_json(json.loads(file.read_text()), rng, marker), rng))
    _read_recording(recording)


def shards(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed shard of a recording."""
    recording = _copy(base / "recording", folder)
    file = recording / f"{rng.choice(['frames', 'actions', 'rewards', 'ended'])}-00-00000.npy"
    array = np.load(file)
    match rng.randrange(6):
        case 0:
            file.write_bytes(mutated_bytes(file.read_bytes(), rng))
        case 1:
            file.write_bytes(pickle.dumps(Bomb(marker)))
        case 2:
            np.save(file, np.array([Bomb(marker)], dtype=object), allow_pickle=True)
        case 3:
            np.save(file, np.zeros(array.shape, rng.choice(["f4", "f8", "?", "u8", "c16", "M8[s]", "U3", "V8"])))
        case 4:
            np.save(file, np.zeros(rng.choice([(), (0,), (1,), (3, 0), (2, 2), (12, 8, 8, 4)]), array.dtype))
        case 5:
            shape = rng.choice(["(1000000000000,)", "(-1,)", "(2**62,)", code(marker), "(" * 500])
            kind = rng.choice(["'|u1'", "'|O'", "'<i8'", "'|V1000000000'", code(marker)])
            head = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
            file.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + array.tobytes())
    _read_recording(recording)


def run_starts(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """Changed start histories of a run."""
    from reverie.training.runs import read_starts

    shutil.copy(base / "run" / "starts.npz", folder)
    change_starts(folder / "starts.npz", rng, marker)
    read_starts(folder)


def run_records(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed record of a run."""
    from reverie.training.runs import read_run

    run = _copy(base / "run", folder)
    file = run / "run.json"
    file.write_bytes(as_text(mutated_json(json.loads(file.read_text()), rng, marker), rng))
    read_run(run)


def games(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed game.toml, and its environment made."""
    from reverie.app.own.game_folder import read_game
    from reverie.app.window.game_keys import names_of_game
    from reverie.app.window.keys import DEFAULTS
    from reverie.games.gymnasium_world import GymWorld

    content = tomllib.loads((base / "game" / "game.toml").read_text())
    (folder / "game.toml").write_bytes(_as_toml(mutated_json(content, rng, marker), rng))
    with _answered():
        game = read_game(folder)
        names_of_game(DEFAULTS, ("noop", *game.keys), game.keys)
        if game.environment and game.environment.source.startswith("tests."):
            GymWorld(game.environment, game.size).close()


def keys(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed keys.json."""
    from reverie.app.window.keys import load_keys

    content = {"pause": ["p", "f2"], "a": ["j"], "record as": "mp4", "hud": []}
    (folder / "keys.json").write_bytes(as_text(mutated_json(content, rng, marker), rng))
    with _answered():
        load_keys(folder / "keys.json")


def recipes(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed recipe, fitted to a recording."""
    from reverie.training import recipe

    name = rng.choice(["tiny", "v2", "arcade", "own-latent", "hires-two-level"])
    content = tomllib.loads((recipe.FOLDER / f"{name}.toml").read_text())
    (folder / "own.toml").write_bytes(_as_toml(mutated_json(content, rng, marker), rng))
    recipe.load(str(folder / "own.toml")).fitted(5, 64, (0.0, 1.0), ("garden",))


def logs(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed log of a video."""
    from reverie.app.own.action_log import Notes, read_log

    value: Any = [
        {"frame": 2 * t, "action": ACTIONS[t % 3], "reward": t / 2, "ended": t == 7, "truncated": False}
        for t in range(9)
    ]
    value = mutated_json(value, rng, marker)
    path = folder / f"run1.{rng.choice(['csv', 'jsonl', 'json'])}"
    rows = value if isinstance(value, list) else [value]
    if path.suffix == ".csv":
        separator = rng.choice([",", ";", "\t", "|"])
        tables = [row for row in rows if isinstance(row, dict)]
        lines = [separator.join(map(str, row)) for row in tables[:1]]
        lines += [separator.join(str(cell) for cell in row.values()) for row in tables]
        data = "\n".join(lines).encode("utf-8", "surrogatepass")
        path.write_bytes(mutated_bytes(data, rng) if rng.random() < 0.3 else data)
    elif path.suffix == ".jsonl":
        path.write_bytes(b"\n".join(as_text(row, rng) for row in rows))
    else:
        path.write_bytes(as_text(value, rng))
    with _answered():
        read_log(path, Notes())


def videos(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed video with a sound log, imported."""
    from reverie.app.own.exchange import import_play

    (folder / "in").mkdir()
    source = rng.choice(sorted((base / "videos").iterdir()))
    data = bytearray(source.read_bytes())
    if source.suffix == ".gif" and rng.random() < 0.3:  # sizes and times that nothing says are wrong
        for _ in range(rng.choice([1, 3])):
            at = rng.choice([6, 8, *(i for i in range(len(data) - 8) if data[i : i + 2] in (b"!\xf9", b"\0,"))])
            data[at + 4 : at + 6] = rng.choice([b"\xff\xff", b"\0\0", b"\xff\x7f", b"\0\x20"])
    else:
        data = bytearray(mutated_bytes(bytes(data), rng))
    (folder / "in" / f"a{source.suffix}").write_bytes(data)
    (folder / "in" / "a.csv").write_text("frame,action\n0,left\n")
    with _answered(), contextlib.redirect_stderr(io.StringIO()):
        import_play(str(folder / "in"), folder / "out", None)


def scripts(rng: Random, base: Path, folder: Path, marker: Path) -> None:
    """A changed script of actions."""
    from reverie.app.play.script import read_script

    (folder / "script.txt").write_bytes(mutated_bytes("\n".join(ACTIONS * 4).encode(), rng))
    with _answered():
        read_script(folder / "script.txt", ACTIONS)


def _read_recording(folder: Path) -> None:
    from reverie.training.data.mixture import open_recording

    recording = open_recording(folder)
    for episode in recording.episodes[:200]:
        rows = recording.rows(episode)
        assert len(rows.frames) == len(rows.actions) == episode.length


def _copy(source: Path, folder: Path) -> Path:
    return Path(shutil.copytree(source, folder / source.name))


@contextlib.contextmanager
def _answered() -> Iterator[None]:
    """A person's mistake is an answer, as the command line gives it."""
    try:
        yield
    except (Mistake, ModuleNotFoundError) as error:
        raise ValueError(one_line(str(error))) from error


def _as_toml(value: Any, rng: Random) -> bytes:
    """A table as TOML, now and then damaged. What is no table becomes one."""
    table = value if isinstance(value, dict) else {"value": value}
    lines = [f"{json.dumps(str(key))} = {_toml_value(item)}" for key, item in table.items()]
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    match rng.randrange(16):
        case 0:
            return mutated_bytes(data, rng)
        case 1:
            return b"\xef\xbb\xbf" + data
        case 2:
            return b"deep = " + b"[" * rng.choice([1000, 200_000]) + b"\n" + data
        case 3:
            return data + b"\nday = 1979-05-27\n"
    return data


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {_toml_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return "{}" if value is None else json.dumps(value)
