"""Reverie plays games that a neural network dreams. This is what a program of yours needs of it.

    import reverie

    bundle = reverie.open("v2")            # a name that `reverie list` prints, or a bundle's folder
    dream = reverie.Dream(bundle, seed=3)
    right = dream.actions.index("right")
    step = dream.step(right)               # step.frame: (H, W, 3) uint8, step.reward, step.ended

`DreamBatch` dreams many at once. Gymnasium finds the environments under "reverie.agents:reverie/Dream-v0".
What is named here is loaded when it is first used, so that `import reverie` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reverie.engine.bundle import Bundle
    from reverie.engine.dream import Dream
    from reverie.engine.dream_batch import DreamBatch
    from reverie.engine.library import open_bundle as open
    from reverie.engine.library import shipped

__all__ = ["Bundle", "Dream", "DreamBatch", "open", "shipped"]

_HOME = {
    "Bundle": ("reverie.engine.bundle", "Bundle"),
    "Dream": ("reverie.engine.dream", "Dream"),
    "DreamBatch": ("reverie.engine.dream_batch", "DreamBatch"),
    "open": ("reverie.engine.library", "open_bundle"),
    "shipped": ("reverie.engine.library", "shipped"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'reverie' has no attribute {name!r}")
    module, what = _HOME[name]
    value = globals()[name] = getattr(import_module(module), what)
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
