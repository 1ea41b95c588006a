"""A game folder: one short `game.toml` that a person writes, and beside it all that is made of it.

`recording/` holds what was recorded or imported, `run/` what is trained, `dream/` the bundle.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from reverie.app.errors import Mistake, cannot_write
from reverie.engine import library
from reverie.engine.files import write_whole
from reverie.engine.manifest import MANIFEST
from reverie.games import registry
from reverie.games.environment import SEARCH, Environment
from reverie.limits import MOST_ACTIONS, MOST_FPS, MOST_NAME
from reverie.reading import read_text, why
from reverie.schema import SchemaError, Within, read_object

GAME = "game.toml"
RECORDING, RUN = "recording", "run"
SIZES = (64, 128)
MOST_BYTES = 1 << 20
"""A longer `game.toml` is not opened."""
MOST_DEPTH = 8
"""Lists and tables inside one another that an option may have."""
Text = Annotated[str, Within(1, MOST_NAME)]


@dataclass(frozen=True)
class _GameFile:
    """What may stand in a `game.toml`."""

    title: Annotated[str, Within(0, MOST_NAME)] | None = None
    source: Annotated[str, Within(0, MOST_NAME)] | None = None
    actions: Annotated[dict[Text, Any], Within(0, MOST_ACTIONS)] = field(default_factory=dict)
    size: int = 64
    fps: Annotated[int, Within(1, MOST_FPS)] | None = None
    recipe: Text | None = None
    steps: Annotated[int, Within(1, 10**12)] | None = None
    minutes: Annotated[float, Within(1e-6, 1e6)] | None = None
    frame_skip: Annotated[int, Within(1, 1000)] | None = None
    options: dict[str, Any] | None = None
    picture: str | None = None
    colour_order: str | None = None


@dataclass(frozen=True)
class GameFolder:
    """A `game.toml`, read.

    title: for people. source: a built-in game, a Gymnasium id, `module:Id-v0`, `module:Class`, or "" for imported play.
    keys: action → the keys that play it; with any, only these actions are used. size: side of a frame in pixels.
    recipe: what `train` follows, for `minutes`; a file beside the `game.toml` comes first, and "auto" is chosen by the
    recording. steps: frames to record.
    environment: None without a source. parts: the game folders in it, which one model learns together; a folder with
    a source or a recording of its own has none.
    """

    folder: Path
    title: str
    source: str = ""
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    size: int = 64
    fps: int = 0
    recipe: str = "auto"
    steps: int = 100_000
    minutes: float = 240.0
    environment: Environment | None = None
    parts: tuple[GameFolder, ...] = ()

    @property
    def recording(self) -> Path:
        """Folder of the recording, or of the game folders that have one each."""
        return self.folder if self.parts else self.folder / RECORDING

    @property
    def games(self) -> tuple[GameFolder, ...]:
        """The game folders in it, or itself."""
        return self.parts or (self,)

    @property
    def run(self) -> Path:
        """Folder of the training run."""
        return self.folder / RUN

    @property
    def dream(self) -> Path:
        """Folder of the bundle."""
        return self.folder / library.DREAM

    @property
    def name(self) -> str:
        """What the bundle is called."""
        return self.folder.absolute().name

    @property
    def has_dream(self) -> bool:
        """Whether a dream was exported."""
        return (self.dream / MANIFEST).is_file()

    def require_dream(self) -> None:
        """Raises Mistake, with what comes next, where no dream was exported yet."""
        if not self.has_dream:
            raise Mistake(f"{self.folder} holds no dream yet; {self.next_step()}")

    def next_step(self) -> str:
        """What a person does next, in one line: what is missing, or older than what it is made of, is made."""
        if lacking := next((part for part in self.parts if not _changed(part.recording, "index-*.json")), None):
            return lacking.next_step()
        recorded = max(_changed(game.recording, "index-*.json") for game in self.games)
        begun = _changed(self.run, "data.npz")
        trained, exported = _changed(self.run, "dynamics.safetensors"), _changed(self.dream, MANIFEST)
        if not recorded:
            get = f"reverie record {self.folder}" if self.source else f"reverie import VIDEOS -o {self.folder}"
            return f"next: {get}"
        if 0 < begun < recorded:  # a run keeps the frames that it began with
            old = self.folder / "old-run"
            return f"next: rename {self.run} to {old}, then: reverie train {self.folder} --from {old}"
        if not trained:
            return f"next: reverie train {self.folder}"
        if exported < trained:
            return f"next: reverie export {self.folder}"
        return f"next: reverie play {self.folder}"


def _changed(folder: Path, files: str) -> float:
    """When the last of these files was written, in seconds; 0 where there is none."""
    return max((path.stat().st_mtime for path in folder.glob(files)), default=0.0)


def is_game_folder(name: str | Path) -> bool:
    """True for a folder with a `game.toml` (or that file itself)."""
    path = Path(name)
    return (path / GAME).is_file() or (path.name == GAME and path.is_file())


def read_game(name: str | Path, alone: bool = False) -> GameFolder:
    """Read a game folder. Raises Mistake with one sentence for what cannot be understood.

    alone: game folders in it are not looked at.
    """
    folder = Path(name).parent if Path(name).name == GAME else Path(name)
    path = folder / GAME
    content = _content(path)
    own = {what: content[what] for what in ("title", "source", "size", "fps", "recipe", "steps") if what in content}
    if own.get("recipe", "").endswith(".toml") and (folder / own["recipe"]).is_file():
        own["recipe"] = str(folder / own["recipe"])
    keys = _keys(content.get("actions", {}), path)
    if (source := content.get("source")) in registry.names():
        if own_way := {"frame_skip", "options", "picture", "colour_order"} & set(content):
            raise Mistake(f"{path}: {source} is built in and played as it is; leave {min(own_way)} out.")
        if strange := sorted(set(keys) - set(registry.get(source).actions)):
            raise Mistake(f"{path}: {source} has no action '{strange[0]}'.")
    return GameFolder(
        folder,
        **{"title": folder.absolute().name, **own},
        keys=keys,
        minutes=float(content.get("minutes", GameFolder.minutes)),
        environment=_environment(content, tuple(keys), path),
        parts=() if alone or "source" in content or (folder / RECORDING).exists() else games_in(folder),
    )


def _content(path: Path) -> dict[str, Any]:
    """What a `game.toml` says, checked key by key. Raises Mistake."""
    try:
        content = tomllib.loads(read_text(path, MOST_BYTES))
    except FileNotFoundError as error:
        begin = f"write one, or begin with: reverie record GAME -o {path.parent}"
        raise Mistake(f"{path.parent} has no {GAME}; {begin}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Mistake(f"{path} cannot be read: {why(error)}.") from error
    except RecursionError as error:
        raise Mistake(f"{path} is not valid TOML: it is nested too deeply.") from error
    except ValueError as error:
        raise Mistake(f"{path} is not valid TOML: {error}.") from error
    try:
        known = read_object(_GameFile, content, "")
    except SchemaError as error:
        raise Mistake(f"{path}: {error}.") from error
    if known.size not in SIZES:
        raise Mistake(f"{path}: size must be {' or '.join(map(str, SIZES))}, not {known.size}.")
    for option, value in (known.options or {}).items():
        if not _is_plain(value):
            raise Mistake(
                f"{path}: options.{option[:40]} must be a text, a number, true, false, or a list or table of these."
            )
    return content


def _is_plain(value: object, depth: int = MOST_DEPTH) -> bool:
    """True for what a recording can write down: no dates, nothing that is no number, nothing nested without end."""
    if isinstance(value, dict):
        return depth > 0 and all(_is_plain(part, depth - 1) for part in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_is_plain(part, depth - 1) for part in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | bool | int)


def games_in(folder: Path) -> tuple[GameFolder, ...]:
    """The game folders in a folder, by name. Raises Mistake where one cannot be understood."""
    return tuple(
        read_game(path, alone=True) for path in sorted(folder.iterdir()) if path.is_dir() and is_game_folder(path)
    )


def _keys(actions: dict[str, Any], path: Path) -> dict[str, tuple[str, ...]]:
    keys = {}
    for action, names in actions.items():
        listed = [names] if isinstance(names, str) else names
        if not isinstance(listed, list) or not all(isinstance(key, str) for key in listed):
            raise Mistake(f"{path}: the keys of the action '{action}' must be a list such as [\"space\"].")
        keys[action] = tuple(key for key in listed if key)
    return keys


def _environment(content: dict[str, Any], actions: tuple[str, ...], path: Path) -> Environment | None:
    if "source" not in content:
        return None
    settings = ("frame_skip", "options", "picture", "colour_order", "fps")
    try:
        return Environment(content["source"], actions, **{what: content[what] for what in settings if what in content})
    except ValueError as error:
        raise Mistake(f"{path}: {error}") from error


def begin_mixture(folder: Path) -> GameFolder:
    """The game folder of the game folders in it; its `game.toml` is written where there is none yet."""
    if not is_game_folder(folder):
        title = _toml(folder.absolute().name)
        text = f"title = {title}\nrecipe = {_toml(GameFolder.recipe)}\nminutes = {GameFolder.minutes:g}\n"
        try:
            write_whole(folder / GAME, text.encode())
        except OSError as error:
            raise cannot_write(folder / GAME, error) from error
    return read_game(folder)


def add_module_folder(folder: Path) -> None:
    """A module beside a `game.toml` is found first."""
    if folder in SEARCH:
        SEARCH.remove(folder)
    SEARCH.insert(0, folder)


def begin_game(folder: Path, environment: Environment, actions: tuple[str, ...], size: int, fps: int) -> GameFolder:
    """The game folder of a recording; its `game.toml` is written where there is none yet.

    Raises Mistake where the folder is another game's.
    """
    if is_game_folder(folder):
        game = read_game(folder)
        own = game.environment or environment
        settings = environment.frame_skip in (1, own.frame_skip) and environment.actions in ((), own.actions)
        if (game.source, game.size) != (environment.source, size) or not settings:
            raise Mistake(f"{folder / GAME} says otherwise; record as it says with: reverie record {folder}")
        return game
    from reverie.app.window.game_keys import keys_for

    path = folder / GAME
    text = draft(folder.absolute().name, environment, keys_for(actions), size, fps)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise cannot_write(path, error) from error
    return read_game(folder)


def draft(title: str, environment: Environment | None, keys: dict[str, tuple[str, ...]], size: int, fps: int) -> str:
    """The text of a `game.toml` to begin with."""
    source = f"source = {_toml(environment.source)}\n" if environment else ""
    steps = f"steps = {GameFolder.steps}\n" if environment else ""  # nothing is recorded of what is imported
    settings = ""
    if environment:
        for what, usual in (("frame_skip", 1), ("picture", ""), ("colour_order", "rgb")):
            if getattr(environment, what) != usual:
                settings += f"{what} = {_toml(getattr(environment, what))}\n"
    lines = "".join(f"{_toml(action)} = {_toml(list(names))}\n" for action, names in keys.items())
    options = ""
    if environment and environment.options:
        options = "\n[options]\n" + "".join(f"{_toml(k)} = {_toml(v)}\n" for k, v in environment.options.items())
    return (
        f"title = {_toml(title)}\n{source}size = {size}\nfps = {fps}\n{settings}"
        f"{steps}recipe = {_toml(GameFolder.recipe)}\nminutes = {GameFolder.minutes:g}\n\n"
        f"[actions] # action = the keys that play it\n{lines}{options}"
    )


def _toml(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)  # strings, numbers, booleans and lists are written alike in both
