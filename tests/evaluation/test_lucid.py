"""`reverie eval --lucid`: dreams that wake by themselves are measured besides, and change no other figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.likeness import GOOD, LOST_MEASUREMENTS, Likeness
from reverie.engine.rewind import EVERY
from reverie.evaluation.evaluate import evaluate
from reverie.evaluation.pages.tables import figure_tables
from reverie.evaluation.subjects.bundle_subject import open_subjects
from reverie.evaluation.subjects.lucid import LucidSubject, Sleeper
from tests.evaluation.tiny_bundle import write_tiny_bundle

NOT_MEASURED = ("seconds", "made")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "tiny")


def far_after(frames: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From that measurement on a picture is none of the game's. Returns a list that counts the measurements."""
    asked: list[int] = []

    def far(self: Likeness, frame: Any) -> float:
        asked.append(1)
        return GOOD / 2 if len(asked) <= frames else 2 * GOOD

    monkeypatch.setattr(Likeness, "far", far)
    return asked


def test_a_dream_that_lost_its_game_wakes_where_it_was_good(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far_after(10, monkeypatch)
    dream = Dream(Bundle.load(tiny), seed=1)
    dream.reset(1)
    sleeper = Sleeper(dream, 1)
    for _ in range((10 + LOST_MEASUREMENTS - 1) * EVERY + 1):
        sleeper.step(0)
    assert sleeper.wakes == 1


def test_a_good_dream_never_wakes(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far_after(1000, monkeypatch)
    (subject, *_) = open_subjects([tiny])
    lucid = LucidSubject(subject)
    frames = np.repeat(subject.bundle.starts.frames[:1], 2, 0).swapaxes(0, 1)
    plain, woken = (each.dream(frames, np.zeros((0, 2), np.int64), 5) for each in (subject, lucid))
    for _ in range(3 * EVERY):
        np.testing.assert_array_equal(plain.step(np.array([0, 4])), woken.step(np.array([0, 4])))
    assert lucid.wakes == 0


def test_lucid_dreams_stand_beside_the_others_and_change_none_of_them(tiny: Path) -> None:
    plain, beside = (evaluate([tiny], 2, 80, quick=True, mode="parallel", lucid=lucid) for lucid in (False, True))
    entry, other = beside["bundles"]["tiny"], plain["bundles"]["tiny"]
    lucid = entry.pop("lucid")
    assert {k: v for k, v in entry.items() if k not in NOT_MEASURED} == {
        k: v for k, v in other.items() if k not in NOT_MEASURED
    }
    assert lucid["lucid_dreams"] == 2
    assert set(lucid["in_place"]) == set(lucid["in_place_plain"]) == set(entry["rollout"])
    assert lucid["in_place"]["65-256"] is not None
    assert lucid["in_place"]["257-1024"] is None
    titles = [table.title for table in figure_tables({"tiny": entry | {"lucid": lucid}})]
    assert titles[-1] == "Lucid: dreams that wake by themselves"
    assert titles[:-1] == [table.title for table in figure_tables({"tiny": other})]
