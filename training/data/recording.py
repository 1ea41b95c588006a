"""Recordings on disk: memmap shards of frames, actions, rewards and ends, and a small JSON index for each writer.

`action[t]` turned `frame[t]` into `frame[t + 1]`; `reward[t]` and `ended[t]` belong to that same transition. The last
row of an episode has no transition. A shard is listed in its index only when it is wholly on disk, so a writer that is
killed leaves a good recording that lacks its last, unfinished shard.
"""

from __future__ import annotations

import errno
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.training.data.writer_lock import WriterLock
from reverie.training.files import beside

HELD_OUT_SHARE = 0.02
FORMAT = 1
SAME = ("world", "actions", "size", "environment", "fps")
"""What all parts of one recording have in common."""
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
    start: int
    length: int
    seed: int


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
    ) -> None:
        """environment: how the world was made (reverie.games.environment), where that takes more than its name.

        fps: frames a second, where that is known. writer: the number to begin with; where another process writes under
        it, the next free one is taken, and `writer` says which. Raises RecordingError where the folder holds something
        else or cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = WriterLock(folder, writer)
        except OSError as error:
            raise _not_written(folder, error) from error
        self.folder, self.writer = folder, self._lock.number
        self.index: dict[str, Any] = {
            "format": FORMAT,
            "world": world,
            "actions": list(actions),
            "size": size,
            "episodes": [],
            **({"environment": environment} if environment else {}),
            **({"fps": fps} if fps else {}),
        }
        self.path = folder / f"index-{self.writer:02d}.json"
        self._check_others()
        if self.path.exists():
            self.index = _read_index(self.path)
        self.shards = len({episode["shard"] for episode in self.index["episodes"]})

    def close(self) -> None:
        """Let another process have the writer's number. Nothing can be written after it."""
        self._lock.close()

    def _check_others(self) -> None:
        """Raises RecordingError where another writer of the folder records something else."""
        for path in self.folder.glob("index-*.json"):
            known = _read_index(path)
            if any(known.get(key) != self.index.get(key) for key in SAME):
                raise RecordingError(
                    f"{self.folder} holds a recording of another world or size; choose another folder."
                )

    def write(self, rows: Rows, lengths: list[int], seeds: list[int]) -> None:
        """Add a shard of whole episodes that follow one another in `rows`.

        Raises RecordingError where the disk is full or the folder cannot be written; what was there before stays good.
        """
        name = f"{self.writer:02d}-{self.shards:05d}"
        if not self.index["episodes"]:
            self._check_others()  # another process may have begun since
        try:
            for kind, array in vars(rows).items():
                with beside(self.folder / f"{kind}-{name}.npy") as part, part.open("wb") as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
            episodes, start = list(self.index["episodes"]), 0
            for length, seed in zip(lengths, seeds, strict=True):
                episodes.append(asdict(Episode(name, start, length, seed)))
                start += length
            with beside(self.path) as part:
                part.write_text(json.dumps({**self.index, "episodes": episodes}))
        except OSError as error:
            raise _not_written(self.folder, error) from error
        self.index["episodes"] = episodes  # only now: what could not be written must not be listed later
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
        if any(index.get(key) != first.get(key) for index in indexes for key in SAME):
            raise RecordingError(f"{folder} mixes recordings of different worlds or sizes; record into a new folder.")
        self.world: str = first["world"]
        self.actions: tuple[str, ...] = tuple(first["actions"])
        self.size: int = first["size"]
        self.environment: dict[str, Any] | None = first.get("environment")
        self.fps: int | None = first.get("fps")
        self.episodes = [Episode(**episode) for index in indexes for episode in index["episodes"]]
        if not self.episodes:
            raise RecordingError(f"{folder} holds no whole episode; record into a new folder.")
        self._shards: dict[str, Rows] = {}

    def __len__(self) -> int:
        """Number of frames."""
        return sum(episode.length for episode in self.episodes)

    def shard(self, name: str) -> Rows:
        """One shard's arrays, memory-mapped. Raises RecordingError where a file is missing or cut short."""
        if name not in self._shards:
            arrays = {}
            for kind in ("frames", "actions", "rewards", "ended"):
                path = self.folder / f"{kind}-{name}.npy"
                try:
                    arrays[kind] = np.load(path, mmap_mode="r", allow_pickle=False)
                except (OSError, ValueError) as error:
                    raise RecordingError(f"{path} is missing or damaged; record again.") from error
            self._shards[name] = Rows(**arrays)
        return self._shards[name]

    @property
    def games(self) -> dict[str, tuple[str, ...]]:
        """The games in it and the actions that each has."""
        return {self.world: self.actions}

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


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path} cannot be read as a recording's index; record into a new folder.") from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise RecordingError(f"{path} is not a recording's index of format {FORMAT}; record into a new folder.")
    return index
