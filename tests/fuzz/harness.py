"""Tries hostile inputs in a process of its own, and counts what must never happen.

A kind of input is a function `kind(rng, base, folder, marker)`: it makes one input in `folder` out of what lies in
`base`, by the random numbers of `rng`, and gives it to the program, as `cli` does. If anything in the input runs as
code, it leaves the file `marker`. A test calls `fuzz("tests.fuzz.inputs_of_bundles:manifests", base, count, seed)`.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

SECONDS = 10
"""An input that takes longer hangs."""
BYTES = 1 << 30
"""Memory that an input may take beyond what the process had before."""


@dataclass
class Counts:
    """What became of inputs. The lists hold `number: what`, by which an input can be made again."""

    tried: int = 0
    refused: int = 0
    code_run: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    memory: list[str] = field(default_factory=list)

    def assert_harmless(self) -> None:
        """Fail unless nothing of that happened, and some inputs were refused."""
        wrong = {name: found for name, found in vars(self).items() if isinstance(found, list) and found}
        assert wrong == {}
        assert self.refused > self.tried / 10


class NotASentenceError(AssertionError):
    """The program said something else than one sentence, or ended with another code than it may."""


def cli(*words: str) -> None:
    """Run a command line in this process. Raises NotASentenceError for anything but success or one sentence."""
    from reverie.app.cli import main

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = main(list(words))
    if code not in (0, 1, 2):
        raise NotASentenceError(f"exit code {code}")
    lines = said.getvalue().strip().splitlines()
    if code and (not lines or not lines[-1].startswith("reverie: ") or "Traceback" in said.getvalue()):
        raise NotASentenceError(f"exit code {code} and {lines[-1:]}")
    if code:
        raise ValueError(lines[-1])


def fuzz(kind: str, base: Path, count: int, seed: int = 0) -> Counts:
    """Try `count` inputs of a kind, `module:function`. A hang ends its process, and another one goes on behind it."""
    counts = Counts()
    with tempfile.TemporaryDirectory(prefix="reverie-fuzz-") as folder:
        while counts.tried < count:
            for number, outcome in _run(kind, base, Path(folder), seed, counts.tried, count):
                counts.tried = number + 1
                what = f"{number}: {outcome.get('what', '')}"
                match outcome["is"]:
                    case "refused":
                        counts.refused += 1
                    case "fine":
                        pass
                    case "code":
                        counts.code_run.append(what)
                    case "hang":
                        counts.hangs.append(what)
                    case "memory":
                        counts.memory.append(what)
                    case _:
                        counts.tracebacks.append(what)
    return counts


def _run(
    kind: str, base: Path, folder: Path, seed: int, first: int, count: int
) -> Iterator[tuple[int, dict[str, str]]]:
    """Outcomes of inputs from number `first` on, until all were tried, or one hung or took the process with it."""
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.harness",
        kind,
        str(base),
        str(folder),
        *map(str, (seed, first, count)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stderr is not None
        number, patience = first, 6 * SECONDS  # the first one waits for imports as well
        while number < count:
            ready, _, _ = select.select([worker.stdout], [], [], patience)
            if not ready:
                worker.kill()
                yield number, {"is": "hang"}
                return
            line = worker.stdout.readline()
            if not line:
                yield number, {"is": "died", "what": worker.stderr.read()[-400:]}
                return
            if line.strip() == "ready":
                patience = SECONDS
                continue
            yield number, json.loads(line)
            number += 1


def _worker(kind: str, base: Path, folder: Path, seed: int, first: int, count: int) -> None:
    module, name = kind.split(":")
    make = getattr(importlib.import_module(module), name)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that a library prints is taken for an outcome
    _try(make, base, folder / "warm", Random(0), folder / "warm-marker")  # imports what it needs
    print("ready", file=out, flush=True)
    for number in range(first, count):
        outcome = _try(make, base, folder / str(number), Random(f"{kind} {seed} {number}"), folder / f"marker-{number}")
        print(json.dumps(outcome), file=out, flush=True)


def _try(make: object, base: Path, folder: Path, rng: Random, marker: Path) -> dict[str, str]:
    folder.mkdir()
    before = _peak(reset=True)
    outcome = {"is": "fine"}
    try:
        make(rng, base, folder, marker)  # type: ignore[operator]
    except MemoryError:
        outcome = {"is": "memory", "what": "MemoryError"}
    except NotASentenceError as error:
        outcome = {"is": "traceback", "what": str(error)}
    except (ValueError, OSError) as error:  # what the command line answers with one sentence
        lines = str(error).splitlines()
        outcome = {"is": "refused"} if len(lines) == 1 else {"is": "traceback", "what": f"{lines[:3]}"}
    except Exception:  # every other kind is what is looked for
        outcome = {"is": "traceback", "what": "".join(traceback.format_exc(limit=-2))[-600:]}
    if _peak() - before > BYTES:
        outcome = {"is": "memory", "what": f"{(_peak() - before) >> 20} MB"}
    if marker.exists():
        outcome = {"is": "code", "what": marker.name}
    shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _peak(reset: bool = False) -> int:
    """Bytes of memory that this process has taken at most, since the last reset; 0 where the system does not say."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0


if __name__ == "__main__":
    _kind, _base, _folder, *_numbers = sys.argv[1:]
    _worker(_kind, Path(_base), Path(_folder), *map(int, _numbers))
