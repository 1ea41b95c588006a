"""What is measured: one bundle in one variant, seen through the few questions that the metrics ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from reverie.evaluation.progress import Progress
    from reverie.evaluation.sizes import BranchSizes
    from reverie.evaluation.subjects.truth import Truth

Frames = NDArray[np.uint8]
Representation = NDArray[Any]
"""What a bundle makes of frames: (B, ...), of its family's own shape and type."""


class Prediction(Protocol):
    """What the model says of the next frame, given the true frames before it."""

    def most_likely(self) -> Representation:
        """(B, ...): the frame that the model would draw by itself, with as little chance as its family allows."""

    def outcome(self, truth: Representation) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
        """Reward (B,) float32 and whether the round ends (B,) bool; None where the model predicts neither.

        truth: (B, ...), the true next frame, which a family may take into account.
        """


class Teacher(Protocol):
    """A batch of trajectories whose history is true at every step."""

    def step(self, z: Representation, actions: NDArray[np.int64]) -> Prediction:
        """Push the true frame (B, ...) with the action (B,) taken in it, and predict the frame that follows."""


class Transition(NamedTuple):
    """One teacher-forced step of B trajectories.

    before, after: (B, ...), the true frames. frames_before, frames_after: (B, H, W, 3) uint8, their pictures.
    keep: (B,) bool, the trajectories that are counted.
    """

    before: Representation
    after: Representation
    frames_before: Frames
    frames_after: Frames
    prediction: Any
    keep: NDArray[np.bool_]


class FrameFigures(Protocol):
    """Collects the figures of a family over teacher-forced frames."""

    def add(self, transition: Transition) -> None:
        """Count one step."""

    def result(self) -> dict[str, Any]:
        """The figures, as keys of an entry."""


class NoFrameFigures:
    """Of a family that has none."""

    def add(self, transition: Transition) -> None:
        """Counts nothing."""

    def result(self) -> dict[str, Any]:
        """No figures."""
        return {}


class Rollout(Protocol):
    """A batch of dreams."""

    def step(self, actions: NDArray[np.int64]) -> Frames:
        """Dream on by one frame. actions: (B,). Returns (B, H, W, 3) uint8."""

    def snapshot(self) -> Any:
        """A copy of everything that decides what comes next."""

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot, which stays usable."""


class Subject(Protocol):
    """One bundle in one variant.

    family: of its dynamics. mode, decoder: the variant; '' where the family has no such choice. game, actions: the one
    of its games that is measured, and what can be pressed in it. history: frames that a dream begins with, at most
    LEAD. label: its name in the report. parameters: of the whole bundle. training: how many `minutes` it was trained,
    and on how many `frames`, as far as the bundle says so. facts: how it is sampled, as its family says it.
    """

    name: str
    family: str
    mode: str
    decoder: str
    game: str
    actions: tuple[str, ...]
    resolution: int
    history: int
    label: str
    parameters: int
    training: dict[str, float]
    facts: dict[str, Any]

    def encode(self, frames: Frames) -> Representation:
        """(N, H, W, 3) uint8 to (N, ...)."""

    def decode(self, z: Representation) -> Frames:
        """(N, ...) to (N, H, W, 3) uint8."""

    def teacher(self, batch: int) -> Teacher:
        """A fresh batch with an empty history."""

    def frame_figures(self) -> FrameFigures:
        """A collector of the family's own figures."""

    def branched(self, truth: Truth | None, sizes: BranchSizes, progress: Progress) -> dict[str, Any]:
        """The family's figures of the game's own chance. truth: None where the game cannot be branched."""

    def dream(self, frames: Frames, actions: NDArray[np.int64], seed: int) -> Rollout:
        """Dreams that go on from true histories.

        frames: (T, B, H, W, 3) uint8, actions: (T - 1, B), actions[t] led from frame t to t + 1. T >= history, or fewer
        for dreams with less of a past.
        seed: of the sampling; each trajectory of the batch gets its own from it.
        """


def label_of(name: str, mode: str, decoder: str, plain_mode: str, plain_decoder: str) -> str:
    """The entry's name in the report: NAME, NAME@MODE, and with a further decoder NAME@MODE+DECODER.

    name: the bundle's; NAME/GAME where it dreams several games. plain_mode, plain_decoder: the label leaves these
    out.
    """
    if decoder != plain_decoder:
        return f"{name}@{mode}+{decoder}"
    return name if mode == plain_mode else f"{name}@{mode}"


def parts_of(label: str) -> tuple[str, str, str]:
    """What `label_of` was given: the bundle's name, the game ('' for a bundle of one) and '@' with what follows."""
    name, at, variant = label.partition("@")
    bundle, _, game = name.partition("/")
    return bundle, game, at + variant


def identity(subject: Subject) -> dict[str, Any]:
    """What an entry of the report says of whom it measures."""
    keys = ("family", "game", "mode", "decoder", "resolution", "parameters", "training")
    return {key: getattr(subject, key) for key in keys} | subject.facts
