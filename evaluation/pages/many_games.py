"""A bundle of several games beside bundles of one of them: tables of docs/results.md."""

from __future__ import annotations

from typing import Any

from reverie.evaluation.metrics.arithmetic import SEGMENT_NAMES
from reverie.evaluation.pages.table import Table, figure, number, share
from reverie.evaluation.pages.tables import family_columns, seeds_of
from reverie.evaluation.subjects.subject import parts_of

Entries = dict[str, dict[str, Any]]


def divided(entries: Entries) -> tuple[Entries, Entries]:
    """The entries that are compared here, and the other entries of a report.

    Compared are the bundles of several games, and beside NAME/GAME the bundle NAME-GAME, which knows that game alone.
    """
    alone = {f"{bundle}-{game}" for bundle, game, _ in map(parts_of, entries) if game}
    here: Entries = {}
    rest: Entries = {}
    for label, entry in entries.items():
        bundle, game, _ = parts_of(label)
        (here if game or bundle in alone else rest)[label] = entry
    return here, rest


def many_games_tables(entries: Entries) -> list[Table]:
    """The tables of the first part that `divided` returns; none where it is empty."""
    return [_figures(entries), _measure(entries), _training(entries)] if entries else []


def _figures(entries: Entries) -> Table:
    columns = family_columns(entries, lambda family: family.compared)
    columns.append(figure("action followed", "action_follow"))
    columns.append(figure(f"in place, {SEGMENT_NAMES[0]}", "rollout", SEGMENT_NAMES[0], "state_fidelity"))
    columns += [figure(f"legal, {segment}", "rollout", segment, "validity") for segment in SEGMENT_NAMES]
    columns += [figure("rewards", "reward_f1"), figure("ends", "ended_f1")]
    head = ["game", "mode", "bundle", *(column.head for column in columns)]
    rows, alone = [], ""
    for label, e in entries.items():
        bundle, game, variant = parts_of(label)
        if game:
            rows.append([game, _variant(e), bundle, *(column.cell(e) for column in columns)])
            if other := entries.get(f"{bundle}-{game}{variant}"):
                cells = [column.cell(other) for column in columns]
                rows.append([game, _variant(other), f"{bundle}-{game}", *cells])
                alone = ". Below it stands a bundle that knows that game alone"
    e = next(iter(entries.values()))
    counts = ", ".join(str(e["rollout"][segment]["frames"]) for segment in SEGMENT_NAMES)
    note = (
        f"Each game as a bundle of several dreams it{alone}. One frame ahead: "
        f"{e['teacher_forced_frames']} frames of {e['episodes']} held-out episodes of each game (game seeds "
        f"from {e['first_game_seed']}, {seeds_of(e)}). The dream by itself: {counts} frames. *In place*: the player "
        "within 2 px of the real game's (4 px at 128x128). *Rewards* and *ends*: F1. The other words are those of the "
        "tables above."
    )
    return Table("Many games", head, rows, note)


def _variant(e: dict[str, Any]) -> str:
    """The mode, and the decoder where the label of the entry names one."""
    return str(e["mode"]) if e["decoder"] != "diffusion" else f"{e['mode']}+{e['decoder']}".lstrip("+")


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
        "*In place by luck*: how often two real games that differ only in luck have the player in the same place; no "
        "dream can be asked for more. The F1 is taken over the steps with a reward and the ends. *Reader*: how often "
        "it is exact on real frames, and how often it calls them legal."
    )
    return Table("What the many games are measured by", head, rows, note)


def _training(entries: Entries) -> Table:
    games: dict[str, dict[str, None]] = {}
    first: Entries = {}
    for label, e in entries.items():
        bundle = parts_of(label)[0]
        games.setdefault(bundle, {})[e["game"]] = None
        first.setdefault(bundle, e)
    sizes = family_columns(entries, lambda family: family.size)
    rows = [
        [
            bundle,
            ", ".join(games[bundle]),
            f"{e['resolution']}x{e['resolution']}",
            *(column.cell(e) for column in sizes),
            f"{e['parameters'] / 1e6:.1f} M",
            _count(e["training"].get("minutes")),
            _count(e["training"].get("frames")),
        ]
        for bundle, e in first.items()
    ]
    head = ["bundle", "games", "frame", *(column.head for column in sizes), "parameters"]
    head += ["minutes of training", "training frames"]
    note = (
        "From the bundles' manifests. *Training frames*: frames that the dynamics was trained on, of all its games "
        "together; a frame that was drawn twice counts twice. The minutes are those of the machine that each bundle "
        "was trained on."
    )
    return Table("What the many games were trained with", head, rows, note)


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
