"""The strips of an evaluation: dreams beside the game that they are of, with keys that they have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from reverie.evaluation.pages.pictures import strips
from reverie.evaluation.references import References
from reverie.evaluation.sizes import Sizes
from reverie.evaluation.subjects.truth import Truth
from tests.evaluation.fakes import PerfectSubject


def named(name: str, actions: tuple[str, ...]) -> PerfectSubject:
    """A dream of the game `dot` that has these actions."""
    subject = PerfectSubject()
    subject.name, subject.label, subject.game, subject.actions = name, name, "dot", actions  # type: ignore[misc]
    return subject


def test_two_bundles_of_one_game_with_other_actions_get_strips_of_their_own(truth: Truth) -> None:
    fewer = truth.only(slice(2, 3))
    shown: Any = strips(
        [
            (named("all", ("noop", "left", "right")), SimpleNamespace(truth=truth)),  # type: ignore[list-item]
            (named("same", ("noop", "left", "right")), SimpleNamespace(truth=truth)),  # type: ignore[list-item]
            (named("fewer", ("noop", "left")), SimpleNamespace(truth=fewer)),  # type: ignore[list-item]
        ],
        seed=0,
        ticks=8,
    )
    assert [one.game for one in shown] == ["dot (all, same)", "dot (fewer)"]
    assert [list(one.frames)[-1] for one in shown] == ["same", "fewer"]
    assert shown[0].game_seed != shown[1].game_seed


def test_a_dream_of_a_built_in_game_with_other_actions_is_not_measured_with_that_games_keys() -> None:
    subject: Any = SimpleNamespace(name="mine", game="garden", actions=("noop", "up"), resolution=64)
    with pytest.raises(ValueError, match="garden has other actions than the dream mine of it"):
        References(Sizes(1, 2)).of(subject, 0)
