"""Writes a table of several bundles, a row for each, into a page such as docs/high-resolution.md.

    python -m reverie.evaluation.tokens.variants EVAL.json ... --bench BENCH.json -o PAGE.md

The table replaces what stands between the page's marks; the words around it are a person's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from reverie.engine.files import write_whole
from reverie.evaluation.metrics.arithmetic import SEGMENT_NAMES
from reverie.evaluation.pages.marks import filled
from reverie.evaluation.pages.mistakes import page_mistakes
from reverie.evaluation.pages.results import joined
from reverie.evaluation.pages.table import Table, number, share
from reverie.evaluation.subjects.subject import parts_of


def variants_table(evaluation: dict[str, Any], benchmark: dict[str, Any]) -> Table:
    """A row for each bundle, with its modes side by side. A bundle that was only timed shows its size and speed alone.

    Raises ValueError where a bundle was measured but not timed.
    """
    head = ["bundle", "pixels", "parameters", "tokens a frame", "FPS parallel", "FPS ar", "reconstruction", "copy-last"]
    head += ["changed tokens right, parallel / ar", "action followed, parallel / ar"]
    head += [f"legal, frames {segment}, ar" for segment in SEGMENT_NAMES]
    entries = evaluation["bundles"]
    speeds = {(row["bundle"], row["mode"]): row for row in benchmark["rows"] if row["decoder"] == "vq"}
    measured = list(dict.fromkeys(label.split("@")[0] for label in entries))
    timed = [name for name, _ in speeds if name not in {parts_of(label)[0] for label in measured}]
    rows = []
    for name in dict.fromkeys([*measured, *timed]):
        modes = {mode: entries[label] for mode, label in (("parallel", name), ("ar", f"{name}@ar")) if label in entries}
        times = {mode: row for mode in ("parallel", "ar") if (row := speeds.get((parts_of(name)[0], mode)))}
        if missing := [mode for mode in modes if mode not in times]:
            raise ValueError(f"{name} was measured in the mode {missing[0]}, and not timed in it")
        row, first = next(iter(times.values())), next(iter(modes.values()), None)

        def both(key: str, modes: dict[str, Any] = modes) -> str:
            return " / ".join(share(modes[mode][key]) if mode in modes else "–" for mode in ("parallel", "ar"))

        size = [str(row["resolution"]), f"{row['parameters'] / 1e6:.1f} M", str(row["tokens_per_frame"])]
        fps = [number(times[mode]["fps"], 0) if mode in times else "–" for mode in ("parallel", "ar")]
        seen = ["–", "–"]
        if first:
            seen = [f"{number(first['reconstruction_psnr_db'], 1)} dB", share(first["copy_last_accuracy"])]
        right = [both("changed_token_accuracy"), both("action_follow")]
        legal = [share(modes["ar"]["rollout"][part]["validity"]) if "ar" in modes else "–" for part in SEGMENT_NAMES]
        rows.append([name, *size, *fps, *seen, *right, *legal])
    one = next(iter(entries.values()))
    threads = benchmark["rows"][0]["threads"]
    note = (
        f"{one['episodes']} held-out episodes, {one['horizon']} frames, seed {one['seed']}"
        f"{', a quick run: too few frames to quote' if evaluation['quick'] else ''}; speed on {threads} threads of "
        f"{benchmark['machine']['processor']}. *Copy-last* is the share of all tokens that is right where nothing is "
        "said to change; of the changed ones it gets none."
    )
    return Table("Figures", head, rows, note)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Write the figures of bundles into a page, between its marks.")
    parser.add_argument("evaluations", type=Path, nargs="+", help="reports of `reverie eval --json`, of one kind")
    parser.add_argument("--bench", type=Path, required=True, help="report of `reverie bench --json`")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the page, which must be there")
    arguments = parser.parse_args()
    with page_mistakes():
        paths = [*arguments.evaluations, arguments.bench]
        *evaluations, benchmark = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        page = filled(arguments.out.read_text(encoding="utf-8"), variants_table(joined(evaluations), benchmark))
        write_whole(arguments.out, page.encode())


if __name__ == "__main__":
    main()
