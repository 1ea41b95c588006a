"""A bundle in one variant, dreaming one of its games, as the metrics see it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine import library
from reverie.engine.bundle import Bundle
from reverie.engine.dream_batch import DreamBatch, DreamSnapshot
from reverie.engine.manifest import Manifest
from reverie.engine.settings import Value, settings_of
from reverie.evaluation.families import family_of
from reverie.evaluation.progress import Progress
from reverie.evaluation.sizes import BranchSizes
from reverie.evaluation.subjects.subject import FrameFigures, Rollout, Teacher, label_of
from reverie.evaluation.subjects.truth import LEAD, Truth


class BundleSubject:
    """Satisfies reverie.evaluation.subjects.subject.Subject. Bundles are shared between their games and variants."""

    def __init__(self, bundle: Bundle, mode: str, decoder: str, game: str) -> None:
        manifest = bundle.manifest
        self.bundle, self.mode, self.decoder = bundle, mode, decoder
        self.name, self.game, self.actions = manifest.name, game, manifest.actions_of(game)
        self.rules = manifest.rules_of(game)
        self.resolution, self.history = manifest.resolution, min(manifest.history, LEAD)
        called = self.name if len(manifest.games) == 1 else f"{self.name}/{game}"
        self.label = label_of(called, mode, decoder, *variants(manifest)[0])
        self.parameters, self.training = manifest.parameters, trained(manifest.training)
        self.choices: dict[str, Value] = {key: value for key, value in (("mode", mode), ("decoder", decoder)) if value}
        self.settings = settings_of(manifest, self.choices)
        self.family = manifest.family
        self._family = family_of(self.family)
        self.facts = self._family.facts(self)

    def at(self, **chosen: Value) -> BundleSubject:
        """The same with other settings. Raises ValueError for what the bundle does not have."""
        other = copy(self)
        other.choices = self.choices | chosen
        other.settings = settings_of(self.bundle.manifest, other.choices)
        return other

    def encode(self, frames: NDArray[np.uint8]) -> NDArray[Any]:
        """(N, H, W, 3) uint8 to the bundle's representation (N, ...)."""
        dynamics = self.bundle.dynamics
        return dynamics.arrays.numpy(dynamics.encode(dynamics.arrays.of(frames))[0])

    def decode(self, z: NDArray[Any]) -> NDArray[np.uint8]:
        """(N, ...) to (N, H, W, 3) uint8, by the variant's decoder."""
        dynamics = self.bundle.dynamics
        return dynamics.arrays.numpy(dynamics.decode(dynamics.arrays.of(z), self.settings)[0])

    def teacher(self, batch: int) -> Teacher:
        """A fresh batch with an empty history."""
        return self._family.teacher(self, batch)

    def frame_figures(self) -> FrameFigures:
        """A collector of the family's own figures."""
        return self._family.frame_figures(self)

    def branched(self, truth: Truth | None, sizes: BranchSizes, progress: Progress) -> dict[str, Any]:
        """The family's figures of the game's own chance. truth: None where the game cannot be branched."""
        return self._family.branched(self, truth, sizes, progress)

    def dream(self, frames: NDArray[np.uint8], actions: NDArray[np.int64], seed: int) -> Rollout:
        """Dreams that go on from histories (T, B, H, W, 3) and actions (T - 1, B), at the bundle's own settings."""
        batch = frames.shape[1]
        seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(batch)]
        dream = DreamBatch(self.bundle, batch, game=self.game, **self.choices)
        dream.reset_from(seeds, frames.swapaxes(0, 1), actions.T)
        return BundleRollout(dream)


class BundleRollout:
    """Dreams of the engine's."""

    def __init__(self, dream: DreamBatch) -> None:
        self._dream = dream

    def step(self, actions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Dream on by one frame. actions: (B,). Returns (B, H, W, 3) uint8."""
        return self._dream.bundle.dynamics.arrays.numpy(self._dream.step(actions))

    def snapshot(self) -> DreamSnapshot:
        """A copy of everything that decides what comes next."""
        return self._dream.snapshot()

    def restore(self, snapshot: DreamSnapshot) -> None:
        """Go back to a snapshot."""
        self._dream.restore(snapshot)


_MOST = 1e15
"""Minutes or frames of training above this are no believable number."""


def trained(training: Mapping[str, Any]) -> dict[str, float]:
    """Minutes and frames of a manifest's `training`, with those of the runs that it continued.

    A manifest may have anything there: a value that is no such number is left out.
    """
    before = trained(training["from"]) if isinstance(training.get("from"), dict) else {}
    said = {key: training[key] for key in ("minutes", "frames") if type(training.get(key)) in (int, float)}
    return {key: value + before.get(key, 0) for key, value in said.items() if 0 <= value < _MOST}


def folders(bundles: Sequence[str | Path]) -> list[Path]:
    """The folders of bundles that are given by name or folder; of none, all that ship.

    Raises BundleError, a ValueError, with one sentence where there is no such bundle.
    """
    found = [library.resolve(bundle) for bundle in bundles] or list(library.shipped().values())
    if not found:
        raise ValueError("No bundle ships with this Reverie yet: name the folder of one.")
    return found


def variants(manifest: Manifest) -> list[tuple[str, str]]:
    """Mode and decoder of each variant in which a bundle can be measured, '' for what it has no choice of.

    The plainest comes first.
    """
    modes = sorted(manifest.choices("mode") or ("",), key=lambda mode: mode != "parallel")
    return [(mode, decoder) for decoder in manifest.choices("decoder") or ("",) for mode in modes]


def open_subjects(
    bundles: Sequence[str | Path], threads: int | None = None, backend: str = "onnx"
) -> list[BundleSubject]:
    """Open bundles and list what is measured: each bundle in each of its games in every variant.

    Raises as `folders` and `Bundle.load` do, and ValueError for a name twice.
    """
    subjects: list[BundleSubject] = []
    for folder in folders(bundles):
        bundle = Bundle.load(folder, backend, threads)
        manifest = bundle.manifest
        if bundle.runtime.note:
            print(bundle.runtime.note, file=sys.stderr)
        if any(other.name == manifest.name for other in subjects):
            raise ValueError(f"Two bundles are called {manifest.name}; give one of them another name in its manifest.")
        subjects += [BundleSubject(bundle, *variant, game) for game in manifest.games for variant in variants(manifest)]
    return subjects
