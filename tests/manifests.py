"""Manifests for hand-made bundles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reverie.engine.manifest import FORMAT, KnownFrame, Manifest
from reverie.engine.tokens.model import TokenModel, as_json, graph, representation, settings, state


def token_manifest(
    name: str,
    model: TokenModel,
    graphs: Sequence[str],
    *,
    resolution: int,
    history: int = 1,
    games: tuple[str, ...] = ("garden",),
    actions: tuple[str, ...] = ("noop", "up", "down", "left", "right"),
    settings_are: dict[str, Any] | None = None,
    **changes: Any,
) -> Manifest:
    """A manifest of the token family that passes every check, with made-up files unless `files` is given.

    graphs: which there are beside encoder, dynamics and decoder. settings_are: defaults of the settings.
    """
    names = ("encoder", "dynamics", "decoder", *graphs)
    specs = {each: graph(each, model, resolution, history, len(games), f"{each}.onnx") for each in names}
    files = dict.fromkeys([*(spec.file for spec in specs.values()), "starts.npz", "known.png"], "0" * 64)
    return Manifest(**{
        "format": FORMAT, "family": "tokens", "name": name, "version": "0", "games": games, "actions": actions,
        "fps": 20, "resolution": resolution, "history": history, "representation": representation(model),
        "graphs": specs, "state": state(model, history), "settings": settings(model, names, settings_are or {}),
        "model": as_json(model), "networks": None, "parameters": 1, "active_parameters": 1, "precision": "fp32",
        "starts": "starts.npz", "files": files, "known_frame": KnownFrame(0, (1,), "0" * 64, "known.png"),
    } | changes)  # fmt: skip
