"""What the player's small install does not bring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from reverie.app.errors import Mistake

TRAIN_ONLY = ("torch", "onnx", "onnxscript", "safetensors")
MINARI_ONLY = ("gymnasium", "minari", "pyarrow")
GAMES_ONLY = ("gymnasium", "ale_py", "vizdoom", "minigrid")


def needs_train() -> contextlib.AbstractContextManager[None]:
    """Turns a missing torch (and what comes with it) into one sentence."""
    return _needs(TRAIN_ONLY, "train")


def needs_games() -> contextlib.AbstractContextManager[None]:
    """Turns a missing gymnasium, or a missing package of games, into one sentence."""
    return _needs(GAMES_ONLY, "games")


def needs_minari() -> contextlib.AbstractContextManager[None]:
    """Turns a missing Minari into one sentence."""
    return _needs(MINARI_ONLY, "minari")


@contextlib.contextmanager
def _needs(packages: tuple[str, ...], extra: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in packages:
            raise
        raise Mistake(f"This needs {error.name}, which is not installed: {how_to_install(extra)}.") from error


def how_to_install(extra: str) -> str:
    """What a person types, and where: Reverie is installed from its own folder."""
    return f'`pip install -c constraints.txt ".[{extra}]"` in the folder of the project'
