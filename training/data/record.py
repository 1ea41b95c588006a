"""`reverie record`: plays a game and writes it down. A built-in game is played in many trajectories at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reverie.games import registry
from reverie.games.base import FIRST_HELD_OUT_SEED, BatchGame, Ints, Policy
from reverie.games.environment import SEARCH, Environment
from reverie.games.errors import UnknownPolicy
from reverie.games.policies import HeldKeys
from reverie.games.world import Frame, World
from reverie.games.worlds import open_world
from reverie.training.data.recording import Recording, RecordingError, RecordingWriter, Rows, concatenate_rows

PROGRESS_FRAMES = 64
BATCH = 64
"""Trajectories of a built-in game that a worker plays at once."""
EPISODE_FRAMES = 256
"""Frames of a built-in game's episode, from reset to reset."""
ENVIRONMENT_EPISODE_FRAMES = 1024
SHARD_FRAMES = 2048
"""Fewer, larger files for an environment, which may give many short episodes."""


@dataclass(frozen=True)
class RecordConfig:
    """What a worker records.

    world: name of a built-in game, or what an environment is called.
    policy: "random" or "explore".
    size: edge of a frame in pixels.
    seed: decides rooms, luck and play.
    environment: how the world is made, None for a built-in game. search: where its module is looked for.
    """

    world: str
    policy: str
    size: int
    seed: int
    environment: Environment | None
    search: tuple[Path, ...]


def record(
    world: str | Environment,
    out: Path,
    steps: int,
    policy: str = "explore",
    workers: int = 1,
    size: int = 64,
    seed: int = 0,
    progress: Callable[[int], None] = lambda frames: None,
) -> Recording:
    """Record a game into the folder `out`, with several processes; `progress` gets the number of new frames.

    world: a built-in game's name, or an environment (a built-in game as one is that game). It is played by its newest
    rules.

    Ctrl-C ends the episodes that are being played where they are, writes them too, and is then raised on. Raises
    ValueError for an unknown world, policy or size, and RecordingError where the folder cannot be written or holds
    another world's recording, or where a worker died.
    """
    if steps < 1 or workers < 1:
        raise ValueError("steps and workers must be at least 1")
    environment = None if isinstance(world, str) or world.source in registry.names() else world
    name = world if isinstance(world, str) else world.source
    config = RecordConfig(name, policy, size, seed, environment, tuple(SEARCH))
    # A mistake shows here, in one sentence, not in a worker.
    if environment is None:
        registry.get(name)(1).checked_size(size)
        registry.policy(name, policy, 1)
    elif policy not in registry.POLICIES:
        raise UnknownPolicy(f"There is no policy {policy!r}; there are {' and '.join(registry.POLICIES)}.")
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
    with _one_thread_each():
        for process in processes:
            process.start()
    interrupt: BaseException | None = None
    failure: str | None = None
    running = workers
    while running:
        try:
            message = messages.get(timeout=1)
            if isinstance(message, int):
                progress(message)
            else:
                running -= 1
                failure = failure or message
                if failure:
                    stop.set()  # the others write what they have
        except queue.Empty:
            if codes := [code for process in processes if (code := process.exitcode)]:
                stop.set()
                raise RecordingError(
                    f"a recording process died with exit code {codes[0]}; what is in {out} is good up to there."
                ) from None
        except KeyboardInterrupt as error:
            interrupt = error
            stop.set()
    for process in processes:
        process.join()
    if interrupt is not None:
        raise interrupt
    if failure:
        raise RecordingError(failure)
    return Recording(out)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start here compute with one thread each; more threads than cores would slow all of them."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _work_in_process(config: RecordConfig, out: Path, worker: int, frames: int, messages: Any, stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    asked: list[int] = []
    for name in ("SIGTERM", "SIGHUP"):  # they come to all processes of a terminal that is closed
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: asked.append(number))
    parent = multiprocessing.parent_process()

    def ends() -> bool:
        if asked:
            return True
        if parent is not None and not parent.is_alive():
            messages.cancel_join_thread()  # nobody is left to read what was said
            return True
        return bool(stop.is_set())

    try:
        work = _work if config.environment is None else _work_in_environment
        work(config, out, worker, frames, messages.put, ends)
        messages.put(None)
    except Exception as error:  # one sentence, whatever it is: what was recorded stays
        said = isinstance(error, OSError | ValueError) and str(error)
        messages.put(said or f"{config.world} cannot be recorded further: {type(error).__name__}: {error}.")


def _work(
    config: RecordConfig,
    out: Path,
    worker: int,
    frames: int,
    progress: Callable[[int], None],
    stop: Callable[[], bool],
) -> None:
    game = registry.get(config.world)(batch := min(BATCH, -(-frames // 2)))
    writer = RecordingWriter(out, config.world, game.actions, config.size, worker, rules=game.rules)
    length = max(2, min(EPISODE_FRAMES, -(-frames // batch)))
    done = 0
    while done < frames and not stop():
        # Another run into the same folder, another worker or another shard never repeats a seed.
        lot = np.random.default_rng([config.seed, writer.writer, writer.shards])
        seeds = lot.integers(FIRST_HELD_OUT_SEED, size=batch)
        policy = registry.policy(config.world, config.policy, batch, int(seeds[0]))
        rows = play_shard(game, policy, seeds, length, config.size, stop=stop)
        writer.write(rows, [len(rows.actions) // batch] * batch, seeds.tolist())
        done += len(rows.actions)
        progress(len(rows.actions))


def _work_in_environment(
    config: RecordConfig,
    out: Path,
    worker: int,
    frames: int,
    progress: Callable[[int], None],
    stop: Callable[[], bool],
) -> None:
    assert config.environment is not None
    SEARCH[:] = config.search
    world = open_world(config.environment, config.size)
    about = config.environment.to_json()
    writer = RecordingWriter(out, world.name, world.actions, config.size, worker, about, world.fps)
    recorder = EpisodeRecorder(writer, SHARD_FRAMES)
    # As with built-in games: neither another worker nor another run into the same folder repeats a seed.
    rng = np.random.default_rng([config.seed, writer.writer, writer.shards])
    record_world(world, recorder, frames, rng, ENVIRONMENT_EPISODE_FRAMES, config.policy == "explore", progress, stop)


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
    """Records any World one frame at a time: an environment, a person's play, or a dream.

    shard_frames: closed episodes are gathered into shards of at least so many frames; 0 makes a shard of each.
    """

    def __init__(self, writer: RecordingWriter, shard_frames: int = 0) -> None:
        self.writer = writer
        self.shard_frames = shard_frames
        self._closed: list[tuple[Rows, int]] = []
        self._frames: list[Frame] = []
        self._actions: list[int] = []
        self._rewards: list[float] = []
        self._ended: list[bool] = []
        self._seed = 0

    def reset(self, frame: Frame, seed: int) -> None:
        """Close the episode that was running and begin another with its first frame."""
        self._end_episode()
        if sum(len(rows.frames) for rows, _ in self._closed) >= self.shard_frames:
            self._write()
        self._frames, self._seed = [frame], seed

    def step(self, action: int, frame: Frame, reward: float, ended: bool) -> None:
        """`action` turned the last frame into `frame`."""
        self._actions.append(action)
        self._rewards.append(reward)
        self._ended.append(ended)
        self._frames.append(frame)

    def close(self) -> None:
        """Write the episode so far, if it has at least one transition, and all that wait to be written."""
        self._end_episode()
        self._write()

    def _end_episode(self) -> None:
        if self._actions:
            rows = Rows(
                np.stack(self._frames),
                np.array([*self._actions, 0], np.uint8),
                np.array([*self._rewards, 0], np.float32),
                np.array([*self._ended, False]),
            )
            self._closed.append((rows, self._seed))
        self._frames, self._actions, self._rewards, self._ended = [], [], [], []

    def _write(self) -> None:
        closed, self._closed = self._closed, []
        if not closed:
            return
        parts = [rows for rows, _ in closed]
        rows = parts[0] if len(parts) == 1 else concatenate_rows(parts)
        self.writer.write(rows, [len(part.frames) for part in parts], [seed for _, seed in closed])


def record_world(
    world: World,
    recorder: EpisodeRecorder,
    steps: int,
    rng: np.random.Generator,
    episode_frames: int = 256,
    favourites: bool = False,
    progress: Callable[[int], None] = lambda frames: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Play any World with held random keys and record `steps` frames of it; all that was played is written at the end.

    favourites: some keys of an episode are held more often (`taste` of games.policies.HeldKeys). A frame that does not
    follow from the one before (`cut`, where the world knows it) begins an episode of the recording.
    """
    policy = HeldKeys(len(world.actions), rng, favourites)
    done, reported = 0, 0
    try:
        while done < steps and not stop():
            seed = int(rng.integers(FIRST_HELD_OUT_SEED))
            recorder.reset(world.reset(seed), seed)
            policy.begin()
            done += 1
            for _ in range(min(episode_frames - 1, max(1, steps - done))):
                action = policy.act()
                step = world.step(action)
                if getattr(world, "cut", False):
                    recorder.reset(step.frame, seed)
                else:
                    recorder.step(action, *step)
                done += 1
                if done - reported >= PROGRESS_FRAMES:
                    progress(done - reported)
                    reported = done
                    if stop():
                        break
    finally:
        recorder.close()
        progress(done - reported)
