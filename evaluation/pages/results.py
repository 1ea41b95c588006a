"""Writes docs/results.md from the reports of `reverie eval` and `reverie bench`.

    python -m reverie.evaluation.pages.results EVAL.json ... --bench BENCH.json -o docs/results.md

A section is of one kind of figures, and says itself which command made it, when and on what machine. With `--keep` the
sections that the reports do not make stay as they are: a bundle that is measured later comes to a page of others.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from reverie.engine import library
from reverie.engine.files import write_whole
from reverie.evaluation.pages.many_games import divided, many_games_tables
from reverie.evaluation.pages.mistakes import page_mistakes
from reverie.evaluation.pages.pictures import SHEET
from reverie.evaluation.pages.table import Table
from reverie.evaluation.pages.tables import BASELINE, figure_tables, precision_tables, speed_table
from reverie.evaluation.subjects.subject import parts_of

TITLE = "# Results"
_INTRODUCTION = """\
Written by `python -m reverie.evaluation.pages.results eval.json --bench bench.json -o PAGE`; no figure is typed by \
hand. \
`NAME` samples all positions at once (parallel), `NAME@ar` one by one (autoregressive). What each figure means is \
said in [measures.md](measures.md)."""
_PICTURES = {
    ".png": "real game and dreams at frames 1, 8, 32, 128 and 512",
    ".gif": "real game and dreams in motion",
}
_LAST = ("What a longer history brings", "What int8 costs", "Speed", "Side by side", "Many games, side by side")
"""Titles of the sections that stand behind all others, in this order."""


def joined(evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """Reports of different bundles as one. Raises ValueError where they did not measure alike, or the same bundle."""
    first, *others = evaluations
    bundles = dict(first["bundles"])
    for other in others:
        for key in ("episodes", "horizon", "seed", "seeds", "quick"):
            if other[key] != first[key]:
                raise ValueError(f"the evaluations differ in {key}: {first[key]} and {other[key]}")
        if twice := bundles.keys() & other["bundles"].keys():
            raise ValueError(f"two evaluations measure {min(twice)}")
        bundles |= other["bundles"]
    if not bundles:
        raise ValueError("the evaluation has no bundle in it")
    return first | {"bundles": bundles}


def results_page(
    evaluations: list[dict[str, Any]], benchmark: dict[str, Any] | None, folder: Path, before: str = "", of: str = ""
) -> str:
    """The page as Markdown.

    benchmark: None for a page without speeds. folder: where the page will lie; pictures are shown if they lie in its
    `images`. before: a page whose sections stay where the reports make none of that title. of: the one dream that the
    page is about, whose pictures have its name; "" for a page of all.
    """
    evaluation = joined(evaluations)
    many, others = divided(evaluation["bundles"])
    made = made_of(evaluations)
    if evaluation["quick"]:
        made += " **A quick run: too few frames to quote.**"
    sections = _sections(before)
    groups = [(figure_tables(others), others), (many_games_tables(many), many)]
    groups.append((precision_tables(evaluation["bundles"]), evaluation["bundles"]))
    for tables, entries in groups:
        command = command_of(evaluation | {"bundles": entries}, _names(entries))
        sections |= {table.title: _section(table, command, made) for table in tables}
    if benchmark is not None:
        benched = list(dict.fromkeys(row["bundle"] for row in benchmark["rows"]))
        options = f"--frames {benchmark['frames']}"
        if benchmark["rows"]:
            options += f" --threads {benchmark['rows'][0]['threads']}"
        if BASELINE in benched:
            benched.remove(BASELINE)
            options += " --baseline"
        table = speed_table(benchmark)
        sections[table.title] = _section(table, _command("reverie bench", benched, f"{options} --json bench.json"))
    sections |= _pictures("Side by side", others, [of], folder)
    sections |= _pictures("Many games, side by side", many, _games(many), folder)
    return _page(sections, f"# Results of {of}" if of else TITLE)


def with_section(page: str, title: str, text: str) -> str:
    """The page with this text below a heading, in place of what stands there or, of a new one, where it belongs."""
    return _page(_sections(page) | {title: text}, page.partition("\n")[0])


def command_of(evaluation: dict[str, Any], names: list[str]) -> str:
    """The command that made the entries of a report, and below it which of its bundles do not ship."""
    options = f"--episodes {evaluation['episodes']} --horizon {evaluation['horizon']} --seed {evaluation['seed']}"
    options += f" --seeds {evaluation['seeds']}" if evaluation["seeds"] > 1 else ""
    options += " --quick" if evaluation["quick"] else ""
    options += _only("mode", evaluation["bundles"]) + _only("decoder", evaluation["bundles"])
    return _command("reverie eval", names, f"{options} --json eval.json")


def _page(sections: dict[str, str], title: str) -> str:
    order = sorted(sections, key=lambda title: _LAST.index(title) if title in _LAST else -1)
    return "\n\n".join([title, _INTRODUCTION, *(f"## {head}\n\n{sections[head]}" for head in order)]) + "\n"


def _sections(page: str) -> dict[str, str]:
    """The text below each heading of a page."""
    _, *parts = re.split(r"^## ", page, flags=re.MULTILINE)
    return {title: text.strip() for title, _, text in (part.partition("\n") for part in parts)}


def made_of(evaluations: list[dict[str, Any]]) -> str:
    """When and on what the reports were made."""
    days = dict.fromkeys(part["made"].partition(" ")[0] for part in evaluations)
    processors = dict.fromkeys(part["machine"]["processor"] for part in evaluations)
    return f"Evaluated {' and '.join(days)} on {' and '.join(processors)}."


def _names(entries: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(parts_of(label)[0] for label in entries))


def _only(key: str, entries: dict[str, Any]) -> str:
    """The option that asks for one mode or decoder alone, where the entries are of one: left out, all are measured."""
    values = {entry[key] for entry in entries.values()}
    one = values.pop() if len(values) == 1 else ""  # a family with no such choice names none
    return f" --{key} {one}" if one else ""


def _command(verb: str, names: list[str], options: str) -> str:
    """A command over bundles, and below it what a reader does not have of them."""
    shipped = library.shipped()
    lines, own = [f"`{' '.join([verb, *names, options])}`"], []
    for name in names:
        before, _, precision = name.rpartition("-")
        if name in shipped:
            continue
        if before in names and precision in ("fp16", "fp32"):
            lines.append(
                f"`{name}` is {before} before its weights became bytes; it does not ship, so leave it out of the "
                "command."
            )
        else:
            own.append(f"`{name}`")
    if len(own) == 1:
        lines.append(f"{own[0]} does not ship: give the folder of your own, or leave it out of the command.")
    elif own:
        several = f"{', '.join(own[:-1])} and {own[-1]}"
        lines.append(f"{several} do not ship: give the folders of your own, or leave them out of the command.")
    return "\n\n".join(lines)


def _games(entries: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(entry["game"] for entry in entries.values()))


def _pictures(title: str, entries: dict[str, Any], games: list[str], folder: Path) -> dict[str, str]:
    """A section with the pictures of these games that lie there, '' being those that name none; nothing without any."""
    shown = []
    for game in games:
        name, of = (f"side-by-side-{game}", f", {game}") if game else ("side-by-side", "")
        for suffix, text in _PICTURES.items():
            if (folder / f"images/{name}{suffix}").is_file():
                shown.append(f"![{text}{of}](images/{name}{suffix})")
    options = f"{_only('mode', entries)} -o docs/images".lstrip()
    command = _command("python -m reverie.evaluation.pages.pictures", _names(entries), options)
    return {title: "\n\n".join([command, SHEET, *shown])} if shown and entries else {}


def _section(table: Table, command: str, made: str = "") -> str:
    return f"{command}\n\n{table.markdown()}\n\n{table.note} {made}".rstrip()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Write the page of results from the JSON reports.")
    parser.add_argument("evaluations", type=Path, nargs="+", help="reports of `reverie eval --json`, of one kind")
    parser.add_argument("--bench", type=Path, help="report of `reverie bench --json`")
    parser.add_argument("--keep", action="store_true", help="the sections of the page that these reports do not make")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, help="the page: docs/results.md, or docs/results-NAME.md of one dream"
    )
    arguments = parser.parse_args()
    with page_mistakes():
        evaluations = [json.loads(path.read_text(encoding="utf-8")) for path in arguments.evaluations]
        benchmark = json.loads(arguments.bench.read_text(encoding="utf-8")) if arguments.bench else None
        before = arguments.out.read_text(encoding="utf-8") if arguments.keep else ""
        of = arguments.out.stem.partition("-")[2]
        page = results_page(evaluations, benchmark, arguments.out.parent, before, of)
        write_whole(arguments.out, page.encode())


if __name__ == "__main__":
    main()
