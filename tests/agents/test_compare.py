"""The comparison in toy size: a report of everybody's score, and its place in a page."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gymnasium")
pytest.importorskip("torch")

from reverie.agents import compare, dqn, page
from reverie.agents.action_repeat import ActionRepeat
from reverie.agents.compare import DREAM, REAL, Comparison
from reverie.agents.dream_vector import DreamVectorEnv
from reverie.engine.bundle import Bundle
from reverie.games.gym_vector import BuiltinVectorEnv
from tests.engine.fake import fake_bundle

TOY = Comparison(steps=320, batch=4, learners=2, rounds=2, ticks=40, seed=1)


def test_both_agents_are_scored_beside_random_play_and_standing_still(
    large_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    worlds, learn = [], dqn.train

    def train(env: ActionRepeat, *rest: Any) -> Any:
        worlds.append(env.env.unwrapped)
        return learn(env, *rest)

    monkeypatch.setattr(dqn, "train", train)
    report = json.loads(json.dumps(compare.compare(large_bundle, TOY, lines.append)))
    assert list(report["rows"]) == ["no key pressed", "random keys", REAL, DREAM]
    assert report["rows"]["no key pressed"] == {"reward": 0, "error": 0}
    first, second = report["rows"][DREAM]["learners"]
    assert (first["seed"], second["seed"]) == (1, 2)
    assert first["curve"][-1][0] == second["curve"][-1][0] == 320
    assert first["curve"] != second["curve"]
    assert report["rows"][DREAM]["reward"] == (first["reward"] + second["reward"]) / 2
    assert report["game"] == "garden"
    assert [type(world) for world in worlds] == [BuiltinVectorEnv] * 2 + [DreamVectorEnv] * 2
    assert worlds[2].bundle is large_bundle
    assert any("of 320 ticks" in line for line in lines)
    assert f"| {DREAM} | " in page.table(report).markdown()


def test_the_real_game_has_the_rules_that_the_dream_knows(large_bundle: Bundle) -> None:
    for rules in (1, 2):
        bundle = replace(large_bundle, manifest=replace(large_bundle.manifest, rules={"garden": rules}))
        world = compare.real_game(bundle, TOY, 1).env.unwrapped
        assert isinstance(world, BuiltinVectorEnv)
        assert world.game.rules == rules


def test_the_figures_go_between_a_pages_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"reward": 1.26, "error": 0.5}
    each = [row | {"seed": 4, "minutes": 3.2, "curve": [[10, 2.0], [20, 3.33]]}]
    each.append({"reward": -1, "error": 0.5, "seed": 5, "minutes": 5, "curve": [[20, 5.0]]})
    rows = {"random keys": row, DREAM: {"reward": 0.13, "learners": each}}
    plan = {"steps": 20, "batch": 1, "hold": 4, "learners": 2, "seed": 4, "rounds": 2, "ticks": 2000}
    machine = {"processor": "a processor", "cores": 2}
    report = {"bundle": "v9", "game": "garden", "mode": "ar", "plan": plan, "machine": machine, "rows": rows}
    out = tmp_path / "page.md"
    out.write_text("Words.\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nMore.\n")
    (tmp_path / "report.json").write_text(json.dumps(report))
    monkeypatch.setattr(sys, "argv", ["page", str(tmp_path / "report.json"), "-o", str(out)])
    page.main()
    text = out.read_text()
    assert f"| {DREAM} | **0.1** | 1.3, -1.0 | 4.2 | 4 |" in text
    assert "| random keys | **1.3** ± 0.5 | – | – | – |" in text
    assert "by seed: 4, 5;" in text
    assert "old" not in text
    assert text.startswith("Words.")
    assert text.endswith("More.\n")


def test_what_cannot_be_compared_is_said_in_a_sentence(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"predicts no rewards to learn from; v2 and arcade do"):
        compare.compare(fake_bundle(), TOY)
    other = replace(bundle, manifest=replace(bundle.manifest, games=("duel",)))
    with pytest.raises(ValueError, match="not those of the real duel"):
        compare.compare(other, TOY)
    with pytest.raises(ValueError, match="at least 1"):
        compare.compare(bundle, replace(TOY, learners=0))
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "reverie.agents.dqn", raising=False)
    with pytest.raises(ValueError, match=r"needs torch.*\.\[train\]"):
        compare.compare(bundle, TOY)


def test_the_command_leaves_a_report_and_a_mistake_leaves_nothing(
    large_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.json"
    monkeypatch.setattr(compare.Bundle, "load", lambda *_: large_bundle)
    size = ["--steps", "64", "--batch", "2", "--rounds", "2", "--ticks", "8", "--threads", "1"]
    monkeypatch.setattr(sys, "argv", ["compare", "v2", *size, "--json", str(out)])
    compare.main()
    assert json.loads(out.read_text())["plan"]["steps"] == 64
    monkeypatch.setattr(sys, "argv", ["compare", "v0", *size, "--json", str(tmp_path / "other.json")])
    with pytest.raises(SystemExit, match="2"):
        compare.main()
    assert "no bundle 'v0'" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json"]
