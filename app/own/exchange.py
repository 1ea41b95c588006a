"""Recordings that come from elsewhere, and recordings for others."""

from __future__ import annotations

import contextlib
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from reverie.app.errors import Mistake, cannot_write
from reverie.app.extras import needs_minari
from reverie.app.own.action_log import Notes
from reverie.app.own.game_folder import GAME, RECORDING, SIZES, GameFolder, draft, is_game_folder, read_game
from reverie.app.own.video_log import (
    action_names,
    columns,
    find_clips,
    frames_of,
    is_video,
    pictures,
    read_timing,
)
from reverie.app.progress import Progress
from reverie.app.window.game_keys import keys_for
from reverie.engine.files import write_whole
from reverie.engine.unfinished import unfinished_folder
from reverie.games import registry
from reverie.games.environment import Environment
from reverie.games.gymnasium_world import GymWorld
from reverie.games.picture import letterbox
from reverie.limits import MOST_ACTIONS, MOST_FPS, MOST_NAME, MOST_RULES, MOST_SIDE
from reverie.schema import Within, read_object

EPISODE_FRAMES = 4096
"""A longer episode is stored as several; the last frame of each is the first of the next."""


@dataclass(frozen=True)
class ImportedEpisode:
    """One episode that is imported. pictures: T + 1 of (H, W, 3) uint8. actions, rewards, ended: (T,).

    cuts: (T,) bool or None, true where the next picture does not follow and an episode of its own begins.
    """

    pictures: Iterable[NDArray[np.uint8]]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    cuts: NDArray[np.bool_] | None = None
    seed: int = 0


@dataclass(frozen=True)
class ImportInfo:
    """What is known of imported play besides the play itself. frames: how many there will be, 0 if unknown."""

    world: str
    actions: tuple[str, ...]
    fps: int
    frames: int = 0
    size: int = 0
    environment: dict[str, Any] | None = None
    rules: int = 1


def import_play(source: str, out: Path, size: int | None) -> GameFolder:
    """Import a folder of videos and logs, or a Minari dataset, into a game folder, which is returned.

    Raises Mistake or ValueError with one sentence, and then nothing is left behind.
    """
    game = read_game(out) if is_game_folder(out) else None
    if (out / RECORDING).exists():
        raise Mistake(f"{out / RECORDING} holds a recording already; move it away, or import into another folder.")
    if out.exists() and not out.is_dir():
        raise Mistake(f"{out} is a file; name a folder.")
    if game and size and size != game.size:
        raise Mistake(f"{game.folder / GAME} says size = {game.size}; leave --size out.")
    folder, notes = Path(source), Notes()
    if folder.is_file():
        raise Mistake(f"{source} is a file; name the folder that it lies in.")
    if folder.is_dir() and (
        any(is_video(path) for path in folder.iterdir())
        or not any((place / "metadata.json").is_file() for place in (folder, folder / "data"))
    ):
        info, episodes = _videos(folder, out, game, notes)
    else:
        info, episodes = _dataset(source, out)
    side = game.size if game else size or info.size or 64
    # All that can be wrong with what is known of the play shows before any of it is stored.
    if side not in SIZES:
        raise Mistake(f"{source} has frames of {side} pixels a side; say --size {' or '.join(map(str, SIZES))}.")
    if len(info.actions) > MOST_ACTIONS:
        raise Mistake(f"{source} has {len(info.actions):,} actions, and at most {MOST_ACTIONS} can be imported.")
    text = None if game else _draft(source, info, out, side)
    _store(info, episodes, out, side, text)
    if notes.used:
        print("\n".join(notes.sentences()), file=sys.stderr)
    return read_game(out)


def _draft(source: str, info: ImportInfo, out: Path, side: int) -> bytes:
    """The game.toml to begin with. Raises Mistake where what is known of the play cannot be written as one."""
    environment = Environment.from_json(info.environment) if info.environment else None
    text = draft(out.absolute().name, environment, keys_for(info.actions), side, info.fps)
    if environment and ":" in environment.source:
        # A dataset may come from anybody: a person, not the dataset, chooses code to run.
        trust = "# This names code that is run; take the next # away where you trust it."
        text = text.replace("\nsource = ", f"\n{trust}\n# source = ", 1)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = out / GAME
        raise Mistake(f"No {GAME} can say what {source} says of its game; write {where}, and import again.") from error
    return text.encode()


def _videos(
    folder: Path, out: Path, game: GameFolder | None, notes: Notes
) -> tuple[ImportInfo, Iterator[ImportedEpisode]]:
    clips = find_clips(folder, notes)
    actions = action_names(clips, tuple(game.keys) if game else ())
    times = [read_timing(clip.video) for clip in clips]
    fps = game.fps if game and game.fps else times[0].fps
    taken = [frames_of(clip, timing, fps) for clip, timing in zip(clips, times, strict=True)]
    for clip, frames in zip(clips, taken, strict=True):
        if len(frames) < 2:
            raise Mistake(f"{clip.video} has fewer than two frames.")
        if said := frames.said:
            notes.other[f"{clip.video.name}: {said}"] = None

    def episodes() -> Iterator[ImportedEpisode]:
        for clip, frames in zip(clips, taken, strict=True):
            yield ImportedEpisode(pictures(clip.video, frames), *columns(clip, actions, frames))

    name = game.name if game else out.absolute().name
    if name in registry.names():  # a recording of that name would be taken for the built-in game's
        raise Mistake(f"{name} is the name of a built-in game; import into a folder of another name.")
    return ImportInfo(name, actions, fps, sum(map(len, taken))), episodes()


def _dataset(source: str, out: Path) -> tuple[ImportInfo, Iterator[ImportedEpisode]]:
    with needs_minari():
        from reverie.games import gymnasium_minari
    data = gymnasium_minari.read(source)
    about, count = data.about, len(data.actions.names)
    numbers = tuple(range(count))
    if about:
        if not _understood(about, count):
            raise Mistake(f"What {source} says of its recording is not understood; export the recording again.")
        actions = tuple(about["actions"])
    else:
        actions, numbers = _named(data.environment, data.actions.names)
    place = np.zeros(count, np.int64)
    place[list(numbers)] = np.arange(len(actions) - len(numbers), len(actions))

    def episodes() -> Iterator[ImportedEpisode]:
        for played in data.read():
            yield ImportedEpisode(played.frames, place[played.actions], played.rewards, played.ended, seed=played.seed)

    world = about.get("world") or data.environment or out.absolute().name
    fps, size, frames = about.get("fps") or 20, about.get("size", 0), data.steps + data.episodes
    known = ImportInfo(world, actions, fps, frames, size, about.get("environment"), about.get("rules", 1))
    return known, episodes()


@dataclass(frozen=True)
class _About:
    """What `export_minari` says of its recording. environment: how the game was made, where that is known."""

    world: Annotated[str, Within(1, MOST_NAME)]
    actions: Annotated[tuple[str, ...], Within(1, MOST_ACTIONS)]
    size: Annotated[int, Within(0, MOST_SIDE)] | None = None
    fps: Annotated[int, Within(0, MOST_FPS)] | None = None
    environment: dict[str, Any] | None = None
    rules: Annotated[int, Within(1, MOST_RULES)] = 1


def _understood(about: Any, count: int) -> bool:
    """Whether this is what `export_minari` writes for so many actions: a dataset may come from anybody."""
    try:
        known = read_object(_About, about)
        if known.environment is not None:
            Environment.from_json(known.environment)
    except ValueError:
        return False
    return len(set(known.actions)) == len(known.actions) == count


def _named(environment: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of a dataset's actions, noop first, and which number each has in the dataset (noop may have none).

    names: what the actions are called where the environment cannot be asked.
    """
    # A dataset may come from anybody, and with a colon its environment would be code of theirs to run.
    if environment and ":" not in environment:
        with (
            contextlib.suppress(ValueError, ModuleNotFoundError),
            contextlib.closing(GymWorld(Environment(environment))) as world,
        ):
            own = tuple(number for number in world.numbers if number is not None)
            if sorted(own) == list(range(len(names))):
                return world.actions, own
    return (names if names[0] == "noop" else ("noop", *names)), tuple(range(len(names)))


def _store(info: ImportInfo, episodes: Iterator[ImportedEpisode], out: Path, size: int, game: bytes | None) -> None:
    """Write a recording into `out`, and its game.toml where one is given, whole or not at all."""
    there = out.exists()
    out.mkdir(parents=True, exist_ok=True)
    progress = Progress(info.frames)
    try:
        with unfinished_folder(RECORDING, out) as beside:
            _fill(beside, info, episodes, size, progress)
            if game is not None:
                try:
                    write_whole(out / GAME, game)
                except OSError as error:
                    raise cannot_write(out / GAME, error) from error
            beside.rename(out / RECORDING)
    except BaseException:
        if game is not None:
            (out / GAME).unlink(missing_ok=True)
        if not there:
            with contextlib.suppress(OSError):
                out.rmdir()
        raise
    progress.end(out / RECORDING)


def _fill(beside: Path, info: ImportInfo, episodes: Iterator[ImportedEpisode], size: int, progress: Progress) -> None:
    """Write a recording into an empty folder. Raises Mistake where there is nothing to import."""
    from reverie.training.data.recording import RecordingWriter, Rows

    writer = RecordingWriter(beside, info.world, info.actions, size, 0, info.environment, info.fps, info.rules)
    for episode in episodes:
        frames: list[NDArray[np.uint8]] = []
        first = 0
        before: NDArray[np.uint8] | None = None
        for picture in episode.pictures:
            # A picture that is held comes again as the same array.
            frames.append(frames[-1] if frames and picture is before else letterbox(picture, size))
            before = picture
            at = first + len(frames) - 1  # the number of this picture
            last = at == len(episode.actions)
            cut = not last and episode.cuts is not None and bool(episode.cuts[at])
            if len(frames) > 1 and (len(frames) == EPISODE_FRAMES or last or cut):
                part = slice(first, first + len(frames) - 1)
                rows = Rows(
                    np.stack(frames),
                    np.append(episode.actions[part], 0).astype(np.uint8),
                    np.append(episode.rewards[part], 0).astype(np.float32),
                    np.append(episode.ended[part], False),
                )
                writer.write(rows, [len(frames)], [episode.seed])
                progress(len(frames))
                first, frames = part.stop, [frames[-1]]
            if cut:
                first, frames = at + 1, []
    writer.close()
    if not progress.done:
        raise Mistake("There is nothing to import: no episode has two frames.")
    beside.chmod(0o755)


def export_minari(data: Path, name: str, out: Path) -> None:
    """Write a recording as a lossless Minari dataset. Raises Mistake or ValueError; nothing half done is left."""
    from reverie.training.data.recording import Recording

    recording = Recording(data)
    with needs_minari():
        from reverie.games import gymnasium_minari
    if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", name):
        raise Mistake(f"{name} is no name for a dataset; choose one like mine/freeway-v0.")
    if (out / name).exists():
        raise Mistake(f"{out / name} is there already; choose another name.")
    about = {"world": recording.world, "actions": list(recording.actions), "size": recording.size}
    about |= {"fps": recording.fps, "environment": recording.environment, "rules": recording.rules[recording.world]}
    progress = Progress(len(recording))

    def episodes() -> Iterator[gymnasium_minari.Played]:
        for episode in recording.episodes:
            rows = recording.rows(episode)
            actions = np.asarray(rows.actions[:-1], np.int64)
            frames = np.asarray(rows.frames)
            yield gymnasium_minari.Played(frames, actions, rows.rewards[:-1], rows.ended[:-1], episode.seed)
            progress(episode.length)

    out, there = out.absolute(), out.exists()  # Minari takes a relative folder for one below its own
    out.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished_folder("dataset", out) as beside:
            made = gymnasium_minari.write(beside, name, recording.size, len(recording.actions), about, episodes())
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            made.rename(out / name)
    finally:
        if not there:
            with contextlib.suppress(OSError):
                out.rmdir()  # it is empty only where nothing was written
    print(f"exported {out / name}; Minari finds it with MINARI_DATASETS_PATH={out}")
