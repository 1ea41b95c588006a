"""The log of the actions that belongs to a video, as other programs write it.

A `.csv` has a head line and then a line a frame; a `.jsonl` has an object a line, and a `.json` a list of objects. The
columns are `action`, `frame`, `reward`, `ended` (or `terminated`, `done`) and `truncated`. `Notes` keeps what is not
read, and what is read as something else than it says, for the summary of the import.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reverie.app.errors import Mistake
from reverie.games.action_space import TOGETHER

NOTHING = ("noop", "none", "", "nan", "null", "n/a")
"""What no key at all is called."""
TRUE, FALSE = ("true", "t", "yes", "y"), ("false", "f", "no", "n", *NOTHING)
ENDS = ("ended", "terminated", "terminal")
"""Columns that say that a round was lost; `done` does where there is none of them."""
SEPARATORS = (",", ";", "\t", "|")
MOST_BYTES = 1 << 28
"""A longer log is not opened."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class Line:
    """One line of a log. cut: a limit of time ended the round, and the next frame does not follow from this one."""

    frame: int
    action: str
    reward: float
    ended: bool
    cut: bool = False


@dataclass
class Notes:
    """How logs were read. used, ignored: names of columns. mapped: what a value says → what it was taken for."""

    used: dict[str, None] = field(default_factory=dict)
    ignored: dict[str, None] = field(default_factory=dict)
    mapped: dict[str, str] = field(default_factory=dict)
    other: dict[str, None] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """What a person should know, a line each."""
        lines = [f"columns used: {', '.join(self.used)}"]
        if self.ignored:
            lines.append(f"columns ignored: {', '.join(self.ignored)}")
        if self.mapped:
            shown = [f"'{value}' as {meant}" for value, meant in list(self.mapped.items())[:20]]
            lines.append(f"values read: {', '.join(shown)}{', …' if len(self.mapped) > 20 else ''}")
        return [*lines, *self.other]


@dataclass(frozen=True)
class ActionLog:
    """A log that was read. sparse: it names its frames, and may leave some out."""

    path: Path
    lines: tuple[Line, ...]
    sparse: bool


def read_log(path: Path, notes: Notes) -> ActionLog:
    """Read one log. Raises Mistake with one sentence that names the line and the column."""
    lines: list[Line] = []
    columns: list[str] = []
    for number, row in _rows(path, _text(path)):
        where = f"{path}, line {number}"
        if "action" not in row:
            raise Mistake(f"{path} has no 'action' in every line; line {number} has {', '.join(row) or 'nothing'}.")
        if lines and ("frame" in row) != ("frame" in columns):
            raise Mistake(f"{where}: 'frame' stands in some lines only; write it in all of them, or in none.")
        frame = _frame(row["frame"], where) if "frame" in row else len(lines)
        if frame < 0 or (lines and frame <= lines[-1].frame):
            raise Mistake(f"{where}: the frames must count upwards from 0.")
        columns += [name for name in row if name not in columns]
        action = _action(row["action"], where, notes)
        cut = _truth(row.get("truncated"), where, "truncated", notes)
        ends = [_truth(row[name], where, name, notes) for name in ENDS if name in row]
        if not ends and "done" in row:
            ends = [_truth(row["done"], where, "done", notes) and not cut]
        ended = any(ends)
        lines.append(Line(frame, action, _reward(row.get("reward"), where), ended, cut and not ended))
    if not lines:
        raise Mistake(f"{path} holds no lines of a log.")
    known = ["action", "frame", "reward", "truncated", *ENDS]
    if not set(ENDS) & set(columns):
        known.append("done")
    notes.used |= dict.fromkeys(name for name in columns if name in known)
    notes.ignored |= dict.fromkeys(name for name in columns if name not in known)
    return ActionLog(path, tuple(lines), "frame" in columns)


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            raise Mistake(f"{path} is no file of at most {MOST_BYTES >> 20} MiB.")
        data = path.read_bytes()
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Mistake(f"{path} cannot be read: it is no UTF-8 text; save it as UTF-8.") from error
    if "\0" in text:
        raise Mistake(f"{path} cannot be read: it holds zero bytes; save it as UTF-8 text.")
    return text


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines as (number in the file, column → value). Names of columns are in small letters, without spaces."""
    table = _table(path, text) if path.suffix.lower() == ".csv" else _objects(path, text)
    for number, names, values in table:
        clean = [str(name).strip().lower() for name in names]
        if twice := [name for name in clean if clean.count(name) > 1]:
            raise Mistake(f"{path}, line {number}: the column '{twice[0]}' is there twice; leave one out.")
        yield number, dict(zip(clean, values, strict=True))


def _table(path: Path, text: str) -> Iterator[tuple[int, list[str], list[Any]]]:
    file = io.StringIO(text, newline=None)  # any kind of line's end becomes \n
    begin, first = 0, text.split("\n", 1)[0].strip().lower()
    separator = max(SEPARATORS, key=first.count)
    if re.fullmatch(r"sep=.", first):  # Excel says so itself
        file.readline()
        begin, separator = 1, first[-1]
    table = csv.reader(file, delimiter=separator, skipinitialspace=True)
    try:
        head = next(table, [])
        for row in table:
            number = begin + table.line_num
            if not row and len(head) == 1:
                row = [""]  # in a log of one column an empty line is a frame on which no key was pressed
            if not any(cell.strip() for cell in row) and len(head) > 1:
                continue  # an empty line among columns says nothing
            if len(row) != len(head):
                raise Mistake(f"{path}, line {number} has {len(row)} columns, and the head line has {len(head)}.")
            cells: list[Any] = row
            if separator == ";":  # written where a comma is the sign of decimals
                cells = [re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", cell) for cell in row]
            yield number, head, cells
    except csv.Error as error:
        raise Mistake(f"{path}, line {begin + table.line_num} cannot be read: {error}.") from error


def _objects(path: Path, text: str) -> Iterator[tuple[int, list[str], list[Any]]]:
    number = 1
    try:
        if text.lstrip().startswith("["):
            whole: list[Any] = json.loads(text)
            numbered = list(enumerate(whole, 1))
        else:
            numbered = []
            for number, line in enumerate(text.split("\n"), 1):
                if line.strip():
                    numbered.append((number, json.loads(line)))
    except (ValueError, RecursionError) as error:
        at = getattr(error, "lineno", 1) + number - 1
        place = f"line {at}, column {getattr(error, 'colno', 1)}"
        raise Mistake(
            f"{path}, {place} cannot be read as JSON; write an object a line, or one list of objects."
        ) from error
    for number, row in numbered:
        if not isinstance(row, dict):
            raise Mistake(f'{path}, line {number} holds no object such as {{"action": "left"}}.')
        yield number, list(row), list(row.values())


def _action(value: Any, where: str, notes: Notes) -> str:
    """The name of an action, or its number in decimals; 'noop' for no key at all."""
    text = str(value).strip().lower() if value is not None else "null"
    meant = text
    if isinstance(value, str) and text.startswith("["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Mistake(f"{where}, column action: {text[:40]} is no list of names.") from error
    if isinstance(value, list):
        parts = [_action(part, where, notes) for part in value if not isinstance(part, list)]
        pressed = [part for part in parts if part not in NOTHING]
        if len(parts) != len(value) or (len(parts) > 1 and any(part.isdecimal() for part in parts)):
            raise Mistake(f"{where}, column action: {text[:40]} is no list of names that are pressed together.")
        meant = TOGETHER.join(pressed) or "noop"
    elif isinstance(value, dict | bool):
        raise Mistake(f"{where}, column action: {text[:40]} is neither a name nor a number.")
    elif text in NOTHING:
        meant = "noop"
    elif _NUMBER.fullmatch(text) or isinstance(value, float):
        number = float(text)
        if not math.isfinite(number) or number < 0 or number != int(number):
            raise Mistake(f"{where}, column action: {text[:40]} is not a whole number from 0.")
        meant = str(int(number))
    if meant != text and text not in ("", "none"):
        notes.mapped[text[:40]] = meant
    return meant


def _frame(value: Any, where: str) -> int:
    try:
        number = float(value)
        if isinstance(value, bool) or number != int(number) or abs(number) > 1e12:
            raise ValueError
        return int(number)
    except (TypeError, ValueError, OverflowError) as error:
        raise Mistake(f"{where}, column frame: frame and reward must be numbers, not {str(value)[:40]!r}.") from error


def _reward(value: Any, where: str) -> float:
    try:
        number = float(value) if value is not None and str(value).strip() else 0.0
        if not abs(number) <= 1e30:
            raise ValueError
        return number
    except (TypeError, ValueError, OverflowError) as error:
        raise Mistake(f"{where}, column reward: frame and reward must be numbers, not {str(value)[:40]!r}.") from error


def _truth(value: Any, where: str, column: str, notes: Notes) -> bool:
    """Whether a value says yes: any number but 0, true, T, yes and the like."""
    text = str(value).strip().lower() if value is not None else ""
    if _NUMBER.fullmatch(text):
        truth = float(text) != 0
    elif text in TRUE or text in FALSE:
        truth = text in TRUE
    else:
        raise Mistake(f"{where}, column {column}: {str(value)[:40]!r} says neither yes nor no.")
    if text not in ("", "0", "1", "true", "false"):
        notes.mapped[str(value)[:40]] = "yes" if truth else "no"
    return truth
