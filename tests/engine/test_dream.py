from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake import REWARDS, FakeRuntime, V, fake_bundle

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamBatch
from reverie.games.world import World

SCRIPT = [0, 4, 4, 1, 1, 2, 3, 0, 0, 4] * 3


def play(dream: Dream, script: list[int]) -> list[bytes]:
    return [dream.step(action).frame.tobytes() for action in script]


def test_a_dream_is_a_world(bundle: Bundle) -> None:
    dream = Dream(bundle)
    assert isinstance(dream, World)
    step = dream.step(1)
    assert step.frame.shape == (32, 32, 3)
    assert step.frame.dtype == np.uint8
    assert (step.reward, step.ended) == (0.0, False)


def test_a_step_brings_the_most_likely_reward_and_an_end_that_is_likelier_than_not() -> None:
    batch = DreamBatch(fake_bundle(outcome=True), 2)
    batch.reset([1, 2])
    assert (batch.rewards.tolist(), batch.ended.tolist()) == ([0, 0], [False, False])
    rewards, ends = set(), set()
    for action in SCRIPT:
        batch.step([action, 0])
        assert batch.rewards.tolist() == [REWARDS[i] for i in batch.z.sum(1) % 3]
        assert batch.ended.tolist() == (batch.z[:, 0] > V / 2).tolist()
        rewards |= set(batch.rewards.tolist())
        ends |= set(batch.ended.tolist())
    assert (rewards, ends) == ({-1, 0, 1}, {False, True})


def test_a_dream_hands_out_what_its_step_brought() -> None:
    dream = Dream(fake_bundle(outcome=True), seed=3)
    for action in SCRIPT:
        step = dream.step(action)
        assert step.reward == REWARDS[dream.z.sum() % 3]
        assert step.ended is bool(dream.z[0] > V / 2)


@pytest.mark.parametrize("mode", ["parallel", "ar"])
def test_the_same_seed_dreams_the_same_frames_and_another_seed_others(bundle: Bundle, mode: str) -> None:
    first, again, other = (Dream(bundle, mode=mode, seed=seed) for seed in (3, 3, 6))
    frames = play(first, SCRIPT)
    assert play(again, SCRIPT) == frames
    assert play(other, SCRIPT) != frames
    first.reset(3)
    assert play(first, SCRIPT) == frames


def test_the_modes_dream_differently(bundle: Bundle) -> None:
    assert play(Dream(bundle, mode="parallel"), SCRIPT) != play(Dream(bundle, mode="ar"), SCRIPT)


def test_restore_goes_on_exactly_where_the_snapshot_was_taken(bundle: Bundle) -> None:
    dream = Dream(bundle, mode="ar", seed=1)
    play(dream, SCRIPT[:5])
    snapshot, there = dream.snapshot(), dream.frame.copy()
    first = play(dream, SCRIPT)
    assert np.array_equal(dream.restore(snapshot), there)
    assert play(dream, SCRIPT) == first
    dream.restore(snapshot)
    assert play(dream, SCRIPT) == first


def test_a_start_fills_the_history_and_play_keeps_it_full(bundle: Bundle) -> None:
    dream = Dream(bundle)
    assert dream.history_fill == 4
    play(dream, SCRIPT)
    assert dream.history_fill == 4


def runtime_of(bundle: Bundle) -> FakeRuntime:
    assert isinstance(bundle.runtime, FakeRuntime)
    return bundle.runtime


def test_one_pass_never_asks_the_causal_head_and_each_further_one_asks_it_once(bundle: Bundle) -> None:
    dream, calls = Dream(bundle, mode="parallel"), runtime_of(bundle).causal_calls
    assert dream.settings["passes"] == 1
    play(dream, SCRIPT)
    assert runtime_of(bundle).causal_calls == calls
    dream.change(passes=2)
    play(dream, SCRIPT)
    assert runtime_of(bundle).causal_calls == calls + len(SCRIPT)
    assert bundle.dynamics.runs["causal_head"] == len(SCRIPT)


def test_one_pass_is_the_plain_draw_and_one_more_than_there_are_positions_is_the_ar_mode(bundle: Bundle) -> None:
    one, two, all_ = (play(Dream(bundle, mode="parallel", passes=n, seed=4), SCRIPT) for n in (1, 2, 17))
    ar = play(Dream(bundle, mode="ar", seed=4), SCRIPT)
    assert all_ == ar
    assert one != two != ar != one


@pytest.mark.parametrize(("setting", "others"), [("mode", ("ar", "parallel", "ar")), ("passes", (3, 1, 17))])
def test_switching_a_setting_changes_nothing_that_the_history_holds(
    bundle: Bundle, setting: str, others: tuple[str | int, ...]
) -> None:
    dream = Dream(bundle, mode="parallel", seed=2)
    play(dream, SCRIPT[:7])
    before = dream.snapshot()
    for value in others:
        dream.change(**{setting: value})
        assert dream.settings[setting] == value
    after = dream.snapshot()
    assert before.ring is not None
    assert after.ring is not None
    assert all(np.array_equal(a, b) for a, b in zip(before.ring.values(), after.ring.values(), strict=True))
    assert np.array_equal(before.z, after.z)
    assert np.array_equal(before.noise, after.noise)
    # What is committed next is the frame that was there, however the next one is drawn.
    committed = []
    for value in others[-2:]:
        dream.restore(before)
        dream.change(**{setting: value})
        dream.step(1)
        ring = dream.snapshot().ring
        assert ring is not None
        committed.append(ring["keys"])
    assert np.array_equal(*committed)


def test_a_trajectory_does_not_depend_on_its_batch(bundle: Bundle) -> None:
    seeds = [5, 8, 11]
    batch = DreamBatch(bundle, 3, mode="ar")
    batch.reset(seeds, [0, 1, 2])
    together = [batch.step([action, 0, action]).copy() for action in SCRIPT]
    for row, seed in enumerate(seeds):
        alone = Dream(bundle, mode="ar")
        alone.reset(seed, row)
        for action, frames in zip(SCRIPT, together, strict=True):
            assert np.array_equal(alone.step(0 if row == 1 else action).frame, frames[row])


def test_appended_frames_become_the_history(bundle: Bundle) -> None:
    frames = np.random.default_rng(4).integers(0, 24, (4, 32, 32, 3), np.uint8)
    handed_over, begun = Dream(bundle, seed=0), DreamBatch(bundle, 1)
    play(handed_over, SCRIPT)
    for frame, action in zip(frames, [0, 1, 2, 3], strict=True):
        handed_over.append_frame(frame, action)
    begun.reset_from([0], frames[None], np.array([[1, 2, 3]]))
    assert np.array_equal(handed_over.frame, frames[-1])
    assert handed_over.snapshot().ring is not None
    assert np.array_equal(handed_over.z, begun.z[0])
    logits = [b.advance([4]).logits for b in (handed_over._batch, begun)]
    assert np.array_equal(*logits)


def test_a_dream_begun_from_frames_remembers_nothing_older(bundle: Bundle) -> None:
    frames = np.random.default_rng(4).integers(0, 24, (6, 32, 32, 3), np.uint8)
    dream, begun = Dream(bundle, seed=0), DreamBatch(bundle, 1)
    play(dream, SCRIPT)
    assert np.array_equal(dream.reset_from(7, frames, [4, 0, 1, 2, 3]), frames[-1])
    begun.reset_from([7], frames[None], np.array([[4, 0, 1, 2, 3]]))
    one, other = dream.snapshot(), begun.snapshot()
    assert one.ring is not None
    assert other.ring is not None
    for mine, theirs in zip((*one.ring.values(), one.noise), (*other.ring.values(), other.noise), strict=True):
        assert np.array_equal(mine, theirs)
    dream.reset_from(7, frames[:1], [])
    assert dream.history_fill == 1


def test_the_newest_frame_counts_in_ar_mode_and_runs_of_the_head_are_told(bundle: Bundle) -> None:
    dream = Dream(bundle, mode="ar")
    dream.step(0)
    runs = bundle.dynamics.runs["causal_head"]
    assert 1 <= runs <= 16
    assert set(dream.timings) == {"dynamics", "sample", "decode"}
    dream.change(mode="parallel")
    dream.step(0)
    assert bundle.dynamics.runs["causal_head"] == runs


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("mode", "telepathy"),
        ("decoder", "diffusion"),
        ("temperature", -1),
        ("temperature", np.nan),
        ("temperature", np.inf),
        ("temperature", "warm"),
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("passes", 0),
        ("passes", 18),
        ("passes", 1.5),
        ("wings", 2),
    ],
)
def test_an_unknown_setting_is_one_sentence_and_changes_nothing(bundle: Bundle, what: str, value: object) -> None:
    dream = Dream(bundle)
    before = dream.settings
    with pytest.raises(ValueError, match=what):
        dream.change(**{what: value})
    assert dream.settings == before


def test_more_than_one_pass_needs_a_causal_head(bundle: Bundle) -> None:
    manifest = bundle.manifest
    settings = {name: spec for name, spec in manifest.settings.items() if name != "passes"}
    with pytest.raises(ValueError, match="fake has no setting passes"):
        Dream(replace(bundle, manifest=replace(manifest, settings=settings)), passes=2)


@pytest.mark.parametrize("action", [-1, 5, 300])
def test_an_unknown_action_is_refused(bundle: Bundle, action: int) -> None:
    with pytest.raises(ValueError, match="unknown action"):
        Dream(bundle).step(action)


@pytest.mark.parametrize(
    ("frames", "actions"),
    [((1, 4, 16, 16, 3), (1, 3)), ((4, 32, 32, 3), (1, 3)), ((1, 4, 32, 32, 3), (1, 4)), ((1, 0, 32, 32, 3), (1, 0))],
)
def test_a_history_of_the_wrong_shape_is_one_sentence(
    bundle: Bundle, frames: tuple[int, ...], actions: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"history must be|need . actions") as error:
        DreamBatch(bundle, 1).reset_from([0], np.zeros(frames, np.uint8), np.zeros(actions, np.int64))
    assert "\n" not in str(error.value)


def test_a_start_that_is_not_there_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="there is no start 3"):
        Dream(bundle).reset(0, 3)


@pytest.mark.parametrize("mode", ["parallel", "ar"])
def test_some_dreams_begin_again_while_the_others_go_on(bundle: Bundle, mode: str) -> None:
    batch, seeds = DreamBatch(bundle, 3, mode=mode), [4, 5, 6]
    batch.reset(seeds)
    alone = [Dream(bundle, mode=mode, seed=seed) for seed in seeds]
    for action in SCRIPT[:5]:
        batch.step([action] * 3)
        for dream in alone:
            dream.step(action)
    before = batch.frames
    kept = before.copy()
    frames = batch.reset_where(np.array([False, True, True]), [0, 9, 2], [0, 1, 0])
    assert np.array_equal(before, kept)
    assert np.array_equal(frames[1:], [alone[1].reset(9, 1), alone[2].reset(2, 0)])
    for action in SCRIPT:
        frames = batch.step([action] * 3)
        assert np.array_equal(frames, [dream.step(action).frame for dream in alone])


def test_no_dream_begins_again_where_none_is_asked_to(bundle: Bundle) -> None:
    batch = DreamBatch(bundle, 2)
    with pytest.raises(ValueError, match="starts with reset"):
        batch.reset_where(np.ones(2, np.bool_), [1, 2])
    first = batch.reset([1, 2])
    assert batch.reset_where(np.zeros(2, np.bool_), [3, 4]) is first
    with pytest.raises(ValueError, match="mask and seeds of 2"):
        batch.reset_where(np.ones(3, np.bool_), [1, 2, 3])
