"""Minari datasets: the form in which others keep recordings of Gymnasium environments.

A dataset of ours is lossless: Arrow storage without JPEG. What Minari has no word for (names of the actions, frames a
second) stands under `reverie` in the dataset's metadata.

Where a round is lost, others keep its last picture and end the episode; a World shows the next round at once. In a
dataset of ours an episode is one of the recording, goes on after a termination, and shows there what the World showed.
Somebody else's rounds are joined as a World would have played them (`as_played`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import minari
import numpy as np
from minari.data_collector.episode_buffer import EpisodeBuffer
from minari.dataset.minari_storage import MinariStorage
from numpy.typing import NDArray

from reverie.games.action_space import PlayableActions, playable_actions
from reverie.games.errors import UnsuitableGame
from reverie.games.picture import PictureReader

ABOUT = "reverie"
DATA, METADATA = "data", "metadata.json"
DESCRIPTION = (
    "Recorded with Reverie. An episode goes on after a termination, and the observation after one is the first of the "
    "next round: the last picture of a round that is lost is not kept."
)
JOINED_STEPS = 1000
"""Rounds are joined into episodes of about so many steps, which are in memory together."""


class Played(NamedTuple):
    """One episode. frames: T + 1 pictures (H, W, 3) uint8. actions, rewards, ended: (T,). seed: it was reset with."""

    frames: Any
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    seed: int


@dataclass(frozen=True)
class Dataset:
    """A dataset that can be read. about: what `write` was told, empty for somebody else's. actions: their numbers.

    environment: id of the environment that it was recorded in, "" where it does not say.
    """

    name: str
    about: dict[str, Any]
    actions: PlayableActions
    environment: str
    episodes: int
    steps: int
    _data: minari.MinariDataset

    def read(self) -> Iterator[Played]:
        """The episodes, one after another: our own as they were recorded, somebody else's as a World plays them.

        Raises UnsuitableGame where they show no pictures.
        """
        return self._stored() if self.about else as_played(self._stored())

    def _stored(self) -> Iterator[Played]:
        reader, first = PictureReader(), True
        for episode in self._data.iterate_episodes():
            if not len(episode.rewards):
                continue
            moments = range(len(episode.rewards) + 1)
            reader.begin()
            for t in moments:
                reader.look(_at(episode.observations, t))
            if first and reader.is_dim:
                raise UnsuitableGame(f"The dataset {self.name} holds grids of small numbers, no pictures.")
            first = False
            frames = [reader.picture(_at(episode.observations, t)) for t in moments]
            if any(frame is None for frame in frames):
                raise UnsuitableGame(f"The dataset {self.name} has no pictures among its observations.")
            [meta] = self._data.storage.get_episode_metadata([episode.id])
            yield Played(
                frames,
                self.actions.numbers(episode.actions),
                np.asarray(episode.rewards, np.float32),
                np.asarray(episode.terminations, bool),
                int(meta.get("seed") or 0),
            )


def _at(seen: Any, moment: int) -> Any:
    """What was seen at a moment, of observations that may be tables of tables."""
    if isinstance(seen, dict):
        return {name: _at(part, moment) for name, part in seen.items()}
    if isinstance(seen, tuple):
        return tuple(_at(part, moment) for part in seen)
    return seen[moment]


def as_played(rounds: Iterable[Played]) -> Iterator[Played]:
    """Rounds that each end with their last picture, joined as a World would have played them.

    The picture after a lost round is the first of the next round, as `games.world.Step` has it, so that a dream learns
    both that the round is over and what comes then; the last picture of a lost round is left out. After the last round
    of all comes the first. What was cut off by a limit of time leads nowhere: the episode stops there. An episode that
    itself goes on after a termination can only show the next round there, and stays as it is.
    """
    opening: Any = None
    frames: list[Any] = []
    parts: list[Played] = []
    for played in rounds:
        if opening is None:
            opening = played.frames[0]
        if parts and not parts[-1].ended[-1]:
            yield _joined(frames, parts)
            frames, parts = [], []
        elif sum(len(part.actions) for part in parts) >= JOINED_STEPS:
            yield _joined([*frames[:-1], played.frames[0]], parts)
            frames, parts = [], []
        frames[-1:] = played.frames
        parts.append(played)
    if parts:
        yield _joined([*frames[:-1], opening] if parts[-1].ended[-1] else frames, parts)


def _joined(frames: list[Any], parts: list[Played]) -> Played:
    _, actions, rewards, ended, seeds = zip(*parts, strict=True)
    return Played(frames, np.concatenate(actions), np.concatenate(rewards), np.concatenate(ended), seeds[0])


def read(source: str) -> Dataset:
    """A dataset by its folder, or by the name under which Minari has it here. Raises UnsuitableGame."""
    folder = Path(source)
    places = [folder / DATA, folder] if folder.is_dir() else []
    found = next((place for place in places if (place / METADATA).is_file()), None)
    try:
        data = minari.MinariDataset(found) if found else minari.load_dataset(source)
    except ImportError as error:
        need = f"{error.name or 'h5py'}, which is not installed: pip install {error.name or 'h5py'}"
        raise UnsuitableGame(f"{source} needs {need}") from error
    except FileNotFoundError as error:
        raise UnsuitableGame(
            f"There is no folder {source}, and no Minari dataset of that name; get one with: minari download {source}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnsuitableGame(f"{source} cannot be read as a Minari dataset: {reason}") from error
    actions = playable_actions(data.action_space, f"The dataset {source}")
    about = data.storage.metadata.get(ABOUT) or {}
    environment = data.env_spec.id if data.env_spec is not None else ""
    return Dataset(source, about, actions, environment, int(data.total_episodes), int(data.total_steps), data)


def write(root: Path, name: str, size: int, actions: int, about: dict[str, Any], episodes: Iterable[Played]) -> Path:
    """Write a dataset into `root`, which Minari reads when MINARI_DATASETS_PATH names it. Returns the dataset's folder.

    size: side of the frames. actions: how many there are. The folder is whole only when this returns.
    Raises UnsuitableGame where there is one already.
    """
    folder = root / name
    if folder.exists():
        raise UnsuitableGame(f"{folder} is there already; choose another name.")
    (folder / DATA).parent.mkdir(parents=True)
    storage = MinariStorage.new(
        folder / DATA,
        observation_space=gymnasium.spaces.Box(0, 255, (size, size, 3), np.uint8),
        action_space=gymnasium.spaces.Discrete(actions),
        data_format="arrow",
        jpeg_encoding=False,
    )
    own = {"dataset_id": name, "minari_version": minari.__version__, "description": DESCRIPTION, ABOUT: about}
    storage.update_metadata(own)
    for episode in episodes:
        stopped = np.zeros(len(episode.actions), bool)
        stopped[-1] = not episode.ended[-1]
        fields: dict[str, Any] = {"observations": episode.frames, "actions": episode.actions}
        fields |= {"rewards": episode.rewards, "terminations": episode.ended, "truncations": stopped}
        storage.update_episodes([EpisodeBuffer(seed=episode.seed, **fields)])
    return folder
