"""A bundle of several games against bundles that know one of them: the tables of docs/results.md."""

from __future__ import annotations

from typing import Any

from reverie.evaluation.metrics.arithmetic import SEGMENT_NAMES
from reverie.evaluation.pages.tables import Table, number, share
from reverie.evaluation.subjects.subject import parts_of

Entries = dict[str, dict[str, Any]]


def divided(entries: Entries) -> tuple[Entries, Entries]:
    """What is compared here, and the rest of a report.

    Here belong the bundles of several games, and beside NAME/GAME, where there is one, the bundle NAME-GAME, which
    knows that game alone.
    """
    alone = {f"{bundle}-{game}" for bundle, game, _ in map(parts_of, entries) if game}
    here: Entries = {}
    rest: Entries = {}
    for label, entry in entries.items():
        bundle, game, _ = parts_of(label)
        (here if game or bundle in alone else rest)[label] = entry
    return here, rest


def many_games_tables(entries: Entries) -> list[Table]:
    """The tables of the first part of what `divided` gives; none where it is empty."""
    return [_figures(entries), _measure(entries), _training(entries)] if entries else []


def _figures(entries: Entries) -> Table:
    head = ["game", "mode", "bundle", "copy-last", "**changed tokens right**", "ceiling", "action followed"]
    head += [f"in place, {SEGMENT_NAMES[0]}", *(f"legal, {segment}" for segment in SEGMENT_NAMES), "rewards", "ends"]
    rows, alone = [], ""
    for label, e in entries.items():
        bundle, game, way = parts_of(label)
        if game:
            rows.append([game, _way(e), bundle, *_cells(e)])
            if other := entries.get(f"{bundle}-{game}{way}"):
                rows.append([game, _way(other), f"{bundle}-{game}", *_cells(other)])
                alone = ", and below it a bundle that knows that game alone"
    e = next(iter(entries.values()))
    counts = ", ".join(str(e["rollout"][segment]["frames"]) for segment in SEGMENT_NAMES)
    note = (
        f"Each game as a bundle of several dreams it{alone}. One frame ahead: "
        f"{e['teacher_forced_frames']} frames of {e['episodes']} held-out episodes of each game (game seeds "
        f"from {e['first_game_seed']}, seed {e['seed']}). The dream by itself: {counts} frames. *In place*: the player "
        "within 2 px of the real game's (4 px at 128x128). *Rewards* and *ends*: F1. The other words are those of the "
        "tables above."
    )
    return Table("Many games", head, rows, note)


def _cells(e: dict[str, Any]) -> list[str]:
    rollout = e["rollout"]
    return [
        share(e["copy_last_accuracy"]),
        f"**{share(e['changed_token_accuracy'])}**",
        share(e["changed_token_ceiling_ar"] if e["mode"] == "ar" else e["changed_token_ceiling"]),
        share(e["action_follow"]),
        share(rollout[SEGMENT_NAMES[0]]["state_fidelity"]),
        *(share(rollout[segment]["validity"]) for segment in SEGMENT_NAMES),
        share(e["reward_f1"]),
        share(e["ended_f1"]),
    ]


def _way(e: dict[str, Any]) -> str:
    return str(e["mode"]) if e["decoder"] == "vq" else f"{e['mode']}+{e['decoder']}"


def _measure(entries: Entries) -> Table:
    first = SEGMENT_NAMES[0]
    games: Entries = {}
    for e in entries.values():
        games.setdefault(e["game"], e)
    rows = [
        [
            game,
            share(e["rollout"][first]["state_fidelity_ceiling"]),
            number(e["reward_transitions"], 0),
            number(e["ended_transitions"], 0),
            share(e["reader_exact"], 3),
            share(e["reader_valid"], 3),
            number(e["reader_frames"], 0),
        ]
        for game, e in games.items()
    ]
    head = ["game", f"in place by luck, {first}", "steps with a reward", "ends of a round"]
    head += ["reader exact", "called legal", "real frames"]
    note = (
        "*In place by luck*: as often two real games that differ only in luck have the player in the same place, and "
        "no dream can be asked for more. The steps are those that the F1 is over. *Reader*: how often it is exact on "
        "real frames, and how often it calls them legal."
    )
    return Table("What the many games are measured by", head, rows, note)


def _training(entries: Entries) -> Table:
    games: dict[str, dict[str, None]] = {}
    first: Entries = {}
    for label, e in entries.items():
        bundle = parts_of(label)[0]
        games.setdefault(bundle, {})[e["game"]] = None
        first.setdefault(bundle, e)
    rows = [
        [
            bundle,
            ", ".join(games[bundle]),
            f"{e['resolution']}x{e['resolution']}",
            number(e["vocabulary"], 0),
            f"{e['parameters'] / 1e6:.1f} M",
            _count(e["training"].get("minutes")),
            _count(e["training"].get("frames")),
        ]
        for bundle, e in first.items()
    ]
    head = ["bundle", "games", "frame", "codes", "parameters", "minutes of training", "frames learnt from"]
    note = (
        "As the bundles say of themselves. *Frames learnt from*: all that its dynamics was trained on, one that came "
        "up twice counted twice; a bundle of several games has them from all of its games together. The minutes are "
        "those of the machine that each was trained on."
    )
    return Table("What the many games were trained with", head, rows, note)


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
