from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.engine.bundle import Bundle
from tests.engine.fake import FakeRuntime, fake_bundle


class LargeRuntime(FakeRuntime):
    """The hand-made dream at 64 pixels, at which there is a real game to compare it with."""

    def run(self, graph: str, inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
        if graph == "encoder":
            inputs = [inputs[0][:, ::2, ::2]]
        out = super().run(graph, inputs)
        return [out[0].repeat(2, 1).repeat(2, 2)] if graph == "decoder" else out


@pytest.fixture
def bundle() -> Bundle:
    """A hand-made dream that predicts rewards and ends, of 32 pixels."""
    return fake_bundle(outcome=True)


@pytest.fixture
def large_bundle(bundle: Bundle) -> Bundle:
    """The same of 64 pixels."""
    starts = replace(bundle.starts, frames=bundle.starts.frames.repeat(2, 2).repeat(2, 3))
    return replace(
        bundle, manifest=replace(bundle.manifest, resolution=64), runtime=LargeRuntime(bundle.manifest), starts=starts
    )


@pytest.fixture
def two_games(bundle: Bundle) -> Bundle:
    """The small one as if it dreamt two games, of which the second has fewer actions and the last two starts."""
    manifest, starts = bundle.manifest, bundle.starts
    game_actions = {"garden": manifest.actions, "duel": ("noop", "up", "down")}
    manifest = replace(manifest, games=("garden", "duel"), game_actions=game_actions)
    numbers = np.array([0, 1, 1])
    return replace(bundle, manifest=manifest, starts=replace(starts, actions=starts.actions % 3, games=numbers))
