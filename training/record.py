"""`reverie record`: plays a built-in game in many trajectories at once and writes what happened."""

from __future__ import annotations

import multiprocessing
import queue
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from games import registry
from games.base import BatchGame, Ints, Policy
from games.world import Frame, World
from training.recording import Recording, RecordingError, RecordingWriter, Rows

HELD_OUT_SEED = 1_000_000
"""Game seeds from here on are for evaluation; recordings for training stay below."""


@dataclass(frozen=True)
class RecordConfig:
    """What to record.

    world: name of a built-in game.
    steps: frames to record in all, rounded up to whole shards.
    policy: "random" or "explore".
    workers: processes.
    size: edge of a frame in pixels.
    seed: decides rooms, luck and play.
    batch: trajectories that a worker plays at once.
    episode_frames: frames of an episode, from reset to reset.
    """

    world: str
    steps: int
    policy: str = "explore"
    workers: int = 1
    size: int = 64
    seed: int = 0
    batch: int = 64
    episode_frames: int = 256


def record(
    world: str,
    out: Path,
    steps: int,
    policy: str = "explore",
    workers: int = 1,
    size: int = 64,
    seed: int = 0,
    progress: Callable[[int], None] = lambda frames: None,
) -> Recording:
    """Record a built-in game into the folder `out`, with several processes; `progress` is told how many frames are new.

    Ctrl-C ends the episodes that are being played where they are, writes them too, and is then raised on. Raises
    ValueError for an unknown world, policy or size, and RecordingError where the folder cannot be written or holds
    another world's recording, or where a worker died.
    """
    if steps < 1 or workers < 1:
        raise ValueError("steps and workers must be at least 1")
    config = RecordConfig(world, steps, policy, workers, size, seed)
    game = registry.get(world)  # a mistake shows here, in one sentence, not in a worker
    game(1).checked_size(size)
    registry.policy(world, policy, 1)
    if out.exists() and not out.is_dir():
        raise RecordingError(f"{out} is a file; name a folder.")
    context = multiprocessing.get_context("spawn")
    messages: Any = context.Queue()
    stop = context.Event()
    share = -(-steps // workers)
    processes = [
        context.Process(target=_work_in_process, args=(config, out, worker, share, messages, stop), daemon=True)
        for worker in range(workers)
    ]
    for process in processes:
        process.start()
    interrupt: BaseException | None = None
    running = workers
    while running:
        try:
            message = messages.get(timeout=1)
            if isinstance(message, int):
                progress(message)
            elif message is None:
                running -= 1
            else:
                stop.set()
                raise RecordingError(message)
        except queue.Empty:
            if any(process.exitcode for process in processes):
                stop.set()
                raise RecordingError(f"a recording process died; what is in {out} is good up to there.") from None
        except KeyboardInterrupt as error:
            interrupt = error
            stop.set()
    for process in processes:
        process.join()
    if interrupt is not None:
        raise interrupt
    return Recording(out)


def _work_in_process(config: RecordConfig, out: Path, worker: int, frames: int, messages: Any, stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    parent = multiprocessing.parent_process()

    def ends() -> bool:
        if parent is not None and not parent.is_alive():
            messages.cancel_join_thread()  # nobody is left to read what was said
            return True
        return bool(stop.is_set())

    try:
        _work(config, out, worker, frames, messages.put, ends)
        messages.put(None)
    except (OSError, ValueError) as error:
        messages.put(str(error))


def _work(
    config: RecordConfig,
    out: Path,
    worker: int,
    frames: int,
    progress: Callable[[int], None],
    stop: Callable[[], bool],
) -> None:
    game = registry.get(config.world)(batch := min(config.batch, -(-frames // 2)))
    writer = RecordingWriter(out, config.world, game.actions, config.size, worker)
    length = max(2, min(config.episode_frames, -(-frames // batch)))
    done = 0
    while done < frames and not stop():
        # Another run into the same folder, another worker or another shard never repeats a seed.
        lot = np.random.default_rng([config.seed, worker, writer.shards])
        seeds = lot.integers(HELD_OUT_SEED, size=batch)
        policy = registry.policy(config.world, config.policy, batch, int(seeds[0]))
        rows = play_shard(game, policy, seeds, length, config.size, stop=stop)
        writer.write(rows, [len(rows.actions) // batch] * batch, seeds.tolist())
        done += len(rows.actions)
        progress(len(rows.actions))


def play_shard(
    game: BatchGame,
    policy: Policy,
    seeds: Ints,
    length: int,
    size: int,
    vary: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> Rows:
    """One episode in each of the game's trajectories, laid out episode after episode.

    length: frames of an episode; fewer, but at least 2, where `stop` turns true.
    """
    batch = len(seeds)
    frames = np.empty((batch, length, size, size, 3), np.uint8)
    actions = np.zeros((batch, length), np.uint8)
    rewards = np.zeros((batch, length), np.float32)
    ended = np.zeros((batch, length), bool)
    game.reset(seeds, vary=vary)
    frames[:, 0] = game.render(size)
    played = 1
    while played < length and not (stop() and played >= 2):
        chosen = policy.act(game)
        actions[:, played - 1] = chosen
        rewards[:, played - 1], ended[:, played - 1] = game.step(chosen)
        frames[:, played] = game.render(size)
        played += 1
    return Rows(
        frames[:, :played].reshape(-1, size, size, 3),
        actions[:, :played].reshape(-1),
        rewards[:, :played].reshape(-1),
        ended[:, :played].reshape(-1),
    )


class EpisodeRecorder:
    """Records any World one frame at a time: a person's play, or a dream. A closed episode becomes a shard."""

    def __init__(self, out: Path, world: str, actions: tuple[str, ...], size: int) -> None:
        self.writer = RecordingWriter(out, world, actions, size)
        self._frames: list[Frame] = []
        self._actions: list[int] = []
        self._rewards: list[float] = []
        self._ended: list[bool] = []
        self._seed = 0

    def reset(self, frame: Frame, seed: int) -> None:
        """Close the episode that was running and begin another with its first frame."""
        self.close()
        self._frames, self._seed = [frame], seed

    def step(self, action: int, frame: Frame, reward: float, ended: bool) -> None:
        """`action` turned the last frame into `frame`."""
        self._actions.append(action)
        self._rewards.append(reward)
        self._ended.append(ended)
        self._frames.append(frame)

    def close(self) -> None:
        """Write the episode so far, if it has at least one transition."""
        if self._actions:
            rows = Rows(
                np.stack(self._frames),
                np.array([*self._actions, 0], np.uint8),
                np.array([*self._rewards, 0], np.float32),
                np.array([*self._ended, False]),
            )
            self.writer.write(rows, [len(self._frames)], [self._seed])
        self._frames, self._actions, self._rewards, self._ended = [], [], [], []


def record_world(
    world: World, recorder: EpisodeRecorder, steps: int, seed: int, episode_frames: int = 256, longest_hold: int = 8
) -> None:
    """Play any World at random, each key held for 1 to `longest_hold` ticks, and record `steps` frames of it."""
    rng = np.random.default_rng(seed)
    done = 0
    while done < steps:
        episode_seed = int(rng.integers(HELD_OUT_SEED))
        recorder.reset(world.reset(episode_seed), episode_seed)
        done, left, action = done + 1, 0, 0
        for _ in range(min(episode_frames - 1, max(1, steps - done))):
            if not left:
                left, action = int(rng.integers(1, longest_hold + 1)), int(rng.integers(len(world.actions)))
            left -= 1
            step = world.step(action)
            recorder.step(action, *step)
            done += 1
    recorder.close()
