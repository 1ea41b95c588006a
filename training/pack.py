"""Packs a trained run into files of limited size, and joins them again.

    python -m reverie.training.pack pack|join

Parts are slices of one tar file. Each has its number, how many there are and the beginning of its SHA-256 in its name,
so that nothing else has to travel with them. Weights travel as halves, which is what a bundle stores of them; what the
tokenizer encodes with is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import sys
import tarfile
import tempfile
from pathlib import Path

from torch import Tensor

from reverie.training.errors import RunError
from reverie.training.files import beside
from reverie.training.loop.checkpoint import read_weights, save_weights

PART = 15 << 20
"""Bytes of a part at most."""
HALVED = ("dynamics.safetensors", "decoder.safetensors")
WHOLE = ("run.json", "starts.npz", "tokenizer.safetensors")
SMALL = 1024
"""Tensors with fewer numbers stay as they are: they weigh nothing."""
NAME = re.compile(r"run-(\d+)-of-(\d+)-([0-9a-f]{16})\.part")


def pack(run: Path, out: Path, size: int = PART) -> list[Path]:
    """Write what `reverie export` needs of a run into parts of at most `size` bytes, in place of older ones.

    Returns the parts in order. Raises RunError where the run is not trained to its end.
    """
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in WHOLE:
            tar.add(_there(run / name), name)
        for name in HALVED:
            if name == HALVED[0] or (run / name).exists():
                halves = Path(folder) / name
                save_weights(halves, {key: _half(value) for key, value in read_weights(_there(run / name)).items()})
                tar.add(halves, name)
    data = buffer.getvalue()
    slices = [data[start : start + size] for start in range(0, len(data), size)]
    out.mkdir(parents=True, exist_ok=True)
    older, paths = set(out.glob("run-*.part")), []
    for number, part in enumerate(slices):
        digest = hashlib.sha256(part).hexdigest()[:16]
        paths.append(out / f"run-{number:02d}-of-{len(slices):02d}-{digest}.part")
        with beside(paths[-1]) as temporary:
            temporary.write_bytes(part)
    for path in older - set(paths):  # last, so that there always is a whole run
        path.unlink()
    return paths


def join(parts: Path, run: Path) -> None:
    """Put the parts in a folder together to a run folder. Raises RunError where one is missing or altered."""
    matches = [(path, match) for path in sorted(parts.iterdir()) if (match := NAME.fullmatch(path.name))]
    if not matches:
        raise RunError(f"{parts} holds no part of a run; name the folder given to `reverie.training.pack pack`.")
    found = {int(match[1]): (path, match) for path, match in matches}
    if len(found) < len(matches):
        raise RunError(f"{parts} holds parts of two runs; pack the run again.")
    count = int(found[min(found)][1][2])
    if missing := [str(number) for number in range(count) if number not in found]:
        raise RunError(f"{parts} lacks part {', '.join(missing)} of {count}.")
    data = []
    for number in range(count):
        path, match = found[number]
        data.append(path.read_bytes())
        if int(match[2]) != count or hashlib.sha256(data[-1]).hexdigest()[:16] != match[3]:
            raise RunError(f"{path} was altered, cut short or is of another run; carry it again.")
    run.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(b"".join(data))) as tar:
        tar.extractall(run, filter="data")


def _there(path: Path) -> Path:
    if not path.exists():
        raise RunError(f"{path} is missing; train the run to its end first.")
    return path


def _half(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.is_floating_point() and tensor.numel() >= SMALL else tensor


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Carry a trained run in parts.")
    parser.add_argument("what", choices=("pack", "join"))
    parser.add_argument("source", type=Path, help="the run to pack, or the folder of the parts to join")
    parser.add_argument("target", type=Path, help="the folder for the parts, or for the run")
    arguments = parser.parse_args()
    try:
        (pack if arguments.what == "pack" else join)(arguments.source, arguments.target)
    except (RunError, OSError) as error:
        print(f"reverie.training.pack: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
