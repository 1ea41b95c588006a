"""Measures the shared page in headless Chromium: `python -m tests.web.speed`, in a minute when nothing else runs.

Prints all bars of the page as a table: speeds in one and two threads, the time from opening to the first frame that can
be played, what ten minutes of play do to the memory and to the clock, and sizes. `--write docs/browser.md` puts it
between the marks there. `--precisions` compares int8 with fp32 instead, for the bundles whose graphs compute in bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reverie.app.commands.share import _described
from reverie.cores import usable_cores
from reverie.engine.bundle import read_manifest
from reverie.engine.library import resolve
from reverie.engine.manifest import Manifest
from reverie.engine.tokens.settings import SETTINGS
from reverie.evaluation.pages.marks import filled
from reverie.evaluation.pages.table import Table
from reverie.evaluation.speed.machine import processor
from reverie.web.serve import Server
from reverie.web.site import DREAM, files_in, write_site
from tests.web.chromium import Chromium

FIRST_FRAME = "document.getElementById('loading')?.hidden"
SPEED = "document.getElementById('speed').textContent + ' ' + document.getElementById('switches').textContent"
ARROWS = ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")
BARS = (("v1.1", 1, 20), ("arcade", 1, 20), ("v2", 1, 12), ("v2", 2, 20))
"""Bundle, threads, frames a second."""
WARM_FRAMES = 1000
"""Until what opening left behind is gone and what a page keeps is full. Counted in frames, which keep no clock."""


@dataclass(frozen=True)
class Figures:
    """first: seconds from opening to the first frame. ms: median of a frame. fps, late: of paced play."""

    first: float
    ms: float
    fps: float
    late: int


@contextmanager
def shared(name: str) -> Iterator[str]:
    """The address of a bundle's page on loopback."""
    with tempfile.TemporaryDirectory(prefix="reverie-speed-") as work:
        folder, games, explained = _described(name)
        write_site(folder, Path(work) / "site", games, explained)
        with Server(Path(work) / "site") as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server.address
            server.shutdown()


def play(page: Chromium, seconds: float) -> Iterator[tuple[float, float, int]]:
    """Hold one arrow after the other. Yields what the page shows: frames a second, milliseconds of one, late frames."""
    until = time.monotonic() + seconds
    turn = 0
    while time.monotonic() < until:
        page.key(ARROWS[turn % 4], ARROWS[turn % 4], hold=0.4)
        turn += 1
        shown = page.run(SPEED)
        found = re.match(r"([\d.]+) fps\s+([\d.]+) ms.*late (\d+)", shown)
        if found:
            yield float(found[1]), float(found[2]), int(found[3])


def measure(address: str, threads: int, seconds: float) -> Figures:
    """Open a page anew and play for so many seconds, after five to warm up."""
    with Chromium() as page:
        began = time.perf_counter()
        page.open(f"{address}?mode=parallel&seed=0&threads={threads}")
        page.wait(FIRST_FRAME, 120)
        first = time.perf_counter() - began
        page.dreams(5)
        *_, (_, _, before) = play(page, 5)
        fps, ms, late = zip(*play(page, seconds), strict=True)
        return Figures(first, statistics.median(ms), statistics.median(fps), late[-1] - before)


def grown(address: str, minutes: float, query: str = "mode=parallel&seed=0") -> list[float]:
    """Megabytes at each minute of play, the first one after what a page keeps is full."""
    return [minute.megabytes for minute in minutes_of(address, minutes, query)]


@dataclass(frozen=True)
class Minute:
    """megabytes: of the browser at its end. late: frames. ms: median and largest of what the page says of a frame.

    stolen: seconds of processor time that the host of a virtual machine took meanwhile, over all cores.
    """

    megabytes: float
    late: int = 0
    ms: tuple[float, float] = (0.0, 0.0)
    stolen: float = 0.0


def stolen() -> float:
    """Seconds that the host has taken from this machine's cores since it started; 0 where the system does not say."""
    try:
        return int(Path("/proc/stat").read_text(encoding="utf-8").split("\n")[0].split()[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def minutes_of(address: str, minutes: float, query: str = "mode=parallel&seed=0") -> list[Minute]:
    """What each minute of play was like, the first one after what a page keeps is full."""
    with Chromium() as page:
        page.open(f"{address}?{query}")
        page.wait(FIRST_FRAME, 120)
        while page.frames() < WARM_FRAMES:
            assert list(play(page, 5))
        *_, (_, _, late) = play(page, 2)
        found = [Minute(page.memory())]
        left = 60 * minutes
        while left > 0:
            before, taken = late, stolen()
            _, ms, lates = zip(*play(page, min(60, left)), strict=True)
            late, left = lates[-1], left - 60
            found.append(Minute(page.memory(), late - before, (statistics.median(ms), max(ms)), stolen() - taken))
            print(f"minute {len(found) - 1}: {found[-1]}", flush=True)
        return found


def write_run(bundle: Path, manifest: Manifest, run: Path) -> None:
    """Write a run folder from a bundle, so that it can be exported in another precision."""
    from safetensors.torch import save_file

    from reverie.engine.torch_networks import load_networks
    from reverie.export.run_export import FAMILIES

    assert manifest.networks is not None
    run.mkdir(parents=True)
    for name, network in load_networks(bundle, manifest.networks).items():
        save_file(
            {key: weight.contiguous() for key, weight in network.state_dict().items()}, run / f"{name}.safetensors"
        )
    with np.load(bundle / manifest.starts) as starts:
        arrays = dict(starts)
    count = len(arrays["frames"])
    arrays = {"seeds": np.arange(count), "games": np.zeros(count, np.int64), **arrays}
    np.savez(run / "starts.npz", **arrays)
    defaults = {name: spec.default for name, spec in manifest.settings.items()}
    kinds = manifest.networks.kinds
    kind = "latent" if manifest.family == "latent" else f"v{manifest.version}"
    record = {
        "kind": kind if kind in FAMILIES else kind.partition(".")[0],
        "recipe": "again", "history": manifest.history, "size": manifest.resolution, "fps": manifest.fps,
        "games": {game: manifest.actions_of(game) for game in manifest.games}, "actions": manifest.actions,
        "networks": {name: {"kind": kind.kind, "config": kind.config} for name, kind in kinds.items()},
        "sampling": {name: value for name, value in defaults.items() if name in SETTINGS and name != "steps"
                     and not isinstance(value, str)},
        "steps": defaults.get("steps"), "decoder_steps": defaults.get("decoder_steps", defaults.get("steps")),
        "training": {}, "metrics": {},
    }  # fmt: skip
    (run / "run.json").write_text(json.dumps(record))


def compare_precisions(names: list[str], seconds: float) -> None:
    """Print milliseconds a frame of each bundle in int8 and in fp32, of the same weights."""
    from reverie.export.run_export import export_run

    print(f"{'bundle':10} {'precision':9} {'threads':>7} {'ms':>7} {'first s':>8} {'MB':>6}")
    for name in names:
        bundle = resolve(name)
        manifest, _ = read_manifest(bundle)
        with tempfile.TemporaryDirectory(prefix="reverie-precisions-") as work:
            write_run(bundle, manifest, Path(work) / "run")
            for precision in ("int8", "fp32"):
                out = Path(work) / precision / manifest.name
                export_run(Path(work) / "run", out, precision, log=lambda line: None)
                size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
                with shared(str(out)) as address:
                    for threads in (1, 2):
                        figures = measure(address, threads, seconds)
                        words = f"{manifest.name:10} {precision:9} {threads:7} {figures.ms:7.1f} {figures.first:8.2f}"
                        print(f"{words} {size:6.1f}", flush=True)


def bars(seconds: float, minutes: float) -> Table:
    """All bars. seconds: of play for each speed. minutes: of play for the memory; 0 leaves it out."""
    rows: list[list[str]] = []

    def add(what: str, found: str, bar: str) -> None:
        print(f"{what}: {found} (bar: {bar})", flush=True)
        rows.append([what, found, bar])

    firsts = []
    for name, threads, bar in BARS:
        with shared(name) as address:
            f = measure(address, threads, seconds)
        if threads == 1:
            firsts.append(f"{name} {f.first:.1f} s")
        what = f"{name}, parallel, {threads} thread{'s' if threads > 1 else ''}"
        add(what, f"{f.fps:.1f} FPS, {f.ms:.1f} ms a frame, {f.late} late", f"≥ {bar} FPS")
    add("open to first frame, from disk", ", ".join(firsts), "≤ 4 s")
    if minutes:
        with shared("v1.1") as address:
            found = minutes_of(address, minutes)
        megabytes = [minute.megabytes for minute in found]
        worst = max(found, key=lambda minute: minute.late)
        what = f"v1.1, {minutes:g} minutes of play"
        add(f"{what}: memory", f"{megabytes[-1] - megabytes[0]:+.1f} MB ({megabytes[0]:.0f} at first)", "≤ +20 MB")
        late = ", ".join(str(minute.late) for minute in found[1:])
        add(f"{what}: late frames, minute by minute", late, "no burst")
        of = f"{worst.ms[0]:.1f} ms a frame, {worst.ms[1]:.1f} at most; the host took {worst.stolen:.1f} s of the cores"
        add(f"{what}: the worst minute", of, "–")
    with tempfile.TemporaryDirectory(prefix="reverie-speed-") as work:
        folder, games, explained = _described("v1.1")
        total = write_site(folder, Path(work) / "site", games, explained)
        model = sum(path.stat().st_size for path in files_in(Path(work) / "site" / DREAM))
    add("page without a model", f"{(total - model) / 1e6:.1f} MB", "≤ 16 MB")
    add("page with v1.1", f"{total / 1e6:.1f} MB", "≤ 30 MB")
    where = f"Headless Chromium on {processor()} ({usable_cores()} of its cores), {seconds:g} s of play for each speed."
    return Table("Bars", ["what", "measured", "bar"], rows, where)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="of play for each row (default: 20)")
    parser.add_argument(
        "--minutes", type=float, default=10, help="of play for the memory; 0 leaves it out (default: 10)"
    )
    parser.add_argument("--precisions", nargs="*", metavar="BUNDLE", help="compare int8 with fp32 (default: arcade v2)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between the marks of this page")
    options = parser.parse_args()
    if options.precisions is not None:
        compare_precisions(options.precisions or ["arcade", "v2"], options.seconds)
        return
    table = bars(options.seconds, options.minutes)
    if options.write:
        page = filled(options.write.read_text(encoding="utf-8"), table)
        options.write.write_text(page, encoding="utf-8")
    else:
        print(f"\n{table.markdown()}\n\n{table.note}")


if __name__ == "__main__":
    main()
