"""A number of its own for each process that writes into one folder, so that two recorders never mix their files."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO

MOST_WRITERS = 1000
"""Writer numbers that are tried."""


class WriterLock:
    """Holds one writer number of a folder until it is closed or the process ends, however it ends."""

    def __init__(self, folder: Path, first: int) -> None:
        """Takes the lowest number from `first` on that no running process holds. Raises OSError where none can be."""
        for number in range(first, first + MOST_WRITERS):
            file = (folder / f".writer-{number:02d}.lock").open("ab")
            if _locked(file):
                self.number, self._file = number, file
                return
            file.close()
        raise OSError(errno.EAGAIN, "too many processes record into this folder")

    def close(self) -> None:
        """Let another process have the number."""
        self._file.close()


def _locked(file: IO[bytes]) -> bool:
    """Whether this process holds the file now; the system lets go of it when the file is closed."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
