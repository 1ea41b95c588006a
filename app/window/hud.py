"""Header, figures, messages: what stands around the picture."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import pygame

from reverie.app.play.meter import Meter
from reverie.app.play.status import Status
from reverie.app.window import font, theme
from reverie.engine.likeness import GOOD, cells_of


class Pill(NamedTuple):
    """A word in the header, and its colour."""

    word: str
    colour: tuple[int, int, int]


REAL, DREAM = Pill("REAL", theme.REAL), Pill("DREAM", theme.DREAM)
PAUSED, REWIND, REC = Pill("PAUSED", theme.WARM), Pill("REWIND", theme.WARM), Pill("REC", theme.ALARM)
AUTO = Pill("AUTO", theme.WARM)


def draw_header(screen: pygame.Surface, status: Status, pills: tuple[Pill, ...], title: str = "") -> None:
    """The name of what is played on the left; on the right what kind of world it is, and what else is going on.

    title: what the person calls the game; without one, its name.
    """
    top = (theme.HEADER - 22) // 2
    left = screen.get_width() - theme.MARGIN + 8
    for word, colour in (REAL if status.real else DREAM, *pills):
        left = theme.pill(screen, word, left - 8, top, colour)
    x = theme.text(screen, "REVERIE", (theme.MARGIN, top + 4), theme.DIM) + 14
    dreamt_by = "" if status.real else status.bundle
    name = " · ".join(dict.fromkeys(part for part in (title or status.game, dreamt_by) if part))
    theme.text(screen, _shortened(name, left - 8 - x), (x, top + 4), theme.TEXT)


def draw_figures(screen: pygame.Surface, status: Status, meter: Meter, fps: float) -> None:
    """Two lines under the picture: speed with its stages, and the dream's switches."""
    width, top = screen.get_width(), screen.get_height() - theme.FOOTER + 11
    stages = "  ".join(
        f"{stage} {ms:.1f}" for stage, ms in status.timings.items() if stage in ("dynamics", "sample", "decode")
    )
    x = theme.text(screen, f"{fps:.1f} fps", (theme.MARGIN, top), theme.TEXT)
    x = theme.text(screen, f"{meter.last_ms:.1f} ms", (x + 14, top), theme.TEXT)
    x = _if_room(screen, status.compared, x, top, width)
    _if_room(screen, stages, x, top, width)
    top += 22
    score = f"reward {status.score:g}" if status.score is not None else ""
    if status.real:
        x = theme.text(screen, f"the real game   seed {status.seed}", (theme.MARGIN, top), theme.DIM)
        _if_room(screen, score, x, top, width)
        return
    x = theme.text(screen, status.shown, (theme.MARGIN, top), theme.DIM)
    x = _if_room(screen, f"faults {status.faults}" if status.faults else "", x, top, width, theme.ALARM)
    x = _if_room(screen, score, x, top, width)
    if status.far is not None:
        colour = theme.ALARM if status.far > GOOD else theme.DIM
        x = _if_room(screen, f"likeness {cells_of(status.far)}", x, top, width, colour)
    cells = "■" * min(status.history, status.slots) + "□" * max(0, status.slots - status.history)
    x = _if_room(screen, f"late {meter.late}", x, top, width)
    _if_room(screen, f"history {cells}", x, top, width)


def draw_hint(screen: pygame.Surface) -> None:
    """What stands under the picture when the figures are off."""
    theme.text(screen, "F1 help", (theme.MARGIN, screen.get_height() - theme.FOOTER + 30), theme.DIM)


def draw_message(screen: pygame.Surface, words: str) -> None:
    """A short message in the place of the figures: in smaller letters, and at last cut, where there is little room."""
    limit = screen.get_width() - 2 * theme.MARGIN - 24
    for scale in (theme.TEXT_SCALE, 1):
        most = (theme.FOOTER - 12) // (11 * scale)
        lines = font.wrapped(words, scale, limit)
        if len(lines) <= most:
            break
    if len(lines) > most:
        lines = [*lines[: most - 1], _shortened(" ".join(lines[most - 1 :]), limit, scale)]
    box = pygame.Rect(0, 0, max(font.measure(line, scale) for line in lines) + 24, 11 * scale * len(lines) + 8)
    box.midbottom = (screen.get_width() // 2, screen.get_height() - 2)
    pygame.draw.rect(screen, theme.PANEL, box, border_radius=5)
    pygame.draw.rect(screen, theme.DREAM, box, width=2, border_radius=5)
    for i, line in enumerate(lines):
        theme.text(screen, line, (box.x + 12, box.y + 6 + 11 * scale * i), theme.TEXT, scale)


def _if_room(screen: pygame.Surface, words: str, x: int, top: int, width: int, colour: font.Colour = theme.DIM) -> int:
    """Write behind what ended at x, unless it would run out of the window. Returns the x where it ended."""
    if not words or x + 14 + font.measure(words, theme.TEXT_SCALE) > width - theme.MARGIN:
        return x
    return theme.text(screen, words, (x + 14, top), colour)


@lru_cache(maxsize=16)
def _shortened(words: str, room: int, scale: int = theme.TEXT_SCALE) -> str:
    """As much as there is room for, with … where something is left out."""
    if font.measure(words, scale) <= room:
        return words
    while words and font.measure(words + "…", scale) > room:
        words = words[:-1].rstrip(" ·-")
    return words + "…"
