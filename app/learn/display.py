"""One display of progress for everything that `reverie learn` does, with the time to the end."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

from reverie.app.learn.plan import minutes_and_hours

LINE_S = 30.0
"""Seconds between two lines where stderr is no terminal."""


class Display:
    """Says on stderr which stage runs, how far all of it is, and how long it still takes.

    On a terminal it is one line that changes; elsewhere a line now and then.
    """

    def __init__(self, stages: dict[str, float]) -> None:
        """stages: seconds that each of them takes, as far as is known, in their order."""
        self.stages, self.began = stages, time.monotonic()
        self._stage, self._figures = "", ""
        self._left, self._told, self._said = 0.0, self.began, 0.0
        self._bars: Any = None
        if sys.stderr.isatty():
            self._bars = self._on_terminal()
            self._task = self._bars.add_task("", total=1.0, stage="", figures="")

    def _on_terminal(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
        from rich.table import Column
        from rich.text import Text

        display = self

        class Left(ProgressColumn):
            """Counts down between two things that are told."""

            def render(self, task: Task) -> Text:
                return Text(f"{minutes_and_hours(display.left)} left")

        stage = TextColumn("{task.fields[stage]}", table_column=Column(min_width=7, no_wrap=True))
        figures = TextColumn("{task.fields[figures]}", markup=False, table_column=Column(ratio=1, no_wrap=True))
        left, bar = Left(Column(min_width=13, no_wrap=True)), BarColumn(20, table_column=Column(min_width=20))
        return Progress(stage, bar, left, figures, console=Console(stderr=True), expand=True)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    @property
    def left(self) -> float:
        """Seconds to the end of everything."""
        later = list(self.stages)[list(self.stages).index(self._stage) + 1 :] if self._stage else list(self.stages)
        now = max(0.0, self._left - (time.monotonic() - self._told))
        return now + sum(self.stages[name] for name in later)

    def begin(self, stage: str) -> None:
        """A stage begins."""
        self._stage, self._said = stage, 0.0
        self.tell(self.stages[stage], "")

    def tell(self, left: float, figures: str) -> None:
        """How many seconds the stage still takes, and what it says of itself."""
        self._left, self._told, self._figures = left, time.monotonic(), figures
        if self._bars is not None:
            spent, rest = time.monotonic() - self.began, self.left
            share = spent / max(spent + rest, 1e-9)
            self._bars.update(self._task, completed=share, stage=self._stage, figures=figures)
        elif time.monotonic() - self._said > LINE_S:
            self._said = time.monotonic()
            said = f"{figures}; " if figures else ""
            print(f"{self._stage}: {said}{minutes_and_hours(self.left)} left", file=sys.stderr)

    def say(self, line: str) -> None:
        """A line that stays."""
        if self._bars is not None:
            self._bars.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr)
