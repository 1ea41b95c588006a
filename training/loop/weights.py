"""safetensors files, read and written with nothing but torch and numpy, for machines that lack the library.

A file is the length of a JSON header in 8 bytes, the header (name to dtype, shape and place), and raw little-endian
tensors one after the other. Either side reads what the other has written.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

DTYPES = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float64: "F64",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""The format's names of the number types that networks have."""


def save_file(tensors: dict[str, Tensor], path: Path) -> None:
    """Write tensors, from whatever device they are on."""
    header, parts, end = {}, [], 0
    # Wide types first, as the library does, so that every tensor begins at a multiple of its type's size.
    for name in sorted(tensors, key=lambda name: (-tensors[name].element_size(), name)):
        tensor = tensors[name].detach().cpu().contiguous()
        parts.append(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
        begin, end = end, end + len(parts[-1])
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.writelines(parts)


def load_file(path: Path) -> dict[str, Tensor]:
    """Read tensors onto the processor. Raises RuntimeError for a file that is not whole."""
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    kinds = {name: kind for kind, name in DTYPES.items()}
    try:
        header = json.loads(data[8:start])
        tensors = {}
        for name, entry in header.items():
            if name != "__metadata__":
                (begin, end), kind = entry["data_offsets"], kinds[entry["dtype"]]
                flat = torch.frombuffer(data, dtype=torch.uint8, count=end - begin, offset=start + begin)
                tensors[name] = flat.clone().view(kind).reshape(entry["shape"])
        return tensors
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeError(f"{path} is no whole safetensors file ({error})") from error
