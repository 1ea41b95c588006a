"""The family `latent`, as `engine.families` has it: a frame is a small grid of continuous latents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.engine.dynamics import Dynamics
from reverie.engine.latent.model import check
from reverie.engine.latent.model import settings as settings_of_model
from reverie.engine.latent.settings import SETTINGS
from reverie.engine.manifest import Manifest, SettingSpec
from reverie.engine.runtime import Runtime
from reverie.engine.settings import Value

__all__ = ["SETTINGS", "check", "dynamics", "known_settings", "settings"]


def dynamics(manifest: Manifest, runtime: Any) -> Dynamics:
    """Return the family on a runtime of graphs, or on the networks of `engine.torch_runtime`."""
    from reverie.engine.latent.dynamics import LatentDynamics

    if isinstance(runtime, Runtime):
        from reverie.engine.latent.graph_calls import GraphCalls

        return LatentDynamics(manifest, GraphCalls(runtime))
    from reverie.engine.latent.torch_calls import TorchCalls

    return LatentDynamics(manifest, TorchCalls(manifest, runtime))


def settings(manifest: Manifest) -> Mapping[str, SettingSpec]:
    """Return the family's own settings, for those that a manifest leaves out."""
    return settings_of_model(manifest.graphs, {})


def known_settings(manifest: Manifest) -> Mapping[str, Value]:
    """Return one step from no noise at all, in which differences between machines grow least, drawn plainly."""
    return {"steps": 1, "temperature": 0.0, "decoder": "autoencoder"}
