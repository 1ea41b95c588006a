"""An agent learns in a dream and is put into its bundle."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gymnasium")
pytest.importorskip("torch")

from reverie.agents import teach
from reverie.agents.compare import Comparison
from reverie.agents.dqn import QNetwork
from reverie.engine.bundle import Bundle
from tests.engine.fake import fake_bundle

TOY = Comparison(steps=64, batch=2, hold=3)


def test_the_agent_that_learnt_in_the_dream_goes_into_the_bundle(
    large_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[Any] = []
    monkeypatch.setattr("reverie.export.agent.export_agent", lambda *what: put.append(what))
    lines: list[str] = []
    teach.teach(large_bundle, tmp_path / "out", TOY, lines.append)
    bundle, out, game, q_network, repeat = put[0]
    assert (bundle, out, game, repeat) == (large_bundle.path, tmp_path / "out", "garden", 3)
    assert isinstance(q_network, QNetwork)
    assert any("of 64 ticks" in line for line in lines)


def test_what_cannot_be_taught_is_said_in_a_sentence_before_anything_is_learnt(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reverie.agents.dqn.train", None)
    with pytest.raises(ValueError, match="predicts no rewards"):
        teach.teach(fake_bundle(), tmp_path / "out", TOY)
    with pytest.raises(ValueError, match="1 to 60 steps, not 61"):
        teach.teach(bundle, tmp_path / "out", replace(TOY, hold=61))
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match="not a bundle"):
        teach.teach(bundle, tmp_path, TOY)
    monkeypatch.setattr(sys, "argv", ["teach", "v0", "-o", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="2"):
        teach.main()
    assert "no bundle 'v0'" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
