"""Opens files that may come from anybody: regular ones of bounded size, and nothing that a reader would wait for."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_regular(path: Path, most_bytes: int) -> bytes:
    """The content of a regular file. Raises OSError where it is none, is larger than that, or cannot be read."""
    # A FIFO would be waited for, and a device might never end.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(handle, "rb") as stream:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is not a file")
        if status.st_size > most_bytes:
            raise OSError(0, f"it is larger than {_size(most_bytes)}")
        return stream.read(status.st_size)


def read_text(path: Path, most_bytes: int) -> str:
    """The text of a regular file in UTF-8, with or without a byte order mark.

    Raises OSError as `read_regular` does, and UnicodeDecodeError where it is no such text.
    """
    return read_regular(path, most_bytes).decode("utf-8-sig")


def why(error: OSError | UnicodeDecodeError) -> str:
    """Why a file could not be read, in words that follow a colon."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8 text"
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def one_line(text: str) -> str:
    """A text that can be shown on a terminal: what cannot be printed, such as a line's end, as Python escapes it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"
