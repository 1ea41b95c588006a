"""The networks of a bundle for the torch backends: built from the manifest's configuration, filled from its weights.

A bundle holds numbers alone: nothing in it is run. Sizes are compared with what the file of weights holds before any
memory is taken for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from reverie.engine.errors import BundleError
from reverie.engine.manifest import MANIFEST, Networks
from reverie.models.registry import build_network
from reverie.schema import SchemaError

SCALE = ".scale"
"""Behind a weight's name in the file of weights: the factors of a weight that is stored in bytes, one for each row, or
of three axes one for each entry of the first and the last."""
ZERO = 128
"""The byte without a sign that stands for 0 there."""
STORED = {"F32": (False,), "F16": (False,), "I8": (False, True), "U8": (True,)}
"""Types that weights are stored in, as safetensors calls them, and whether they have a scale."""
MOST_BUFFERS = 1 << 24
"""Numbers that the networks compute when they are built and that no file holds, such as masks, at most."""


def load_networks(folder: Path, networks: Networks) -> dict[str, nn.Module]:
    """Every network of a manifest by its name, on the processor, in evaluation mode and without gradients.

    The weight `w` of the network `n` is called `n.w` in the file. Raises BundleError for a description that cannot be
    built, and for weights that are damaged, missing, left over or of another shape.
    """
    with torch.device("meta"):  # sizes alone, which take no memory
        outlines = _build(folder, networks)
    computed = sum(_numbers(x.buffers()) for x in outlines.values())
    computed -= sum(_numbers(_stored_buffers(x)) for x in outlines.values())
    if computed > MOST_BUFFERS:
        raise BundleError(f"{folder / MANIFEST}: networks are too large; export or download the bundle again")
    file = folder / networks.weights
    try:
        with safe_open(file, "pt") as stored:
            given = set(stored.keys())
            _compare(file, stored, given, outlines)
            with torch.random.fork_rng(devices=[]):  # building draws numbers, and opening a bundle must not
                built = _build(folder, networks)
            for name, network in built.items():
                weights = {key: _weight(stored, given, f"{name}.{key}", x) for key, x in network.state_dict().items()}
                network.load_state_dict(weights, strict=True)
                network.eval().requires_grad_(False)
    except (OSError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BundleError(f"{file} holds no weights ({reason}): export or download the bundle again") from None
    return built


def _build(folder: Path, networks: Networks) -> dict[str, nn.Module]:
    built = {}
    for name, network in networks.kinds.items():
        try:
            built[name] = build_network({"kind": network.kind, "config": network.config}, f"networks.kinds.{name}")
        except SchemaError as error:
            raise BundleError(f"{folder / MANIFEST}: {error}; export or download the bundle again") from None
    return built


def _numbers(tensors: Iterator[Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)


def _stored_buffers(network: nn.Module) -> Iterator[Tensor]:
    stored = network.state_dict(keep_vars=True)
    return (stored[name] for name, _ in network.named_buffers() if name in stored)


def _compare(file: Path, stored: Any, given: set[str], outlines: dict[str, nn.Module]) -> None:
    """Raise BundleError where the file does not hold the weights of these networks, and no others, in their shapes."""
    wanted = {f"{name}.{key}": x for name, network in outlines.items() for key, x in network.state_dict().items()}
    weights = {name for name in given if not name.endswith(SCALE)}
    if unlike := sorted(weights ^ set(wanted)):
        has = "lacks" if unlike[0] in wanted else "has an unknown"
        raise BundleError(f"{file} {has} weight {unlike[0][:80]!r}: export or download the bundle again")
    for name, tensor in wanted.items():
        part = stored.get_slice(name)
        shape, scale = tuple(part.get_shape()), name + SCALE
        if shape != tuple(tensor.shape) or part.get_dtype() not in STORED:
            raise BundleError(
                f"{file}: {name} must be {list(tensor.shape)}, not {part.get_dtype()} of {list(shape)[:8]}: "
                "export or download the bundle again"
            )
        rows = (*shape[:1], *[1] * (len(shape) - 1))
        outputs = (*shape[:1], 1, *shape[2:])  # of experts (experts, features, out)
        fits = scale not in given or tuple(stored.get_slice(scale).get_shape()) in (rows, outputs)
        if not fits or (scale in given) not in STORED[part.get_dtype()]:
            raise BundleError(f"{file}: the scale of {name} does not fit it: export or download the bundle again")
    if left := sorted(name for name in given - weights if name.removesuffix(SCALE) not in wanted):
        raise BundleError(f"{file} has an unknown weight {left[0][:80]!r}: export or download the bundle again")


def _weight(stored: Any, given: set[str], name: str, like: Tensor) -> Tensor:
    """A weight as numbers of the type that its network has; what is stored in bytes is multiplied by its scale."""
    value: Tensor = stored.get_tensor(name)
    if name + SCALE in given:
        level = value.float() - ZERO if value.dtype == torch.uint8 else value.float()
        value = level * stored.get_tensor(name + SCALE).float()
    return value.to(like.dtype)
