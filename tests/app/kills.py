"""Kill `reverie learn` at random moments, run it again each time, and measure what each kill cost.

    python -m tests.app.kills garden -o /tmp/killed --minutes 4 --kills 10

What a kill cost is at most the time since something new was last written that the next start goes on from: what a start
writes once more as it was does not count. It includes the time that the start itself took. In the end it runs
undisturbed, and the dream is verified.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

import torch

from reverie.engine.files import sha256_of
from reverie.engine.verify import verify

KEPT = ("learn.json", "recording/index-*.json", "run/*.safetensors", "run/*.npz", "run/*.pt", "dream/manifest.json")
"""Files of a game folder from which `learn` goes on."""


def written(folder: Path) -> dict[tuple[str, str], float]:
    """Each of these files by name and SHA-256, and when it was last written in seconds since the epoch."""
    files = [path for kind in KEPT for path in folder.glob(kind)]
    return {(str(path.relative_to(folder)), sha256_of(path)): path.stat().st_mtime for path in files}


def trained(folder: Path) -> float:
    """Seconds of training that the checkpoint of the dynamics holds; 0 where there is none."""
    path = folder / "run/dynamics-state.pt"
    return float(torch.load(path, weights_only=True, map_location="cpu")["seconds"]) if path.exists() else 0.0


def main() -> None:
    """See above. The last line says the largest cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("-o", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=70.0, help="at most from a start to its kill")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder, luck, costs, before = options.o, random.Random(options.seed), [], 0.0
    command = [sys.executable, "-m", "reverie.app.cli", "learn", options.source]
    command += ["-o", str(folder), "--minutes", f"{options.minutes:g}", "--headless"]
    for number in range(options.kills):
        there, began = written(folder), time.time()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(luck.uniform(1, options.seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        else:
            print(f"it came to its end after {number} kills, with {process.returncode}")
            break
        killed, kept = time.time(), before
        new = [(when, name) for (name, digest), when in written(folder).items() if (name, digest) not in there]
        newest = max([(began, "nothing new"), *new])
        costs.append(killed - newest[0])
        before = trained(folder)
        assert before >= kept, f"trained seconds fell from {kept:.1f} to {before:.1f}"
        cost = f"at most {costs[-1]:.1f} s lost, since {newest[1]}; {before:.0f} s trained are kept"
        print(f"kill {number + 1} after {killed - began:.0f} s: {cost}", flush=True)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not verify(folder / "dream")
    print(f"{len(costs)} kills, at most {max(costs):.1f} s lost each; the dream is verified")


if __name__ == "__main__":
    main()
