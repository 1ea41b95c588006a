"""The family `tokens`, as `engine.families` has it: a frame is a grid of codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.engine.dynamics import Dynamics
from reverie.engine.manifest import Manifest, SettingSpec
from reverie.engine.runtime import Runtime
from reverie.engine.settings import Value
from reverie.engine.tokens.model import check, model_of
from reverie.engine.tokens.model import settings as settings_of_model
from reverie.engine.tokens.settings import SETTINGS

__all__ = ["SETTINGS", "check", "dynamics", "known_settings", "settings"]


def dynamics(manifest: Manifest, runtime: Any) -> Dynamics:
    """The family on a runtime of graphs, or on the networks of `engine.torch_runtime`."""
    if isinstance(runtime, Runtime):
        from reverie.engine.tokens.graph_dynamics import GraphDynamics

        return GraphDynamics(manifest, runtime)
    from reverie.engine.tokens.torch_dynamics import TorchDynamics

    return TorchDynamics(manifest, runtime)


def settings(manifest: Manifest) -> Mapping[str, SettingSpec]:
    """The settings that the graphs allow, with the family's defaults and ranges."""
    return settings_of_model(model_of(manifest), tuple(manifest.graphs), {})


def known_settings(manifest: Manifest) -> Mapping[str, Value]:
    """The most likely tokens, all at once."""
    passes: dict[str, Value] = {"passes": 1} if "passes" in manifest.settings else {}
    return {"mode": "parallel", "decoder": "vq", "temperature": 0.0, **passes}
