"""Files people keep are written beside their target and renamed into place, so that half a file never stands there."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Where to write what is to stand at `path`: it goes there, whole and on the disk, when the block ends well.

    Otherwise nothing is left of it, and what stood at `path` before stays. Raises OSError, also for a full disk.
    """
    part = path.with_name(path.name + ".part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is None:  # numpy's, where it could not write all of an array
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise
