"""`python -m evaluation.results EVAL.json ... --bench BENCH.json -o docs/results.md`: the page, from the reports."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from evaluation.tables import Table, accuracy_tables, speed_table

_PICTURES = (
    ("images/side-by-side.png", "real game and dreams at frames 1, 8, 32, 128 and 512"),
    ("images/side-by-side.gif", "real game and dreams in motion"),
)


def joined(evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """Reports of different bundles as one. Raises ValueError where they did not measure alike, or the same bundle."""
    first, *others = evaluations
    bundles = dict(first["bundles"])
    for other in others:
        for key in ("episodes", "horizon", "seed", "quick"):
            if other[key] != first[key]:
                raise ValueError(f"the evaluations differ in {key}: {first[key]} and {other[key]}")
        if twice := bundles.keys() & other["bundles"].keys():
            raise ValueError(f"two evaluations measure {min(twice)}")
        bundles |= other["bundles"]
    return first | {"bundles": bundles}


def results_page(evaluations: list[dict[str, Any]], benchmark: dict[str, Any], folder: Path) -> str:
    """The page as Markdown. folder: where it will lie; the pictures are shown if they lie in its `images`."""
    evaluation = joined(evaluations)
    names = list(dict.fromkeys(name.split("@")[0] for name in evaluation["bundles"]))
    options = f"--episodes {evaluation['episodes']} --horizon {evaluation['horizon']} --seed {evaluation['seed']}"
    command = f"reverie eval {' '.join(names)} {options}{' --quick' if evaluation['quick'] else ''} --json eval.json"
    made = " and ".join(dict.fromkeys(part["made"] for part in evaluations))
    parts = [
        "# Results",
        "Written by `python -m evaluation.results eval.json --bench bench.json -o docs/results.md`; no figure is typed "
        f"by hand. Evaluated {made} on {evaluation['machine']['processor']} "
        f"({evaluation['machine']['cores']} cores). `NAME` samples all positions at once (parallel), `NAME@ar` one by "
        "one (autoregressive). What each figure means is defined where it is measured, in `evaluation/`.",
    ]
    if evaluation["quick"]:
        parts.append("**A quick run: too few frames to quote.**")
    parts += [_section(table, command) for table in accuracy_tables(evaluation)]
    benched = list(dict.fromkeys(row["bundle"] for row in benchmark["rows"]))
    threads = benchmark["rows"][0]["threads"] if benchmark["rows"] else 2
    parts.append(
        _section(
            speed_table(benchmark),
            f"reverie bench {' '.join(benched)} --frames {benchmark['frames']} --threads {threads} --json bench.json",
        )
    )
    shown = [(path, text) for path, text in _PICTURES if (folder / path).is_file()]
    if shown:
        parts.append(f"## Side by side\n\n`python -m evaluation.pictures {' '.join(names)} -o docs/images`")
        parts += [f"![{text}]({path})" for path, text in shown]
    return "\n\n".join(parts) + "\n"


def _section(table: Table, command: str) -> str:
    return f"## {table.title}\n\n`{command}`\n\n{table.markdown()}\n\n{table.note}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Write the page of results from the JSON reports.")
    parser.add_argument("evaluations", type=Path, nargs="+", help="reports of `reverie eval --json`, of one kind")
    parser.add_argument("--bench", type=Path, required=True, help="report of `reverie bench --json`")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the page, such as docs/results.md")
    arguments = parser.parse_args()
    try:
        paths = [*arguments.evaluations, arguments.bench]
        *evaluations, benchmark = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        page = results_page(evaluations, benchmark, arguments.out.parent)
        beside = arguments.out.with_name(arguments.out.name + ".part")
        beside.write_text(page, encoding="utf-8")
        os.replace(beside, arguments.out)
    except KeyError as missing:
        print(f"One of the reports has no {missing}; make it again with this version's `reverie`.", file=sys.stderr)
        raise SystemExit(2) from None
    except (ValueError, OSError) as error:
        print(f"The page could not be written: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
