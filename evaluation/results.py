"""`python -m evaluation.results EVAL.json ... --bench BENCH.json -o docs/results.md`: the page, from the reports."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from evaluation.many_games import divided, many_games_tables
from evaluation.subject import parts_of
from evaluation.tables import Table, figure_tables, precision_tables, speed_table

_PICTURES = {
    ".png": "real game and dreams at frames 1, 8, 32, 128 and 512",
    ".gif": "real game and dreams in motion",
}


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
    if not bundles:
        raise ValueError("the evaluation has no bundle in it")
    return first | {"bundles": bundles}


def results_page(evaluations: list[dict[str, Any]], benchmark: dict[str, Any], folder: Path) -> str:
    """The page as Markdown. folder: where it will lie; the pictures are shown if they lie in its `images`."""
    evaluation = joined(evaluations)
    many, others = divided(evaluation["bundles"])
    options = f"--episodes {evaluation['episodes']} --horizon {evaluation['horizon']} --seed {evaluation['seed']}"
    options += f"{' --quick' if evaluation['quick'] else ''} --json eval.json"
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
    groups = [(figure_tables(others), others), (many_games_tables(many), many)]
    groups.append((precision_tables(evaluation["bundles"]), evaluation["bundles"]))
    for tables, entries in groups:
        parts += [_section(table, f"reverie eval {' '.join(_names(entries))} {options}") for table in tables]
    benched = list(dict.fromkeys(row["bundle"] for row in benchmark["rows"]))
    threads = benchmark["rows"][0]["threads"] if benchmark["rows"] else 2
    parts.append(
        _section(
            speed_table(benchmark),
            f"reverie bench {' '.join(benched)} --frames {benchmark['frames']} --threads {threads} --json bench.json",
        )
    )
    parts += _pictures("Side by side", others, [""], folder)
    parts += _pictures("Many games, side by side", many, _games(many), folder)
    return "\n\n".join(parts) + "\n"


def _names(entries: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(parts_of(label)[0] for label in entries))


def _games(entries: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(entry["game"] for entry in entries.values()))


def _pictures(title: str, entries: dict[str, Any], games: list[str], folder: Path) -> list[str]:
    """A section with the pictures of these games that lie there, '' being those that name none; nothing without any."""
    shown = []
    for game in games:
        name, of = (f"side-by-side-{game}", f", {game}") if game else ("side-by-side", "")
        for suffix, text in _PICTURES.items():
            if (folder / f"images/{name}{suffix}").is_file():
                shown.append(f"![{text}{of}](images/{name}{suffix})")
    command = f"python -m evaluation.pictures {' '.join(_names(entries))} -o docs/images"
    return [f"## {title}\n\n`{command}`", *shown] if shown and entries else []


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
