"""What a manifest says of a world model of tokens under `model`, and the graphs and state that follow from it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from reverie.engine.manifest import BATCH, GraphSpec, Manifest, SettingSpec, StateSpec, TensorSpec
from reverie.engine.tokens.settings import SETTINGS
from reverie.schema import SchemaError, Within, read_object

GRAPHS = ("encoder", "dynamics", "decoder", "causal_head", "outcome", "diffusion")


@dataclass(frozen=True)
class TokenModel:
    """A world model of tokens.

    grid: rows and columns of tokens. vocabulary: number of codes. fine: edge of the square of fine tokens below each
    token of the grid, null where tokens are of one level. hidden: width of what the causal head and the outcome graph
    look at, null without either. rewards: the values that a reward can have, in the order of the outcome graph's
    logits; empty where no reward and no end of the round is predicted. layers, heads, head_dim, positions: of the
    keys and values that the ring holds, positions being fewer than a frame's tokens where the model merges tokens;
    0 without memory.
    """

    grid: tuple[Annotated[int, Within(1, 64)], Annotated[int, Within(1, 64)]]
    vocabulary: Annotated[int, Within(1, 65536)]
    fine: Annotated[int, Within(1, 16)] | None = None
    hidden: Annotated[int, Within(1, 16384)] | None = None
    rewards: Annotated[tuple[float, ...], Within(0, 256)] = ()
    layers: Annotated[int, Within(0, 64)] = 0
    heads: Annotated[int, Within(0, 64)] = 0
    head_dim: Annotated[int, Within(0, 1024)] = 0
    positions: Annotated[int, Within(0, 4096)] = 0

    @property
    def tokens(self) -> int:
        """Tokens in a frame."""
        return sum(rows * columns for rows, columns in self.grids)

    @property
    def grids(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each level of tokens, in the order in which a frame's tokens follow one another."""
        rows, columns = self.grid
        return ((rows, columns),) if self.fine is None else ((rows, columns), (rows * self.fine, columns * self.fine))

    def over_picture(self, values: Any) -> Any:
        """Numbers of the tokens (B, S) over the picture: (B, rows, columns), of two levels the sums."""
        rows, columns = self.grid
        coarse = values[:, : rows * columns].reshape(-1, rows, columns)
        if self.fine is None:
            return coarse
        fine = values[:, rows * columns :].reshape(-1, rows, self.fine, columns, self.fine)
        return coarse + fine.sum(4).sum(2)


def as_json(model: TokenModel) -> dict[str, Any]:
    """The manifest's `model`."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(model).items()}


def model_of(manifest: Manifest) -> TokenModel:
    """The manifest's `model`. Raises SchemaError where that is none of this family."""
    return read_object(TokenModel, manifest.model, "model")


def representation(model: TokenModel) -> TensorSpec:
    """A frame between encode and decode: its tokens."""
    return TensorSpec("int64", (BATCH, model.tokens))


def state(model: TokenModel, history: int) -> dict[str, StateSpec]:
    """What a trajectory keeps of its last history - 1 frames: keys, values, and how old each slot is."""
    if history == 1:
        return {}
    m, slots = model, history - 1
    ring = (m.layers, m.heads, slots, m.positions, m.head_dim)
    return {
        "keys": StateSpec("float32", ring, "push", "dynamics.new_keys", 2),
        "values": StateSpec("float32", ring, "push", "dynamics.new_values", 2),
        "age": StateSpec("int64", (slots,), "age"),
    }


def graph(name: str, model: TokenModel, resolution: int, history: int, games: int, file: str = "") -> GraphSpec:
    """What a graph of that name takes and gives. games: how many the model knows, which it is told only of several."""
    m = model

    def of(kind: str, *shape: int) -> TensorSpec:
        return TensorSpec(kind, (BATCH, *shape))

    image, tokens = of("uint8", resolution, resolution, 3), of("int64", m.tokens)
    logits, hidden = of("float32", m.tokens, m.vocabulary), of("float32", m.tokens, m.hidden or 0)
    game = {"game": of("int64")} if games > 1 else {}
    inputs: dict[str, TensorSpec]
    match name:
        case "encoder":
            inputs, outputs = {"frames": image}, {"tokens": tokens}
        case "decoder":
            inputs, outputs = {"tokens": tokens}, {"frames": image}
        case "diffusion":
            noisy, level = of("float32", resolution, resolution, 3), of("float32")
            inputs = {"noisy": noisy, "level": level, "target": level, "tokens": tokens, "vq": image}
            outputs = {"less_noisy": noisy, "frames": image}
        case "causal_head":
            inputs, outputs = {"hidden": hidden, "tokens": tokens, **game}, {"logits": logits}
        case "outcome":
            inputs = {"hidden": hidden, "tokens": tokens}
            outputs = {"rewards": of("float32", len(m.rewards)), "ended": of("float32")}
        case "dynamics":
            ring = {key: TensorSpec(spec.type, (BATCH, *spec.shape)) for key, spec in state(m, history).items()}
            inputs = {"tokens": tokens, "action": of("int64"), **ring, **game}
            outputs = {"logits": logits} | ({"hidden": hidden} if m.hidden is not None else {})
            if ring:
                new = of("float32", m.layers, m.heads, m.positions, m.head_dim)
                outputs |= {"new_keys": new, "new_values": new}
        case _:
            raise SchemaError(f"graphs.{name} is none of {', '.join(GRAPHS)}")
    return GraphSpec(file, inputs, outputs)


def settings(model: TokenModel, graphs: tuple[str, ...], defaults: dict[str, Any]) -> dict[str, SettingSpec]:
    """What may be set of a model with these graphs. defaults: those of the settings that are there."""
    head, diffusion = "causal_head" in graphs, "diffusion" in graphs
    choices = {
        "mode": ("ar", "parallel") if head else ("parallel",),  # the first is the one that opens
        "decoder": ("vq", "diffusion") if diffusion else ("vq",),
    }
    absent = (() if head else ("passes",)) + (() if diffusion else ("steps",))
    specs = {}
    for name, info in SETTINGS.items():
        if name in absent:
            continue
        if name in choices:
            specs[name] = SettingSpec(defaults.get(name, choices[name][0]), choices[name])
            continue
        # After as many passes as there are tokens, the parallel mode is the ar mode.
        highest = model.tokens + 1 if name == "passes" else info.highest
        specs[name] = SettingSpec(defaults.get(name, info.default), None, float(info.lowest), float(highest))
    return specs


def check(manifest: Manifest) -> None:
    """Raise SchemaError where a manifest does not declare what the family needs, or more than it uses."""
    m = manifest
    model = model_of(m)
    if m.representation != representation(model):
        raise SchemaError(f"representation must be int64 of {[BATCH, model.tokens]}")
    if m.history > 1 and not (model.layers and model.heads and model.head_dim and model.positions):
        raise SchemaError("model must say the layers, heads, head_dim and positions of its memory")
    if model.positions > model.tokens:
        raise SchemaError(f"model.positions must be at most the {model.tokens} tokens of a frame")
    if m.state != state(model, m.history):
        raise SchemaError("state must be keys, values and age, as model and history give them")
    for name in ("encoder", "dynamics", "decoder"):
        if name not in m.graphs:
            raise SchemaError(f"graphs.{name} is missing")
    for name, spec in m.graphs.items():
        wanted = graph(name, model, m.resolution, m.history, len(m.games), spec.file)
        for what, given, expected in (
            ("inputs", spec.inputs, wanted.inputs),
            ("outputs", spec.outputs, wanted.outputs),
        ):
            if list(given.items()) != list(expected.items()):
                raise SchemaError(
                    f"graphs.{name}.{what} must be {', '.join(expected)}, of the types and shapes of model"
                )
    head, outcome = "causal_head" in m.graphs, "outcome" in m.graphs
    if (model.hidden is not None) != (head or outcome):
        raise SchemaError("model.hidden belongs to graphs.causal_head and graphs.outcome")
    if bool(model.rewards) != outcome or not all(map(math.isfinite, model.rewards)):
        raise SchemaError("model.rewards and graphs.outcome need each other")
    if model.fine is not None and "diffusion" in m.graphs:
        raise SchemaError("the decoder diffusion draws tokens of one level, and model.fine says that there are two")
    _check_settings(m, model)


def _check_settings(m: Manifest, model: TokenModel) -> None:
    """The settings are those of the graphs that are there, within what the sampler and the decoders can do."""
    wanted = settings(model, tuple(m.graphs), {})
    if not set(m.settings) <= set(wanted):
        raise SchemaError(f"settings must be some of {', '.join(wanted)}")
    for name, spec in m.settings.items():
        known = wanted[name]
        if type(spec.default) is not type(known.default):
            raise SchemaError(f"settings.{name}.default is of another type than {known.default!r}")
        if known.choices is not None:
            if spec.choices is None or not set(spec.choices) <= set(known.choices):
                raise SchemaError(f"settings.{name}.choices must be some of {', '.join(known.choices)}")
            continue
        assert known.lowest is not None
        assert known.highest is not None
        if spec.lowest is None or spec.highest is None or spec.lowest < known.lowest or spec.highest > known.highest:
            raise SchemaError(f"settings.{name} must be within {known.lowest:g} and {known.highest:g}")
    given = {name: (m.settings.get(name) or spec).choices or () for name, spec in wanted.items()}
    if "parallel" not in given["mode"] or "vq" not in given["decoder"]:
        raise SchemaError(
            "settings must have the mode parallel and the decoder vq, with which the known frame is drawn"
        )
