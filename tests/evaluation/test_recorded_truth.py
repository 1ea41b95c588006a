"""A dream of an environment is measured against its pictures, without a reader of states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium")
pytest.importorskip("onnx")

from reverie.evaluation.evaluate import evaluate
from reverie.evaluation.metrics.arithmetic import shrunk
from reverie.evaluation.metrics.recorded_rollout import recorded_rollout
from reverie.evaluation.metrics.teacher_forced import teacher_forced
from reverie.evaluation.references import RecordedReference, References, recorded_reference
from reverie.evaluation.sizes import ActionSizes, BranchSizes, Sizes, TeacherSizes
from reverie.evaluation.subjects.truth import LEAD
from reverie.games.base import FIRST_HELD_OUT_SEED
from reverie.games.environment import Environment
from reverie.games.worlds import open_world
from tests.evaluation.fakes import FakeSubject
from tests.evaluation.tiny_bundle import write_tiny_bundle

TOY = "tests.games.toy:Toy"
ACTIONS = ("noop", "up", "down", "left", "right")


def reference(episodes: int, ticks: int, seed: int, judge_episodes: int = 0, **made: Any) -> RecordedReference:
    sizes = Sizes(episodes, horizon=ticks - LEAD, judge_episodes=judge_episodes, teacher=TeacherSizes(ticks=1))
    sizes = replace(sizes, branch=BranchSizes(moments=0), actions=ActionSizes(moments=0))
    return recorded_reference(Environment(TOY, **made), 1, ACTIONS, 64, sizes, seed)


def test_a_recorded_truth_is_held_out_play_that_can_be_played_again() -> None:
    truth = reference(2, 20, seed=1).truth
    assert truth.seeds.tolist() == [FIRST_HELD_OUT_SEED + 100_000, FIRST_HELD_OUT_SEED + 100_001]
    world = open_world(Environment(TOY), 64)
    np.testing.assert_array_equal(world.reset(int(truth.seeds[1])), truth.pictures[0, 1])
    for t, action in enumerate(truth.actions[:, 1].tolist()):
        frame, reward, ended = world.step(action)
        np.testing.assert_array_equal(frame, truth.pictures[t + 1, 1])
        assert (reward, ended) == (truth.rewards[t, 1], truth.ended[t, 1])
    with pytest.raises(ValueError, match="other actions than the dream"):
        recorded_reference(Environment(TOY), 1, ("noop", "fire"), 64, Sizes(1, 20), seed=1)


def test_frames_after_a_limit_of_time_are_not_counted() -> None:
    truth = reference(2, 70, seed=0, options={"limit": 25}).truth
    assert (np.flatnonzero(truth.cut.any(axis=1)) >= 24).all()
    assert truth.cut.any(axis=0).all()
    first = truth.cut.argmax(axis=0)  # the transition to the first frame of a new round
    for episode, cut in enumerate(first):
        assert truth.follows(int(cut))[episode]
        assert not any(truth.follows(int(t))[episode] for t in range(cut + 1, cut + 1 + LEAD))
        assert truth.uncut(40)[:, episode].sum() == cut + 1 - LEAD
    subject = FakeSubject()
    counted = teacher_forced(subject, truth, TeacherSizes(ticks=50))["teacher_forced_frames"]
    assert counted == sum(int(truth.follows(t).sum()) for t in range(LEAD, LEAD + 50)) < 100
    entry = recorded_rollout(subject, truth, 40, seed=0)
    assert sum(part["frames"] for part in entry["rollout"].values()) == int(truth.uncut(40).sum()) < 80


def test_bundles_of_one_game_share_its_reference_only_with_the_same_actions() -> None:
    def subject(actions: tuple[str, ...]) -> Any:
        bundle = SimpleNamespace(manifest=SimpleNamespace(training={}))
        return SimpleNamespace(game=TOY, rules=1, actions=actions, resolution=64, bundle=bundle)

    fewer = Environment(TOY, actions=("up",))
    references = References(Sizes(1, 2, judge_episodes=0), {TOY: Environment(TOY)})
    first = references.of(subject(ACTIONS), 0)
    assert references.of(subject(ACTIONS), 0) is first
    assert references.of(subject(ACTIONS), 1) is not first
    with pytest.raises(ValueError, match="other actions than the dream"):
        references.of(subject(("noop", "up")), 0)
    references.own = {TOY: fewer}
    assert references.of(subject(("noop", "up")), 0) is not first


def test_a_bundle_of_an_environment_is_measured_and_what_needs_a_reader_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_tiny_bundle(tmp_path / "toy", of=TOY)
    files = {"json_path": tmp_path / "e.json", "html_path": tmp_path / "e.html"}
    report = evaluate([bundle], 2, 20, quick=True, mode="parallel", own={TOY: Environment(TOY)}, **files)
    [entry] = report["bundles"].values()
    assert 0 == entry["changed_token_accuracy"] < entry["token_accuracy"] == entry["copy_last_accuracy"] < 1
    assert entry["rollout"]["1-16"]["psnr_db"] > 10
    assert entry["rollout"]["1-16"]["validity"] is None
    assert entry["action_follow"] is None
    assert entry["drift_free_frames"] is None
    assert "The dream by itself" in capsys.readouterr().out
    assert "real" in (tmp_path / "e.html").read_text()
    assert entry["action_accuracy_real"] > entry["action_accuracy"]  # the tiny bundle knows nothing of the game
    assert entry["rollout"]["1-16"]["action_accuracy"] is not None
    assert entry["rollout"]["257-1024"]["action_accuracy"] is None


def test_actions_are_told_from_real_play_and_not_from_pictures_that_do_not_obey() -> None:
    pytest.importorskip("torch")
    made = reference(4, 100, seed=0, judge_episodes=6)
    truth, judge = made.truth, made.judge
    assert judge is not None
    before, after = truth.pictures[:-1].reshape(-1, 64, 64, 3), truth.pictures[1:].reshape(-1, 64, 64, 3)
    right = judge.predict(before, after) == truth.actions.ravel()
    assert right.mean() > 0.7  # an action against a wall cannot be told
    others = judge.predict(before, np.roll(after, 37, axis=0)) == truth.actions.ravel()
    assert others.mean() < 0.6 * right.mean()


def test_larger_pictures_are_told_by_their_halves() -> None:
    large = np.random.default_rng(0).integers(256, size=(2, 3, 128, 128, 3), dtype=np.uint8)
    small = shrunk(large)
    assert small.shape == (2, 3, 64, 64, 3)
    assert abs(int(small[1, 2, 5, 7, 0]) - large[1, 2, 10:12, 14:16, 0].mean()) <= 0.5
    assert shrunk(small) is small


@pytest.mark.parametrize(
    ("game", "says"), [(TOY, "only made from its own game folder"), ("my-videos", "There is no environment")]
)
def test_a_game_that_cannot_be_made_is_said_in_a_sentence(game: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says):
        evaluate([write_tiny_bundle(tmp_path / "other", of=game)], 2, 20, quick=True)
