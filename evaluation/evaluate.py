"""`reverie eval`: every figure of every bundle in every game and variant, on the same held-out episodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reverie.engine.files import write_json
from reverie.evaluation.measure import measure
from reverie.evaluation.pages.pictures import strips
from reverie.evaluation.pages.report import write_html
from reverie.evaluation.pages.tables import accuracy_tables
from reverie.evaluation.progress import shown
from reverie.evaluation.references import References
from reverie.evaluation.seeds import over_seeds
from reverie.evaluation.sizes import Sizes
from reverie.evaluation.speed.machine import machine
from reverie.evaluation.subjects.bundle_subject import open_subjects
from reverie.games.environment import Environment

LUCID_DREAMS = 8
"""Dreams of each entry that wake by themselves, where they are asked for."""


def evaluate(
    bundles: Sequence[str | Path],
    episodes: int = 32,
    horizon: int = 1024,
    quick: bool = False,
    seed: int = 0,
    json_path: str | Path | None = None,
    html_path: str | Path | None = None,
    mode: str = "",
    decoder: str = "",
    game: str = "",
    backend: str = "onnx",
    own: Mapping[str, Environment] | None = None,
    seeds: int = 1,
    minutes: float | None = None,
    lucid: bool = False,
) -> dict[str, Any]:
    """Measure bundles in all their games and variants, or in some, print the tables, and write the reports asked for.

    bundles: names or folders; of none, all that ship. episodes: held-out episodes of each seed. horizon: frames of the
    long rollouts. quick: two minutes an entry and seed at most, and the report says so. seed: chooses the episodes and
    the sampling. seeds: how many seeds are measured, from `seed` on; see `over_seeds` for what the report says then.
    mode, decoder, game: measure this one alone. backend: what runs the bundles. own: how the person makes the games
    that are their own. minutes: after so many of an entry, the dreams that are followed for very long end. lucid:
    measure besides dreams that wake by themselves. Returns the report. Raises ValueError with one sentence for what
    cannot be measured.
    """
    if episodes < 1 or horizon < 1:
        raise ValueError(f"An evaluation needs at least one episode and one frame, not {episodes} and {horizon}.")
    if seed < 0 or seeds < 1:
        raise ValueError(f"An evaluation needs a seed of 0 or more and at least one seed, not {seed} and {seeds}.")
    if minutes is not None and not 0 < minutes < math.inf:
        raise ValueError(f"An evaluation takes more than 0 minutes, not {minutes:g}.")
    for path in (json_path, html_path):
        if path is not None and not Path(path).resolve().parent.is_dir():
            raise ValueError(f"There is no folder {Path(path).parent} to write {Path(path).name} into.")
    sizes = Sizes.in_a_hurry(episodes, horizon) if quick else Sizes.default(episodes, horizon)
    if minutes is not None:
        sizes = replace(sizes, seconds=60 * minutes)
    if lucid:
        sizes = replace(sizes, lucid=2 if quick else LUCID_DREAMS)
    subjects = open_subjects(bundles, backend=backend)
    for what, wanted in (("mode", mode), ("decoder", decoder), ("game", game)):
        choices = " and ".join(dict.fromkeys(getattr(subject, what) for subject in subjects))
        subjects = [subject for subject in subjects if wanted in ("", getattr(subject, what))]
        if not subjects:
            raise ValueError(f"No bundle to be measured has the {what} {wanted!r}; there is {choices}.")
    report: dict[str, Any] = {"bundles": {}, "quick": quick, "machine": machine(), "made": _now()}
    report |= {"episodes": sizes.episodes, "horizon": sizes.horizon, "seed": seed, "seeds": seeds}
    references = References(sizes, own or {})
    with shown() as progress:
        for subject in subjects:
            entries = []
            for number in range(seed, seed + seeds):

                def named(what: str, done: int, total: int, label: str = f"{subject.label}, seed {number}") -> None:
                    progress(f"{label}: {what}", done, total)

                entries.append(measure(subject, references.of(subject, number, named), sizes, number, named))
            report["bundles"][subject.label] = over_seeds(entries)
            if json_path is not None:  # after every entry: stopping a long run keeps what is done
                write_json(Path(json_path), report)
    for table in accuracy_tables(report):
        print(f"{table.title}\n\n{table.markdown()}\n\n{table.note}\n")
    if html_path is not None:
        ticks = 128 if quick else None
        pictures = strips([(subject, references.of(subject, seed)) for subject in subjects], seed, ticks)
        write_html(report, pictures, Path(html_path))
    return report


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
