"""Recordings on disk: memmap shards of frames, actions, rewards and ends, and a small JSON index for each writer.

`action[t]` turned `frame[t]` into `frame[t + 1]`; `reward[t]` and `ended[t]` belong to that same transition. The last
row of an episode has no transition. A shard is listed in its index only when it is wholly on disk, so a writer that is
killed leaves a good recording that lacks its last, unfinished shard.
"""

from __future__ import annotations

import errno
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from reverie.games.environment import Environment
from reverie.limits import MOST_ACTIONS, MOST_FPS, MOST_NAME, MOST_RULES, MOST_SIDE
from reverie.reading import read_text, why
from reverie.schema import SchemaError, Within, read_object
from reverie.training.data.writer_lock import WriterLock
from reverie.training.files import beside

ROWS = {"frames": ("uint8", True), "actions": ("uint8", False), "rewards": ("float32", False), "ended": ("bool", False)}
"""Kinds of arrays in a shard: their dtype, and whether each row is a picture."""
SHARD = re.compile(r"\d{2,}-\d{5,}", re.ASCII)
HELD_OUT_SHARE = 0.02
FORMAT = 1
MOST_INDEX_BYTES = 256 << 20
SAME = ("world", "actions", "size", "environment", "fps", "rules")
"""What all parts of one recording have in common."""
Name = Annotated[str, Within(1, MOST_NAME)]
INSIDE = "recording"
"""Where a game folder keeps its recording."""


class RecordingError(ValueError):
    """A recording that cannot be read or written; the message is one sentence for a person."""


@dataclass(frozen=True)
class Episode:
    """Where one episode lies.

    shard: name of its shard. start: its first row. length: number of frames. seed: what it was reset with.
    """

    shard: str
    start: Annotated[int, Within(0, 2**40)]
    length: Annotated[int, Within(1, 2**31)]
    seed: Annotated[int, Within(-(2**63), 2**63 - 1)]


@dataclass(frozen=True)
class Index:
    """What one writer's `index-<writer>.json` says; `Recording` has the same fields.

    environment: how the world was made, None where that takes no more than its name. fps: None where it is not known.
    rules: number of the rules that a built-in game was played by.
    """

    world: Name
    actions: Annotated[tuple[Name, ...], Within(1, MOST_ACTIONS)]
    size: Annotated[int, Within(1, MOST_SIDE)]
    episodes: tuple[Episode, ...] = ()
    environment: dict[str, Any] | None = None
    fps: Annotated[int, Within(1, MOST_FPS)] | None = None
    rules: Annotated[int, Within(1, MOST_RULES)] = 1
    format: Annotated[int, Within(FORMAT, FORMAT)] = FORMAT

    def __post_init__(self) -> None:
        """Raises ValueError for what no writer writes."""
        if len(set(self.actions)) < len(self.actions):
            raise ValueError("actions must name each action once")
        if self.environment is not None:
            Environment.from_json(self.environment)
        for number, episode in enumerate(self.episodes):
            if not SHARD.fullmatch(episode.shard):
                raise ValueError(f"episodes[{number}].shard must be like 00-00000, not {episode.shard[:40]!r}")

    def to_json(self) -> dict[str, Any]:
        """What `index-<writer>.json` holds."""
        known = {name: value for name, value in vars(self).items() if value is not None}
        return known | {"actions": list(self.actions), "episodes": [vars(episode) for episode in self.episodes]}


@dataclass(frozen=True)
class Rows:
    """A run of frames and what was done at each.

    frames: (N, H, W, 3) uint8. actions: (N,) uint8. rewards: (N,) float32. ended: (N,) bool.
    """

    frames: NDArray[np.uint8]
    actions: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]


class RecordingWriter:
    """Writes shards `<kind>-<writer>-<number>.npy` and `index-<writer>.json` into a folder."""

    def __init__(
        self,
        folder: Path,
        world: str,
        actions: tuple[str, ...],
        size: int,
        writer: int = 0,
        environment: dict[str, Any] | None = None,
        fps: int | None = None,
        rules: int = 1,
    ) -> None:
        """environment: how the world was made (reverie.games.environment), where that takes more than its name.

        fps: frames a second, where that is known. rules: those that a built-in game is played by. writer: the number to
        begin with; where another process writes under it, the next free one is taken, and `writer` says which. Raises
        RecordingError where the folder holds something else or cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = WriterLock(folder, writer)
        except OSError as error:
            raise _not_written(folder, error) from error
        self.folder, self.writer = folder, self._lock.number
        self._remove_unfinished()
        self.index = Index(world, actions, size, environment=environment or None, fps=fps or None, rules=rules)
        self.path = folder / f"index-{self.writer:02d}.json"
        self._check_others()
        if self.path.exists():
            self.index = _read_index(self.path)
        self.shards = len({episode.shard for episode in self.index.episodes})

    def close(self) -> None:
        """Let another process have the writer's number. Nothing can be written after it."""
        self._lock.close()

    def _remove_unfinished(self) -> None:
        """Remove what a writer of this number was about to write when it was killed: nobody else has the number."""
        for part in self.folder.glob("*.part"):
            if re.fullmatch(rf"(\w+-{self.writer:02d}-\d+\.npy|index-{self.writer:02d}\.json)\.part", part.name):
                part.unlink(missing_ok=True)

    def _check_others(self) -> None:
        """Raises RecordingError where another writer of the folder records something else."""
        for path in self.folder.glob("index-*.json"):
            known = _read_index(path)
            if _differ(known, self.index):
                other = "by other rules" if known.world == self.index.world and known.rules != self.index.rules else ""
                raise RecordingError(
                    f"{self.folder} holds a recording {other or 'of another world or size'}; choose another folder."
                )

    def write(self, rows: Rows, lengths: list[int], seeds: list[int]) -> None:
        """Add a shard of whole episodes that follow one another in `rows`.

        Raises RecordingError where the disk is full or the folder cannot be written; what was there before stays good.
        """
        name = f"{self.writer:02d}-{self.shards:05d}"
        if not self.index.episodes:
            self._check_others()  # another process may have begun since
        try:
            for kind, array in vars(rows).items():
                with beside(self.folder / f"{kind}-{name}.npy") as part, part.open("wb") as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
            episodes, start = [], 0
            for length, seed in zip(lengths, seeds, strict=True):
                episodes.append(Episode(name, start, length, seed))
                start += length
            index = replace(self.index, episodes=(*self.index.episodes, *episodes))
            with beside(self.path) as part:
                part.write_text(json.dumps(index.to_json()), encoding="utf-8")
        except OSError as error:
            raise _not_written(self.folder, error) from error
        self.index = index  # only now: what could not be written must not be listed later
        self.shards += 1


def _not_written(folder: Path, error: OSError) -> RecordingError:
    """The sentence for a recording that could not be written. numpy's error for a full disk has no number."""
    if error.errno in (None, errno.ENOSPC, errno.EDQUOT):
        return RecordingError(f"The disk is full: what was recorded so far is kept in {folder}; make room, and go on.")
    return RecordingError(f"cannot write the recording in {folder}: {error.strerror or error}.")


def concatenate_rows(parts: list[Rows]) -> Rows:
    """Return several runs of frames as one."""
    return Rows(
        np.concatenate([part.frames for part in parts]),
        np.concatenate([part.actions for part in parts]),
        np.concatenate([part.rewards for part in parts]),
        np.concatenate([part.ended for part in parts]),
    )


class Recording:
    """A folder of shards, read by memmap."""

    def __init__(self, folder: Path) -> None:
        """folder: of the recording, or the game folder that it lies in.

        Raises RecordingError where there is no recording or its parts do not belong together.
        """
        if not any(folder.glob("index-*.json")) and (folder / INSIDE).is_dir():
            folder = folder / INSIDE
        self.folder = folder
        indexes = [_read_index(path) for path in sorted(folder.glob("index-*.json"))]
        if not indexes:
            raise RecordingError(f"{folder} holds no recording; make one with: reverie record garden -o {folder}")
        first = indexes[0]
        if any(_differ(index, first) for index in indexes):
            raise RecordingError(f"{folder} mixes recordings of different worlds, sizes or rules; use a new folder.")
        self.world, self.actions, self.size = first.world, first.actions, first.size
        self.environment, self.fps, self._rules = first.environment, first.fps, first.rules
        self.episodes = [episode for index in indexes for episode in index.episodes]
        if not self.episodes:
            raise RecordingError(f"{folder} holds no whole episode; record into a new folder.")
        self._shards: dict[str, Rows] = {}

    def __len__(self) -> int:
        """Number of frames."""
        return sum(episode.length for episode in self.episodes)

    def shard(self, name: str) -> Rows:
        """One shard's arrays, memory-mapped. Raises RecordingError where a file is missing or cut short."""
        if name not in self._shards:
            arrays = {kind: _open_array(self.folder / f"{kind}-{name}.npy") for kind in ROWS}
            rows = Rows(**arrays)
            count = max(episode.start + episode.length for episode in self.episodes if episode.shard == name)
            for kind, (dtype, inner) in ROWS.items():
                array = arrays[kind]
                shape = (self.size, self.size, 3) if inner else ()
                if array.dtype != dtype or array.shape[1:] != shape or array.ndim < 1 or len(array) < count:
                    wanted = f"{count:,} or more {dtype}{f' of {shape}' if shape else ''}"
                    is_ = f"{array.dtype} of {array.shape}"
                    raise RecordingError(f"{self.folder}/{kind}-{name}.npy holds {is_}, not {wanted}; record again.")
            if rows.actions.max(initial=0) >= len(self.actions) or not np.isfinite(rows.rewards).all():
                raise RecordingError(
                    f"{self.folder} holds actions or rewards in {name} that none can be; record again."
                )
            self._shards[name] = rows
        return self._shards[name]

    @property
    def games(self) -> dict[str, tuple[str, ...]]:
        """The games in it and the actions that each has."""
        return {self.world: self.actions}

    @property
    def environments(self) -> dict[str, dict[str, Any]]:
        """How each game that is not built in is made (reverie.games.environment)."""
        return {self.world: self.environment} if self.environment else {}

    @property
    def rules(self) -> dict[str, int]:
        """The number of the rules that each of `games` was played by."""
        return {self.world: self._rules}

    def game_of(self, episode: Episode) -> int:
        """Number of an episode's game."""
        return 0

    def rows(self, episode: Episode) -> Rows:
        """One episode's arrays."""
        shard, part = self.shard(episode.shard), slice(episode.start, episode.start + episode.length)
        return Rows(shard.frames[part], shard.actions[part], shard.rewards[part], shard.ended[part])


def held_out_count(episodes: int) -> int:
    """Return how many of the last episodes are held out of training: at least one, if there are two."""
    return min(episodes - 1, max(1, round(episodes * HELD_OUT_SHARE)))


def _differ(one: Index, other: Index) -> bool:
    """True where two indexes are not of one recording."""
    return any(getattr(one, key) != getattr(other, key) for key in SAME)


def _read_index(path: Path) -> Index:
    """Read an index. Raises RecordingError with file, key, what it is and what is wanted."""
    try:
        content = json.loads(read_text(path, MOST_INDEX_BYTES))
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path} cannot be read: {why(error)}; record into a new folder.") from error
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path} is not JSON, or was cut short; record into a new folder.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RecordingError(f"{path} is not a recording's index of format {FORMAT}; record into a new folder.")
    try:
        return read_object(Index, content, f"{path}:")
    except SchemaError as error:
        raise RecordingError(f"{error}; record into a new folder.") from error


def _open_array(path: Path) -> NDArray[Any]:
    """One array of a shard, memory-mapped. Raises RecordingError where the file is missing, damaged or no file."""
    try:
        if not path.is_file():
            raise OSError("it is not a file")  # a FIFO would be waited for
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy reads a header as Python's literals, and raises whatever Python's parser does
        raise RecordingError(f"{path} is missing or damaged; record again.") from error
