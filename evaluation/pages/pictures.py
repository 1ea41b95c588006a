"""The dreams beside the real game: the same start, the same actions, frame by frame.

    python -m reverie.evaluation.pages.pictures BUNDLE ... -o FOLDER

It writes `side-by-side.png` and `side-by-side.gif`. Where the bundles dream several games, it writes
`side-by-side-GAME.png` and `.gif` for each.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine.files import write_whole
from reverie.evaluation.references import RecordedReference, Reference, References
from reverie.evaluation.sizes import RolloutSizes, Sizes
from reverie.evaluation.subjects.bundle_subject import open_subjects
from reverie.evaluation.subjects.subject import Subject
from reverie.evaluation.subjects.truth import LEAD, begin

if TYPE_CHECKING:
    from PIL.Image import Image

SHOWN_FRAMES = (1, 8, 32, 128, 512)
SHEET = (
    "Columns: the real game, then each dream; `NAME@ar` is the dream `NAME` in the mode ar. Rows: the frames "
    f"{', '.join(map(str, SHOWN_FRAMES))}, from the same start and with the same keys. A dream may differ from the "
    "game because chance decides otherwise."
)
"""Explains a sheet, on the pages that show one."""
FPS = 20

_TILE = 192
_GAP, _CAPTION, _LEFT = 6, 18, 44
_INK, _PAPER = (220, 226, 240), (16, 18, 26)


@dataclass(frozen=True)
class Strips:
    """Dreams of one game from one start.

    frames[label]: (T, H, W, 3) uint8; frame k stands in row k - 1; "real" is the game itself.
    """

    game: str
    frames: dict[str, NDArray[np.uint8]]
    seed: int
    game_seed: int

    @property
    def ticks(self) -> int:
        return len(next(iter(self.frames.values())))


def strips(
    measured: Sequence[tuple[Subject, Reference | RecordedReference]],
    seed: int,
    ticks: int | None = None,
    episode: int = 0,
) -> list[Strips]:
    """Dream one held-out episode of each game with every subject of it.

    measured: the subjects with their references. ticks: frames, by default as many as a sheet shows.
    Two bundles of one game with other actions cannot follow the same keys, so they get strips of their own.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[tuple[Subject, Reference | RecordedReference]]] = {}
    for subject, reference in measured:
        groups.setdefault((subject.game, subject.actions), []).append((subject, reference))
    games = Counter(game for game, _ in groups)
    found = []
    for (game, _), group in groups.items():
        names = ", ".join(dict.fromkeys(subject.name for subject, _ in group))
        title = game if games[game] == 1 else f"{game} ({names})"
        found.append(_strips_of(title, group, seed, ticks or max(SHOWN_FRAMES), episode))
    return found


def _strips_of(
    title: str, group: list[tuple[Subject, Reference | RecordedReference]], seed: int, ticks: int, episode: int
) -> Strips:
    frames: dict[str, NDArray[np.uint8]] = {}
    owner: dict[str, Reference | RecordedReference] = {}
    game_seed = 0
    for subject, reference in group:
        number = episode % reference.truth.batch
        truth = reference.truth.only(slice(number, number + 1))
        shown = min(ticks, truth.ticks + 1 - LEAD)
        real = "real" if subject.resolution == 64 else f"real {subject.resolution}"
        if owner.setdefault(real, reference) is not reference:  # the same game, made in another way
            real = f"{real}, {subject.name}"
        if real not in frames:
            frames[real] = truth.frames(LEAD, LEAD + shown)[:, 0]
            game_seed = int(truth.seeds[0])
        dream = begin(subject, truth, seed)
        frames[subject.label] = np.stack([dream.step(truth.actions[LEAD - 1 + k])[0].copy() for k in range(shown)])
    return Strips(title, frames, seed, game_seed)


def picture(shown: Strips) -> Image:
    """Rows of frames 1, 8, 32, 128, 512 as far as they go; a column for the real game and for each dream."""
    from PIL import Image, ImageDraw

    numbers = [number for number in SHOWN_FRAMES if number <= shown.ticks]
    step = _TILE + _GAP
    sheet = Image.new("RGB", (_LEFT + len(shown.frames) * step, _CAPTION + len(numbers) * step), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, (label, frames) in enumerate(shown.frames.items()):
        _write(draw, (_LEFT + column * step, 2), label)
        for row, number in enumerate(numbers):
            sheet.paste(_tile(frames[number - 1]), (_LEFT + column * step, _CAPTION + row * step))
    for row, number in enumerate(numbers):
        _write(draw, (4, _CAPTION + row * step + _TILE // 2 - 8), str(number))
    return sheet


def gif_bytes(shown: Strips, frames: int) -> bytes:
    """The first `frames` frames side by side as a GIF at 20 frames a second, with one palette for all of them."""
    from PIL import Image, ImageDraw

    step = _TILE + _GAP
    size = (_GAP + len(shown.frames) * step, _CAPTION + _TILE + _GAP)
    images: list[Image.Image] = []
    palette: Image.Image | None = None
    for row in range(min(frames, shown.ticks)):
        sheet = Image.new("RGB", size, _PAPER)
        draw = ImageDraw.Draw(sheet)
        for column, (label, stack) in enumerate(shown.frames.items()):
            _write(draw, (_GAP + column * step, 2), f"{label}   frame {row + 1}" if column == 0 else label)
            sheet.paste(_tile(stack[row]), (_GAP + column * step, _CAPTION))
        # One palette, from the first frame: a palette for each frame would make the still background flicker.
        palette = palette or sheet.quantize(255, dither=Image.Dither.NONE)
        images.append(sheet.quantize(palette=palette, dither=Image.Dither.NONE))
    buffer = io.BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=1000 // FPS, loop=0, optimize=False)
    return buffer.getvalue()


def png_bytes(image: Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _tile(frame: NDArray[np.uint8]) -> Image:
    """One frame, pixels kept crisp, at the same size on the sheet whatever its resolution."""
    from PIL import Image

    return Image.fromarray(frame).resize((_TILE, _TILE), Image.Resampling.NEAREST)


def _write(draw: Any, where: tuple[int, int], text: str) -> None:
    from PIL import ImageFont

    draw.text(where, text, fill=_INK, font=ImageFont.load_default(12))


def main() -> None:
    """The command: writes the two pictures."""
    parser = argparse.ArgumentParser(description="Draw the dreams beside the real game.")
    parser.add_argument("bundles", nargs="*", help="names or folders; none: all that ship")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--mode", default="", help="parallel or ar; by default both, side by side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--episode", type=int, default=0, help="which of the held-out episodes")
    parser.add_argument("--frames", type=int, default=100, help="frames of the GIF")
    arguments = parser.parse_args()
    try:
        subjects = [subject for subject in open_subjects(arguments.bundles) if arguments.mode in ("", subject.mode)]
        # Another decoder of a bundle draws the same dream; docs/decoders.md shows how they differ.
        plain = {subject.name: subject.decoder for subject in reversed(subjects)}
        subjects = [subject for subject in subjects if subject.decoder == plain[subject.name]]
        drift = RolloutSizes(drift_cap=LEAD)
        sizes = Sizes(arguments.episode + 1, max(SHOWN_FRAMES), quick=True, judge_episodes=0, rollout=drift)
        references = References(sizes)
        measured = [(subject, references.of(subject, arguments.seed)) for subject in subjects]
        games = strips(measured, arguments.seed, episode=arguments.episode)
        arguments.out.mkdir(parents=True, exist_ok=True)
        for shown in games:
            name = "side-by-side" if len(games) == 1 else f"side-by-side-{shown.game}".replace(" ", "-")
            files = {f"{name}.png": png_bytes(picture(shown)), f"{name}.gif": gif_bytes(shown, arguments.frames)}
            for file, data in files.items():
                write_whole(arguments.out / file, data)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
