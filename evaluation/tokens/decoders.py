"""A page that compares a bundle's two decoders on the same tokens.

    python -m reverie.evaluation.tokens.decoders BUNDLE -o docs/decoders.md

The table replaces what stands between the page's marks; the words around it are a person's. `images/decoders.png`
beside the page shows crops where the VQ decoder is furthest from the truth.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reverie.cores import default_threads
from reverie.engine.bundle import Bundle
from reverie.engine.dynamics import Dynamics
from reverie.engine.files import write_whole
from reverie.engine.tokens.model import model_of
from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.pages.marks import filled
from reverie.evaluation.pages.pictures import png_bytes
from reverie.evaluation.pages.table import Table, number, share
from reverie.evaluation.progress import Progress, shown, silent
from reverie.evaluation.references import built_in_reference
from reverie.evaluation.sizes import RolloutSizes, Sizes
from reverie.evaluation.speed.machine import machine
from reverie.evaluation.subjects.truth import LEAD, Truth
from reverie.evaluation.tokens.arithmetic import patches_changed

if TYPE_CHECKING:
    from PIL.Image import Image

Frames = NDArray[np.uint8]
Draw = Callable[[NDArray[np.int64]], Frames]

STEPS = (1, 2, 4, 8)
EDGE = 16.0
"""A true picture has an edge where its brightness changes by so many levels from one pixel to the next."""
TIMED_FRAMES = 60
_CROP, _ZOOM, _GAP = 48, 3, 4


@dataclass(frozen=True)
class Moment:
    """A frame and the frame before it, both (N, H, W, 3) uint8, of N episodes at one tick."""

    before: Frames
    frames: Frames


def moments(truth: Truth, count: int, apart: int) -> list[Moment]:
    """`count` moments of all episodes, `apart` ticks from one to the next."""
    wanted = {LEAD + number * apart for number in range(count)}
    found: list[Moment] = []
    before: Frames | None = None
    for t, _, frames in truth.play(0, max(wanted) + 1):
        if t in wanted and before is not None:
            found.append(Moment(before, frames))
        before = frames
    return found


def brightness_edges(frames: Frames) -> NDArray[np.float32]:
    """How much the brightness changes to the next pixel on the right and below: (N, H - 1, W - 1) float32."""
    grey = frames.astype(np.float32).mean(axis=3)
    right, below = np.diff(grey, axis=2)[:, :-1], np.diff(grey, axis=1)[:, :, :-1]
    return np.asarray(np.hypot(right, below), np.float32)


class Sharpness:
    """How strong the drawn edges are where the true picture has some: 1 is as sharp as the truth, less is blurred."""

    def __init__(self) -> None:
        self.drawn = self.true = 0.0

    def add(self, drawn: Frames, true: Frames) -> None:
        """Compare (N, H, W, 3) uint8 twice."""
        edges = brightness_edges(true)
        where = edges > EDGE
        self.true += float(edges[where].sum())
        # More contrast than the truth has does not count as sharpness.
        self.drawn += float(np.minimum(brightness_edges(drawn), edges)[where].sum())

    @property
    def value(self) -> float | None:
        return self.drawn / self.true if self.true else None


class Scores:
    """Figures of one decoder with one number of steps."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.psnr: list[NDArray[np.float64]] = []
        self.ssim: list[NDArray[np.float64]] = []
        self.moving: list[NDArray[np.float64]] = []
        self.flicker: list[NDArray[np.float64]] = []
        self.sharpness = Sharpness()

    def add(self, moment: Moment, before: Frames, drawn: Frames, grid: tuple[int, int]) -> None:
        """before, drawn: the two frames of a moment, as the decoder draws them. grid: rows and columns of tokens."""
        self.psnr.append(arithmetic.psnr_db(drawn, moment.frames))
        self.ssim.append(arithmetic.ssim(drawn, moment.frames))
        self.sharpness.add(drawn, moment.frames)
        moved = patches_changed(moment.before, moment.frames, grid)
        error = (drawn.astype(np.float64) - moment.frames) ** 2
        change = np.abs(drawn.astype(np.float64) - before)
        self.moving.append(_patch_means(error, grid)[moved])
        self.flicker.append(_patch_means(change, grid)[~moved])

    @property
    def moving_psnr_db(self) -> float:
        """Peak signal-to-noise ratio over the patches in which something moves, in dB."""
        return float(10 * np.log10(255.0**2 / max(float(np.concatenate(self.moving).mean()), 1e-6)))

    def row(self, milliseconds: float, calls: int) -> list[str]:
        """A line of the table."""
        means = [float(np.concatenate(parts).mean()) for parts in (self.psnr, self.ssim, self.flicker)]
        return [
            self.name,
            f"{means[0]:.2f} dB",
            f"{means[1]:.5f}",
            f"{self.moving_psnr_db:.2f} dB",
            share(self.sharpness.value),
            f"{means[2]:.3f}",
            f"{number(milliseconds, 1)} ms",
            f"{number(milliseconds / calls, 1)} ms",
        ]


def _patch_means(values: NDArray[np.float64], grid: tuple[int, int]) -> NDArray[np.float64]:
    """(N, H, W, 3) to the mean of each patch (N, h*w)."""
    n, height, width, _ = values.shape
    rows, columns = grid
    means = values.reshape(n, rows, height // rows, columns, width // columns, 3).mean(axis=(2, 4, 5))
    return means.reshape(n, rows * columns)


def drawing_functions(dynamics: Dynamics) -> dict[str, Draw]:
    """The VQ decoder, and the diffusion decoder in each number of steps."""

    def in_steps(steps: int) -> Draw:
        return lambda tokens: np.asarray(dynamics.decode(tokens, {"decoder": "diffusion", "steps": steps})[0])

    vq: Draw = lambda tokens: np.asarray(dynamics.decode(tokens, {"decoder": "vq"})[0])  # noqa: E731
    return {"VQ": vq} | {f"diffusion, {n} step{'s' * (n > 1)}": in_steps(n) for n in STEPS}


def milliseconds(draw: Draw, tokens: NDArray[np.int64]) -> float:
    """Median time of drawing one frame of tokens (N, S), over the first frames of them."""
    times = []
    for row in tokens[:TIMED_FRAMES]:
        began = time.perf_counter()
        draw(row[None])
        times.append(time.perf_counter() - began)
    return float(np.median(times) * 1e3)


def compare(bundle: Bundle, count: int, seed: int, progress: Progress = silent) -> tuple[Table, Image]:
    """The figures over `count` moments of 32 held-out episodes of the bundle's first game, and the crops.

    Raises ValueError where the bundle has no diffusion decoder, or that game is not known.
    """
    manifest, dynamics = bundle.manifest, bundle.dynamics
    grid = model_of(manifest).grid
    if "diffusion" not in manifest.choices("decoder"):
        raise ValueError(f"{manifest.name} has no diffusion decoder to compare.")
    apart = 16
    sizes = replace(Sizes(horizon=count * apart, quick=True), rollout=RolloutSizes(drift_cap=LEAD))
    truth = built_in_reference(manifest.games[0], manifest.resolution, sizes, seed).truth
    decoders = drawing_functions(dynamics)
    scores = {name: Scores(name) for name in decoders}
    found = moments(truth, count, apart)
    worst: list[tuple[float, int, tuple[int, int], NDArray[np.int64]]] = []
    timed: list[NDArray[np.int64]] = []
    for index, moment in enumerate(found):
        earlier, tokens = (dynamics.encode(x)[0] for x in (moment.before, moment.frames))
        timed.append(tokens[:4])
        for name, draw in decoders.items():
            drawn = draw(tokens)
            scores[name].add(moment, draw(earlier), drawn, grid)
            if name == "VQ":
                worst += _worst_places(index, moment.frames, drawn, tokens, grid)
        progress("decoders", index + 1, len(found))
    some = np.concatenate(timed)
    rows = []
    for name, draw in decoders.items():
        steps = int(name.split()[1]) if "," in name else 1
        rows.append(scores[name].row(milliseconds(draw, some), steps))
    where = machine()
    note = (
        f"{sum(map(len, scores['VQ'].psnr))} frames of {truth.batch} held-out episodes (game seeds from "
        f"{truth.seeds[0]}, seed {seed}), their true tokens drawn by {manifest.name}. *Where it moves*: over the "
        "patches in which a pixel changed since the frame before. *Sharpness*: brightness steps drawn where the true "
        f"picture has steps of more than {EDGE:.0f} levels, as a share of those. *Flicker*: by how many levels of 255, "
        "in the mean, drawn pixels change in patches in which nothing changed. Time: median of one frame on "
        f"{default_threads()} threads of {where['processor']} ({where['cores']} cores), that of the VQ picture that "
        "diffusion begins with included."
    )
    head = ["decoder", "PSNR", "SSIM", "PSNR where it moves", "sharpness", "flicker", "a frame", "a step"]
    return Table("Figures", head, rows, note), crops(found, worst, decoders)


def _worst_places(
    index: int, true: Frames, drawn: Frames, tokens: NDArray[np.int64], grid: tuple[int, int]
) -> list[tuple[float, int, tuple[int, int], NDArray[np.int64]]]:
    """The patch of each frame that was drawn worst: its error, the moment, (frame, patch), and the frame's tokens."""
    errors = _patch_means((drawn.astype(np.float64) - true) ** 2, grid)
    return [(float(row.max()), index, (frame, int(row.argmax())), tokens[frame]) for frame, row in enumerate(errors)]


def crops(
    found: list[Moment],
    worst: list[tuple[float, int, tuple[int, int], NDArray[np.int64]]],
    decoders: dict[str, Draw],
    rows: int = 6,
) -> Image:
    """Rows of crops around the worst patches of as many moments: the truth, then every decoder."""
    from PIL import Image, ImageDraw, ImageFont

    chosen: dict[int, tuple[float, int, tuple[int, int], NDArray[np.int64]]] = {}
    for place in sorted(worst, key=lambda entry: -entry[0]):
        chosen.setdefault(place[1], place)
    places = list(chosen.values())[:rows]
    step, caption = _CROP * _ZOOM + _GAP, 18
    sheet = Image.new("RGB", (_GAP + (1 + len(decoders)) * step, caption + len(places) * step), (16, 18, 26))
    draw = ImageDraw.Draw(sheet)
    for column, label in enumerate(["real", *decoders]):
        draw.text((_GAP + column * step, 2), label, fill=(220, 226, 240), font=ImageFont.load_default(12))
    for row, (_, index, (frame, patch), tokens) in enumerate(places):
        true = found[index].frames[frame]
        pictures = [true, *(decode(tokens[None])[0] for decode in decoders.values())]
        edge = true.shape[0] // round(len(tokens) ** 0.5)
        columns = true.shape[1] // edge
        centre = np.array([patch // columns, patch % columns]) * edge + edge // 2
        top, left = np.clip(centre - _CROP // 2, 0, np.array(true.shape[:2]) - _CROP)
        for column, picture in enumerate(pictures):
            part = Image.fromarray(picture[top : top + _CROP, left : left + _CROP])
            part = part.resize((_CROP * _ZOOM, _CROP * _ZOOM), Image.Resampling.NEAREST)
            sheet.paste(part, (_GAP + column * step, caption + row * step))
    return sheet


def main() -> None:
    """The command."""
    from reverie.engine import library

    parser = argparse.ArgumentParser(description="Compare a bundle's two decoders, and write the figures into a page.")
    parser.add_argument("bundle", help="name or folder")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the page, which must be there")
    parser.add_argument("--moments", type=int, default=16, help="moments of each of 32 episodes")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        page = arguments.out.read_text(encoding="utf-8")
        bundle = Bundle.load(library.resolve(arguments.bundle))
        with shown() as progress:
            table, sheet = compare(bundle, arguments.moments, arguments.seed, progress)
        images = arguments.out.parent / "images"
        images.mkdir(exist_ok=True)
        files = {images / "decoders.png": png_bytes(sheet), arguments.out: filled(page, table).encode()}
        for path, data in files.items():
            write_whole(path, data)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
