"""The manifest: what a bundle is, said so strictly that nothing has to be guessed."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from reverie.engine import families
from reverie.engine.errors import BundleError
from reverie.limits import MOST_ACTIONS, MOST_FPS, MOST_GAMES, MOST_NAME, MOST_RULES, MOST_SIDE
from reverie.schema import SchemaError, Within, read_object

FORMAT = 2
PRECISIONS = ("fp32", "fp16", "int8")
MANIFEST = "manifest.json"
MOST_BYTES = 1 << 20
"""Of a manifest."""
DATA = {".onnx": 256 << 20, ".safetensors": 2 << 30, ".npz": 256 << 20, ".png": 16 << 20}
"""What the names of a bundle's files end in, and the most bytes of each. A bundle holds data and no programs."""
BATCH = "B"
"""The free axis in the shape of what a graph takes and gives."""
BYTES = {"float32": 4, "int64": 8, "uint8": 1}
"""Types of tensors, and the bytes of one number."""
OBSERVED = 32
"""Side in pixels of what an agent sees of a frame."""
MOST_REPEATED = 60
"""Frames that an agent may repeat one action for."""
STATE_BYTES = 256 << 20
"""What one trajectory may keep between two frames, at most."""

Name = Annotated[str, Within(1, 64)]
FileName = Annotated[str, Within(1, 128)]
Text = Annotated[str, Within(0, 2000)]
Axis = Annotated[int, Within(1, 65536)]
GivenName = Annotated[str, Within(1, MOST_NAME)]
"""What people call their games, actions and bundles."""
Games = Annotated[tuple[GivenName, ...], Within(1, MOST_GAMES)]
Actions = Annotated[tuple[GivenName, ...], Within(1, MOST_ACTIONS)]
Rules = Annotated[int, Within(1, MOST_RULES)]


@dataclass(frozen=True)
class TensorSpec:
    """An array. type: float32, int64 or uint8. shape: "B" is the free batch axis, and always the first."""

    type: str
    shape: Annotated[tuple[Axis | str, ...], Within(1, 8)]


@dataclass(frozen=True)
class GraphSpec:
    """One ONNX graph. inputs, outputs: by name, in the order in which the graph takes and gives them."""

    file: FileName
    inputs: Annotated[dict[Name, TensorSpec], Within(1, 64)]
    outputs: Annotated[dict[Name, TensorSpec], Within(1, 64)]


@dataclass(frozen=True)
class StateSpec:
    """A tensor that each trajectory keeps between two frames.

    shape: of one trajectory, without the batch axis. update: `push` writes `source`, an output called `graph.output`,
    into the oldest slot along `axis`; `age` counts the frames since each slot was written, 0 being an empty one.
    """

    type: str
    shape: Annotated[tuple[Axis, ...], Within(1, 8)]
    update: str
    source: Annotated[str, Within(3, 130)] | None = None
    axis: Annotated[int, Within(0, 7)] | None = None


@dataclass(frozen=True)
class SettingSpec:
    """What a person may choose of one setting of a dream: one of `choices`, or a number from `lowest` to `highest`.

    default: what the bundle holds best. Where it is a whole number, so are all that may be chosen.
    """

    default: Name | int | float
    choices: Annotated[tuple[Name, ...], Within(1, 64)] | None = None
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True)
class Network:
    """A network of `reverie.models`. kind: which one. config: the fields of its configuration."""

    kind: Name
    config: Annotated[dict[Name, Any], Within(0, 256)]


@dataclass(frozen=True)
class Networks:
    """What the torch backends build. weights: safetensors file with the weights of all. kinds: each network by name."""

    weights: FileName
    kinds: Annotated[dict[Name, Network], Within(1, 16)]


@dataclass(frozen=True)
class AgentSpec:
    """An agent that plays one of the games. file: its ONNX graph. repeat: frames that a chosen action is repeated for.

    The graph takes `observations` (B, 6, 32, 32) uint8 and gives `values` (B, A) float32, one for each action.
    """

    file: FileName
    repeat: Annotated[int, Within(1, MOST_REPEATED)]


@dataclass(frozen=True)
class KnownFrame:
    """A frame that the bundle must reproduce, after `actions` from start `start`, with the family's known settings.

    sha256: of the representation's bytes, little-endian and row-major; null where these differ between machines, so
    that the picture is compared instead. frame: a PNG of it.
    """

    start: Annotated[int, Within(0, 65535)]
    actions: Annotated[tuple[Annotated[int, Within(0, MOST_ACTIONS - 1)], ...], Within(0, 64)]
    sha256: str | None
    frame: FileName


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says.

    format: version of this file's layout. family: the kind of world model, one of `reverie.engine.families`.
    name, version: what the bundle calls itself. games: names of the games it dreams.
    actions: action names, index 0 is no-op. game_actions: the actions that each game has, in the same order; null where
    each has them all. rules: the number of the rules by which it dreams a built-in game; 1 where a game is left out.
    fps: frames a second it plays at. resolution: side of a frame in pixels.
    history: frames that a prediction can look at, the newest included.
    representation: what a frame is between two steps. graphs: ONNX graphs by name.
    state: what a trajectory keeps of the frames before; empty without memory. settings: what may be chosen, by name.
    model: the family's own description, which the family reads as strictly.
    networks: what the torch backends build; null where they have none of it.
    parameters: count over all graphs. active_parameters: of those, how many are at work in one frame.
    precision: how the weights are stored. starts: npz of start histories. files: SHA-256 of every file.
    known_frame: a self-check. agents: by game; who plays it when nobody does. training, metrics: free-form records
    for people. licence: of the weights.
    """

    format: int
    family: Name
    name: GivenName
    version: Name
    games: Games
    actions: Actions
    fps: Annotated[int, Within(1, MOST_FPS)]
    resolution: Annotated[int, Within(1, MOST_SIDE)]
    history: Annotated[int, Within(1, 512)]
    representation: TensorSpec
    graphs: Annotated[dict[Name, GraphSpec], Within(1, 32)]
    state: Annotated[dict[Name, StateSpec], Within(0, 16)]
    settings: Annotated[dict[Name, SettingSpec], Within(0, 32)]
    model: Annotated[dict[Name, Any], Within(0, 64)]
    networks: Networks | None
    parameters: Annotated[int, Within(0, 10**12)]
    active_parameters: Annotated[int, Within(0, 10**12)]
    precision: str
    starts: FileName
    files: Annotated[dict[str, str], Within(0, 256)]
    known_frame: KnownFrame
    game_actions: Annotated[dict[GivenName, Actions], Within(1, MOST_GAMES)] | None = None
    rules: Annotated[dict[GivenName, Rules], Within(0, MOST_GAMES)] = field(default_factory=dict)
    agents: Annotated[dict[GivenName, AgentSpec], Within(0, MOST_GAMES)] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    licence: Text = "MIT"

    def actions_of(self, game: str) -> tuple[str, ...]:
        """The actions that one of its games has."""
        return self.actions if self.game_actions is None else self.game_actions[game]

    def rules_of(self, game: str) -> int:
        """The number of the rules that it dreams one of its games by."""
        return self.rules.get(game, 1)

    def game_number(self, game: str | None) -> int:
        """Which of its games that is: the number that its graphs know it by; None for the first.

        Raises ValueError for a game that it does not dream.
        """
        if game is not None and game not in self.games:
            raise ValueError(f"The dream {self.name} is of {', '.join(self.games)}, not of {game}.")
        return 0 if game is None else self.games.index(game)

    def choices(self, setting: str) -> tuple[str, ...]:
        """What may be chosen of a setting that has names to choose from; empty where the bundle has no such setting."""
        spec = self.settings.get(setting)
        return spec.choices or () if spec is not None else ()

    def to_json(self) -> str:
        """The text of `manifest.json`; `Manifest.parse` of it gives an equal manifest."""
        text = json.dumps(dataclasses.asdict(self), indent=1)
        return _PLAIN_LIST.sub(lambda found: "[" + re.sub(r"\n\s+", " ", found[1]) + "]", text) + "\n"

    @staticmethod
    def parse(value: Any, where: Path) -> Manifest:
        """The manifest that a JSON value is. `where` is its path, named in messages.

        Raises BundleError for anything that is not understood: other versions, unknown or missing keys, wrong types,
        numbers beyond their limits, values that contradict each other, files outside the folder, a family that is not
        known, and whatever that family misses.
        """
        version = value.get("format") if isinstance(value, dict) else None
        if type(version) is int and version != FORMAT:
            raise BundleError(
                f"{where} has format {version}, and this Reverie reads format {FORMAT}: "
                f"{'update Reverie' if version > FORMAT else 'export or download the bundle again'}"
            )
        try:
            manifest = read_object(Manifest, value, "")
            _check(manifest)
            family = families.family(manifest.family)
            family.check(manifest)
            manifest = dataclasses.replace(manifest, settings={**family.settings(manifest), **manifest.settings})
        except SchemaError as error:
            raise BundleError(f"{where}: {error}; export or download the bundle again") from None
        return manifest


def _check(m: Manifest) -> None:
    """Raise SchemaError where fields contradict each other or name what this version does not have."""
    if len(set(m.games)) < len(m.games):
        raise SchemaError("games must name each game once")
    if m.game_actions is not None:
        if set(m.game_actions) != set(m.games):
            raise SchemaError("game_actions must name the actions of each of the games, and of no other")
        for game, actions in m.game_actions.items():
            if actions != tuple(name for name in m.actions if name in actions):
                raise SchemaError(f"game_actions.{game} must name some of actions, in the same order")
    if not set(m.rules) <= set(m.games):
        raise SchemaError("rules must name none but its games")
    if m.precision not in PRECISIONS:
        raise SchemaError(f"precision must be one of {', '.join(PRECISIONS)}, not {m.precision!r}")
    if m.active_parameters > m.parameters:
        raise SchemaError("active_parameters must be at most parameters")
    if any(action >= len(m.actions_of(m.games[0])) for action in m.known_frame.actions):
        raise SchemaError("known_frame.actions names an action that the first game does not have")
    if m.known_frame.sha256 is not None and not _SHA256.fullmatch(m.known_frame.sha256):
        raise SchemaError("known_frame.sha256 is not a SHA-256 in hexadecimal")
    for game in m.agents:
        if game not in m.games:
            raise SchemaError(f"agents.{game} plays none of the games")
        if m.resolution % OBSERVED:
            raise SchemaError(
                f"agents see pictures of a multiple of {OBSERVED} pixels, and resolution is {m.resolution}"
            )
    _check_tensor(m.representation, "representation")
    for name, graph in m.graphs.items():
        for what, tensors in (("inputs", graph.inputs), ("outputs", graph.outputs)):
            for tensor, spec in tensors.items():
                _check_tensor(spec, f"graphs.{name}.{what}.{tensor}")
    for name, setting in m.settings.items():
        _check_setting(setting, f"settings.{name}")
    _check_state(m)
    _check_files(m)


def _check_tensor(spec: TensorSpec, where: str) -> None:
    if spec.type not in BYTES:
        raise SchemaError(f"{where}.type must be one of {', '.join(BYTES)}, not {spec.type!r}")
    if spec.shape[0] != BATCH or any(isinstance(size, str) for size in spec.shape[1:]):
        raise SchemaError(f"{where}.shape must begin with {BATCH!r}, and go on with numbers")


def _check_setting(spec: SettingSpec, where: str) -> None:
    if spec.choices is not None:
        if spec.default not in spec.choices or len(set(spec.choices)) < len(spec.choices):
            raise SchemaError(f"{where}.default must be one of choices, which names each once")
        if spec.lowest is not None or spec.highest is not None:
            raise SchemaError(f"{where} must have choices, or lowest and highest")
        return
    if isinstance(spec.default, str) or spec.lowest is None or spec.highest is None:
        raise SchemaError(f"{where} must have choices, or a number with lowest and highest")
    if not spec.lowest <= spec.default <= spec.highest:
        raise SchemaError(f"{where}.default must be {spec.lowest:g} to {spec.highest:g}, not {spec.default:g}")
    if isinstance(spec.default, int) and not (spec.lowest.is_integer() and spec.highest.is_integer()):
        raise SchemaError(f"{where} counts, so lowest and highest must be whole numbers")


def _check_state(m: Manifest) -> None:
    """The ring: every tensor that is pushed into has as many slots as the history has earlier frames."""
    total = 0
    for name, spec in m.state.items():
        where = f"state.{name}"
        if spec.type not in BYTES:
            raise SchemaError(f"{where}.type must be one of {', '.join(BYTES)}, not {spec.type!r}")
        total += BYTES[spec.type] * math.prod(spec.shape)
        if spec.update == "age":
            if spec.source is not None or spec.axis is not None or spec.type != "int64" or len(spec.shape) != 1:
                raise SchemaError(f"{where} must be int64 numbers, one for each slot, and has no source and no axis")
            slots = spec.shape[0]
        elif spec.update == "push":
            if spec.source is None or spec.axis is None or spec.axis >= len(spec.shape):
                raise SchemaError(f"{where} must name a source, and an axis of its shape")
            slots = spec.shape[spec.axis]
            graph, _, output = spec.source.partition(".")
            given = m.graphs[graph].outputs.get(output) if graph in m.graphs else None
            one = (BATCH, *spec.shape[: spec.axis], *spec.shape[spec.axis + 1 :])
            if given is None or (given.type, given.shape) != (spec.type, one):
                raise SchemaError(f"{where}.source must be an output of a graph, {spec.type} of {list(one)}")
        else:
            raise SchemaError(f"{where}.update must be push or age, not {spec.update!r}")
        if slots != m.history - 1:
            raise SchemaError(f"{where} must have {m.history - 1} slots, one less than history, not {slots}")
    if not m.state and m.history != 1:
        raise SchemaError("history must be 1 without state")
    if total > STATE_BYTES:
        raise SchemaError(f"state takes {total >> 20} MB for each dream, and at most {STATE_BYTES >> 20} are allowed")


def _check_files(m: Manifest) -> None:
    played = [agent.file for agent in m.agents.values()]
    named = [graph.file for graph in m.graphs.values()] + ([m.networks.weights] if m.networks is not None else [])
    for file in [*named, *played, m.starts, m.known_frame.frame]:
        if file not in m.files:
            raise SchemaError(f"files has no SHA-256 of {file}")
    for file, digest in m.files.items():
        pure = PurePosixPath(file)
        if pure.is_absolute() or ".." in pure.parts or "\\" in file or ":" in file or file in ("", ".", MANIFEST):
            raise SchemaError(f"files names {file!r}, which does not lie inside the bundle")
        if pure.suffix not in DATA:
            raise SchemaError(f"files names {file!r}, and a bundle holds nothing but {', '.join(DATA)}")
        if not _SHA256.fullmatch(digest):
            raise SchemaError(f"files.{file} is not a SHA-256 in hexadecimal")


_PLAIN_LIST = re.compile(r"\[\n\s+([^][{}]*?)\n\s*\]")
"""A list of plain values, which is written on one line, so that a person can read the shapes."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
