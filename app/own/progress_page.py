"""Seeing it learn: `progress.html` and `progress.png` in a run's folder, drawn while it trains.

They show the curves of all figures and, every few minutes, a strip of the dream beside the real game under the same
keys, and how many of these keys can be told from the dream. The page is one file, needs no network and loads itself
again.
"""

from __future__ import annotations

import base64
import html
import io
import time
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reverie.app.own.strip import Strip, draw_strip, dream_plays, held_out_plays
from reverie.app.own.told import FIGURE, ActionsTold
from reverie.engine.errors import BundleError
from reverie.engine.files import write_whole

if TYPE_CHECKING:
    from reverie.training.loop.train import Moment

PAGE, PICTURE, STRIPS = "progress.html", "progress.png", "strips"
POINT_S = 5.0
"""Seconds between two points of a curve."""
DRAW_S, STRIP_S = 30.0, 150.0
"""Seconds between two pages, and between two strips, at least."""
SHARE = 0.03
"""Share of the training time at most that is spent with drawing."""
RELOAD_S = 20
PLAYS = 4
"""Plays of each game that are dreamt; a strip shows the first of them."""
JUDGED_S = 120.0
"""Seconds that a training must take for actions to be told: a judge takes some of them to learn."""
SHOWN_STRIPS = 12
COLUMNS = 3
SURFACE, INK, MUTED, GRID = "#fcfcfb", "#0b0b0b", "#52514e", "#e3e2de"
COLOURS = ("#2a78d6", "#eb6834", "#1baf7a", "#4a3aa7", "#eda100", "#e87ba4")


class ProgressPage:
    """Told of a training's moments, it draws them. What cannot be drawn never ends the training."""

    def __init__(self, run: Path, data: Path, title: str, log: Callable[[str], None], opens: bool = False) -> None:
        """run: folder of the run. data: of the recording. log: writes a line. opens: the page is opened in a browser as
        soon as it is there.

        Nothing is drawn where matplotlib is not installed. `told` says how many actions could be told from the dream
        when it was looked at last, "" before.
        """
        from reverie.training.progress import History

        self.run, self.data, self.title, self.log = run, data, title, log
        self.history = History.read(run)
        self.opens = opens
        self.told = ""
        self._judge: ActionsTold | None = None
        self._last: Moment | None = None
        self._cost = 0.0
        self._point = self._drawn = self._strip = -1e9
        self.usable = find_spec("matplotlib") is not None
        if not self.usable:
            log(f"{PAGE} is not drawn: it needs matplotlib, of the extra `train`")

    def watch(self, moment: Moment) -> None:
        """Keep the figures, and draw where it is time to."""
        now = time.monotonic()
        self._last = moment
        if moment.held_out or now - self._point >= POINT_S:
            self._point = now
            self.history.add(moment)
        if now - self._drawn >= max(DRAW_S, self._cost / SHARE):
            state = f"{moment.stage}, step {moment.step:,}, {moment.left / 60:.0f} minutes of training left"
            self._draw(f"{state}. This page loads itself again.", now - self._strip > STRIP_S)
            if self.opens:
                self.opens = False
                webbrowser.open((self.run / PAGE).absolute().as_uri())

    def finish(self) -> None:
        """Draw what came of it."""
        self._draw("It is trained.", strip=True, reload=False)

    def _draw(self, state: str, strip: bool, reload: bool = True) -> None:
        """Write the picture and the page, each whole. strip: of the dream as it is now, too."""
        if not self.usable or self._last is None:
            return
        began = time.monotonic()
        try:
            if strip and self._dream(self._last):
                self._strip = began
            strips = sorted((self.run / STRIPS).glob("*.png"), key=lambda path: path.stat().st_mtime)
            self.history.write(self.run)
            picture = draw_curves(self.history.points, self.title, strips[-1] if strips else None)
            write_whole(self.run / PICTURE, picture)
            write_whole(self.run / PAGE, self._page(picture, strips, state, reload).encode())
        except (OSError, ValueError, BundleError) as error:
            self.log(f"{PAGE} is not drawn: {error}")
        self._drawn = time.monotonic()
        self._cost = self._drawn - began

    def _dream(self, moment: Moment) -> bool:
        """Keep a strip of the dream as it was saved last; false where nothing was saved yet."""
        from reverie.engine.unfinished import unfinished_folder
        from reverie.export.preview import preview_run
        from reverie.training.data.mixture import open_recording

        with unfinished_folder("preview", self.run) as folder:
            bundle = preview_run(self.run, folder)
            if bundle is None:
                return False
            recording = open_recording(self.data)
            games = held_out_plays(recording, bundle.manifest.history, PLAYS)
            dreamt = [dream_plays(bundle, plays) for plays in games]
        strips = [Strip.of(plays[0], frames[:, 0]) for plays, frames in zip(games, dreamt, strict=True)]
        if moment.seconds + moment.left >= JUDGED_S:
            self._judge = self._judge or ActionsTold(recording)
            shares = [self._judge.share(plays, frames) for plays, frames in zip(games, dreamt, strict=True)]
            self._tell(moment, {p[0].game: share for p, share in zip(games, shares, strict=True) if share is not None})
        if strips:
            (self.run / STRIPS).mkdir(exist_ok=True)
            name = f"{moment.stage}-{moment.step:07d}-{int(moment.seconds):06d}.png"
            write_whole(self.run / STRIPS / name, png(draw_strip(strips)))
        return bool(strips)

    def _tell(self, moment: Moment, shares: dict[str, float]) -> None:
        """Keep how many actions could be told from the dream, by game, and log it."""
        if shares:
            figure: Any = shares if len(shares) > 1 else next(iter(shares.values()))
            self.history.add(replace(moment, figures={}, held_out={**(moment.held_out or {}), FIGURE: figure}))
            self.told = f"actions told {np.mean(list(shares.values())):.0%} of the game's"
            each = ", ".join(f"{game} {share:.1%}" for game, share in shares.items())
            self.log(f"{moment.stage} step {moment.step}: actions told of the game's: {each}")

    def _page(self, picture: bytes, strips: list[Path], state: str, reload: bool) -> str:
        shown = strips[:-1]
        if len(shown) > SHOWN_STRIPS:  # the first ones too: what it could not do yet
            shown = [shown[int(i)] for i in np.linspace(0, len(shown) - 1, SHOWN_STRIPS)]
        parts = [f"<img src='{_data(picture)}' alt='curves of the figures, and the newest strip'>"]
        if shown:
            parts.append("<h2>Earlier</h2>")
        parts += [
            f"<p>{html.escape(caption_of(path))}</p><img src='{_data(path.read_bytes())}' alt='an earlier strip'>"
            for path in reversed(shown)
        ]
        again = f'<meta http-equiv="refresh" content="{RELOAD_S}">' if reload else ""
        return PAGE_TEXT.format(
            title=html.escape(self.title), state=html.escape(state), body="\n".join(parts), reload=again
        )


PAGE_TEXT = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8">{reload}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} learns</title>
<style>
body{{background:#fcfcfb;color:#0b0b0b;font:16px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:1100px}}
body{{padding:0 1rem}}p{{color:#52514e;margin:.3rem 0}}img{{max-width:100%;height:auto}}
</style>
<h1>{title} learns</h1>
<p>{state}</p>
{body}
</html>
"""


def caption_of(strip: Path) -> str:
    """What a strip's file name says of when it was dreamt."""
    stage, step, seconds = strip.stem.rsplit("-", 2)
    return f"{stage} after {int(step):,} steps, {int(seconds) / 60:.0f} minutes"


Curve = tuple[str, bool, list[float], list[float]]
"""Its name, whether it is of held-out data, minutes and values."""


def panels_of(points: list[Any]) -> dict[str, list[Curve]]:
    """The curves of each panel: figures of one stage whose names end alike have one scale."""
    curves: dict[tuple[str, str, bool], tuple[list[float], list[float]]] = {}
    for point in points:
        for name, value in point.figures.items():
            x, y = curves.setdefault((point.stage, name, point.held_out), ([], []))
            x.append(point.seconds / 60)
            y.append(value)
    panels: dict[str, list[Curve]] = {}
    for (stage, name, held_out), (x, y) in curves.items():
        unit = name.split(" ")[0].rsplit("_", 1)[-1]
        kind = f"{stage}: {unit}{', held out' if held_out else ''}"
        panels.setdefault(kind, []).append((name, held_out, x, y))
    named: dict[str, list[Curve]] = {}
    for kind, drawn in panels.items():
        stage, _, unit = kind.partition(": ")
        unit = unit.removesuffix(", held out")
        if len(drawn) == 1:
            kind = kind.replace(f": {unit}", f": {drawn[0][0].replace('_', ' ')}", 1)
        named[kind] = [(name.removesuffix(f"_{unit}"), held_out, x, y) for name, held_out, x, y in drawn]
    return named


def draw_curves(points: list[Any], title: str, strip: Path | None) -> bytes:
    """A PNG of all curves, a panel for each kind of figure, and the newest strip below them."""
    from matplotlib.figure import Figure

    panels = panels_of(points)
    rows = max(1, -(-len(panels) // COLUMNS))
    picture = np.asarray(Image.open(strip).convert("RGB")) if strip else None
    below = 0.0 if picture is None else 11 * picture.shape[0] / picture.shape[1] + 0.5
    figure = Figure(figsize=(11, 2.6 * rows + below + 0.4), dpi=100, facecolor=SURFACE, layout="constrained")
    figure.suptitle(f"{title}: how it learns", x=0.01, ha="left", color=INK, fontsize=12)
    parts: Any = figure.subfigures(2, 1, height_ratios=(2.6 * rows, max(below, 0.01)))
    top, bottom = parts
    for place, (name, curves) in enumerate(panels.items()):
        axes = top.add_subplot(rows, COLUMNS, place + 1, facecolor=SURFACE)
        axes.set_title(name, loc="left", fontsize=9, color=INK)
        for (label, held_out, x, y), colour in zip(curves, COLOURS, strict=False):
            marker = {"marker": "o", "markersize": 4} if held_out or len(x) == 1 else {}
            axes.plot(x, y, color=colour, linewidth=2, label=label, **marker)
        if len(curves) > 1:
            axes.legend(fontsize=7, frameon=False, labelcolor=MUTED)
        axes.grid(color=GRID, linewidth=0.6)
        axes.tick_params(colors=MUTED, labelsize=7, length=0)
        axes.set_xlabel("minutes of the stage", fontsize=7, color=MUTED)
        for side in axes.spines.values():
            side.set_visible(False)
    if picture is not None and strip is not None:
        axes = bottom.add_subplot(facecolor=SURFACE)
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(caption_of(strip), loc="left", fontsize=9, color=INK)
        axes.set_axis_off()
    bottom.set_facecolor(SURFACE)
    top.set_facecolor(SURFACE)
    written = io.BytesIO()
    figure.savefig(written, format="png", facecolor=SURFACE)
    return written.getvalue()


def png(picture: NDArray[np.uint8]) -> bytes:
    """A picture (H, W, 3) as a file."""
    written = io.BytesIO()
    Image.fromarray(picture).save(written, "png", optimize=True)
    return written.getvalue()


def _data(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
