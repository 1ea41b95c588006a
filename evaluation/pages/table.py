"""A table of text, and how its cells are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Entry = dict[str, Any]
"""What a report of `reverie eval` says of one bundle in one game and variant."""


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


@dataclass(frozen=True)
class Column:
    """A column of a table of entries. head: its name. cell: what it shows of an entry."""

    head: str
    cell: Callable[[Entry], str]


def share(value: float | None, digits: int = 1) -> str:
    """A share in per cent; a dash where nothing was measured."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def number(value: float | None, digits: int, unit: str = "") -> str:
    """A number; a dash where nothing was measured."""
    return "–" if value is None else f"{value:.{digits}f}{unit}"


def figure(head: str, *keys: str, write: Callable[[Any], str] = share) -> Column:
    """The column of one figure. keys: of the entry, and of the objects inside it. write: the figure as text."""

    def cell(entry: Entry) -> str:
        value: Any = entry
        for key in keys:
            value = value[key]
        return write(value)

    return Column(head, cell)


def digits(count: int, unit: str = "") -> Callable[[float | None], str]:
    """Writes numbers with so many decimals."""
    return lambda value: number(value, count, unit)
