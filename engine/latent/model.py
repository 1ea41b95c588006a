"""What a manifest says of a world model of latents under `model`, and the graphs and state that follow from it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from reverie.engine.latent.settings import SETTINGS
from reverie.engine.manifest import BATCH, GraphSpec, Manifest, SettingSpec, StateSpec, TensorSpec
from reverie.schema import SchemaError, Within, read_object

GRAPHS = ("encoder", "dynamics", "denoiser", "decoder", "outcome", "diffusion")


@dataclass(frozen=True)
class LatentModel:
    """A world model of latents.

    grid: rows and columns of latents. channels: numbers in a latent. hidden: width of what the trunk says of the next
    frame. positions: of the trunk, fewer than a frame's latents where the model merges squares of them.
    rewards: the values that a reward can have, in the order of the outcome graph's logits; empty where no reward and no
    end of the round is predicted. layers, heads, head_dim: of the keys and values in the ring; 0 without memory.
    """

    grid: tuple[Annotated[int, Within(1, 64)], Annotated[int, Within(1, 64)]]
    channels: Annotated[int, Within(1, 1024)]
    hidden: Annotated[int, Within(1, 2**18)]
    positions: Annotated[int, Within(1, 4096)]
    rewards: Annotated[tuple[float, ...], Within(0, 256)] = ()
    layers: Annotated[int, Within(0, 64)] = 0
    heads: Annotated[int, Within(0, 64)] = 0
    head_dim: Annotated[int, Within(0, 1024)] = 0

    @property
    def latents(self) -> int:
        """Latents in a frame, S."""
        return self.grid[0] * self.grid[1]


def as_json(model: LatentModel) -> dict[str, Any]:
    """Return the manifest's `model`."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(model).items()}


def model_of(manifest: Manifest) -> LatentModel:
    """Return the manifest's `model`. Raises SchemaError where that is none of this family."""
    return read_object(LatentModel, manifest.model, "model")


def representation(model: LatentModel) -> TensorSpec:
    """Return what a frame is between encode and decode: its latents."""
    return TensorSpec("float32", (BATCH, model.latents, model.channels))


def state(model: LatentModel, history: int) -> dict[str, StateSpec]:
    """Return what a trajectory keeps of its last history - 1 frames: keys, values, and how old each slot is."""
    if history == 1:
        return {}
    m, slots = model, history - 1
    ring = (m.layers, m.heads, slots, m.positions, m.head_dim)
    return {
        "keys": StateSpec("float32", ring, "push", "dynamics.new_keys", 2),
        "values": StateSpec("float32", ring, "push", "dynamics.new_values", 2),
        "age": StateSpec("int64", (slots,), "age"),
    }


def graph(name: str, model: LatentModel, resolution: int, history: int, games: int, file: str = "") -> GraphSpec:
    """Return what a graph of that name takes and gives. games: how many the model knows."""
    m = model

    def of(kind: str, *shape: int) -> TensorSpec:
        return TensorSpec(kind, (BATCH, *shape))

    image, z = of("uint8", resolution, resolution, 3), of("float32", m.latents, m.channels)
    hidden, number = of("float32", m.positions, m.hidden), of("int64")
    inputs: dict[str, TensorSpec]
    match name:
        case "encoder":
            inputs, outputs = {"frames": image}, {"z": z}
        case "decoder":
            inputs, outputs = {"z": z}, {"frames": image}
        case "diffusion":
            noisy, level = of("float32", resolution, resolution, 3), of("float32")
            inputs = {"noisy": noisy, "level": level, "target": level, "z": z, "picture": image}
            outputs = {"less_noisy": noisy, "frames": image}
        case "denoiser":
            inputs, outputs = {"hidden": hidden, "noisy": z, "level": number, "size": number}, {"clean": z}
        case "outcome":
            inputs = {"hidden": hidden, "z": z}
            outputs = {"rewards": of("float32", len(m.rewards)), "ended": of("float32")}
        case "dynamics":
            ring = {key: TensorSpec(spec.type, (BATCH, *spec.shape)) for key, spec in state(m, history).items()}
            game = {"game": number} if games > 1 else {}
            inputs, outputs = {"z": z, "action": number, **ring, **game}, {"hidden": hidden}
            if ring:
                new = of("float32", m.layers, m.heads, m.positions, m.head_dim)
                outputs |= {"new_keys": new, "new_values": new}
        case _:
            raise SchemaError(f"graphs.{name} is none of {', '.join(GRAPHS)}")
    return GraphSpec(file, inputs, outputs)


def settings(graphs: Iterable[str], defaults: dict[str, Any]) -> dict[str, SettingSpec]:
    """Return what may be set of a model with these graphs. defaults: those of a bundle that has its own."""
    diffusion, specs = "diffusion" in graphs, {}
    for name, info in SETTINGS.items():
        default = defaults.get(name, info.default)
        if name == "decoder":
            specs[name] = SettingSpec(default, info.choices if diffusion else info.choices[:1])
        elif diffusion or name != "decoder_steps":
            specs[name] = SettingSpec(default, None, float(info.lowest), float(info.highest))
    return specs


def check(manifest: Manifest) -> None:
    """Raise SchemaError where a manifest does not declare what the family needs, or more than it uses."""
    m = manifest
    model = model_of(m)
    if m.representation != representation(model):
        raise SchemaError(f"representation must be float32 of {[BATCH, model.latents, model.channels]}")
    if m.history > 1 and not (model.layers and model.heads and model.head_dim):
        raise SchemaError("model must say the layers, heads and head_dim of its memory")
    if model.positions > model.latents:
        raise SchemaError(f"model.positions must be at most the {model.latents} latents of a frame")
    if m.state != state(model, m.history):
        raise SchemaError("state must be keys, values and age, as model and history give them")
    for name in ("encoder", "dynamics", "denoiser", "decoder"):
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
    if bool(model.rewards) != ("outcome" in m.graphs) or not all(map(math.isfinite, model.rewards)):
        raise SchemaError("model.rewards and graphs.outcome need each other")
    _check_settings(m)


def _check_settings(m: Manifest) -> None:
    """The settings are those of the graphs that are there, within what the sampler and the decoders can do."""
    wanted = settings(m.graphs, {})
    if not set(m.settings) <= set(wanted):
        raise SchemaError(f"settings must be some of {', '.join(wanted)}")
    for name, setting in m.settings.items():
        known = wanted[name]
        if type(setting.default) is not type(known.default):
            raise SchemaError(f"settings.{name}.default is of another type than {known.default!r}")
        if known.choices is not None:
            if setting.choices is None or not set(setting.choices) <= set(known.choices):
                raise SchemaError(f"settings.{name}.choices must be some of {', '.join(known.choices)}")
            if SETTINGS[name].default not in setting.choices:
                raise SchemaError(
                    f"settings.{name} must have {SETTINGS[name].default}, with which the known frame is drawn"
                )
            continue
        assert known.lowest is not None
        assert known.highest is not None
        if (
            setting.lowest is None
            or setting.highest is None
            or setting.lowest < known.lowest
            or setting.highest > known.highest
        ):
            raise SchemaError(f"settings.{name} must be within {known.lowest:g} and {known.highest:g}")
