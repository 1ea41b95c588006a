"""Several evaluation seeds: counts are summed, figures are means with their range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reverie.evaluation.evaluate import evaluate
from reverie.evaluation.pages.tables import accuracy_tables
from reverie.evaluation.seeds import over_seeds


def entry(seed: int, legal: float | None, frames: int) -> dict[str, Any]:
    return {
        "family": "tokens",
        "mode": "",
        "training": {"frames": 7},
        "action_follow": 0.5,
        "drift_free_frames": 10.0 * seed,
        "drift_capped_at": 100 - seed,
        "rollout": {"1-16": {"validity": legal, "frames": frames}},
        "frames": frames,
        "seed": seed,
        "seeds": [seed],
        "first_game_seed": 1_000_000 + 100_000 * seed,
    }


def test_counts_are_summed_and_figures_are_means_with_their_range() -> None:
    joined = over_seeds([entry(1, 0.9, 10), entry(2, 1.0, 12), entry(3, 0.8, 14)])
    assert joined["frames"] == joined["rollout"]["1-16"]["frames"] == 36
    assert joined["rollout"]["1-16"]["validity"] == pytest.approx(0.9)
    assert joined["range"] == {"drift_free_frames": [10.0, 30.0], "rollout": {"1-16": {"validity": [0.8, 1.0]}}}
    assert (joined["seed"], joined["seeds"], joined["first_game_seed"]) == (1, [1, 2, 3], 1_100_000)
    assert joined["action_follow"] == 0.5
    assert joined["drift_capped_at"] == 97
    assert joined["training"] == {"frames": 7}, "what the bundle was trained on is the same for every seed"


def test_a_figure_that_one_seed_could_not_measure_is_that_of_the_others() -> None:
    joined = over_seeds([entry(1, None, 0), entry(2, 0.5, 4)])
    assert joined["rollout"]["1-16"] == {"validity": 0.5, "frames": 4}
    assert over_seeds([entry(1, None, 0), entry(2, None, 0)])["rollout"]["1-16"]["validity"] is None


def test_dreams_without_a_state_reader_are_joined_too() -> None:
    figures = [
        entry(seed, None, 4)
        | {"alive": {"64": seed / 4, "1024": None}, "alive_dreams": 8, "alive_long_frames": 1000 - seed}
        | {"judge": {"1-16": {"auc": 0.5, "clips": 3}}, "hud_misread_digits": seed}
        for seed in (1, 3)
    ]
    joined = over_seeds(figures)
    assert joined["alive"] == {"64": 0.5, "1024": None}
    assert joined["range"]["alive"] == {"64": [0.25, 0.75]}
    assert joined["alive_dreams"] == 16
    assert joined["alive_long_frames"] == 997
    assert joined["judge"] == {"1-16": {"auc": 0.5, "clips": 6}}
    assert joined["hud_misread_digits"] == 4


def test_one_seed_is_itself() -> None:
    assert over_seeds([entry(1, 0.9, 10)]) == entry(1, 0.9, 10)


def test_an_evaluation_of_two_seeds_has_the_figures_of_both(tiny: Path) -> None:
    both = evaluate([tiny], 2, 20, quick=True, seed=3, seeds=2, mode="parallel")
    first, second = (evaluate([tiny], 2, 20, quick=True, seed=seed, mode="parallel") for seed in (3, 4))
    joined, *each = (report["bundles"]["tiny"] for report in (both, first, second))
    accuracies = [one["token_accuracy"] for one in each]
    assert joined["token_accuracy"] == pytest.approx(sum(accuracies) / 2)
    assert joined["range"]["token_accuracy"] == sorted(accuracies)
    assert joined["changed_tokens"] == sum(one["changed_tokens"] for one in each)
    assert set(each[0]) <= set(joined)
    table = accuracy_tables(both)[-1]
    assert table.title == "Over several seeds"
    assert "seeds 3 to 4" in table.note
    assert "Over several seeds" not in [table.title for table in accuracy_tables(first)]
    with pytest.raises(ValueError, match="at least one seed"):
        evaluate([tiny], seeds=0)
