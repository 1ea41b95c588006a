"""A dream small enough to reason about: a bright dot that the actions move over an 8 x 8 grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.engine.bundle import Bundle, Starts
from reverie.engine.runtime import Runtime
from reverie.engine.tokens.model import TokenModel
from reverie.games import registry
from tests.app.real_window import display, play, server  # noqa: F401
from tests.manifests import token_manifest

ACTIONS = ("noop", "up", "down", "left", "right", "a")
GRID, PATCH, CODES, HISTORY = 8, 8, 16, 4
DOT = CODES - 1
MOVES = {0: (0, 0), 1: (-1, 0), 2: (1, 0), 3: (0, -1), 4: (0, 1), 5: (0, 0)}


class DotRuntime(Runtime):
    """Tokens are the brightness of 8 x 8 patches; the dynamics moves the brightest one by the action.

    Where there are several games, it moves once in the first, twice in the second, and so on.
    """

    def run(self, graph: str, inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
        if graph == "encoder":
            means = inputs[0].reshape(-1, GRID, PATCH, GRID, PATCH, 3).mean(axis=(2, 4, 5))
            return [(means.astype(np.int64) // 16).reshape(len(means), -1)]
        if graph == "decoder":
            small = (inputs[0] * 16 + 8).astype(np.uint8).reshape(-1, GRID, GRID, 1)
            return [small.repeat(PATCH, 1).repeat(PATCH, 2).repeat(3, 3)]
        if graph == "diffusion":  # a little brighter with every step
            noisy, level, vq = inputs[0], inputs[1], inputs[4]
            count = np.ones_like(noisy) if (level == 1).all() else noisy + 1
            return [count, vq + count.astype(np.uint8)]
        if graph == "causal_head":
            return [inputs[0]]
        if graph == "outcome":  # the right edge earns one, the left edge ends the round
            column = inputs[1].argmax(-1) % GRID
            return [np.eye(2, dtype=np.float32)[(column == GRID - 1).astype(int)], np.where(column == 0, 1.0, -1.0)]
        tokens, actions = inputs[:2]
        number = int(inputs[-1][0]) if "game" in self.graphs["dynamics"].inputs else 0
        after = np.zeros_like(tokens)
        for row, grid, action in zip(after, tokens, actions, strict=True):
            y, x = divmod(int(grid.argmax()), GRID)
            dy, dx = ((1 + number) * move for move in MOVES[int(action)])
            row[(y + dy) % GRID * GRID + (x + dx) % GRID] = DOT
        logits = (20.0 * np.eye(CODES, dtype=np.float32))[after]
        memory = np.zeros((len(tokens), 1, 1, GRID * GRID, 1), np.float32)
        hidden = [logits] if "hidden" in self.graphs["dynamics"].outputs else []
        return [logits, *hidden, memory, memory]


def dot_frame(y: int, x: int) -> NDArray[np.uint8]:
    """The picture of a dot at row y, column x."""
    frame = np.full((64, 64, 3), 8, np.uint8)
    frame[PATCH * y : PATCH * (y + 1), PATCH * x : PATCH * (x + 1)] = 16 * DOT + 8
    return frame


def make_bundle(
    name: str = "dots",
    modes: tuple[str, ...] = ("parallel", "ar"),
    outcome: bool = False,
    diffusion: bool = False,
    games: tuple[str, ...] = ("garden",),
) -> Bundle:
    """A bundle that runs without files. outcome: it predicts rewards and ends. diffusion: it has that decoder too.

    games: built-in ones that it dreams; the dot begins in column 3 in the first, one further on in the second, ...
    """
    known = {game: registry.get(game).actions for game in games}
    used = {action for actions in known.values() for action in actions}
    ring = {"layers": 1, "heads": 1, "head_dim": 1, "positions": GRID * GRID}
    model = TokenModel((GRID, GRID), CODES, hidden=CODES, rewards=(0.0, 1.0) if outcome else (), **ring)
    graphs = [*(["causal_head"] if "ar" in modes else []), *(["outcome"] if outcome else [])]
    manifest = token_manifest(
        name,
        replace(model, hidden=CODES if graphs else None),
        [*graphs, *(["diffusion"] if diffusion else [])],
        resolution=64,
        history=HISTORY,
        games=games,
        actions=tuple(name for name in ACTIONS if name in used),
        game_actions=known if len(games) > 1 else None,
        settings_are={"mode": modes[0], "steps": 2},
        version="1",
    )
    if "mode" in manifest.settings:
        setting = replace(manifest.settings["mode"], choices=modes)
        manifest = replace(manifest, settings=manifest.settings | {"mode": setting})
    each = [(number, y) for number in range(len(games)) for y in range(4)]
    starts = Starts(
        np.stack([np.stack([dot_frame(y, 3 + number)] * HISTORY) for number, y in each]),
        np.zeros((len(each), HISTORY - 1), np.uint8),
        np.array([y for _, y in each]),
        np.array([number for number, _ in each]),
    )
    return Bundle(Path(name), manifest, "0" * 64, "onnx", DotRuntime(manifest.graphs), starts)


@pytest.fixture
def bundle() -> Bundle:
    """The dream of a dot."""
    return make_bundle()


@pytest.fixture
def broken(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """The dream of a dot whose dynamics gives nothing but NaN once it has begun."""
    run = bundle.runtime.run

    def nothing(graph: str, inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
        out = run(graph, inputs)
        return [np.full_like(array, np.nan) for array in out] if graph == "dynamics" else out

    monkeypatch.setattr(bundle.runtime, "run", nothing)
    return bundle


@pytest.fixture
def one_dream(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> Bundle:
    """The dream of a dot is the one that every command opens."""
    monkeypatch.setattr("reverie.app.commands.play_run.choose_bundle", lambda fps, game, mode, *wanted: (bundle, mode))
    monkeypatch.setattr("reverie.app.commands.play_run.load_bundle", lambda name, backend="onnx": bundle)
    monkeypatch.setattr("reverie.app.commands.render.load_bundle", lambda name, backend="onnx": bundle)
    return bundle
