"""Several seeds as one entry: counts are summed, figures are means, and beside each mean stands its range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reverie.evaluation.families import family_of

COUNTS = frozenset(
    {
        "frames", "episodes", "seconds", "teacher_forced_frames", "picture_frames", "reward_transitions",
        "ended_transitions", "action_follow_cases", "action_follow_left_to_chance", "drift_rollouts", "reader_frames",
        "turn_round_starts", "turn_round_tried", "alive_dreams", "alive_long_dreams", "clips", "hud_frames",
        "hud_misread_frames", "hud_misread_digits", "hud_misread_hearts", "hud_doubted",
        "lucid_dreams",
    }
)  # fmt: skip
"""Keys of an entry that say how much was measured."""


def over_seeds(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The entries of one bundle, one a seed, as one entry.

    `seed` and `first_game_seed` stay those of the first seed and `seeds` lists all. `range` holds, under the key of
    each figure that differs, its lowest and highest value; the keys of `rollout` are nested there as they are in the
    entry. A figure that some seeds could not measure is the mean of the others. `drift_capped_at` and
    `alive_long_frames` are the lowest.
    """
    first = entries[0]
    if len(entries) == 1:
        return first
    kept = {key: first[key] for key in ("seed", "first_game_seed", "training")}
    kept |= {"seeds": [seed for entry in entries for seed in entry["seeds"]]}
    for reached in ("drift_capped_at", "alive_long_frames"):
        if reached in first:
            kept[reached] = min(entry[reached] for entry in entries)
    measured = [{key: value for key, value in entry.items() if key not in kept} for entry in entries]
    joined, ranges = _joined(measured, COUNTS | family_of(first["family"]).counts)
    return joined | kept | {"range": ranges}


def _joined(entries: Sequence[dict[str, Any]], counts: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Each key over all entries, and the ranges of those that differ."""
    joined: dict[str, Any] = {}
    ranges: dict[str, Any] = {}
    for key, first in entries[0].items():
        values = [entry[key] for entry in entries]
        if isinstance(first, dict):
            joined[key], inside = _joined(values, counts)
            if inside:
                ranges[key] = inside
        elif key in counts:
            joined[key] = sum(values)
        elif all(value == first for value in values):
            joined[key] = first
        else:
            known = [value for value in values if value is not None]
            joined[key] = sum(known) / len(known)
            ranges[key] = [min(known), max(known)]
    return joined, ranges
