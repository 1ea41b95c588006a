from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from fake import V

from reverie.engine.bundle import Bundle
from reverie.engine.errors import TapeError
from reverie.engine.tape import Tape
from reverie.engine.taping import TapedDream, replay


def a_long_play(bundle: Bundle) -> tuple[Tape, list[bytes]]:
    """A play with everything that a tape can hold."""
    dream = TapedDream(bundle, mode="parallel", seed=4, start=2)
    frames = []

    def play(*actions: int) -> None:
        frames.extend(dream.step(action).frame.tobytes() for action in actions)

    play(0, 0, 0, 1, 1, 4)
    dream.change(mode="ar")
    play(2, 2)
    moment = dream.snapshot()
    dream.change(temperature=0.5)
    play(3, 3, 3)
    dream.restore(moment)
    play(1, 0)
    for action in (0, 4):
        dream.append_frame(np.random.default_rng(action).integers(0, 24, (32, 32, 3), np.uint8), action)
    play(4, 4)
    dream.reset_from(6, np.random.default_rng(8).integers(0, 24, (3, 32, 32, 3), np.uint8), [1, 3])
    play(0, 2)
    dream.reset(9)
    dream.change(mode="parallel")
    play(1, 2, 3)
    dream.change(passes=3)
    play(3, 3)
    dream.change(passes=1)
    play(0)
    return dream.tape(), frames


def a_changed_play(bundle: Bundle) -> tuple[Tape, list[bytes]]:
    """A play whose frames were painted and whose luck was changed, which goes back over both."""
    dream = TapedDream(bundle, mode="parallel", seed=4, temperature=1.5)
    frames = []

    def play(*actions: int) -> None:
        frames.extend(dream.step(action).frame.tobytes() for action in actions)

    play(0, 1)
    before = dream.snapshot()
    dream.paint_z((dream.z + 1) % V)
    painted = dream.snapshot()
    play(1, 2, 2)
    dream.change_luck(77)
    lucky = dream.snapshot()
    play(3, 3, 1)
    for moment in (before, painted, lucky):
        dream.restore(moment)
        play(3, 3, 1)
    return dream.tape(), frames


def test_a_tape_knows_what_was_painted_and_which_luck_a_dream_had(bundle: Bundle, tmp_path: Path) -> None:
    tape, frames = a_changed_play(bundle)
    tape.save(tmp_path / "play.tape")
    loaded = Tape.load(tmp_path / "play.tape")
    assert loaded == tape
    assert [frame.tobytes() for frame in replay(loaded, bundle)] == frames
    assert frames[-3:] == frames[5:8], "the luck is part of the moment"
    assert frames[8:11] != frames[11:14], "the paint is part of the moment"


def test_only_a_tape_that_needs_it_has_the_newer_format(bundle: Bundle, tmp_path: Path) -> None:
    assert a_long_play(bundle)[0].format == 4
    tape = a_changed_play(bundle)[0]
    assert tape.format == 5
    dataclasses.replace(tape, format=4).save(tmp_path / "old.tape")
    with pytest.raises(TapeError, match="is not one that a tape has"):
        Tape.load(tmp_path / "old.tape")


def test_a_fork_dreams_what_its_luck_makes_of_the_dream(bundle: Bundle) -> None:
    dream = TapedDream(bundle, seed=4, temperature=1.5)
    dream.step(1)
    forks = {luck: dream.fork(luck) for luck in (1, 2)}
    there = dream.snapshot()
    frames = {luck: [fork.step([2])[0].tobytes() for _ in range(4)] for luck, fork in forks.items()}
    assert dream.snapshot().moment == there.moment
    assert frames[1] != frames[2]
    for luck in forks:
        dream.restore(there)
        dream.change_luck(luck)
        assert [dream.step(2).frame.tobytes() for _ in range(4)] == frames[luck]


def test_a_tape_replays_to_identical_frames(bundle: Bundle, tmp_path: Path) -> None:
    tape, frames = a_long_play(bundle)
    tape.save(tmp_path / "play.tape")
    loaded = Tape.load(tmp_path / "play.tape")
    assert loaded == tape
    again = [frame.copy() for frame in replay(loaded, bundle)]
    assert [frame.tobytes() for frame in again] == frames
    assert hashlib.sha256(b"".join(frames)).hexdigest() == tape.frames_sha256
    assert len(again) == tape.frames == 23


def test_a_tape_is_small_and_readable(bundle: Bundle, tmp_path: Path) -> None:
    dream = TapedDream(bundle)
    for tick in range(1000):
        dream.step(tick // 50 % 5)
    dream.tape().save(tmp_path / "play.tape")
    assert (tmp_path / "play.tape").stat().st_size < 4000
    assert list(tmp_path.iterdir()) == [tmp_path / "play.tape"]


def test_moments_that_a_tape_goes_back_to_take_bounded_memory(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    dream = TapedDream(bundle, seed=4)
    snapshots = []
    for _ in range(20):
        snapshots.append(dream.snapshot())
        dream.step(1)
    for snapshot in snapshots:
        dream.restore(snapshot)
    tape = dream.tape()
    assert len(list(replay(tape, bundle))) == 20
    monkeypatch.setattr("reverie.engine.taping.MOST_KEPT_BYTES", 10 * snapshots[0].nbytes)
    with pytest.raises(TapeError, match="goes back to moments that take more than"):
        list(replay(tape, bundle))


def test_the_same_play_can_be_drawn_by_the_other_sampler(bundle: Bundle) -> None:
    tape, frames = a_long_play(bundle)
    parallel = [f.tobytes() for f in replay(tape, bundle, mode="parallel")]
    ar = [f.tobytes() for f in replay(tape, bundle, mode="ar")]
    assert len(parallel) == len(ar) == len(frames)
    assert parallel[:6] == frames[:6]  # that much of it was parallel
    assert parallel != frames
    assert ar != frames
    assert ar != parallel


def test_a_tape_of_another_bundle_is_one_sentence(bundle: Bundle) -> None:
    tape, _ = a_long_play(bundle)
    with pytest.raises(TapeError, match="another build of fake"):
        next(iter(replay(tape, dataclasses.replace(bundle, digest="0" * 64))))
    other = dataclasses.replace(tape, bundle="v7", manifest_sha256="0" * 64)
    with pytest.raises(TapeError, match="the bundle v7, not fake"):
        next(iter(replay(other, bundle)))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": 99}, "format 99"),
        ({"events": [{"action": 1}]}, "event 0"),
        ({"events": [{"action": 1, "count": -3}]}, r"events\[0\].count must be 1 to"),
        ({"events": [{"action": 1, "count": 7}]}, "its events do not make 23 frames"),
        ({"frames": 10**12}, "frames must be 0 to"),
        ({"seed": 10**30}, "a number of 31 digits"),
        ({"events": [{"jump": 1}]}, "unknown key 'jump'"),
        ({"seed": "x"}, "seed must be a whole number"),
    ],
)
def test_a_damaged_tape_is_one_sentence(bundle: Bundle, tmp_path: Path, change: dict[str, object], match: str) -> None:
    file = tmp_path / "play.tape"
    a_long_play(bundle)[0].save(file)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(TapeError, match=match) as error:
        Tape.load(file)
    assert "\n" not in str(error.value)


def test_a_tape_cut_short_and_a_tape_that_is_not_there(bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "play.tape"
    a_long_play(bundle)[0].save(file)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(TapeError, match="cut short"):
        Tape.load(file)
    with pytest.raises(TapeError, match="cannot be read"):
        Tape.load(tmp_path / "none.tape")


@pytest.mark.parametrize(
    "event",
    [
        {"restore": 99},
        {"action": 7, "z": "AAAA"},
        {"set": {"mode": "x"}},
        {"set": {"passes": 99}},
        {"set": {"wings": 2}},
        {"set": {}},
        {"action": 0, "z": "AAAA"},
        {"action": 0, "z": "no base64!"},
        {"action": 0, "z": base64.b64encode(np.full(16, V)).decode()},
        {"action": 0, "z": base64.b64encode(np.full(16, -1)).decode()},
        {"reset": [-1, 0]},
        {"reset": [0, 10**30]},
    ],
)
def test_a_tape_that_contradicts_itself_is_one_sentence(
    bundle: Bundle, tmp_path: Path, event: dict[str, object]
) -> None:
    file = tmp_path / "play.tape"
    a_long_play(bundle)[0].save(file)
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"events": [*content["events"], event]}))
    with pytest.raises(TapeError):
        list(replay(Tape.load(file), bundle))
