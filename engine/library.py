"""Where bundles are found: the shipped ones by name, any other by its folder."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from reverie import checkpoints
from reverie.engine.errors import BundleError
from reverie.engine.manifest import MANIFEST

if TYPE_CHECKING:
    from reverie.engine.bundle import Bundle

DREAM = "dream"
"""Where a game folder keeps its bundle."""


def shipped_folder() -> Path:
    """The folder that holds the shipped bundles."""
    return Path(checkpoints.__file__).parent


def shipped(folder: Path | None = None) -> dict[str, Path]:
    """Name to folder of every shipped bundle, in the order of their versions (`v1`, `v1.1`, `v2`, ...)."""
    root = folder or shipped_folder()
    found = [path.parent for path in root.glob(f"*/{MANIFEST}")]
    return {path.name: path for path in sorted(found, key=lambda path: _version(path.name))}


def resolve(name: str | Path, folder: Path | None = None) -> Path:
    """The folder of a bundle, given the name that `reverie list` prints, its folder, or the game folder that it is in.

    Raises BundleError.
    """
    known = shipped(folder)
    if str(name) in known:
        return known[str(name)]
    try:
        path = Path(name).expanduser()
    except RuntimeError:  # of a person whom the system does not know
        path = Path(name)
    if path.is_dir():
        inside = path / DREAM
        return inside if (inside / MANIFEST).is_file() and not (path / MANIFEST).is_file() else path
    kind = "folder" if os.sep in str(name) else "bundle"
    names = ", ".join(known) or "none is installed"
    raise BundleError(f"there is no {kind} {str(name)!r}: give a folder or one of the shipped bundles ({names})")


def open_bundle(name: str | Path, backend: str = "onnx", threads: int | None = None) -> Bundle:
    """Open a bundle by the name that `reverie list` prints, or by its folder; backend, threads: see `Bundle.load`.

    Raises BundleError for whatever is wrong with it, ValueError for an unknown backend.
    """
    from reverie.engine.bundle import Bundle

    return Bundle.load(resolve(name), backend, threads)


def _version(name: str) -> tuple[list[int], str]:
    """Sort key: the numbers in the name, then the name, so that v1.1 < v2 < v2-base < v10."""
    numbers = re.match(r"v?([\d.]+)", name)
    return [int(n) for n in re.findall(r"\d+", numbers[1])] if numbers else [], name
