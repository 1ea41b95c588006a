"""Writes `conformance/`: what the Python engine computes, for engines in other languages.

`python -m tests.web.vectors` is not needed by anybody who plays: it is run when the noise, the sampler, the ring or
the settings change, and a test says when that was forgotten.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from reverie.engine.arrays import NumpyArrays
from reverie.engine.guard import finite
from reverie.engine.latent.dynamics import LatentDynamics
from reverie.engine.latent.graph_calls import GraphCalls
from reverie.engine.latent.model import LatentModel, as_json, representation
from reverie.engine.latent.schedule import FINEST, schedule
from reverie.engine.manifest import StateSpec
from reverie.engine.noise import gumbel, keys_of, next_keys, normal
from reverie.engine.ring import NumpyRing
from reverie.engine.settings import shown
from reverie.engine.tokens.model import TokenModel
from reverie.engine.tokens.sampler import draw, most_passes, refine
from reverie.engine.tokens.settings import SETTINGS
from tests.manifests import token_manifest

FOLDER = Path(__file__).parents[2] / "conformance"


def noise() -> dict[str, Any]:
    """Keys as hexadecimal, of seeds and of the frames after; Gumbel and normal noise by place."""
    seeds = [0, 1, 7, 1234, 2**31 - 1, 2**32, 2**32 + 5, 2**40 + 123, 2**53 - 1]
    cases = []
    for seed in seeds:
        key, keys = keys_of([seed]), []
        for _ in range(4):
            keys.append(f"{int(key[0]):016x}")
            key = next_keys(key)
        places = np.array([0, 1, 2, 63, 64 * 2048 - 1, 64 * 12064 - 1])
        case = {"seed": seed, "keys": keys, "places": places.tolist()}
        for name, noise_of in (("gumbel", gumbel), ("normal", normal)):
            case[name] = noise_of(np.repeat(keys_of([seed]), len(places)), places).astype(float).tolist()
        cases.append(case)
    return {"cases": cases}


def sampler() -> dict[str, Any]:
    """Tokens drawn from logits, for settings that reach every branch; minus infinity is null."""
    rng = np.random.default_rng(0)
    cases = []
    settings = [(t, m, p) for t in (0.0, 0.8, 1.0, 1.7) for m in (0.0, 0.03, 0.3) for p in (1.0, 0.95, 0.4)]
    for number, (temperature, min_p, top_p) in enumerate(settings):
        positions, vocabulary = 6, 12
        logits = rng.normal(0, 3, (1, positions, vocabulary)).astype(np.float32)
        logits[0, 0, :] = 1.5  # all alike
        logits[0, 1, 3] = 40  # sure
        logits[0, 2, ::2] = -np.inf  # never
        logits[0, 4, [1, 5]] = logits[0, 4].max() + 1  # a tie
        chosen = {"temperature": temperature, "min_p": min_p, "top_p": top_p}
        drawn = draw(logits, keys_of([number]), chosen)
        values = [None if not np.isfinite(x) else float(x) for x in logits.ravel()]
        cases.append({"seed": number, "positions": positions, "settings": chosen, "logits": values,
                      "tokens": drawn[0].tolist()})  # fmt: skip
    return {"cases": cases}


TABLE = 17
"""Size of the table of the pretended causal head."""


def causal_logits(tokens: Any, positions: int, vocabulary: int) -> Any:
    """A causal head that anybody can write down: logits of position i from the sum of the tokens before it.

    tokens: (B, S). Returns (B, S, V) float32: `((7 * sum + 5 * i + 3 * code) % 17) / 4`.
    """
    before = np.cumsum(tokens, 1) - tokens  # (B, S)
    i, code = np.arange(positions)[None, :, None], np.arange(vocabulary)[None, None]
    return (((7 * before[..., None] + 5 * i + 3 * code) % TABLE) / 4).astype(np.float32)


def refinement() -> dict[str, Any]:
    """Tokens after passes of a causal head, in both modes."""
    positions, vocabulary = 8, 9
    cases = []
    for seed in range(6):
        for mode, passes in (("parallel", 1), ("parallel", 2), ("parallel", 4), ("ar", 1)):
            chosen: dict[str, Any] = {"mode": mode, "passes": passes, "temperature": 0.9, "min_p": 0.05, "top_p": 0.9}
            guess = np.full((1, positions), seed, np.int64)

            def head(tokens: Any, rows: Any) -> Any:
                return causal_logits(tokens, positions, vocabulary)

            tokens, *_ = refine(head, guess, keys_of([seed]), chosen, most_passes(chosen, positions))
            cases.append({"seed": seed, "positions": positions, "vocabulary": vocabulary, "settings": chosen,
                          "guess": guess[0].tolist(), "tokens": tokens[0].tolist()})  # fmt: skip
    return {"cases": cases, "table": TABLE}


class PretendedGraphs(GraphCalls):
    """A dynamics, a denoiser and an outcome that anybody can write down; conformance/README.md does."""

    def __init__(self) -> None:
        self.arrays = NumpyArrays()

    def call(self, graph: str, values: Any) -> dict[str, Any]:
        """See the base class."""
        if graph == "dynamics":
            return {"hidden": (values["z"] / 2 + values["action"][0] / 4).astype(np.float32)}
        if graph == "denoiser":
            sized = values["level"][0] / 16 - values["size"][0] / 8
            return {"clean": (values["noisy"] / 2 + values["hidden"] / 4 + sized).astype(np.float32)}
        return {"rewards": values["z"][:, 0], "ended": values["z"][:, 1, 0]}


def latent() -> dict[str, Any]:
    """Steps of denoising, and the frames that are denoised in them with pretended graphs."""
    model = LatentModel(grid=(2, 2), channels=3, hidden=3, positions=4, rewards=(0.0, 1.0, -0.5))
    tokens = token_manifest("pretended", TokenModel((2, 2), 4), (), resolution=16)
    manifest = replace(tokens, family="latent", representation=representation(model), model=as_json(model))
    dynamics = LatentDynamics(manifest, PretendedGraphs())
    z = (np.arange(12, dtype=np.float32).reshape(1, 4, 3) - 5) / 4
    cases = []
    for seed, steps in enumerate(range(1, FINEST + 1)):
        for temperature in (0.0, 1.0, 1.3):
            chosen: dict[str, Any] = {"steps": steps, "temperature": temperature}
            context = dynamics.prepare(z, {}, np.array([seed % 5]), np.array([0]))
            made = dynamics.predict(context, keys_of([seed]), chosen)
            cases.append({"seed": seed, "action": seed % 5, "settings": chosen,
                          "z": made.z.astype(float).ravel().tolist(), "reward": float(made.rewards[0]),
                          "ended": bool(made.ended[0])})  # fmt: skip
    return {
        "model": as_json(model),
        "schedules": [schedule(steps) for steps in range(1, FINEST + 1)],
        "z": z.ravel().tolist(),
        "cases": cases,
    }


def ring() -> dict[str, Any]:
    """A ring of two slots after each of five pushes, row-major."""
    state = {
        "keys": StateSpec("float32", (2, 2, 3), "push", "dynamics.new_keys", 1),
        "age": StateSpec("int64", (2,), "age"),
    }
    numpy = NumpyRing(1, state)
    after = []
    for push in range(5):
        numpy.push({"keys": np.arange(6, dtype=np.float32).reshape(1, 2, 3) + 10 * push}, np.ones(1, np.bool_))
        after.append({name: array[0].ravel().tolist() for name, array in numpy.tensors.items()})
    table = {name: {"type": s.type, "shape": s.shape, "update": s.update, "source": s.source, "axis": s.axis}
             for name, s in state.items()}  # fmt: skip
    return {"state": table, "push": "arange(6) + 10 * number", "after": after}


def guard() -> dict[str, Any]:
    """Which logits pass: `nan`, `inf` and `-inf` are written as words."""
    cases = [[0.0, 1.0], [0.0, np.nan], [np.inf, 0.0], [-np.inf, 0.0], [-np.inf, -np.inf]]
    words = [[str(x) if not np.isfinite(x) else x for x in case] for case in cases]
    good = [bool(finite(np.array([case], np.float32))[0]) for case in cases]
    return {"cases": [{"logits": case, "good": ok} for case, ok in zip(words, good, strict=True)]}


def settings() -> dict[str, Any]:
    """What a HUD shows of settings, and what a message says."""
    cases: list[dict[str, Any]] = [
        {"mode": "parallel", "passes": 1, "decoder": "vq", "steps": 4, "temperature": 0.8, "min_p": 0.1, "top_p": 1.0},
        {"mode": "parallel", "passes": 3, "decoder": "diffusion", "steps": 2, "temperature": 1.0},
        {"mode": "ar", "passes": 3, "decoder": "vq", "temperature": 0.0},
    ]
    used = ("title", "step", "show", "message", "one", "names", "when")
    infos = {name: {key: asdict(info)[key] for key in used} for name, info in SETTINGS.items()}
    return {
        "settings": infos,
        "shown": [{"values": case, "line": shown(SETTINGS, case)} for case in cases],
        "says": [{"name": name, "value": value, "message": SETTINGS[name].says(value)}
                 for name, value in cases[1].items()],
    }  # fmt: skip


VECTORS = {
    "noise": noise,
    "sampler": sampler,
    "refine": refinement,
    "latent": latent,
    "ring": ring,
    "guard": guard,
    "settings": settings,
}


def text(name: str) -> str:
    """The text of one file."""
    return json.dumps(VECTORS[name](), ensure_ascii=False, separators=(",", ":")).replace('{"seed"', '\n{"seed"') + "\n"


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name in VECTORS:
        (FOLDER / f"{name}.json").write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
