"""A page that compares the two decoders of bundles, each on the same representation of true frames.

    python -m reverie.evaluation.decoders BUNDLE … -o docs/decoders.md

The tables replace what stands between the page's marks; the words around them are a person's. Of each bundle
`images/decoders-NAME.png` beside the page shows crops where its plain decoder is furthest from the truth.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reverie.cores import default_threads
from reverie.engine.bundle import Bundle
from reverie.engine.families import family
from reverie.engine.files import write_whole
from reverie.engine.manifest import Manifest
from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.pages.marks import filled
from reverie.evaluation.pages.pictures import png_bytes
from reverie.evaluation.pages.table import Table, number, share
from reverie.evaluation.progress import Progress, shown, silent
from reverie.evaluation.references import References
from reverie.evaluation.sizes import RolloutSizes, Sizes
from reverie.evaluation.speed.machine import machine
from reverie.evaluation.subjects.bundle_subject import BundleSubject, variants
from reverie.evaluation.subjects.truth import LEAD, Played

if TYPE_CHECKING:
    from PIL.Image import Image

Frames = NDArray[np.uint8]
Z = NDArray[Any]
Draw = Callable[[Z], Frames]

DIFFUSION = "diffusion"
STEPS = (1, 2, 4, 8)
"""Numbers of steps that are measured, as far as a bundle has them."""
GRID = (8, 8)
"""Rows and columns of the squares of a picture in which something moves or does not."""
EDGE = 16.0
"""A true picture has an edge where its brightness changes by so many levels from one pixel to the next."""
TIMED_FRAMES = 60
_CROP, _ZOOM, _GAP = 48, 3, 4


@dataclass(frozen=True)
class Moment:
    """A frame and the frame before it, both (N, H, W, 3) uint8, of N episodes at one tick."""

    before: Frames
    frames: Frames


def moments(truth: Played, count: int, apart: int) -> list[Moment]:
    """`count` moments of all episodes that go on there, `apart` ticks from one to the next."""
    wanted = {LEAD + number * apart for number in range(count)}
    found: list[Moment] = []
    before: Frames | None = None
    for t, _, frames in truth.play(0, max(wanted) + 1):
        if t in wanted and before is not None:
            goes_on = truth.follows(t)
            found.append(Moment(before[goes_on], frames[goes_on]))
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

    def add(self, moment: Moment, before: Frames, drawn: Frames) -> None:
        """before, drawn: the two frames of a moment, as the decoder draws them."""
        self.psnr.append(arithmetic.psnr_db(drawn, moment.frames))
        self.ssim.append(arithmetic.ssim(drawn, moment.frames))
        self.sharpness.add(drawn, moment.frames)
        moved = _square_means((moment.before != moment.frames).astype(np.float64)) > 0
        error = (drawn.astype(np.float64) - moment.frames) ** 2
        change = np.abs(drawn.astype(np.float64) - before)
        self.moving.append(_square_means(error)[moved])
        self.flicker.append(_square_means(change)[~moved])

    @property
    def moving_psnr_db(self) -> float:
        """Peak signal-to-noise ratio over the squares in which something moves, in dB."""
        return float(10 * np.log10(255.0**2 / max(float(np.concatenate(self.moving).mean()), 1e-6)))

    def row(self, milliseconds: float, calls: int) -> list[str]:
        """A line of the table."""
        psnr, ssim = (float(np.concatenate(parts).mean()) for parts in (self.psnr, self.ssim))
        still = np.concatenate(self.flicker)
        return [
            self.name,
            f"{psnr:.2f} dB",
            f"{ssim:.5f}",
            f"{self.moving_psnr_db:.2f} dB",
            share(self.sharpness.value),
            number(float(still.mean()) if len(still) else None, 3),
            f"{number(milliseconds, 1)} ms",
            f"{number(milliseconds / calls, 1)} ms",
        ]


def _square_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, H, W, 3) to the mean of each square of `GRID`, (N, h*w)."""
    (n, height, width, _), (rows, columns) = values.shape, GRID
    means = values.reshape(n, rows, height // rows, columns, width // columns, 3).mean(axis=(2, 4, 5))
    return means.reshape(n, rows * columns)


def drawing_functions(bundle: Bundle) -> dict[str, tuple[int, Draw]]:
    """The plain decoder, and the diffusion decoder in each number of steps: how many graphs a frame runs, and how."""
    manifest, dynamics = bundle.manifest, bundle.dynamics
    plain, count = next(name for name in manifest.choices("decoder") if name != DIFFUSION), steps_setting(manifest)
    most = manifest.settings[count].highest or 0

    def by(**settings: str | int) -> Draw:
        return lambda z: np.asarray(dynamics.decode(z, settings)[0])

    in_steps = {
        f"{DIFFUSION}, {n} step{'s' * (n > 1)}": (n, by(decoder=DIFFUSION, **{count: n})) for n in STEPS if n <= most
    }
    return {plain: (1, by(decoder=plain))} | in_steps


def steps_setting(manifest: Manifest) -> str:
    """Name of the setting that says how many steps the diffusion decoder takes."""
    infos = family(manifest.family).SETTINGS
    return next(name for name, info in infos.items() if info.when == {"decoder": (DIFFUSION,)})


def milliseconds(draw: Draw, some: Z) -> float:
    """Median time of drawing one frame of those (N, ...), over the first of them."""
    times = []
    for row in some[:TIMED_FRAMES]:
        began = time.perf_counter()
        draw(row[None])
        times.append(time.perf_counter() - began)
    return float(np.median(times) * 1e3)


def compare(bundle: Bundle, count: int, seed: int, progress: Progress = silent) -> tuple[Table, Image]:
    """The figures over `count` moments of held-out episodes of the bundle's first game, and the crops.

    Raises ValueError where the bundle has no diffusion decoder, or that game cannot be played here.
    """
    manifest, dynamics = bundle.manifest, bundle.dynamics
    if DIFFUSION not in manifest.choices("decoder"):
        raise ValueError(f"{manifest.name} has no diffusion decoder to compare.")
    apart = 16
    sizes = replace(Sizes(horizon=count * apart, quick=True, judge_episodes=0), rollout=RolloutSizes(drift_cap=LEAD))
    subject = BundleSubject(bundle, *variants(manifest)[0], manifest.games[0])
    truth = References(sizes).of(subject, seed, progress).truth
    decoders = drawing_functions(bundle)
    plain = next(iter(decoders))
    scores = {name: Scores(name) for name in decoders}
    found = moments(truth, count, apart)
    worst: list[Place] = []
    timed: list[Z] = []
    for index, moment in enumerate(found):
        earlier, z = (dynamics.encode(x)[0] for x in (moment.before, moment.frames))
        timed.append(z[:4])
        for name, (_, draw) in decoders.items():
            drawn = draw(z)
            scores[name].add(moment, draw(earlier), drawn)
            if name == plain:
                worst += _worst_places(index, moment.frames, drawn, z)
        progress("decoders", index + 1, len(found))
    some = np.concatenate(timed)
    rows = [scores[name].row(milliseconds(draw, some), steps) for name, (steps, draw) in decoders.items()]
    where = machine()
    note = (
        f"{sum(map(len, scores[plain].psnr))} frames of {truth.batch} held-out episodes of {manifest.games[0]} (game "
        f"seeds from {truth.seeds[0]}, seed {seed}), encoded and drawn by {manifest.name}. *Where it moves*: over the "
        f"squares of {GRID[0]}×{GRID[1]} in a picture in which a pixel changed since the frame before. *Sharpness*: "
        f"brightness steps drawn where the true picture has steps of more than {EDGE:.0f} levels, as a share of those. "
        "*Flicker*: by how many levels of 255, in the mean, drawn pixels change in squares in which nothing changed. "
        f"Time: median of one frame on {default_threads()} threads of {where['processor']} ({where['cores']} cores), "
        f"that of the {plain} picture that diffusion begins with included."
    )
    head = ["decoder", "PSNR", "SSIM", "PSNR where it moves", "sharpness", "flicker", "a frame", "a step"]
    drawing = {name: draw for name, (_, draw) in decoders.items()}
    return Table(manifest.name, head, rows, note), crops(found, worst, drawing)


@dataclass(frozen=True)
class Place:
    """A square of a frame that was drawn badly. z: (...), the representation of the frame."""

    error: float
    moment: int
    frame: int
    square: int
    z: Z


def _worst_places(index: int, true: Frames, drawn: Frames, z: Z) -> list[Place]:
    """The square of each frame of a moment that was drawn worst."""
    errors = _square_means((drawn.astype(np.float64) - true) ** 2)
    return [Place(float(row.max()), index, frame, int(row.argmax()), z[frame]) for frame, row in enumerate(errors)]


def crops(found: list[Moment], worst: list[Place], decoders: dict[str, Draw], rows: int = 6) -> Image:
    """Rows of crops around the worst squares of as many moments: the truth, then every decoder."""
    from PIL import Image, ImageDraw, ImageFont

    chosen: dict[int, Place] = {}
    for place in sorted(worst, key=lambda place: -place.error):
        chosen.setdefault(place.moment, place)
    places = list(chosen.values())[:rows]
    step, caption = _CROP * _ZOOM + _GAP, 18
    sheet = Image.new("RGB", (_GAP + (1 + len(decoders)) * step, caption + len(places) * step), (16, 18, 26))
    draw = ImageDraw.Draw(sheet)
    for column, label in enumerate(["real", *decoders]):
        draw.text((_GAP + column * step, 2), label, fill=(220, 226, 240), font=ImageFont.load_default(12))
    for row, place in enumerate(places):
        true = found[place.moment].frames[place.frame]
        pictures = [true, *(decode(place.z[None])[0] for decode in decoders.values())]
        edges = np.array(true.shape[:2]) // GRID
        centre = np.array(divmod(place.square, GRID[1])) * edges + edges // 2
        top, left = np.clip(centre - _CROP // 2, 0, np.array(true.shape[:2]) - _CROP)
        for column, picture in enumerate(pictures):
            part = Image.fromarray(picture[top : top + _CROP, left : left + _CROP])
            part = part.resize((_CROP * _ZOOM, _CROP * _ZOOM), Image.Resampling.NEAREST)
            sheet.paste(part, (_GAP + column * step, caption + row * step))
    return sheet


def main() -> None:
    """The command."""
    from reverie.engine import library

    parser = argparse.ArgumentParser(description="Compare the two decoders of bundles, and write it into a page.")
    parser.add_argument("bundles", nargs="+", metavar="bundle", help="name or folder")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the page, which must be there")
    parser.add_argument("--moments", type=int, default=16, help="moments of each episode")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        page = arguments.out.read_text(encoding="utf-8")
        opened = [Bundle.load(library.resolve(name)) for name in arguments.bundles]
        with shown() as progress:
            made = [compare(bundle, arguments.moments, arguments.seed, progress) for bundle in opened]
        images = arguments.out.parent / "images"
        images.mkdir(exist_ok=True)
        files = {images / f"decoders-{table.title}.png": png_bytes(sheet) for table, sheet in made}
        files[arguments.out] = filled(page, *(table for table, _ in made)).encode()
        for path, data in files.items():
            write_whole(path, data)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
