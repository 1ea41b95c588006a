"""What a longer history brings: a section of docs/results.md on runs that differ in nothing else.

    python -m reverie.evaluation.tokens.history RUN ... --evaluation EVAL.json -o docs/results.md

A run's bundle has the name of the run's folder. The picture `images/history.png` shows how each run learnt.
"""

from __future__ import annotations

import argparse
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverie.engine.files import write_whole
from reverie.evaluation.metrics.arithmetic import SEGMENT_NAMES
from reverie.evaluation.pages.mistakes import page_mistakes
from reverie.evaluation.pages.results import command_of, made_of, with_section
from reverie.evaluation.pages.table import Table, figure, number
from reverie.evaluation.pages.tables import family_columns, seeds_of
from reverie.evaluation.subjects.subject import parts_of

TITLE = "What a longer history brings"
PICTURE = "images/history.png"
CURVES = {"parallel_changed": "parallel", "ar_changed": "autoregressive"}
"""Figures of a batch in a run's `progress.json`, and what their panels are called."""
RECIPE = (
    "`reverie record garden --steps 262144 -o recordings/garden`, and for each run a copy of the recipe v1.1 in which "
    "`history` alone is another:"
)
MEAN_OVER = 5
"""Points of a curve that are averaged: each is of one batch."""


@dataclass(frozen=True)
class Run:
    """A run that is compared. history: frames that its dynamics look at. record: its `run.json`. curves: of each figure
    of `CURVES` the minutes and the values.
    """

    name: str
    history: int
    record: dict[str, Any]
    curves: dict[str, tuple[list[float], list[float]]]

    @staticmethod
    def read(folder: Path) -> Run:
        """Raises OSError, KeyError or ValueError where the folder holds no run."""
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        points = json.loads((folder / "progress.json").read_text(encoding="utf-8"))["points"]
        curves = {}
        for key in CURVES:
            own = [p for p in points if p["stage"] == "dynamics" and not p["held_out"] and key in p["figures"]]
            curves[key] = ([p["seconds"] / 60 for p in own], [p["figures"][key] for p in own])
        return Run(folder.name, record["history"], record, curves)


def history_table(runs: list[Run], evaluation: dict[str, Any]) -> Table:
    """A row for each run and mode. Raises ValueError where the evaluation has no bundle of a run's name."""
    entries = evaluation["bundles"]
    mine = [(run, e) for run in runs for label, e in entries.items() if parts_of(label)[0] == run.name]
    if missing := [run.name for run in runs if run.name not in {own.name for own, _ in mine}]:
        raise ValueError(f"the evaluation has no bundle {missing[0]}")
    columns = family_columns(entries, lambda family: family.compared)
    columns.append(figure("action followed", "action_follow"))
    columns.append(figure(f"in place, {SEGMENT_NAMES[0]}", "rollout", SEGMENT_NAMES[0], "state_fidelity"))
    columns += [figure(f"legal, {segment}", "rollout", segment, "validity") for segment in SEGMENT_NAMES]
    head = ["history", "mode", *(column.head for column in columns), "minutes", "training frames"]
    rows = []
    for run, e in mine:
        learnt = [number(e["training"].get(key), 0) for key in ("minutes", "frames")]
        rows.append([str(run.history), e["mode"], *(column.cell(e) for column in columns), *learnt])
    e = mine[0][1]
    note = (
        "The recipe v1.1 with a history of so many frames, each run from nothing, for the same minutes of one core, on "
        "the same recording. One frame ahead: "
        f"{e['teacher_forced_frames']} frames of {e['episodes']} held-out episodes (game seeds from "
        f"{e['first_game_seed']}, {seeds_of(e)}). The runs are short: compare them with one another, and not with the "
        "dreams that ship."
    )
    return Table(TITLE, head, rows, note)


def history_picture(runs: list[Run]) -> bytes:
    """A PNG: changed tokens right in the batches of each run, over the minutes of training."""
    from matplotlib.figure import Figure

    sheet = Figure(figsize=(10, 3.4), dpi=100, layout="constrained")
    for axes, (key, mode) in zip(sheet.subplots(1, len(CURVES), sharey=True), CURVES.items(), strict=True):
        for run in runs:
            x, y = run.curves[key]
            means = [sum(part) / len(part) for part in (y[max(0, i - MEAN_OVER + 1) : i + 1] for i in range(len(y)))]
            axes.plot(x, means, linewidth=2, label=f"history {run.history}")
        axes.set_title(f"changed tokens right, {mode}", loc="left", fontsize=10)
        axes.set_xlabel("minutes of training", fontsize=9)
        axes.grid(linewidth=0.5, alpha=0.5)
        axes.legend(frameon=False, fontsize=9)
    written = io.BytesIO()
    sheet.savefig(written, format="png")
    return written.getvalue()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Write what a longer history brings into the page of results.")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs that differ in their history alone")
    parser.add_argument(
        "--evaluation", type=Path, required=True, help="report of `reverie eval --json` on their bundles"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="the page, such as docs/results.md")
    arguments = parser.parse_args()
    with page_mistakes():
        runs = [Run.read(folder) for folder in arguments.runs]
        evaluation = json.loads(arguments.evaluation.read_text(encoding="utf-8"))
        table = history_table(runs, evaluation)
        minutes = runs[0].record["training"]["minutes"]
        commands = [
            f"`reverie train {run.name}.toml --data recordings/garden -o runs/{run.name} --minutes {minutes:.0f}`"
            for run in runs
        ]
        text = "\n\n".join(
            [
                RECIPE,
                ", ".join(commands),
                command_of(evaluation, [run.name for run in runs]),
                table.markdown(),
                f"{table.note} {made_of([evaluation])}",
                f"![Changed tokens right over the minutes of training, for each history]({PICTURE})",
                f"*Each point is the mean of {MEAN_OVER} batches of the recording that is learnt from.*",
            ]
        )
        page = with_section(arguments.out.read_text(encoding="utf-8"), TITLE, text)
        write_whole(arguments.out.parent / PICTURE, history_picture(runs))
        write_whole(arguments.out, page.encode())


if __name__ == "__main__":
    main()
