"""What a run's record says of the manifest, whatever the family."""

from __future__ import annotations

from typing import Any

FPS = 20
"""Frames a second of a run that does not say."""
KNOWN_ACTIONS = (4, 4, 1)
"""What is done before a bundle's known frame, as far as its first game has these actions."""


def common_fields(record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a manifest that a run's record gives: games, their actions and rules, fps and notes."""
    actions = tuple(record["actions"])
    games = {str(game): tuple(own) for game, own in record["games"].items()}
    return {
        "games": tuple(games),
        "actions": actions,
        "game_actions": None if all(own == actions for own in games.values()) else games,
        "rules": {str(game): int(number) for game, number in record.get("rules", {}).items()},
        "fps": int(record.get("fps", FPS)),
        "resolution": int(record["size"]),
        "training": {"recipe": record.get("recipe"), **record.get("training", {})},
        "metrics": record.get("metrics", {}),
    }


def known_actions(record: dict[str, Any]) -> tuple[int, ...]:
    """Return the actions before the known frame, numbers of the first game's actions."""
    first = next(iter(record["games"].values()))
    return tuple(min(action, len(first) - 1) for action in KNOWN_ACTIONS)
