"""`python -m reverie.evaluation.speed.batched BUNDLE --batch 256`: frames a second of many dreams at once on a GPU."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from reverie.engine import library
from reverie.engine.bundle import Bundle

WARM_UP = 10


def frames_per_second(
    path: Path, batch: int, frames: int, mode: str = "parallel", backend: str = "torch-cuda"
) -> dict[str, object]:
    """Time `frames` steps of `batch` dreams under random actions, pictures included.

    Of a bundle of several games it dreams the first. Raises ValueError for what the bundle does not have.
    """
    from reverie.engine.dream_batch import DreamBatch

    bundle = Bundle.load(path, backend)
    dreams = DreamBatch(bundle, batch, mode=mode)
    dreams.reset(range(batch))
    actions = np.random.default_rng(0).integers(len(dreams.actions), size=(WARM_UP + frames, batch))
    for row in actions[:WARM_UP]:
        dreams.step(row)
    int(dreams.faults.count)  # waits until the device is done
    began = time.perf_counter()
    for row in actions[WARM_UP:]:
        dreams.step(row)
    faults = dreams.faults.count
    wall = time.perf_counter() - began
    how = {"bundle": bundle.manifest.name, "backend": bundle.backend, "mode": mode, "batch": batch}
    return {**how, "frames_per_second": batch * frames / wall, "faults": faults, "note": bundle.runtime.note}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Time many dreams at once on a GPU.")
    parser.add_argument("bundle", help="name or folder")
    parser.add_argument("--batch", type=int, default=256, help="dreams")
    parser.add_argument("--frames", type=int, default=100, help="frames of each to time")
    parser.add_argument("--mode", default="parallel", help="parallel or ar")
    parser.add_argument("--backend", default="torch-cuda", help="torch-cuda, or torch for the processor")
    options = parser.parse_args()
    how = (options.batch, options.frames, options.mode, options.backend)
    try:
        print(json.dumps(frames_per_second(library.resolve(options.bundle), *how)))
    except (ValueError, ImportError) as error:
        print(f"reverie.evaluation.speed.batched: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
