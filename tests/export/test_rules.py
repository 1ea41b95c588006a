"""The rules that a run was trained by go into its bundle."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from reverie.export.record import common_fields


def test_a_bundle_says_by_which_rules_it_dreams_each_game() -> None:
    record = {"actions": ["noop"], "games": {"garden": ["noop"], "duel": ["noop"]}, "size": 64}
    assert common_fields(record)["rules"] == {}
    assert common_fields(record | {"rules": {"duel": 2}})["rules"] == {"duel": 2}
