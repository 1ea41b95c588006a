"""Files people keep are written beside their target and renamed into place, so that half a file never stands there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Where to write what is to stand at `path`: it goes there, whole and on the disk, when the block ends well.

    Otherwise nothing is left of it, and what stood at `path` before stays.
    """
    part = path.with_name(path.name + ".part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
