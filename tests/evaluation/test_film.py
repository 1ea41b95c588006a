"""A dream of an environment is measured against its pictures, without a reader of states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gymnasium")
pytest.importorskip("onnx")

from evaluation.evaluate import evaluate
from evaluation.film import record_film
from evaluation.truth import FIRST_HELD_OUT_SEED
from games.environment import Environment
from games.worlds import open_world
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
    assert 0 < entry["changed_token_accuracy"] < entry["token_accuracy"] or entry["changed_token_accuracy"] == 0
    assert entry["rollout"]["1-16"]["psnr_db"] > 10
    assert entry["rollout"]["1-16"]["validity"] is None
    assert entry["action_follow"] is None
    assert entry["drift_free_frames"] is None
    assert "The dream by itself" in capsys.readouterr().out
    assert "real" in (tmp_path / "e.html").read_text()


@pytest.mark.parametrize(
    ("game", "says"), [(TOY, "only made from its own game folder"), ("my-videos", "There is no environment")]
)
def test_a_game_that_cannot_be_made_is_said_in_a_sentence(game: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says):
        evaluate([write_tiny_bundle(tmp_path / "other", of=game)], 2, 20, quick=True)
