"""Which dream opens, and in which mode, when nobody says which."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.app.errors import Mistake
from reverie.engine.families import family
from reverie.engine.settings import Value, completed, settings_of

if TYPE_CHECKING:
    from reverie.engine.bundle import Bundle
    from reverie.engine.manifest import Manifest

TRIED_FRAMES = 6
SHARE_OF_TICK = 0.8
"""A dream holds the rate when its median frame takes at most this share of a tick; the rest is for drawing."""


def load_bundle(name: str, backend: str = "onnx") -> Bundle:
    """The bundle of that name or folder, checked. Raises BundleError (a ValueError) with one sentence."""
    from reverie.engine import library
    from reverie.engine.bundle import Bundle

    bundle = Bundle.load(library.resolve(name), backend=backend)
    if bundle.runtime.note:
        _say(bundle.runtime.note)
    return bundle


@cache
def _say(note: str) -> None:
    """Say it once, however many bundles are opened."""
    print(f"reverie: {note}", file=sys.stderr)


def shipped_for(backend: str) -> dict[Path, Manifest]:
    """The shipped bundles that the backend can run, oldest first: torch runs those that describe their networks."""
    from reverie.engine import library
    from reverie.engine.bundle import read_manifest

    found = {path: read_manifest(path)[0] for path in library.shipped().values()}
    torch = backend.startswith("torch")
    return {path: manifest for path, manifest in found.items() if manifest.networks is not None or not torch}


def choose_bundle(
    fps: float, game: str | None, settings: Mapping[str, Value], backend: str
) -> tuple[Bundle, dict[str, Value]]:
    """Return the newest bundle that is as asked for and holds the rate here, and its settings.

    Each bundle that dreams the game, has the settings, and runs on the backend, is timed for a few frames in each mode
    that may be played, newest first; when none holds the rate, the fastest is taken. Raises Mistake when none is as
    asked for.
    """
    fitting: dict[Path, list[dict[str, Value]]] = {}
    for path, manifest in reversed(shipped_for(backend).items()):
        if game in (None, *manifest.games) and (variants := _variants(manifest, settings)):
            fitting[path] = variants
    if not fitting:
        torch = backend if backend.startswith("torch") else None
        asked = (("game", game), *settings.items(), ("backend", torch))
        wants = ", ".join(f"{what} '{value}'" for what, value in asked if value is not None)
        what = f"No dream here has the {wants}" if wants else "No dream is installed"
        raise Mistake(f"{what}; `reverie list` shows what there is, and `reverie play --real` plays the real game.")
    timed = []
    for path, variants in fitting.items():
        bundle = load_bundle(str(path), backend)
        for own in variants:
            if len(fitting) == len(variants) == 1:
                return bundle, own
            seconds = seconds_per_frame(bundle, game, own)
            if seconds <= SHARE_OF_TICK / fps:
                return bundle, own
            timed.append((seconds, bundle, own))
    _, bundle, own = min(timed, key=lambda one: one[0])
    return bundle, own


def _variants(manifest: Manifest, settings: Mapping[str, Value]) -> list[dict[str, Value]]:
    """The settings, in each mode that they allow; none where the bundle does not have them."""
    try:
        own = completed(family(manifest.family).SETTINGS, settings)
        settings_of(manifest, own)
    except ValueError:
        return []
    return [own] if "mode" in own else [{**own, "mode": mode} for mode in manifest.choices("mode")] or [own]


def seconds_per_frame(bundle: Bundle, game: str | None, settings: Mapping[str, Value]) -> float:
    """Median time of a few frames after two to warm up."""
    from reverie.engine.dream import Dream

    dream = Dream(bundle, game=game)
    dream.change(**settings)
    times = []
    for i in range(TRIED_FRAMES + 2):
        began = time.perf_counter()
        dream.step(i % len(dream.actions))
        times.append(time.perf_counter() - began)
    return sorted(times[2:])[TRIED_FRAMES // 2]
