"""The manifest: what a bundle is, said so strictly that nothing has to be guessed."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from reverie.engine.errors import BundleError
from reverie.engine.schema import SchemaError, read_object

FORMAT = 1
MODES = ("parallel", "ar")
DECODERS = ("vq", "diffusion")
PRECISIONS = ("fp32", "fp16", "int8")
MANIFEST = "manifest.json"
MOST_STEPS = 8
"""Steps that a frame of the diffusion decoder can take."""


@dataclass(frozen=True)
class CacheShape:
    """Sizes of the ring that the dynamics graph reads: `slots` frames of keys and values for each layer and head.

    positions: keys and values of a frame, fewer than its tokens where the model merges tokens.
    """

    layers: int
    heads: int
    head_dim: int
    slots: int
    positions: int


@dataclass(frozen=True)
class SamplingDefaults:
    """How the bundle is sampled unless a person says otherwise; see `reverie.engine.sampler.Sampling`."""

    temperature: float
    min_p: float
    top_p: float = 1.0
    passes: int = 1


@dataclass(frozen=True)
class Graphs:
    """File of each graph.

    `causal_head` is null where the bundle has no ar mode, `outcome` where it predicts none, `diffusion` without that
    decoder.
    """

    encoder: str
    dynamics: str
    decoder: str
    causal_head: str | None = None
    outcome: str | None = None
    diffusion: str | None = None

    def present(self) -> dict[str, str]:
        """Graph name to file, of those that exist."""
        return {name: file for name, file in dataclasses.asdict(self).items() if file is not None}


@dataclass(frozen=True)
class Programs(Graphs):
    """File of each graph as a torch program. weights: safetensors file with the weights of all of them."""

    weights: str = ""

    def present(self) -> dict[str, str]:
        """Graph name to file, of those that exist; the weights are not a graph."""
        return {name: file for name, file in super().present().items() if name != "weights"}


@dataclass(frozen=True)
class Outcome:
    """What the outcome graph speaks of. rewards: the values that a reward can have, in the order of its logits."""

    rewards: tuple[float, ...]


@dataclass(frozen=True)
class DiffusionDefaults:
    """How the diffusion decoder draws unless a person says otherwise. steps: runs of its graph for a frame, 1 to 8."""

    steps: int


@dataclass(frozen=True)
class KnownFrame:
    """A frame that the bundle must reproduce: most likely tokens, in parallel, after `actions` from start `start`.

    tokens_sha256: of the tokens as little-endian int64, row-major. frame: a PNG of the decoded picture, for people.
    """

    start: int
    actions: tuple[int, ...]
    tokens_sha256: str
    frame: str


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says.

    format: version of this file's layout. name, version: what the bundle calls itself.
    games: names of the games it dreams. actions: action names, index 0 is no-op. fps: frames a second it plays at.
    game_actions: the actions that each game has, in the same order; null where each has them all.
    resolution: side of a frame in pixels. grid: rows and columns of tokens. vocabulary: number of codes.
    fine: edge of the square of fine tokens below each token of the grid, null where tokens are of one level.
    history: frames that a prediction can look at, the newest included.
    modes, decoders: how it can be sampled, parallel being always one of the ways, and drawn.
    cache: the ring's sizes, null without memory.
    hidden: width of what the causal head and the outcome graph look at, null without either. sampling: defaults.
    parameters: count over all graphs.
    precision: how the weights are stored. graphs: ONNX files. programs: torch.export files, null where none ship.
    starts: npz of start histories. files: SHA-256 of every file. known_frame: a self-check.
    outcome: the rewards that can be predicted, null where no reward and no end of the round is.
    diffusion: defaults of the diffusion decoder, null without it.
    training, metrics: free-form records for people. licence: of the weights.
    """

    format: int
    name: str
    version: str
    games: tuple[str, ...]
    actions: tuple[str, ...]
    fps: int
    resolution: int
    grid: tuple[int, int]
    vocabulary: int
    history: int
    modes: tuple[str, ...]
    decoders: tuple[str, ...]
    cache: CacheShape | None
    hidden: int | None
    sampling: SamplingDefaults
    parameters: int
    precision: str
    graphs: Graphs
    programs: Programs | None
    starts: str
    files: dict[str, str]
    known_frame: KnownFrame
    game_actions: dict[str, tuple[str, ...]] | None = None
    fine: int | None = None
    outcome: Outcome | None = None
    diffusion: DiffusionDefaults | None = None
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    licence: str = "MIT"

    def actions_of(self, game: str) -> tuple[str, ...]:
        """The actions that one of its games has."""
        return self.actions if self.game_actions is None else self.game_actions[game]

    def game_number(self, game: str | None) -> int:
        """Which of its games that is: the number that its graphs know it by; None for the first.

        Raises ValueError for a game that it does not dream.
        """
        if game is not None and game not in self.games:
            raise ValueError(f"The dream {self.name} is of {', '.join(self.games)}, not of {game}.")
        return 0 if game is None else self.games.index(game)

    @property
    def positions(self) -> int:
        """Tokens in a frame."""
        return sum(rows * columns for rows, columns in self.grids)

    @property
    def grids(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each level of tokens, in the order in which a frame's tokens follow one another."""
        rows, columns = self.grid
        return ((rows, columns),) if self.fine is None else ((rows, columns), (rows * self.fine, columns * self.fine))

    @property
    def most_passes(self) -> int:
        """Passes of the parallel mode after which it is the ar mode; 1 without a causal head to refine with."""
        return self.positions + 1 if self.graphs.causal_head is not None else 1

    def to_json(self) -> str:
        """The text of `manifest.json`; `Manifest.parse` of it gives an equal manifest."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @staticmethod
    def parse(text: str, where: Path) -> Manifest:
        """Read the text of a manifest. `where` is its path, named in messages.

        Raises BundleError for anything that is not understood: other versions, unknown or missing keys, wrong types,
        values that contradict each other, files outside the folder.
        """
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise BundleError(f"{where} is not JSON: export or download the bundle again") from None
        version = value.get("format") if isinstance(value, dict) else None
        if type(version) is int and version != FORMAT:
            raise BundleError(
                f"{where} has format {version}, and this Reverie reads format {FORMAT}: "
                f"{'update Reverie' if version > FORMAT else 'export the bundle again'}"
            )
        try:
            manifest = read_object(Manifest, value, "")
            _check(manifest)
        except SchemaError as error:
            raise BundleError(f"{where}: {error}; export or download the bundle again") from None
        return manifest


def _check(m: Manifest) -> None:
    """Raise SchemaError where fields contradict each other or name what this version does not have."""
    numbers = {"fps": m.fps, "resolution": m.resolution, "vocabulary": m.vocabulary, "history": m.history}
    numbers |= {"grid[0]": m.grid[0], "grid[1]": m.grid[1], "fine": 1 if m.fine is None else m.fine}
    numbers |= {f"cache.{k}": v for k, v in (dataclasses.asdict(m.cache) if m.cache else {}).items()}
    for name, number in numbers.items():
        if number < 1:
            raise SchemaError(f"{name} must be at least 1, not {number}")
    for name, given, known in (("modes", m.modes, MODES), ("decoders", m.decoders, DECODERS)):
        if not given:
            raise SchemaError(f"{name} must name at least one of {', '.join(known)}")
        for item in given:
            if item not in known:
                raise SchemaError(f"{name} names {item!r}, and this version has only {', '.join(known)}")
    if "parallel" not in m.modes:
        raise SchemaError("modes must name parallel, in which the known frame is drawn")
    if not m.actions:
        raise SchemaError("actions must name at least one action")
    if not m.games or len(set(m.games)) < len(m.games):
        raise SchemaError("games must name at least one game, each once")
    if m.game_actions is not None:
        if set(m.game_actions) != set(m.games):
            raise SchemaError("game_actions must name the actions of each of the games, and of no other")
        for game, actions in m.game_actions.items():
            if not actions or actions != tuple(name for name in m.actions if name in actions):
                raise SchemaError(f"game_actions.{game} must name some of actions, in the same order")
    if m.precision not in PRECISIONS:
        raise SchemaError(f"precision must be one of {', '.join(PRECISIONS)}, not {m.precision!r}")
    if "ar" in m.modes and (m.graphs.causal_head is None or m.hidden is None):
        raise SchemaError("the mode ar needs graphs.causal_head and hidden")
    if (m.graphs.outcome is None) != (m.outcome is None):
        raise SchemaError("outcome and graphs.outcome need each other")
    if m.outcome is not None and not (m.outcome.rewards and all(map(math.isfinite, m.outcome.rewards))):
        raise SchemaError("outcome.rewards must name at least one number")
    if not ("diffusion" in m.decoders) == (m.graphs.diffusion is not None) == (m.diffusion is not None):
        raise SchemaError("the decoder diffusion needs graphs.diffusion and diffusion, and they need it")
    if m.diffusion is not None and not 1 <= m.diffusion.steps <= MOST_STEPS:
        raise SchemaError(f"diffusion.steps must be 1 to {MOST_STEPS}, not {m.diffusion.steps}")
    if m.diffusion is not None and m.fine is not None:
        raise SchemaError("the decoder diffusion draws tokens of one level, and fine says that there are two")
    if (m.hidden is None) != (m.graphs.causal_head is None and m.graphs.outcome is None):
        raise SchemaError("hidden belongs to graphs.causal_head and graphs.outcome")
    if not 0 <= m.sampling.temperature < float("inf") or not 0 <= m.sampling.min_p < 1:
        raise SchemaError("sampling needs temperature >= 0 and 0 <= min_p < 1")
    if not 0 < m.sampling.top_p <= 1:
        raise SchemaError("sampling.top_p must be above 0 and at most 1")
    if not 1 <= m.sampling.passes <= m.most_passes:
        raise SchemaError(f"sampling.passes must be 1 to {m.most_passes}, not {m.sampling.passes}")
    if (m.cache.slots if m.cache else 0) != m.history - 1:
        raise SchemaError("cache.slots must be history - 1")
    if m.cache is not None and m.cache.positions > m.positions:
        raise SchemaError(f"cache.positions must be at most the {m.positions} tokens of a frame")
    if any(not 0 <= action < len(m.actions_of(m.games[0])) for action in m.known_frame.actions):
        raise SchemaError("known_frame.actions names an action that the first game does not have")
    named = list(m.graphs.present().values())
    if m.programs is not None:
        named += [*m.programs.present().values(), m.programs.weights]
        if m.programs.present().keys() != m.graphs.present().keys():
            raise SchemaError("programs must name the same graphs as graphs does")
    for file in [*named, m.starts, m.known_frame.frame]:
        if file not in m.files:
            raise SchemaError(f"files has no SHA-256 of {file}")
    for file, digest in m.files.items():
        pure = PurePosixPath(file)
        if pure.is_absolute() or ".." in pure.parts or "\\" in file or ":" in file or file in ("", ".", MANIFEST):
            raise SchemaError(f"files names {file!r}, which does not lie inside the bundle")
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise SchemaError(f"files.{file} is not a SHA-256 in hexadecimal")
