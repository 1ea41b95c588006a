"""The tables of the report page and of docs/results.md: chosen from the JSON once, drawn as HTML or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from reverie.evaluation.metrics.arithmetic import SEGMENT_NAMES
from reverie.evaluation.metrics.teacher_forced import COMPARED_SIZE
from reverie.evaluation.subjects.subject import parts_of

BASELINE = "pixel diffusion"
"""What the plain pixel diffusion is called in a benchmark, which `--baseline` times: it is no bundle."""


@dataclass(frozen=True)
class Table:
    """title: a heading. head: column names. rows: cells as text, each row's name first. note: sentences below."""

    title: str
    head: list[str]
    rows: list[list[str]]
    note: str

    def markdown(self) -> str:
        """The table as Markdown, without its heading."""
        lines = ["| " + " | ".join(self.head) + " |", "|---" * len(self.head) + "|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in self.rows])


def accuracy_tables(report: dict[str, Any]) -> list[Table]:
    """Tables of an evaluation's report."""
    return [*figure_tables(report["bundles"]), *precision_tables(report["bundles"])]


def figure_tables(entries: dict[str, dict[str, Any]]) -> list[Table]:
    """All figures of some entries of a report; none of none."""
    if not entries:
        return []
    tables = [_tokens(entries), _tokenizer(entries), _rollout(entries)]
    if read := {name: e for name, e in entries.items() if _has_reader(e)}:
        tables.append(_obedience(read))
    if told := {name: e for name, e in entries.items() if e.get("action_accuracy_real") is not None}:
        tables.append(_told_actions(told))
    return tables


def _has_reader(e: dict[str, Any]) -> bool:
    """Whether the states of the game that an entry is of can be read from its pictures."""
    return e["reader_frames"] > 0


def _by_game(entries: Iterable[dict[str, Any]], say: Callable[[dict[str, Any]], str]) -> str:
    """What holds for one game alone, of each game that there is; which, is said where there are several."""
    first: dict[str, dict[str, Any]] = {}
    for e in entries:
        first.setdefault(e.get("game", "garden"), e)  # which reports did not say before there were more to dream of
    return "; ".join(say(e) if len(first) == 1 else f"{say(e)} ({game})" for game, e in first.items())


def _outcomes(e: dict[str, Any]) -> str:
    """What the F1 of rewards and ends is over."""
    return (
        f"the {e['reward_transitions']} steps that brought a reward and the {e['ended_transitions']} that ended a round"
    )


def _reader_check(e: dict[str, Any]) -> str:
    """How the reader of states does on the game itself."""
    return (
        f"{share(e['reader_exact'], 3)} of {e['reader_frames']} real frames and calls {share(e['reader_valid'], 3)} "
        "of them legal"
    )


def _tokens(entries: dict[str, dict[str, Any]]) -> Table:
    head = ["bundle", "tokens right", "copy-last", "**changed tokens right**", "ceiling", "bits a token", "vocabulary"]
    head += ["rewards", "ends"]
    rows = []
    for name, e in entries.items():
        ceiling = e["changed_token_ceiling_ar"] if e["mode"] == "ar" else e["changed_token_ceiling"]
        rows.append(
            [
                name,
                share(e["token_accuracy"]),
                share(e["copy_last_accuracy"]),
                f"**{share(e['changed_token_accuracy'])}**",
                share(ceiling),
                number(e["token_nll_bits"], 4),
                str(e["vocabulary"]),
                share(e["reward_f1"]),
                share(e["ended_f1"]),
            ]
        )
    e = next(iter(entries.values()))
    note = (
        f"True history, one frame predicted: {e['teacher_forced_frames']} frames of {e['episodes']} held-out episodes "
        f'(game seeds from {e["first_game_seed"]}, seed {e["seed"]}). *Copy-last* is what saying "nothing changes" '
        "scores."
    )
    if branched := [e for e in entries.values() if e["ceiling_moments"]]:
        note += (
            " *Ceiling* is what the game's own randomness allows for the changed tokens, measured by branching the "
            f"simulator ({branched[0]['ceiling_moments']} moments, {branched[0]['ceiling_branches']} futures each): an "
            "estimate, so a bundle may stand a little above it."
        )
    if judged := [e for e in entries.values() if e["reward_f1"] is not None]:
        note += f" *Rewards* and *ends*: F1 over {_by_game(judged, _outcomes)}."
    return Table("One frame ahead", head, rows, note)


def _tokenizer(entries: dict[str, dict[str, Any]]) -> Table:
    head = ["bundle", "flicker", "codes used", "perplexity", "reconstruction", "SSIM", "one step", "SSIM"]
    head += ["reconstruction, enlarged", "one step, enlarged"]
    rows = [
        [
            name,
            share(e["token_flicker"], 2),
            f"{e['codebook_used']} of {e['vocabulary']}",
            number(e["codebook_perplexity"], 1),
            number(e["reconstruction_psnr_db"], 1, " dB"),
            number(e["reconstruction_ssim"], 4),
            number(e["one_step_psnr_db"], 1, " dB"),
            number(e["one_step_ssim"], 4),
            *(number(e[f"{key}_enlarged_psnr_db"], 1, " dB") for key in ("reconstruction", "one_step")),
        ]
        for name, e in entries.items()
    ]
    e = next(iter(entries.values()))
    note = (
        "*Flicker*: patches of which no pixel changed whose token changed all the same. Pictures compared on "
        f"{e['picture_frames']} frames; PSNR is the mean over frames, seed {e['seed']}. *Enlarged*: with "
        f"hard pixels to {COMPARED_SIZE} px, against the game drawn at that size."
    )
    return Table("The tokenizer and the decoded picture", head, rows, note)


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
    note = f"The dream feeds on itself, with the true actions; {counts} frames, seed {e['seed']}."
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
    seed = next(iter(entries.values()))["seed"]
    note = (
        "*Action followed*: from the same history each action held for 4 ticks, the player moves as in the game; cases "
        "in which the real game's chance decides are left out. *Legal for*: frames before 8 in a row are no legal "
        "picture, at least so many where it equals the frame they were followed up to. Seed "
        f"{seed}. The reader of states is itself exact on {_by_game(entries.values(), _reader_check)}."
    )
    return Table("Obedience and drift", head, rows, note)


def _told_actions(entries: dict[str, dict[str, Any]]) -> Table:
    """For games whose state nobody reads."""
    head = ["bundle", "told from the dream", "told from the game", "dream of game", "always the most common"]
    rows = []
    for name, e in entries.items():
        dream, real, common = (e["action_accuracy" + key] for key in ("", "_real", "_most_common"))
        rows.append([name, share(dream), share(real), share(dream / real if real else None), share(common)])
    e = next(iter(entries.values()))
    frames = sum(part["frames"] for part in e["rollout"].values())
    note = (
        "Nobody reads the state of these games. A small network that has learnt from other play of the real game names "
        f"the action between two frames: how many it names right in {frames} frames that the dream drew by itself, fed "
        f"the true actions, and how many in the same frames of the game. Seed {e['seed']}."
    )
    return Table("Actions told from the pictures", head, rows, note)


def precision_tables(entries: dict[str, dict[str, Any]]) -> list[Table]:
    """What bytes for weights cost, where there are a bundle and, called NAME-fp16 or NAME-fp32, the same before."""
    head = ["bundle", "against", "changed tokens right", *(f"legal, frames {segment}" for segment in SEGMENT_NAMES)]
    rows = []
    for name, e in entries.items():
        bundle, game, way = parts_of(name)
        of = f"/{game}" if game else ""
        for other in (f"{bundle}-fp16{of}{way}", f"{bundle}-fp32{of}{way}"):
            if (before := entries.get(other)) is None:
                continue
            pairs = [(e["changed_token_accuracy"], before["changed_token_accuracy"])]
            pairs += [(e["rollout"][part]["validity"], before["rollout"][part]["validity"]) for part in SEGMENT_NAMES]
            cells = ["–" if None in (a, b) else f"{100 * (a - b):+.2f} points" for a, b in pairs]
            rows.append([name, other, *cells])
    if not rows:
        return []
    note = (
        "The same network and the same episodes: what the bundle scores less what it scored before, in points of 100."
    )
    return [Table("What int8 costs", head, rows, note)]


def speed_table(report: dict[str, Any]) -> Table:
    """The table of a benchmark's report."""
    head = ["bundle", "mode", "decoder", "FPS", "p50", "p95", "max", "dynamics", "sample", "decode"]
    head += ["GFLOP a frame", "of the GEMM peak", "dynamics alone", "memory", "parameters"]
    rows = []
    for row in report["rows"]:
        ms, stages = row["frame_ms"], row["stages_ms"]
        rows.append(
            [
                f"{row['bundle']} ({row['backend']})" if row["backend"].endswith("-cuda") else row["bundle"],
                row["mode"],
                f"{row['decoder']} ×{row['steps']}" if row["decoder"] == "diffusion" else row["decoder"],
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


def share(value: float | None, digits: int = 1) -> str:
    """A share as per cent; a dash where nothing was measured."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def number(value: float | None, digits: int, unit: str = "") -> str:
    """A number; a dash where nothing was measured."""
    return "–" if value is None else f"{value:.{digits}f}{unit}"
