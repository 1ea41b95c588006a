"""Files people keep are written beside their target and renamed into place, so that half a file never stands there."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all. Raises OSError and leaves nothing behind if it cannot."""
    handle, name = tempfile.mkstemp(prefix=".reverie-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file private; a file a person keeps gets the usual permissions.
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: object) -> None:
    """Write JSON that a person can read, whole or not at all. Raises OSError, ValueError for what is no number."""
    write_whole(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
