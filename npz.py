"""Reads the arrays of an npz file without believing it: no pickle, and no memory for more than is there."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class NpzError(ValueError):
    """A file is not an npz file of the arrays that are wanted."""


def read_npz(data: bytes, names: Sequence[str], most_bytes: int) -> dict[str, NDArray[Any]]:
    """Read arrays of whole numbers by name.

    most_bytes: of each of them. Raises NpzError where the file is damaged, or an array is missing, larger, or of
    another kind.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: _read(archive, name, most_bytes) for name in names}
    except NpzError:
        raise
    except KeyError as error:
        raise NpzError(f"it has no {str(error.args[0])[:80]}") from None
    except (OSError, ValueError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        raise NpzError("it is damaged") from None


def _read(archive: zipfile.ZipFile, name: str, most_bytes: int) -> NDArray[Any]:
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as file:
        content = file.read(most_bytes + 1)  # however small the archive says that it is
    if len(content) > most_bytes:
        raise NpzError(f"{name} is larger than {most_bytes >> 20} MiB")
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in HEADERS:
        raise NpzError(f"{name} is damaged")
    try:
        shape, fortran, dtype = HEADERS[version](stream)
    except Exception:  # numpy reads a header as Python's literals, and raises whatever Python's parser does
        raise NpzError(f"{name} is damaged") from None
    if dtype.kind not in "iu":
        raise NpzError(f"{name} must be whole numbers, not {str(dtype)[:40]}")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise NpzError(f"{name} does not hold as many numbers as its shape says")
    return np.frombuffer(content, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran else "C")
