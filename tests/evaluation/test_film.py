"""A dream of an environment is measured against its pictures, without a reader of states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gymnasium")
pytest.importorskip("onnx")

from reverie.evaluation.evaluate import evaluate
from reverie.evaluation.subjects.recorded_truth import record_film
from reverie.games.base import FIRST_HELD_OUT_SEED
from reverie.games.environment import Environment
from reverie.games.worlds import open_world
from tests.evaluation.tiny_bundle import write_tiny_bundle

TOY = "tests.games.toy:Toy"
ACTIONS = ("noop", "up", "down", "left", "right")


def test_a_film_is_held_out_play_that_can_be_played_again() -> None:
    film = record_film(Environment(TOY), ACTIONS, 64, 2, 20, seed=1)
    assert film.seeds.tolist() == [FIRST_HELD_OUT_SEED + 100_000, FIRST_HELD_OUT_SEED + 100_001]
    world = open_world(Environment(TOY), 64)
    np.testing.assert_array_equal(world.reset(int(film.seeds[1])), film.pictures[0, 1])
    for t, action in enumerate(film.actions[:, 1].tolist()):
        frame, reward, ended = world.step(action)
        np.testing.assert_array_equal(frame, film.pictures[t + 1, 1])
        assert (reward, ended) == (film.rewards[t, 1], film.ended[t, 1])
    with pytest.raises(ValueError, match="other actions than the dream"):
        record_film(Environment(TOY), ("noop", "fire"), 64, 2, 20, seed=1)


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
    film = record_film(Environment(TOY), ACTIONS, 64, 4, 100, seed=0, lessons=6)
    assert film.judge is not None
    before, after = film.pictures[:-1].reshape(-1, 64, 64, 3), film.pictures[1:].reshape(-1, 64, 64, 3)
    right = film.judge.named(before, after) == film.actions.ravel()
    assert right.mean() > 0.7  # an action against a wall cannot be told
    others = film.judge.named(before, np.roll(after, 37, axis=0)) == film.actions.ravel()
    assert others.mean() < 0.6 * right.mean()


def test_larger_pictures_are_told_by_their_halves() -> None:
    pytest.importorskip("torch")
    from reverie.evaluation.metrics.inverse_dynamics import shrunk

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
