"""What holds for every game that keeps its state in a table: the batch, the luck, the reader, the hand-over, speed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.evaluation.subjects.readers import reader_of
from reverie.games import registry
from reverie.games.garden.rules import Garden
from reverie.games.kit.reader import Reading, SceneReader
from reverie.games.real import ReadableGame
from tests.games.spoiled import jpeg

NAMES = [name for name in registry.names() if registry.has_reader(name) and name != Garden.name]
HELD_OUT = 1_000_000
pytestmark = pytest.mark.parametrize("name", NAMES)


def played(name: str, batch: int, ticks: int, seed: int = HELD_OUT) -> Any:
    """Trajectories of held-out seeds after some play."""
    game = registry.get(name)(batch)
    game.reset(np.arange(batch) + seed, vary=True)
    policy = registry.policy(name, "explore", batch, seed)
    for _ in range(ticks):
        game.step(policy.act(game))
    return game


def right(reader: SceneReader[Any], reading: Reading[Any], game: Any) -> NDArray[np.bool_]:
    return reading.found & reading.readable & reader.exact(reading.view, game.state)


@pytest.mark.parametrize("size", [64, 128])
def test_pictures_are_rgb_of_the_size_asked_for(name: str, size: int):
    picture = registry.get(name)(3).render(size)
    assert picture.shape == (3, size, size, 3)
    assert picture.dtype == np.uint8
    assert picture.flags["C_CONTIGUOUS"]


def test_the_large_picture_shows_the_same_state_in_finer_lines(name: str):
    game = played(name, 4, 20)
    small, picture = game.render(64).astype(float), game.render(128)
    large = picture.reshape(4, 64, 2, 64, 2, 3).mean(axis=(2, 4))
    assert np.abs(small - large).mean() < 14
    assert (picture[:, 16::2, ::2] != picture[:, 17::2, 1::2]).any()


def _play(name: str, seeds: list[int], keys: NDArray[np.int64]) -> NDArray[np.uint8]:
    game = registry.get(name)(len(seeds))
    game.reset(np.array(seeds), vary=True)
    pictures = []
    for row in keys:
        game.step(np.full(len(seeds), row))
        pictures.append(game.render(64))
    return np.stack(pictures)


def test_a_trajectory_does_not_depend_on_the_batch_it_is_played_in(name: str):
    keys = np.repeat(np.random.default_rng(0).integers(0, len(registry.get(name).actions), 150), 3)
    alone, among = _play(name, [7], keys), _play(name, [3, 7, 11, HELD_OUT], keys)
    assert np.array_equal(alone[:, 0], among[:, 1])
    assert not np.array_equal(among[:, 0], among[:, 1])


def test_reset_where_leaves_the_others_alone(name: str):
    game = played(name, 3, 9)
    before = game.render(64)
    game.reset_where(np.array([False, True, False]), np.array([9, 9, 9]))
    after = game.render(64)
    assert np.array_equal(before[[0, 2]], after[[0, 2]])
    fresh = registry.get(name)(1)
    fresh.reset(np.array([9]))
    assert np.array_equal(after[1], fresh.render(64)[0])


def test_a_snapshot_brings_everything_back_and_a_branch_changes_only_the_luck(name: str):
    game = played(name, 16, 30)
    snapshot = game.snapshot()

    def future(salt: int | None) -> NDArray[np.uint8]:
        game.restore(snapshot)
        policy = registry.policy(name, "explore", 16, 4)
        if salt is not None:
            game.branch(salt)
        pictures = [game.render(64)]
        for _ in range(150):
            game.step(policy.act(game))
            pictures.append(game.render(64))
        return np.stack(pictures)

    assert np.array_equal(future(None), future(None))
    assert np.array_equal(future(1), future(1))
    assert np.array_equal(future(1)[0], future(2)[0])
    assert not np.array_equal(future(1), future(2))


def test_a_snapshot_of_another_batch_is_refused(name: str):
    with pytest.raises(ValueError, match="no snapshot of 2"):
        registry.get(name)(2).restore(registry.get(name)(3).snapshot())


@pytest.mark.parametrize("actions", [[0], [0, 99], [-1, 0]])
def test_illegal_actions_are_refused_with_one_sentence(name: str, actions: list[int]):
    with pytest.raises(ValueError, match=r"action"):
        registry.get(name)(2).step(np.array(actions))


def test_sizes_it_is_not_drawn_or_read_at_are_refused(name: str):
    with pytest.raises(ValueError, match=r"64(,| and) 128"):
        registry.get(name)(1).render(96)
    with pytest.raises(ValueError, match=r"64(,| and) 128"):
        registry.reader(name, 96)


def test_every_key_decides_what_comes_next(name: str):
    """In some moments of play each key leads to another picture than no key."""
    game = played(name, 64, 40)
    snapshot = game.snapshot()
    pictures = []
    for action in range(len(game.actions)):
        game.restore(snapshot)
        for _ in range(2):
            game.step(np.full(64, action))
        pictures.append(game.render(64))
    for other in pictures[1:]:
        assert (other != pictures[0]).any()


def test_four_pictures_and_the_keys_tell_what_the_next_one_shows(name: str):
    """Where luck is the same, games whose last four pictures are equal go on alike: nothing stays hidden for long."""
    game = registry.get(name)(64)
    game.reset(np.full(64, 5), vary=True)
    rng = np.random.default_rng(0)
    futures: dict[bytes, set[bytes]] = {}
    recent, again = [game.render(64)], 0
    for _ in range(200):
        keys = rng.integers(0, len(game.actions), 64)
        game.step(keys)
        recent = [*recent, game.render(64)][-5:]
        if len(recent) == 5:
            for n in range(64):
                past = b"".join(frame[n].tobytes() for frame in recent[:4]) + bytes([int(keys[n])])
                past += game.state.tick[n].tobytes()
                again += past in futures
                futures.setdefault(past, set()).add(recent[4][n].tobytes())
    assert again >= 10, "some pasts were seen more than once"
    assert max(len(ends) for ends in futures.values()) == 1


@pytest.mark.parametrize(
    ("size", "frames"),
    [(64, 2048), (128, 2048), pytest.param(64, 8192, marks=pytest.mark.slow)],
)
def test_the_reader_is_exact_on_real_pictures_and_calls_them_all_legal(name: str, size: int, frames: int):
    batch, reader = 64, registry.reader(name, size)
    game: Any = registry.get(name)(batch)
    policy = registry.policy(name, "explore", batch, 5)
    good = legal = 0
    for i in range(frames // batch):
        if i % 10 == 0:
            game.reset(HELD_OUT + i * batch + np.arange(batch), vary=True)
        for _ in range(3):
            game.step(policy.act(game))
        reading = reader.read(game.render(size), reader.rooms(game.state))
        good += int(right(reader, reading, game).sum())
        legal += int(reading.valid.sum())
    assert good >= 0.999 * frames
    assert legal >= 0.999 * frames


@pytest.mark.parametrize("spoil", ["noise", "jpeg"])
def test_a_decoders_small_errors_change_no_reading(name: str, spoil: str):
    game, reader = played(name, 64, 25), registry.reader(name, 64)
    frames = game.render(64)
    if spoil == "noise":
        noise = np.random.default_rng(0).normal(0, 4, frames.shape)
        frames = np.clip(frames + noise, 0, 255).astype(np.uint8)
    else:
        frames = jpeg(frames, 92)
    reading = reader.read(frames)
    assert right(reader, reading, game).mean() >= 0.98
    assert reading.valid.mean() >= 0.95


def test_a_picture_without_its_player_is_not_legal(name: str):
    game, reader = played(name, 32, 25), registry.reader(name, 64)
    frames, other = game.render(64), played(name, 32, 25, HELD_OUT + 50)
    elsewhere, where = other.render(64), reader.player(game.state)
    away = np.abs(reader.player(other.state) - where).max(axis=1) >= 16
    for n, (x, y) in enumerate(where):
        frames[n, y : y + 8, x : x + 12] = elsewhere[n, y : y + 8, x : x + 12] if away[n] else frames[n, 8, 0]
    reading = reader.read(frames)
    assert not reading.valid.any()


def test_a_doubled_player_is_not_legal(name: str):
    game, reader = played(name, 32, 25), registry.reader(name, 64)
    frames = game.render(64)
    for n, (x, y) in enumerate(reader.player(game.state)):
        sprite = frames[n, y : y + 6, x : x + 8].copy()
        beside = x + 20 if x < 32 else x - 20
        frames[n, y : y + 6, beside : beside + 8] = sprite
    assert reader.read(frames).valid.mean() < 0.1


def test_noise_is_no_game(name: str):
    frames = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    assert not registry.reader(name, 64).read(frames).valid.any()
    assert not registry.reader(name, 64).read(np.zeros_like(frames)).valid.any()


def test_a_picture_of_another_game_is_not_legal(name: str):
    for other in registry.names():
        if other != name:
            assert not registry.reader(name, 64).read(registry.get(other)(4).render(64)).valid.any()


def test_the_residual_is_the_worst_patch(name: str):
    reader, frame = registry.reader(name, 64), registry.get(name)(1).render(64)
    assert reader.read(frame).residual[0] == 0
    frame[:, 8:16, 32:40] = np.minimum(frame[:, 8:16, 32:40].astype(int) + 15, 255)
    assert not reader.read(frame).valid[0]


@pytest.mark.parametrize(
    "frames",
    [np.zeros((64, 64, 3), np.uint8), np.zeros((2, 128, 128, 3), np.uint8), np.zeros((2, 64, 64, 3), np.float32)],
)
def test_frames_of_another_shape_or_type_are_refused(name: str, frames: NDArray[np.uint8]):
    with pytest.raises(ValueError, match="needs uint8 frames of shape"):
        registry.reader(name, 64).read(frames)


@pytest.mark.parametrize("size", [64, 128])
def test_the_real_game_goes_on_from_frames_just_as_the_frames_would_have(name: str, size: int):
    game = played(name, 24, 21)
    policy = registry.policy(name, "explore", 24, 3)
    frames = [game.render(size)]
    for _ in range(5):
        game.step(policy.act(game))
        frames.append(game.render(size))
    alike = 0
    handed = [registry.state_from_frames(name, np.stack(frames)[:, n]) for n in range(24)]
    ends = []
    for _ in range(4):
        game.step(np.zeros(24, np.int64))
    ends = game.render(size)
    for n, state in enumerate(handed):
        one = registry.get(name)(1)
        one.restore(state)
        assert np.array_equal(one.render(size)[0], frames[-1][n])
        for _ in range(4):
            one.step(np.zeros(1, np.int64))
        alike += np.abs(one.render(size)[0].astype(int) - ends[n]).mean() < 1.5
    assert alike >= 22, "whatever moved goes on the way it went"


def test_one_frame_is_enough_to_go_on_from_and_the_seed_decides_the_rest(name: str):
    for frame in played(name, 8, 30).render(64):
        worlds = [ReadableGame(name, 64), ReadableGame(name, 64)]
        for world in worlds:
            assert np.array_equal(world.restore_from(frame[None], seed=5), frame)
        for action in range(len(worlds[0].actions) * 12):
            one, two = (world.step(action // 12).frame for world in worlds)
            assert np.array_equal(one, two)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((2, 64, 64, 3), np.uint8),
        np.full((1, 64, 64, 3), 255, np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((0, 64, 64, 3), np.uint8),
        np.zeros((1, 96, 96, 3), np.uint8),
    ],
)
def test_frames_that_show_no_such_game_are_refused_with_one_sentence(name: str, frames: NDArray[np.uint8]):
    with pytest.raises(ValueError, match=r"\.$"):
        ReadableGame(name, 64).restore_from(frames)


def test_the_exploring_policy_meets_every_kind_of_event_often(name: str):
    batch, ticks = 64, 700
    game: Any = registry.get(name)(batch)
    game.reset(np.arange(batch), vary=True)
    policy = registry.policy(name, "explore", batch, seed=1)
    rewards, ends, keys, digits = [], 0, [], set()
    for _ in range(ticks):
        keys.append(policy.act(game))
        reward, ended = game.step(keys[-1])
        rewards.append(reward)
        ends += int(ended.sum())
        digits |= {(place, digit) for score in game.state.score.tolist() for place, digit in enumerate(f"{score:02}")}
    reward = np.concatenate(rewards)
    assert reward.size / (reward > 0).sum() < 180, "ticks to a point"
    assert reward.size / (reward < 0).sum() < 260, "ticks to a hit"
    assert ends > 20
    assert len(digits) == 20
    assert np.bincount(np.concatenate(keys), minlength=len(game.actions)).min() > 0.02 * reward.size


def test_it_is_a_game_to_the_evaluation(name: str):
    game, reader = played(name, 12, 20), reader_of(name, 64)
    frames, rooms = game.render(64), reader.rooms(game)
    assert reader.exact(frames, game).all()
    seen = reader.read(frames, rooms)
    assert seen.valid.all()
    assert np.array_equal(seen.player, reader.position(game))
    game.step(np.zeros(12, np.int64))
    game.step(np.zeros(12, np.int64))
    assert not reader.exact(frames, game).all(), "another moment"
    with pytest.raises(TypeError, match=f"knows {name} only"):
        reader.position(Garden(1))


def test_playing_drawing_and_reading_are_fast(name: str):
    """The bar is 2,000 frames a second on a core; half of it is asked for here, for the sake of busy machines."""
    game, reader = played(name, 64, 2), registry.reader(name, 64)
    keys = np.random.default_rng(0).integers(0, len(game.actions), (20, 64))
    start = time.process_time()
    for row in keys:
        game.step(row)
        frames = game.render(64)
    assert 20 * 64 / (time.process_time() - start) > 1000
    start = time.process_time()
    reader.read(frames)
    assert 64 / (time.process_time() - start) > 100
