"""A bundle in one mode with one decoder, dreaming one of its games, as the metrics see it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine import diffusion, library
from reverie.engine.bundle import Bundle
from reverie.engine.dream_batch import DreamBatch, DreamSnapshot
from reverie.engine.manifest import Manifest
from reverie.engine.runtime import Prediction
from reverie.evaluation.subjects.subject import Rollout, label_of


class BundleSubject:
    """Satisfies reverie.evaluation.subjects.subject.Subject. Bundles are shared between their games and modes."""

    def __init__(self, bundle: Bundle, mode: str, decoder: str, game: str) -> None:
        manifest = bundle.manifest
        self.bundle, self.mode, self.decoder = bundle, mode, decoder
        self.name, self.game, self.actions = manifest.name, game, manifest.actions_of(game)
        self.resolution, self.vocabulary, self.history = manifest.resolution, manifest.vocabulary, manifest.history
        self.grids = manifest.grids
        called = self.name if len(manifest.games) == 1 else f"{self.name}/{game}"
        self.label = label_of(called, mode, decoder)
        self.parameters, self.training = manifest.parameters, trained(manifest.training)
        self.passes = manifest.sampling.passes if mode == "parallel" else None
        self.steps = manifest.diffusion.steps if manifest.diffusion is not None and decoder == "diffusion" else None

    def encode(self, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(N, H, W, 3) uint8 to (N, S) tokens."""
        return self.bundle.runtime.encode(frames)

    def decode(self, tokens: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(N, S) tokens to (N, H, W, 3) uint8."""
        runtime = self.bundle.runtime
        if self.steps is None:
            return runtime.decode(tokens)
        return diffusion.sample(runtime, tokens, self.steps)[0]

    def teacher(self, batch: int) -> BundleTeacher:
        """A fresh batch with an empty history."""
        return BundleTeacher(self, batch)

    def dream(self, frames: NDArray[np.uint8], actions: NDArray[np.int64], seed: int) -> Rollout:
        """Dreams that go on from histories (T, B, H, W, 3) and actions (T - 1, B), at the bundle's own settings.

        A bundle that torch runs dreams them on torch's device throughout.
        """
        batch = frames.shape[1]
        seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(batch)]
        if self.bundle.backend.startswith("torch"):
            return TorchRollout(self, seeds, frames.swapaxes(0, 1), actions.T)
        dream = DreamBatch(self.bundle, batch, mode=self.mode, decoder=self.decoder, game=self.game)
        dream.reset_from(seeds, frames.swapaxes(0, 1), actions.T)
        return BundleRollout(dream)


class BundleRollout:
    """The engine's dreams, as the metrics see them."""

    def __init__(self, dream: DreamBatch) -> None:
        self._dream = dream

    def step(self, actions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Dream on by one frame. actions: (B,). Returns (B, H, W, 3) uint8."""
        return self._dream.step(actions)

    def snapshot(self) -> DreamSnapshot:
        """A copy of everything that decides what comes next."""
        return self._dream.snapshot()

    def restore(self, snapshot: DreamSnapshot) -> None:
        """Go back to a snapshot."""
        self._dream.restore(snapshot)


class TorchRollout:
    """Dreams on a GPU, as the metrics see them."""

    def __init__(
        self, subject: BundleSubject, seeds: list[int], frames: NDArray[np.uint8], actions: NDArray[np.int64]
    ) -> None:
        from reverie.engine.torch_dream import TorchDreams

        self._dreams = TorchDreams(
            subject.bundle, len(seeds), mode=subject.mode, decoder=subject.decoder, game=subject.game
        )
        self._dreams.reset_from(seeds, frames, actions)

    def step(self, actions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Dream on by one frame. actions: (B,). Returns (B, H, W, 3) uint8."""
        return np.asarray(self._dreams.step(actions).cpu().numpy())

    def snapshot(self) -> Any:
        """A copy of everything that decides what comes next."""
        return self._dreams.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot."""
        self._dreams.restore(snapshot)


class BundleTeacher:
    """True histories pushed through the bundle's own ring."""

    def __init__(self, subject: BundleSubject, batch: int) -> None:
        self._dream, self._mode = DreamBatch(subject.bundle, batch, game=subject.game, mode=subject.mode), subject.mode

    def step(self, tokens: NDArray[np.int64], actions: NDArray[np.int64]) -> BundlePrediction:
        """Push the true frame (B, S) with the action (B,) taken in it, and predict the frame that follows."""
        self._dream.put_tokens(tokens, self._dream.frames)
        return BundlePrediction(self._dream, self._mode, self._dream.advance(actions))


class BundlePrediction:
    """What the bundle says of the next frame."""

    def __init__(self, dream: DreamBatch, mode: str, prediction: Prediction) -> None:
        self._bundle, self._mode, self._prediction = dream.bundle, mode, prediction
        self._number = dream.bundle.manifest.game_number(dream.game)

    def logits(self, truth: NDArray[np.int64]) -> NDArray[np.float32]:
        """(B, S, V); in ar mode position i from the true tokens (B, S) before it."""
        return self._prediction.logits if self._mode == "parallel" else self._causal(truth)

    def most_likely(self) -> NDArray[np.int64]:
        """(B, S): the frame drawn at temperature 0, in as many passes as the bundle is sampled with."""
        tokens = self._prediction.logits.argmax(axis=-1)
        # What the engine's sampler does; in ar mode it looks for the fixed point.
        passes = self._bundle.manifest.sampling.passes
        most = passes - 1 if self._mode == "parallel" else tokens.shape[1]
        for _ in range(most):
            after = self._causal(tokens).argmax(axis=-1)
            if (after == tokens).all():
                break
            tokens = after
        return tokens

    def outcome(self, truth: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
        """The most likely reward (B,) and whether the round ends (B,), given the true next tokens (B, S)."""
        outcome, hidden = self._bundle.manifest.outcome, self._prediction.hidden
        if outcome is None or hidden is None:
            return None
        rewards, ended = self._bundle.runtime.outcome(hidden, truth)
        return np.array(outcome.rewards, np.float32)[rewards.argmax(axis=-1)], ended > 0

    def _causal(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        hidden = self._prediction.hidden
        if hidden is None:
            raise ValueError(f"{self._bundle.manifest.name} has no causal head.")
        return self._bundle.runtime.causal_logits(hidden, tokens, self._number)


_MOST = 1e15
"""Minutes or frames of training that can be believed."""


def trained(training: Mapping[str, Any]) -> dict[str, float]:
    """Minutes and frames of a manifest's `training`, those of the runs that it began from among them.

    A bundle may write there what it likes: what is no such number counts as not said.
    """
    before = trained(training["from"]) if isinstance(training.get("from"), dict) else {}
    said = {key: training[key] for key in ("minutes", "frames") if type(training.get(key)) in (int, float)}
    return {key: value + before.get(key, 0) for key, value in said.items() if 0 <= value < _MOST}


def folders(bundles: Sequence[str | Path]) -> list[Path]:
    """Folders of names or folders; none means all that ship.

    Raises BundleError, a ValueError, with one sentence for what is not there.
    """
    found = [library.resolve(bundle) for bundle in bundles] or list(library.shipped().values())
    if not found:
        raise ValueError("No bundle ships with this Reverie yet: name the folder of one.")
    return found


def ways(manifest: Manifest) -> list[tuple[str, str]]:
    """Mode and decoder of each way in which a bundle can be measured."""
    modes = sorted(manifest.modes, key=lambda mode: mode != "parallel")
    return [(mode, decoder) for decoder in manifest.decoders for mode in modes]


def open_subjects(
    bundles: Sequence[str | Path], threads: int | None = None, backend: str = "onnx"
) -> list[BundleSubject]:
    """Everything to be measured, opened: each bundle in each of its games in every mode with every decoder.

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
        subjects += [BundleSubject(bundle, *way, game) for game in manifest.games for way in ways(manifest)]
    return subjects
