"""The whole way on a machine that has torch and numpy alone: `python -m reverie.training.pipeline v2-base -o FOLDER`.

Plays and records, trains, and packs the weights into parts, all in one command. With `--session` it stops after so many
minutes, everything saved; the same command goes on where it stopped, until it says that it is done.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from reverie.cores import usable_cores
from reverie.training.data.record import record
from reverie.training.data.recording import Recording


def run_pipeline(
    recipe: str,
    out: Path,
    world: str = "garden",
    frames: int = 60_000,
    minutes: float = 25.0,
    seed: int = 0,
    devices: str = "auto",
    precision: str = "auto",
    log: Callable[[str], None] = print,
) -> list[Path]:
    """Fill `out` with a recording, a run and its parts, as far as they are not there yet. Returns the parts.

    frames: to record as pictures, for the tokenizer and the decoder; the recipe says how many more are played.
    minutes: of training, in all sessions together. Raises RunError or RecordingError with one sentence.
    """
    # Here, and not above: the processes that play begin with this file too, and need no torch.
    from reverie.training import recipe as recipes
    from reverie.training.loop.device_context import find_device_context
    from reverie.training.pack import pack
    from reverie.training.run import train

    context, plan = find_device_context(devices, precision), recipes.load(recipe)
    data, run = out / "recording", out / "run"
    if context.first:
        for policy, wanted in (("explore", frames * 2 // 3), ("random", frames)):
            there = len(Recording(data)) if any(data.glob("index-*.json")) else 0
            if there < wanted:
                log(f"recording: {wanted - there} frames of {world} at {plan.size} pixels, policy {policy}")
                record(world, data, wanted - there, policy, usable_cores(), plan.size, seed)
    context.wait()
    train(recipe, data, run, minutes, (run / "run.json").exists(), seed, log=log, context=context)
    if not context.first:
        return []
    parts = pack(run, out / "parts")
    log(f"done: {len(parts)} parts in {out / 'parts'}; python -m reverie.training.pack join {out / 'parts'} RUN")
    return parts


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Record, train and pack in one command.")
    parser.add_argument("recipe", help="name or file of the recipe")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for everything")
    parser.add_argument("--world", default="garden", help="the built-in game")
    parser.add_argument("--frames", type=int, default=60_000, help="frames to record as pictures")
    parser.add_argument("--minutes", type=float, default=25.0, help="of training, in all sessions together")
    parser.add_argument("--session", type=float, help="stop after so many minutes; the same command goes on")
    parser.add_argument("--seed", type=int, default=0, help="decides every random choice")
    parser.add_argument("--devices", default="auto", help="auto, cpu, cuda, or a number of GPUs")
    parser.add_argument("--precision", default="auto", help="bf16, fp32, or auto for the faster")
    options = vars(parser.parse_args())
    session = options.pop("session")
    if session and not hasattr(signal, "setitimer"):
        parser.error("--session needs an alarm, which this system has not; leave it out and stop with Ctrl-C")
    signal.signal(signal.SIGTERM, _stop)
    if session:
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, 60 * session)

    def log(line: str) -> None:
        print(line, flush=True)

    try:
        run_pipeline(**options, log=log)
    except KeyboardInterrupt:
        log("stopped, and all is saved; the same command goes on")
    except (ValueError, OSError) as error:
        print(f"reverie.training.pipeline: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
