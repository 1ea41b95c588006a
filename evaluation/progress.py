"""Progress of long work: a bar on a terminal, now and then a plain line anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Protocol

_LINE_EVERY_S = 15.0


class Progress(Protocol):
    """Where long work says how far it is."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """`what` is at `done` of `total`."""


def silent(what: str, done: int, total: int) -> None:
    """Says nothing."""


@contextmanager
def shown() -> Iterator[Progress]:
    """Progress on stderr: rich's bars on a terminal where rich is installed, a plain line every 15 s elsewhere."""
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    with Bars(console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total)

        yield report


class _Lines:
    def __init__(self) -> None:
        self._next = time.monotonic() + _LINE_EVERY_S

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _LINE_EVERY_S
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)
