"""What is measured: one bundle in one mode with one decoder, seen through the few questions that the metrics ask."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Prediction(Protocol):
    """What the model says of the next frame, given the true frames before it."""

    def logits(self, truth: NDArray[np.int64]) -> NDArray[np.float32]:
        """(B, S, V). truth: (B, S), the true next tokens; in ar mode position i is predicted from those before it."""

    def most_likely(self) -> NDArray[np.int64]:
        """(B, S): the frame the model would draw itself at temperature 0, without a look at the truth."""

    def outcome(self, truth: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
        """Reward (B,) and whether the round ends (B,), given the true next tokens (B, S); None: it predicts neither."""


class Teacher(Protocol):
    """A batch of trajectories whose history is true at every step."""

    def step(self, tokens: NDArray[np.int64], actions: NDArray[np.int64]) -> Prediction:
        """Push the true frame (B, S) with the action (B,) taken in it, and predict the frame that follows."""


class Rollout(Protocol):
    """A batch of dreams."""

    def step(self, actions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Dream on by one frame. actions: (B,). Returns (B, H, W, 3) uint8."""

    def snapshot(self) -> Any:
        """A copy of everything that decides what comes next."""

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot, which stays usable."""


class Subject(Protocol):
    """One bundle in one mode with one decoder.

    game, actions: the one of its games that is measured, and what can be pressed in it.
    grids: rows and columns of each level of tokens, in the order in which a frame's tokens follow one another.
    passes: of the parallel mode, None in ar mode. steps: of the diffusion decoder, None with another.
    parameters: of the whole bundle. training: how many `minutes` it was trained, and on how many `frames`, as far as
    the bundle says so.
    """

    name: str
    mode: str
    decoder: str
    game: str
    actions: tuple[str, ...]
    resolution: int
    grids: tuple[tuple[int, int], ...]
    vocabulary: int
    history: int
    label: str
    passes: int | None
    steps: int | None
    parameters: int
    training: dict[str, float]

    def encode(self, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(N, H, W, 3) uint8 to (N, S) tokens."""

    def decode(self, tokens: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(N, S) tokens to (N, H, W, 3) uint8."""

    def teacher(self, batch: int) -> Teacher:
        """A fresh batch with an empty history."""

    def dream(self, frames: NDArray[np.uint8], actions: NDArray[np.int64], seed: int) -> Rollout:
        """Dreams that go on from true histories.

        frames: (T, B, H, W, 3) uint8, actions: (T - 1, B), actions[t] led from frame t to t + 1; T >= history.
        seed: of the sampling; each trajectory of the batch gets its own from it.
        """


def label_of(name: str, mode: str, decoder: str) -> str:
    """The entry's name in the report: NAME, NAME@ar, and with a further decoder NAME@parallel+diffusion.

    name: the bundle's; NAME/GAME where it dreams several games.
    """
    if decoder != "vq":
        return f"{name}@{mode}+{decoder}"
    return name if mode == "parallel" else f"{name}@{mode}"


def parts_of(label: str) -> tuple[str, str, str]:
    """What `label_of` was given: the bundle's name, the game ('' for a bundle of one) and '@' with what follows."""
    name, at, way = label.partition("@")
    bundle, _, game = name.partition("/")
    return bundle, game, at + way


def identity(subject: Subject) -> dict[str, Any]:
    """What an entry of the report says of whom it measures."""
    keys = ("game", "mode", "decoder", "passes", "steps", "resolution", "parameters", "training")
    return {key: getattr(subject, key) for key in keys}
