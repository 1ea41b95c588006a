"""The tables of the report page and of docs/results.md: chosen from the JSON once, drawn as HTML or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from reverie.evaluation.families import Family, family_of
from reverie.evaluation.metrics.actions_told import TOLD_FRAMES
from reverie.evaluation.metrics.arithmetic import SEGMENT_NAMES
from reverie.evaluation.metrics.teacher_forced import COMPARED_SIZE
from reverie.evaluation.pages.any_picture_tables import any_picture_tables
from reverie.evaluation.pages.table import Column, Entry, Table, digits, figure, number, share
from reverie.evaluation.subjects.subject import parts_of

BASELINE = "pixel diffusion"
"""Name of the plain pixel diffusion that `reverie bench --baseline` times; it is no bundle."""


def accuracy_tables(report: dict[str, Any]) -> list[Table]:
    """Tables of an evaluation's report."""
    return [*figure_tables(report["bundles"]), *precision_tables(report["bundles"])]


def figure_tables(entries: dict[str, Entry]) -> list[Table]:
    """All figures of some entries of a report; of no entries, no tables."""
    if not entries:
        return []
    tables = [_one_step(entries), _picture(entries), _rollout(entries)]
    if read := {name: e for name, e in entries.items() if _has_reader(e)}:
        tables.append(_obedience(read))
    if judged := {name: e for name, e in entries.items() if e.get("action_accuracy_real") is not None}:
        tables.append(_inverse_dynamics(judged))
    tables += any_picture_tables(entries, seeds_of)
    if lucid := {name: e for name, e in entries.items() if "lucid" in e}:
        tables.append(_lucid(lucid))
    if several := {name: e for name, e in entries.items() if len(e["seeds"]) > 1}:
        tables.append(_over_seeds(several))
    return tables


def families_of(entries: dict[str, Entry]) -> dict[str, Family]:
    """The families of some entries, in their order."""
    return {name: family_of(name) for name in dict.fromkeys(e["family"] for e in entries.values())}


def family_columns(entries: dict[str, Entry], choose: Callable[[Family], tuple[Column, ...]]) -> list[Column]:
    """The columns of all families of some entries; an entry of another family than the column's has a dash there."""
    cells: dict[str, dict[str, Callable[[Entry], str]]] = {}  # by head, then by family
    for name, family in families_of(entries).items():
        for column in choose(family):
            cells.setdefault(column.head, {})[name] = column.cell

    def joined(head: str, of: dict[str, Callable[[Entry], str]]) -> Column:
        return Column(head, lambda e: of[e["family"]](e) if e["family"] in of else "–")

    return [joined(head, of) for head, of in cells.items()]


def _table(title: str, entries: dict[str, Entry], columns: list[Column], note: str) -> Table:
    rows = [[name, *(column.cell(e) for column in columns)] for name, e in entries.items()]
    return Table(title, ["bundle", *(column.head for column in columns)], rows, note)


def _notes(entries: dict[str, Entry], say: Callable[[Family, list[Entry]], str]) -> str:
    """What each family says below a table, of its own entries."""
    found = [
        say(family, [e for e in entries.values() if e["family"] == name])
        for name, family in families_of(entries).items()
    ]
    return "".join(f" {note}" for note in found if note)


def _lucid(entries: dict[str, Entry]) -> Table:
    def by(segment: str) -> Column:
        def cell(e: Entry) -> str:
            return f"{share(e['lucid']['in_place'][segment])} ({share(e['lucid']['in_place_plain'][segment])})"

        return Column(f"frames {segment}", cell)

    wakes = figure("woke, in 1,000 frames", "lucid", "wakes_per_1000", write=digits(1))
    e = next(iter(entries.values()))
    note = (
        f"Share of the frames that the game could show, of {e['lucid']['lucid_dreams']} dreams that wake by themselves "
        f"(`reverie play --lucid`), and in brackets of the same dreams without; {seeds_of(e)}. By the game's reader "
        "where it has one (*valid*), elsewhere by real frames (*in place*, as in how long dreams live). A dream wakes "
        "by what its own pictures show, and knows nothing of the real game."
    )
    return _table("Lucid: dreams that wake by themselves", entries, [*map(by, SEGMENT_NAMES), wakes], note)


def _has_reader(e: dict[str, Any]) -> bool:
    """Whether the game of an entry has a state reader."""
    return e["reader_frames"] > 0


def _by_game(entries: Iterable[dict[str, Any]], say: Callable[[dict[str, Any]], str]) -> str:
    """What `say` says of each game, with the game's name where there are several."""
    first: dict[str, dict[str, Any]] = {}
    for e in entries:
        first.setdefault(e["game"], e)
    return "; ".join(say(e) if len(first) == 1 else f"{say(e)} ({game})" for game, e in first.items())


def _outcomes(e: dict[str, Any]) -> str:
    """The steps that the F1 of rewards and ends is taken over."""
    return (
        f"the {e['reward_transitions']} steps that brought a reward and the {e['ended_transitions']} that ended a round"
    )


def _reader_check(e: dict[str, Any]) -> str:
    """How the state reader does on the real game."""
    return (
        f"{share(e['reader_exact'], 3)} of {e['reader_frames']} real frames and calls {share(e['reader_valid'], 3)} "
        "of them legal"
    )


def _one_step(entries: dict[str, Entry]) -> Table:
    columns = family_columns(entries, lambda family: family.one_step)
    columns += [figure("rewards", "reward_f1"), figure("ends", "ended_f1")]
    e = next(iter(entries.values()))
    note = (
        f"True history, one frame predicted: {e['teacher_forced_frames']} frames of {e['episodes']} held-out episodes "
        f"(game seeds from {e['first_game_seed']}, {seeds_of(e)})."
    )
    note += _notes(entries, lambda family, mine: family.one_step_note(mine))
    if judged := [e for e in entries.values() if e["reward_f1"] is not None]:
        note += f" *Rewards* and *ends*: F1 over {_by_game(judged, _outcomes)}."
    return _table("One frame ahead", entries, columns, note)


def _picture(entries: dict[str, Entry]) -> Table:
    columns = family_columns(entries, lambda family: family.picture)
    for key, words in (("reconstruction", "reconstruction"), ("one_step", "one step")):
        columns.append(figure(words, f"{key}_psnr_db", write=digits(1, " dB")))
        columns.append(figure("SSIM", f"{key}_ssim", write=digits(4)))
    for key, words in (("reconstruction", "reconstruction, enlarged"), ("one_step", "one step, enlarged")):
        columns.append(figure(words, f"{key}_enlarged_psnr_db", write=digits(1, " dB")))
    e = next(iter(entries.values()))
    note = (
        f"Pictures compared on {e['picture_frames']} frames; PSNR is the mean over frames, {seeds_of(e)}. *Enlarged*: "
        f"with hard pixels to {COMPARED_SIZE} px, against the game drawn at that size."
    )
    note += _notes(entries, lambda family, mine: family.picture_note(mine))
    return _table("The decoded picture", entries, columns, note)


def _rollout(entries: dict[str, dict[str, Any]]) -> Table:
    head = ["bundle", "measure", *(f"frames {segment}" for segment in SEGMENT_NAMES)]
    rows = []
    for name, e in entries.items():
        for key, words in (("state_fidelity", "player in place"), ("validity", "legal picture"), ("psnr_db", "PSNR")):
            cells = [e["rollout"][segment][key] for segment in SEGMENT_NAMES]
            if key != "psnr_db" and not _has_reader(e):
                continue
            drawn = [number(cell, 1, " dB") if key == "psnr_db" else share(cell) for cell in cells]
            rows.append([name, words, *drawn])
    e = next(iter(entries.values()))
    counts = ", ".join(str(e["rollout"][segment]["frames"]) for segment in SEGMENT_NAMES)
    note = f"The dream feeds on itself, with the true actions; {counts} frames, {seeds_of(e)}."
    if read := [e for e in entries.values() if _has_reader(e)]:
        limits = _by_game(
            read,
            lambda e: ", ".join(share(e["rollout"][segment]["state_fidelity_ceiling"]) for segment in SEGMENT_NAMES),
        )
        note += (
            " *Player in place*: found within 2 px (4 px at 128x128) of the real game's player. Two real games that "
            f"differ only in luck agree by the same measure in {limits}: no dream can be asked for more. *Legal "
            "picture*: one player, not in a wall; the room, the creatures and the counters as the game can show them."
        )
    return Table("The dream by itself", head, rows, note)


def _obedience(entries: dict[str, dict[str, Any]]) -> Table:
    head = ["bundle", "action followed", "cases", "left to chance", "legal for (median)", "dreams", "followed up to"]
    rows = [
        [
            name,
            share(e["action_follow"]),
            str(e["action_follow_cases"]),
            str(e["action_follow_left_to_chance"]),
            f"{number(e['drift_free_frames'], 0)} frames",
            str(e["drift_rollouts"]),
            str(e["drift_capped_at"]),
        ]
        for name, e in entries.items()
    ]
    said = seeds_of(next(iter(entries.values())))
    note = (
        "*Action followed*: from the same history each action is held for 4 ticks, and the player moves as in the "
        "game. Cases that chance decides in the real game are left out. *Legal for*: frames before 8 in a row are no "
        "legal picture; where it equals the frame they were followed up to, the dreams were legal for at least so "
        f"long. {said.capitalize()}. The state reader is exact on {_by_game(entries.values(), _reader_check)}."
    )
    return Table("Obedience and drift", head, rows, note)


def _inverse_dynamics(entries: dict[str, Entry]) -> Table:
    """For games without a state reader."""
    columns = [
        figure("named in the dream", "action_accuracy"),
        figure("named in the game", "action_accuracy_real"),
        Column("dream of game", lambda e: share(_ratio(e["action_accuracy"], e["action_accuracy_real"]))),
        Column(f"frames 1-{TOLD_FRAMES}", lambda e: share(e.get("actions_told"))),
        figure("always the most common", "action_accuracy_most_common"),
    ]
    e = next(iter(entries.values()))
    frames = sum(part["frames"] for part in e["rollout"].values())
    note = (
        "These games have no state reader. A small network has learnt from other play of the real game to name the "
        f"action between two frames. The columns say how many it names right in {frames} frames of rollouts under the "
        f"true actions, and in the same frames of the game; {seeds_of(e)}. *Dream of game*: the first over the second, "
        f"and so for the frames 1-{TOLD_FRAMES} alone."
    )
    return _table("Actions named from the pictures", entries, columns, note)


def _ratio(value: float, of: float) -> float | None:
    return value / of if of else None


def _over_seeds(entries: dict[str, Entry]) -> Table:
    """The most important figures as mean, lowest and highest over the evaluation's seeds."""
    columns = family_columns(entries, _headline)
    columns.append(_ranged("action followed", "action_follow"))
    columns += [_ranged(f"legal, frames {segment}", "rollout", segment, "validity") for segment in SEGMENT_NAMES]
    columns.append(_ranged("legal for (median)", "drift_free_frames", write=digits(0)))
    if any("alive" in e for e in entries.values()):
        columns.append(_ranged("alive by frame 1,024", "alive", "1024"))
        columns.append(_ranged("actions told, of game", "actions_told"))
        columns.append(_ranged("once round", "turn_round_psnr_db", write=digits(1, " dB")))
        for segment in (SEGMENT_NAMES[0], SEGMENT_NAMES[-1]):
            columns.append(_ranged(f"judge, frames {segment}", "judge", segment, "auc", write=digits(2)))
    e = next(iter(entries.values()))
    note = (
        f"Mean (lowest to highest) over {len(e['seeds'])} evaluations of {e['episodes'] // len(e['seeds'])} episodes "
        f"each, {seeds_of(e)}. Where all seeds agree, there is no range. In the other tables counts are sums over the "
        "seeds and figures are means."
    )
    return _table("Over several seeds", entries, columns, note)


def _headline(family: Family) -> tuple[Column, ...]:
    headline = family.headline
    return (_ranged(headline.words, headline.key),) if headline else ()


def _ranged(head: str, *keys: str, write: Callable[[float | None], str] = share) -> Column:
    """The column of one figure with its range, where it has one; a dash for entries without such a figure."""

    def cell(e: Entry) -> str:
        value: Any = e
        limits: Any = e.get("range", {})
        for key in keys:
            value, limits = (value or {}).get(key), limits.get(key, {})
        return f"{write(value)} ({write(limits[0])} to {write(limits[1])})" if limits else write(value)

    return Column(head, cell)


def seeds_of(e: Entry) -> str:
    """The seed or seeds of an entry, in words."""
    first, *others = e["seeds"]
    return f"seeds {first} to {others[-1]}" if others else f"seed {first}"


def precision_tables(entries: dict[str, Entry]) -> list[Table]:
    """What weights of 8 bits cost, where a bundle NAME stands beside NAME-fp16 or NAME-fp32, which it was made from."""
    headline = next((family.headline for family in families_of(entries).values() if family.headline), None)
    head = ["bundle", "against", *([headline.words] if headline else [])]
    head += [f"legal, frames {segment}" for segment in SEGMENT_NAMES]
    rows = []
    for name, e in entries.items():
        bundle, game, variant = parts_of(name)
        of = f"/{game}" if game else ""
        for other in (f"{bundle}-fp16{of}{variant}", f"{bundle}-fp32{of}{variant}"):
            if (before := entries.get(other)) is None:
                continue
            pairs = [(e.get(headline.key), before.get(headline.key))] if headline else []
            pairs += [(e["rollout"][part]["validity"], before["rollout"][part]["validity"]) for part in SEGMENT_NAMES]
            cells = ["–" if a is None or b is None else f"{100 * (a - b):+.2f} points" for a, b in pairs]
            rows.append([name, other, *cells])
    if not rows:
        return []
    note = "The same network on the same episodes: its figures in int8 minus those before, in percentage points."
    return [Table("What int8 costs", head, rows, note)]


def speed_table(report: dict[str, Any]) -> Table:
    """The table of a benchmark's report."""
    head = ["bundle", "mode", "decoder", "FPS", "p50", "p95", "max", "dynamics", "sample", "decode"]
    head += ["GFLOP a frame", "of the GEMM peak", "dynamics alone", "memory", "parameters"]
    rows = []
    for row in report["rows"]:
        ms, stages = row["frame_ms"], row["stages_ms"]
        drawn_in = row.get("decoder_steps", row["steps"])  # a report from before there were both has the decoder's
        rows.append(
            [
                f"{row['bundle']} ({row['backend']})" if row["backend"].endswith("-cuda") else row["bundle"],
                row["mode"] or (f"{row['steps']} steps" if row["steps"] and not drawn_in else ""),
                f"{row['decoder']} ×{drawn_in}".strip() if drawn_in else row["decoder"],
                f"**{number(row['fps'], 1)}**",
                *(f"{number(ms[key], 1)} ms" for key in ("p50", "p95", "max")),
                *(f"{number(stages.get(key), 1)} ms" for key in ("dynamics", "sample", "decode")),
                number(row["gflop_per_frame"], 2),
                share(row["roofline_share"]),
                share(row["dynamics_roofline_share"]),
                number(row["peak_rss_mb"], 0, " MB"),
                f"{row['parameters'] / 1e6:.1f} M",
            ]
        )
    machine = report["machine"]
    threads = report["rows"][0]["threads"] if report["rows"] else "?"
    note = (
        f"{report['frames']} frames each, unpaced, action in to picture out, seed {report['seed']}; {threads} threads "
        f"on {machine['processor']} ({machine['cores']} cores), whose own float32 matrix product was measured in the "
        f"same run at {number(report['gemm_gflops'], 0)} GFLOP/s; ONNX Runtime {machine['onnxruntime']}."
    )
    return Table("Speed", head, rows, note)
