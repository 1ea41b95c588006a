"""The interface of a family of world models. A family holds no trajectory.

`DreamBatch` makes one frame by `prepare`, `predict` and `decode`. It keeps the trajectories itself, by the manifest's
`state` table. Arrays are those of the family's `arrays`: numpy arrays, or torch tensors on a device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from reverie.engine.arrays import Array, Arrays, Checks
from reverie.engine.settings import Settings


class Context(Protocol):
    """What one pass over the present frames found. A family adds what its own `predict` needs.

    z: the present frames, (B, ...). new: what is pushed into the state, by tensor: (B, *shape without the slots' axis).
    checks: what the pass may never give, and who passed.
    """

    z: Array
    new: Mapping[str, Array]
    checks: Checks


@dataclass(frozen=True)
class Prediction:
    """The next frames.

    z: (B, ...), of those who failed a check that of their present frame. rewards: (B,) float32, ended: (B,) bool, what
    the step to the frame brings; 0 and false for those who failed, and where nothing is predicted.
    good: (B,) bool, who passed every check. checks: those of the context and those of the prediction.
    """

    z: Array
    rewards: Array
    ended: Array
    good: Array
    checks: Checks


class Dynamics(Protocol):
    """A family on a backend, over one bundle. It is shared by many dreams and holds none.

    arrays: the kind of array that it takes and gives. predicts_outcome: whether rewards and ends are predicted.
    runs: how often each graph or network was run since the bundle was opened.
    instead: what is shown where a check of `decode` failed, as the second half of a sentence.
    any_batch: false where a new number of trajectories costs much, as graphs captured on a GPU do.
    """

    any_batch: bool
    instead: str

    @property
    def arrays(self) -> Arrays: ...

    @property
    def predicts_outcome(self) -> bool: ...

    @property
    def runs(self) -> Mapping[str, int]: ...

    def encode(self, frames: Array) -> tuple[Array, Checks]:
        """Frames (B, H, W, 3) uint8 to z (B, ...), which is usable also where a check failed."""

    def prepare(self, z: Array, state: Mapping[str, Array], actions: Array, games: Array) -> Any:
        """One pass over the present frames: what `predict` needs, as a `Context`.

        z: (B, ...). state: by the manifest's table, each (B, *shape), read and left as it is. actions: (B,) int64,
        numbers of the manifest's actions. games: (B,) int64, numbers of its games.
        """

    def predict(self, context: Any, noise: Array, settings: Settings) -> Prediction:
        """The next frames. noise: (B,) keys of this frame's noise, see `engine.noise`."""

    def doubt(self, context: Any, noise: Array, settings: Settings) -> Array:
        """How unsure the next frames are: bits over the picture, (B, rows, columns) float32, of any grid.

        noise: (B,) keys of the frame's noise, for a family that has to draw to find out.
        """

    def decode(self, z: Array, settings: Settings) -> tuple[Array, Checks]:
        """z (B, ...) to frames (B, H, W, 3) uint8, which can be shown also where a check failed."""

    def checked(self, z: Any) -> Array:
        """z (B, ...) from outside, a tape or a caller, as an array of this kind.

        Raises ValueError for another shape or for what no frame of this bundle can be.
        """
