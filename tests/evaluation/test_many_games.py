"""A bundle of several games is measured in each of them, and held against bundles that know one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")

from reverie.evaluation.evaluate import evaluate
from reverie.evaluation.pages.many_games import divided, many_games_tables
from reverie.evaluation.pages.results import results_page
from reverie.evaluation.pages.tables import accuracy_tables
from reverie.evaluation.speed.bench import bench
from reverie.evaluation.subjects.bundle_subject import trained
from reverie.export.run_export import export_run
from reverie.games import registry
from tests.export.tiny import tiny_run

pytestmark = pytest.mark.slow
GAMES = {name: registry.get(name).actions for name in registry.names() if registry.has_reader(name)}


@pytest.fixture(scope="module")
def arcade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of all the built-in games, of random weights."""
    folder = tmp_path_factory.mktemp("arcade")
    run = tiny_run(folder / "run", games=GAMES, rewards=(-1.0, 0.0, 1.0))
    return export_run(run, folder / "arcade", "fp32", log=lambda _: None)


@pytest.fixture(scope="module")
def report(arcade: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    page = tmp_path_factory.mktemp("report") / "e.html"
    report = evaluate([arcade], 1, 24, quick=True, html_path=page)
    return report | {"page": page.read_text()}


def test_every_game_is_measured_in_every_mode_with_its_own_actions(report: dict[str, Any]) -> None:
    assert list(report["bundles"]) == [f"arcade/{game}{way}" for game in GAMES for way in ("", "@ar")]
    for label, entry in report["bundles"].items():
        game = entry["game"]
        assert label.startswith(f"arcade/{game}")
        assert tuple(entry["action_follow_by_action"]) == GAMES[game]
        assert entry["reader_exact"] >= 0.999
        assert entry["reader_valid"] >= 0.99
        assert entry["action_follow_cases"] > 0
        assert entry["reward_f1"] is not None or entry["reward_transitions"] == 0
        assert 0 < entry["copy_last_accuracy"] < 1
        assert entry["rollout"]["17-64"]["validity"] == 0.0, "weights at random dream nothing legal"
        assert entry["training"] == {"minutes": 0, "frames": 0}
    copied = {entry["copy_last_accuracy"] for entry in report["bundles"].values()}
    assert len(copied) == len(GAMES)


def test_the_page_shows_each_game_beside_its_dreams_and_says_which_limits_are_whose(report: dict[str, Any]) -> None:
    for game in GAMES:
        assert f"Side by side: {game}" in report["page"]
        assert f"of them legal ({game})" in report["page"]
    assert report["page"].count("data:image/") == 2 * len(GAMES)


def test_one_game_can_be_measured_alone(arcade: Path) -> None:
    alone = evaluate([arcade], 1, 20, quick=True, mode="parallel", game="duel")
    assert list(alone["bundles"]) == ["arcade/duel"]
    with pytest.raises(ValueError, match="has the game 'chess'; there is garden and bricks and"):
        evaluate([arcade], 1, 20, quick=True, game="chess")


def test_a_benchmark_times_each_mode_once(arcade: Path) -> None:
    rows = bench([arcade], frames=3, threads=1)["rows"]
    assert [(row["bundle"], row["mode"]) for row in rows] == [("arcade", "parallel"), ("arcade", "ar")]
    assert all(row["gflop_per_frame"] > 0 for row in rows)


def test_a_game_stands_beside_the_bundle_that_knows_it_alone_and_neither_among_the_rest(
    report: dict[str, Any], tmp_path: Path
) -> None:
    entries = report["bundles"]
    alone = {"arcade-duel@ar": entries["arcade/duel@ar"] | {"changed_token_accuracy": 0.987}}
    rest = {"v1.1": entries["arcade/garden"]}
    many, others = divided(entries | alone | rest)
    assert (many, others) == (entries | alone, rest)
    figures, measure, training = many_games_tables(many)
    assert [row[0] for row in measure.rows] == list(GAMES)
    duel = [row[:3] for row in figures.rows if row[0] == "duel"]
    assert duel == [["duel", "parallel", "arcade"], ["duel", "ar", "arcade"], ["duel", "ar", "arcade-duel"]]
    assert [row[4] for row in figures.rows if row[2] == "arcade-duel"] == ["**98.7 %**"]
    assert all(len(row) == len(figures.head) for row in figures.rows)
    assert [row[:2] for row in training.rows] == [["arcade", ", ".join(GAMES)], ["arcade-duel", "duel"]]
    (tmp_path / "images").mkdir()
    (tmp_path / "images/side-by-side-duel.png").write_bytes(b"")
    benchmark = {"rows": [], "frames": 3, "seed": 0, "gemm_gflops": 1.0, "machine": report["machine"]}
    page = results_page([report | {"bundles": entries | alone | rest}], benchmark, tmp_path)
    assert "`reverie eval v1.1 --episodes" in page
    assert "## Many games\n\n`reverie eval arcade arcade-duel --episodes" in page
    assert "images/side-by-side-duel.png" in page
    assert "## Side by side" not in page
    before = results_page([report | {"bundles": rest}], benchmark, tmp_path)
    assert "## Many games" not in before
    # A bundle that is measured later comes to the page of the others, whose figures stay as they are.
    later = report | {"bundles": entries, "made": "2031-05-06 07:08 UTC"}
    after = results_page([later], None, tmp_path, before)
    titles = [part.partition("\n")[0] for part in after.split("\n## ")[1:]]
    assert titles.index("Obedience and drift") < titles.index("Many games") < titles.index("Speed")
    assert titles[-1] == "Many games, side by side"
    assert len(set(titles)) == len(titles)
    kept = [part.strip() for part in before.split("\n## ")]
    assert set(kept) <= {part.strip() for part in after.split("\n## ")}
    assert "2031-05-06" in after.partition("## Many games\n")[2].partition("## ")[0]
    assert results_page([later], None, tmp_path, after) == after


def test_what_int8_costs_is_said_of_each_game(report: dict[str, Any]) -> None:
    entry = report["bundles"]["arcade/duel@ar"]
    *_, table = accuracy_tables({"bundles": {"arcade/duel@ar": entry, "arcade-fp16/duel@ar": entry}})
    assert [row[:2] for row in table.rows] == [["arcade/duel@ar", "arcade-fp16/duel@ar"]]


def test_training_counts_what_a_run_began_from() -> None:
    first = {"minutes": 100.0, "frames": 5000, "recipe": "v1.1"}
    assert trained({"minutes": 20.0, "frames": 300, "from": first}) == {"minutes": 120.0, "frames": 5300}
    assert trained({}) == {}
