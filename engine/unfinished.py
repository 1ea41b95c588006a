"""Folders that are filled beside their target: what a killed process left there is removed by the next one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

ENDING = ".unfinished"


@contextlib.contextmanager
def unfinished_folder(name: str, parent: Path) -> Iterator[Path]:
    """A hidden, empty folder in `parent` for what becomes `name`; it is removed at the end unless it was renamed.

    Those of the same name that no living process owns are removed first. A folder is owned by a lock, which the system
    gives up when its process ends, however it ends. Where there are no such locks (Windows) nothing is removed first.
    Raises OSError where the folder cannot be made.
    """
    for left in parent.iterdir():
        if left.name.startswith(f".{name}.") and left.name.endswith(ENDING) and left.is_dir() and not left.is_symlink():
            with contextlib.suppress(OSError), _owned(left) as mine:
                if mine:
                    shutil.rmtree(left, ignore_errors=True)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=ENDING, dir=parent))
        with _owned(folder):
            if not folder.exists():  # another process took it for one that was left
                continue
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return


@contextlib.contextmanager
def _owned(folder: Path) -> Iterator[bool]:
    """Own a folder for a while; false where another process does, or where nobody can say."""
    try:
        import fcntl
    except ImportError:
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
