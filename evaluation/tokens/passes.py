"""How legal dreams stay by the number of passes of the parallel mode, in a page such as docs/design-notes.md.

    python -m reverie.evaluation.tokens.passes BUNDLE ... --seeds 4 --episodes 8 --frames 256 -o PAGE.md

The table replaces what stands between the page's marks. A bundle's manifest has the fewest passes with which at least
95 % of its pictures are legal as the default of its setting `passes`, or the most that were measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reverie.engine.files import write_whole
from reverie.evaluation.metrics.rollout import track
from reverie.evaluation.pages.marks import filled
from reverie.evaluation.pages.mistakes import page_mistakes
from reverie.evaluation.pages.table import Table, share
from reverie.evaluation.progress import Progress, shown
from reverie.evaluation.references import Reference, References
from reverie.evaluation.sizes import RolloutSizes, Sizes
from reverie.evaluation.subjects.bundle_subject import open_subjects

ENOUGH = 0.95
"""Share of legal pictures that a bundle's default number of passes keeps."""


@dataclass(frozen=True)
class Amount:
    """How much is measured. frames: of every dream. seeds, episodes: dreams are seeds x episodes for each game."""

    passes: int
    seeds: int
    episodes: int
    frames: int


@dataclass(frozen=True)
class Row:
    """A bundle in its parallel mode with so many passes.

    legal: share of legal pictures of each seed, the mean over the games. by_game: of each game, the mean over the
    seeds.
    """

    bundle: str
    passes: int
    legal: tuple[float, ...]
    by_game: dict[str, float]


def rows_of(bundle: str, amount: Amount, progress: Progress) -> list[Row]:
    """Measure one bundle. Raises ValueError for one that has no passes, or a game without a state reader."""
    subjects = [each for each in open_subjects([bundle]) if each.mode == "parallel" and each.decoder in ("", "vq")]
    if not subjects or "passes" not in subjects[0].settings:
        raise ValueError(f"{bundle} has no setting 'passes'.")
    sizes = Sizes(amount.episodes, amount.frames, quick=True, judge_episodes=0, rollout=RolloutSizes(amount.frames))
    references = References(sizes)
    rows = []
    for passes in range(1, amount.passes + 1):
        legal = np.empty((amount.seeds, len(subjects)))
        for column, subject in enumerate(subjects):
            subject = subject.at(passes=passes)
            for seed in range(amount.seeds):
                reference = references.of(subject, seed)
                if not isinstance(reference, Reference):
                    raise ValueError(f"{subject.game} has no state reader, which says what is legal.")
                told = f"{bundle}/{subject.game}, {passes} passes, seed {seed}"
                found = track(
                    subject,
                    reference.truth,
                    reference.reader,
                    amount.frames,
                    seed,
                    lambda _, done, total, told=told: progress(told, done, total),
                )
                legal[seed, column] = found.valid.mean()
        by_game = {subject.game: float(mean) for subject, mean in zip(subjects, legal.mean(0), strict=True)}
        rows.append(Row(subjects[0].name, passes, tuple(legal.mean(1).tolist()), by_game))
        print(passes_table(rows[-1:], amount).markdown().splitlines()[-1], flush=True)  # minutes of work each
    return rows


def passes_table(rows: Sequence[Row], amount: Amount) -> Table:
    """A row for each bundle and number of passes."""
    cells = []
    for row in rows:
        several = ", ".join(f"{game} {share(legal)}" for game, legal in row.by_game.items())
        legal = f"{share(float(np.mean(row.legal)))} ({share(min(row.legal))} to {share(max(row.legal))})"
        cells.append([row.bundle, str(row.passes), legal, several if len(row.by_game) > 1 else ""])
    note = (
        f"Share of legal pictures among the first {amount.frames} of {amount.episodes} held-out episodes of each game "
        f"and seed: mean over the seeds 0 to {amount.seeds - 1}, and in brackets their range."
    )
    return Table("Passes", ["bundle", "passes", "legal", "by game"], cells, note)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Write legal pictures by number of passes into a page.")
    parser.add_argument("bundles", nargs="+", help="names or folders of bundles that have the setting `passes`")
    parser.add_argument("--passes", type=int, default=3, help="the most passes that are measured")
    parser.add_argument("--seeds", type=int, default=4, help="evaluation seeds, from 0 on")
    parser.add_argument("--episodes", type=int, default=8, help="held-out episodes of each seed and game")
    parser.add_argument("--frames", type=int, default=256, help="frames that each is dreamt for")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the page, which must be there")
    arguments = parser.parse_args()
    with page_mistakes(), shown() as progress:
        amount = Amount(arguments.passes, arguments.seeds, arguments.episodes, arguments.frames)
        page = arguments.out.read_text(encoding="utf-8")
        rows = [row for bundle in arguments.bundles for row in rows_of(bundle, amount, progress)]
        write_whole(arguments.out, filled(page, passes_table(rows, amount)).encode())


if __name__ == "__main__":
    main()
