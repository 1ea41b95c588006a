"""The page that a person opens: one HTML file with the tables and the pictures inside it."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reverie.engine.files import write_whole
from reverie.evaluation.pages.pictures import SHEET, Strips, gif_bytes, picture, png_bytes
from reverie.evaluation.pages.table import Table
from reverie.evaluation.pages.tables import accuracy_tables

_GIF_FRAMES = 160
_STYLE = """
body{background:#10121a;color:#dce2f0;font:15px/1.5 system-ui,sans-serif;margin:2rem auto;
max-width:76rem;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2.2rem}table{border-collapse:collapse}
th,td{padding:.25rem .8rem .25rem 0;text-align:left;border-bottom:1px solid #2a3042;white-space:nowrap}
th{color:#9aa5c0;font-weight:500}p{color:#9aa5c0;max-width:60rem}img{max-width:100%;image-rendering:pixelated}
.hurry{color:#ffb86b}
"""


def write_html(report: dict[str, Any], games: Sequence[Strips], path: Path) -> None:
    """Write the report of an evaluation, with the pictures of its games, whole or not at all."""
    machine = report["machine"]
    parts = [
        "<h1>How true the dreams are</h1>",
        f"<p>{_text(report['made'])}, {_text(machine['processor'])} ({machine['cores']} cores), "
        f"{report['episodes']} held-out episodes, {_seeds(report)}.</p>",
    ]
    if report["quick"]:
        parts.append('<p class="hurry">A quick run (--quick): too few frames to quote.</p>')
    parts += [_table(table) for table in accuracy_tables(report)]
    for shown in games:
        parts += _pictures(shown, f": {shown.game}" if len(games) > 1 else "")
    page = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Reverie: evaluation</title>'
    page += f"<style>{_STYLE}</style>"
    write_whole(path, (page + "\n".join(parts) + "</html>\n").encode())


def _seeds(report: dict[str, Any]) -> str:
    first, count = report["seed"], report["seeds"]
    return f"seed {first}" if count == 1 else f"each of the seeds {first} to {first + count - 1}"


def _pictures(shown: Strips, which: str) -> list[str]:
    return [
        f"<h2>Side by side{_text(which)}</h2>",
        f"<p>The same start and the same actions; game seed {shown.game_seed}, sampling seed {shown.seed}. "
        f"{_text(SHEET)}</p>",
        f'<img alt="frames side by side" src="data:image/png;base64,{_base64(png_bytes(picture(shown)))}">',
        f"<h2>In motion{_text(which)}</h2>",
        f'<img alt="the dreams in motion" src="data:image/gif;base64,{_base64(gif_bytes(shown, _GIF_FRAMES))}">',
    ]


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<h2>{_text(table.title)}</h2><table><tr>{head}</tr>{rows}</table><p>{_text(table.note)}</p>"


def _text(text: str) -> str:
    """Plain text with the little Markdown of the tables (bold, italics, code) as HTML."""
    code = re.sub(r"`(.+?)`", r"<code>\1</code>", html.escape(text))
    bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", code)
    return re.sub(r"\*(.+?)\*", r"<i>\1</i>", bold)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
