"""A recipe: the short TOML file that says which networks are trained, and how. Each family reads its own sections."""

from __future__ import annotations

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from reverie.reading import read_text, why
from reverie.schema import SchemaError, Within
from reverie.training.data.patches import Codes
from reverie.training.errors import RunError
from reverie.training.loop.stage import Stage
from reverie.training.session import Session

FOLDER = Path(__file__).parent / "recipes"
FAMILIES = {
    **dict.fromkeys(("v1", "v1.1", "v2"), "reverie.training.tokens.recipe"),
    "latent": "reverie.training.latent.recipe",
}
"""The module that reads the recipes of a kind. It offers `read(name, content, where) -> Recipe`."""
LARGEST_FILE = 1 << 20
"""Bytes of a recipe at most."""


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """What the recipes of all families have in common.

    name: of its file. kind: a key of `FAMILIES`.
    worth_steps: steps of the dynamics after which a dream is worth playing, as far as was seen; 0 where nothing was.
    smaller: name of the recipe that does the same with smaller networks, for fewer minutes or a slower processor; ""
        where there is none.
    """

    name: str
    kind: str
    worth_steps: Annotated[int, Within(0, 10**9)] = 0
    smaller: str = ""

    @property
    @abstractmethod
    def history(self) -> int:
        """Frames that the dynamics look at, the newest included; the starts of a bundle hold as many."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Side in pixels of the frames that it is made for."""

    @property
    @abstractmethod
    def frames_needed(self) -> int:
        """Frames that an episode must have so that something can be learnt from it."""

    @property
    @abstractmethod
    def learning_rate(self) -> float:
        """Highest learning rate of the dynamics, for the run's record."""

    @property
    def extra_frames(self) -> int:
        """Frames of each game that are played besides the recording."""
        return 0

    @abstractmethod
    def fitted(self, actions: int, size: int, rewards: tuple[float, ...], games: Sequence[str]) -> Recipe:
        """Return the recipe for a recording with that many actions, that frame size, those rewards and games.

        Raises RunError where the recipe cannot be trained on it.
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return what `run.json` says of this recipe: its networks, by name, among other things."""

    @abstractmethod
    def stages(self, session: Session) -> Iterator[Stage[Any]]:
        """Build the stages in order, each when those before it are trained."""

    @abstractmethod
    def parameters(self, shown: int | None = None) -> int:
        """Return how many weights the dynamics learn; a family with codes counts `shown` of them alone."""

    def recorded_frames(self, run: Path, games: int) -> int | None:
        """Return how many frames of the recording a run was begun with; None where that is not known yet."""
        return None

    def patch_codes(self) -> Codes | None:
        """Return the codes of a tokenizer that looks at patches; None for any other recipe."""
        return None


def names() -> list[str]:
    """The recipes that come with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(recipe: str) -> Recipe:
    """Read a recipe by its name or its file. Raises RunError with one sentence for a mistake in it."""
    path = Path(recipe) if recipe.endswith(".toml") else FOLDER / f"{recipe}.toml"
    if not path.is_file():
        raise RunError(f"There is no recipe {recipe!r}; there are {', '.join(names())}, or name a .toml file.")
    try:
        content = tomllib.loads(read_text(path, LARGEST_FILE))
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path} cannot be read: {why(error)}.") from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RunError(f"{path} is not valid TOML: {reason}.") from error
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise RunError(f"{path}: kind must be {', '.join(FAMILIES)}, not {str(kind)[:60]!r}.")
    try:
        plan: Recipe = import_module(FAMILIES[kind]).read(path.stem, content, str(path))
    except SchemaError as error:
        raise RunError(f"{error}.") from error
    return plan
