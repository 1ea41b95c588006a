"""Which dream opens when nobody says which."""

from __future__ import annotations

import sys
import time
from functools import cache
from typing import TYPE_CHECKING

from app.errors import Mistake

if TYPE_CHECKING:
    from engine.bundle import Bundle

TRIED_FRAMES = 6
SHARE_OF_TICK = 0.8
"""A dream holds the rate when its median frame takes at most this share of a tick; the rest is for drawing."""


def load_bundle(name: str, backend: str = "onnx") -> Bundle:
    """The bundle of that name or folder, checked. Raises BundleError (a ValueError) with one sentence."""
    from engine import library
    from engine.bundle import Bundle

    bundle = Bundle.load(library.resolve(name), backend=backend)
    if bundle.runtime.note:
        _say(bundle.runtime.note)
    return bundle


@cache
def _say(note: str) -> None:
    """Say it once, however many bundles are opened."""
    print(f"reverie: {note}", file=sys.stderr)


def choose_bundle(fps: float, game: str | None, mode: str | None, decoder: str | None, backend: str) -> Bundle:
    """The newest bundle that dreams the game asked for, has the mode and decoder asked for, and holds the rate here.

    Each is timed for a few frames, newest first; when none holds the rate, the fastest is taken. Raises Mistake
    when none does what is asked for.
    """
    from engine import library
    from engine.bundle import read_manifest

    fitting = []
    for path in reversed(library.shipped().values()):
        manifest, _ = read_manifest(path)
        if (
            (game is None or game in manifest.games)
            and (mode is None or mode in manifest.modes)
            and (decoder is None or decoder in manifest.decoders)
        ):
            fitting.append(path)
    if not fitting:
        wants = ", ".join(
            f"{k} '{v}'" for k, v in (("game", game), ("mode", mode), ("decoder", decoder)) if v is not None
        )
        what = f"No dream here has the {wants}" if wants else "No dream is installed"
        raise Mistake(f"{what}; `reverie list` shows what there is, and `reverie play --real` plays the real game.")
    timed = []
    for path in fitting:
        bundle = load_bundle(str(path), backend)
        if len(fitting) == 1:
            return bundle
        seconds = seconds_per_frame(bundle, game, mode, decoder)
        if seconds <= SHARE_OF_TICK / fps:
            return bundle
        timed.append((seconds, bundle))
    return min(timed, key=lambda pair: pair[0])[1]


def seconds_per_frame(bundle: Bundle, game: str | None, mode: str | None, decoder: str | None) -> float:
    """Median time of a few frames after two to warm up."""
    from engine.dream import Dream

    dream = Dream(bundle, mode=mode, decoder=decoder, game=game)
    times = []
    for i in range(TRIED_FRAMES + 2):
        began = time.perf_counter()
        dream.step(i % len(dream.actions))
        times.append(time.perf_counter() - began)
    return sorted(times[2:])[TRIED_FRAMES // 2]
