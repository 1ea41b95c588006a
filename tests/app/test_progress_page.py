"""Seeing it learn: the curves, and strips of the dream beside the real game, in one page that needs no network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from reverie.app.own.progress_page import ProgressPage, caption_of, panels_of  # noqa: E402
from reverie.app.own.strip import Strip, draw_strip, dream_plays, held_out_plays  # noqa: E402
from reverie.app.own.told import ActionsTold  # noqa: E402
from reverie.export.preview import preview_run  # noqa: E402
from reverie.training.data.record import record  # noqa: E402
from reverie.training.data.recording import Recording  # noqa: E402
from reverie.training.loop.train import Moment  # noqa: E402
from reverie.training.progress import MOST_POINTS, History  # noqa: E402
from tests.export.tiny import tiny_run as tokens  # noqa: E402
from tests.latent.tiny_latent import tiny_run as latent  # noqa: E402

FIGURES = {"loss": 3.0, "parallel_bits": 1.0, "ar_bits": 0.9, "ar_changed": 0.1}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recording]:
    folder = tmp_path_factory.mktemp("played")
    return {game: record(game, folder / game, 2000) for game in ("garden", "crypt")}


def moment(step: int, **has: Any) -> Moment:
    return Moment("dynamics", step, 10.0 * step, 600.0, FIGURES, **has)


@pytest.mark.parametrize("family", ["tokens", "latent"])
def test_a_strip_shows_the_game_and_its_dream_under_the_same_keys(
    family: str, played: dict[str, Recording], tmp_path: Path
) -> None:
    run, game = (tokens(tmp_path / "run"), "garden") if family == "tokens" else (latent(tmp_path / "run"), "crypt")
    (tmp_path / "preview").mkdir()
    bundle = preview_run(run, tmp_path / "preview")
    assert bundle is not None
    (plays,) = held_out_plays(played[game], bundle.manifest.history, 3)
    play, last = plays[0], played[game].episodes[-1]
    np.testing.assert_array_equal(play.frames[0], played[game].rows(last).frames[0])
    dreamt = dream_plays(bundle, plays)
    assert dreamt.shape[:2] == (len(play.frames) - play.history, len(plays))
    strip = Strip.of(play, dreamt[:, 0])
    assert strip.numbers[:4] == (1, 2, 4, 8)
    np.testing.assert_array_equal(strip.real[0], play.frames[play.history])
    assert strip.dreamt.shape == strip.real.shape
    picture = draw_strip([strip])
    assert picture.dtype == np.uint8
    assert picture.std() > 0


def test_a_page_is_one_file_that_loads_itself_again(played: dict[str, Recording], tmp_path: Path) -> None:
    run, said = tokens(tmp_path / "run"), []
    page = ProgressPage(run, played["garden"].folder, "Garden <1>", said.append)
    page.watch(moment(1))
    page._drawn, page._point, page._strip = -1e9, -1e9, 1e9  # a strip was just dreamt
    page.watch(moment(2, held_out={"ar_token_accuracy": 0.5}, saved=True))
    text = (run / "progress.html").read_text()
    assert [line.split(":")[:2] for line in said] == [["dynamics step 1", " actions told of the game's"]]
    assert "Garden &lt;1&gt; learns" in text
    assert "step 2, 10 minutes of training left" in text
    assert 'http-equiv="refresh"' in text
    assert not re.search(r"(src|href)=['\"](?!data:)", text), "nothing is loaded from elsewhere"
    assert Image.open(run / "progress.png").width > 1000
    assert [path.name for path in (run / "strips").iterdir()] == ["dynamics-0000001-000010.png"]
    page.finish()
    assert 'http-equiv="refresh"' not in (run / "progress.html").read_text()
    assert len(list((run / "strips").iterdir())) == 2
    assert not list(run.glob(".*")), "nothing is left beside"


def test_actions_are_told_from_the_game_itself_and_not_from_a_dream_that_stands_still(
    played: dict[str, Recording],
) -> None:
    (plays,) = held_out_plays(played["garden"], 4, 4)
    real = np.stack([play.frames[4:] for play in plays], 1)
    told = ActionsTold(played["garden"])
    assert told.share(plays, real) == 1
    still = told.share(plays, np.broadcast_to(real[:1], real.shape))
    assert still is not None
    assert still < 0.7


def test_how_many_actions_are_told_stands_in_curve_log_and_line(played: dict[str, Recording], tmp_path: Path) -> None:
    said: list[str] = []
    page = ProgressPage(tokens(tmp_path / "run"), played["garden"].folder, "garden", said.append)
    page.watch(Moment("dynamics", 7, 5.0, 20.0, FIGURES))
    assert not page.told, "a short training has no time for a judge"
    page._drawn = page._strip = -1e9
    page.watch(moment(8, held_out={"ar_token_accuracy": 0.5}))
    (point,) = [point for point in page.history.points if point.held_out]
    assert point.step == 8
    assert set(point.figures) == {"ar_token_accuracy", "actions_told"}
    assert page.told == f"actions told {point.figures['actions_told']:.0%} of the game's"
    assert said[-1].startswith("dynamics step 8: actions told of the game's: garden ")


def test_drawing_takes_a_small_share_of_the_time(
    played: dict[str, Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ProgressPage(tokens(tmp_path / "run"), played["garden"].folder, "garden", print)
    drawn: list[str] = []
    monkeypatch.setattr(page, "_draw", lambda state, strip: drawn.append(state))
    now = [1000.0]
    monkeypatch.setattr("reverie.app.own.progress_page.time.monotonic", lambda: now[0])
    page._drawn, page._cost = 1000.0, 3.0
    now[0] += 60
    page.watch(moment(1))
    assert not drawn
    now[0] += 41
    page.watch(moment(2))
    assert len(drawn) == 1


def test_a_page_that_cannot_be_written_does_not_end_the_training(played: dict[str, Recording], tmp_path: Path) -> None:
    said: list[str] = []
    run = tokens(tmp_path / "run")
    (run / "progress.png").mkdir()
    ProgressPage(run, played["garden"].folder, "garden", said.append).watch(moment(1))
    assert [line.startswith("progress.html is not drawn: ") for line in said] == [False, True]


def test_figures_of_a_kind_share_a_panel() -> None:
    history = History()
    history.add(moment(1))
    history.add(moment(2, held_out={"ar_token_accuracy": {"garden": 0.5, "duel": 0.25}}))
    panels = panels_of(history.points)
    assert {name: [curve[0] for curve in curves] for name, curves in panels.items()} == {
        "dynamics: loss": ["loss"],
        "dynamics: bits": ["parallel", "ar"],
        "dynamics: ar changed": ["ar"],
        "dynamics: accuracy, held out": ["ar_token_accuracy garden", "ar_token_accuracy duel"],
    }


def test_a_run_that_was_killed_draws_no_curve_twice(tmp_path: Path) -> None:
    history = History()
    for step in (1, 2, 3):
        history.add(moment(step))
    history.write(tmp_path)
    again = History.read(tmp_path)
    again.add(moment(2))  # the checkpoint was of step 1
    assert [point.step for point in again.points] == [1, 2]
    again.add(Moment("dynamics", 2, 20.0, 0.0, held_out={"ar_token_accuracy": 0.5}))
    assert [(point.step, point.held_out) for point in again.points] == [(1, False), (2, False), (2, True)]


def test_a_long_training_keeps_its_first_points(tmp_path: Path) -> None:
    history = History()
    for step in range(MOST_POINTS + 100):
        history.add(moment(step))
    assert len(history.points) <= MOST_POINTS
    assert history.points[0].step == 0
    assert history.points[-1].step == MOST_POINTS + 99


def test_a_strip_says_when_it_was_dreamt() -> None:
    assert caption_of(Path("dynamics-0001200-000600.png")) == "dynamics after 1,200 steps, 10 minutes"
