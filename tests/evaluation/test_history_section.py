"""Runs that differ in their history alone become a section of the page of results."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from reverie.evaluation.evaluate import evaluate
from reverie.evaluation.pages.results import results_page


def _trained(folder: Path, history: int) -> Path:
    """A run's folder with what its comparison with others reads."""
    figures = {"parallel_changed": 0.25, "ar_changed": 0.5}
    point = {"stage": "dynamics", "step": 1, "seconds": 60.0, "figures": figures, "held_out": False}
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"history": history, "training": {"minutes": 20.02}}))
    (folder / "progress.json").write_text(json.dumps({"points": [point, {**point, "seconds": 120.0}]}))
    return folder


def test_runs_of_different_history_become_a_section_of_the_page_of_results(tiny: Path, tmp_path: Path) -> None:
    evaluation = evaluate([tiny], 2, 40, quick=True, seed=3, json_path=tmp_path / "other.json")
    names = ("one", "four")
    entries = {f"{name}{mode}": evaluation["bundles"][f"tiny{mode}"] for name in names for mode in ("", "@ar")}
    (tmp_path / "eval.json").write_text(json.dumps(evaluation | {"bundles": entries}))
    page = tmp_path / "results.md"
    page.write_text(results_page([evaluation], None, tmp_path))
    before = page.read_text()
    (tmp_path / "images").mkdir()
    runs = [_trained(tmp_path / name, history) for name, history in zip(names, (1, 4), strict=True)]
    command = [sys.executable, "-m", "reverie.evaluation.tokens.history", *map(str, runs), "-o", str(page)]
    for _ in range(2):  # written again, the section stands there once
        subprocess.run([*command, "--evaluation", str(tmp_path / "eval.json")], check=True)
    text = page.read_text()
    assert text.count("## What a longer history brings") == 1
    assert [line.split(" | ")[:2] for line in text.split("\n") if line.startswith(("| 1 |", "| 4 |"))] == [
        ["| 1", "parallel"], ["| 1", "ar"], ["| 4", "parallel"], ["| 4", "ar"],
    ]  # fmt: skip
    assert "reverie train four.toml --data recordings/garden -o runs/four --minutes 20" in text
    assert "reverie eval one four --episodes" in text
    assert all(part in text for part in before.split("\n\n")), "the other sections stay"
    assert (tmp_path / "images/history.png").read_bytes().startswith(b"\x89PNG")
    other = subprocess.run([*command, "--evaluation", str(tmp_path / "other.json")], capture_output=True, text=True)
    assert (other.returncode, other.stderr) == (2, "The page could not be written: the evaluation has no bundle one\n")
    assert page.read_text() == text
