"""How a person's mistake leaves the program: one sentence on stderr, and exit code 2."""

from __future__ import annotations

import errno
import os
from pathlib import Path


class Mistake(Exception):
    """A person's mistake. Its text is one sentence: what is wrong, where, and what to do."""


class CheckFailed(Exception):
    """The thing that was asked for does not hold (exit code 1). Its text is one sentence."""


def cannot_write(path: Path, error: OSError) -> Mistake:
    """The sentence for a file that could not be written."""
    if is_full(error):
        return Mistake(f"The disk is full: {path} was not written; make room or choose another folder.")
    reason = (error.strerror or "the system refused").lower()
    return Mistake(f"Cannot write {path} ({reason}); choose a folder that you may write to.")


def is_full(error: OSError) -> bool:
    """True where there is no room left, on the disk or in what the person may use of it."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


LONGEST_NAME = 255
"""Bytes that a file's name may have on the file systems that people use."""


def check_name(path: Path) -> None:
    """Raises Mistake for a file name that no file system takes, before anything is played for it."""
    if (size := len(os.fsencode(path.name))) > LONGEST_NAME:
        name = f"The file name {path.name[:20]}…"
        raise Mistake(f"{name} is {size} bytes long, and {LONGEST_NAME} are allowed; choose a shorter one.")
