"""An agent that lies in a bundle: a small graph that plays one of its games by the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reverie.engine.manifest import BATCH, OBSERVED, AgentSpec, GraphSpec, TensorSpec
from reverie.games.world import Frame

EPSILON = 0.01
"""Share of random decisions while an agent plays: enough to come free where it would be stuck for good."""
GRAPH = "agent"


class Agent:
    """The opened graph: observations (B, 6, 32, 32) uint8 to the value of each action (B, A) float32.

    actions: A, how many the game has. repeat: frames that a chosen action is repeated for. runtime: its graph, on one
    thread of the processor.
    """

    def __init__(self, folder: Path, spec: AgentSpec, actions: int) -> None:
        """folder: of the bundle. Raises BundleError for a graph that is something else, or that may not be opened."""
        from reverie.engine.onnx_runtime import OnnxRuntime

        self.actions, self.repeat = actions, spec.repeat
        inputs = {"observations": TensorSpec("uint8", (BATCH, 6, OBSERVED, OBSERVED))}
        outputs = {"values": TensorSpec("float32", (BATCH, actions))}
        self.runtime = OnnxRuntime(folder, {GRAPH: GraphSpec(spec.file, inputs, outputs)}, threads=1)

    def best(self, observations: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The actions of the highest value, (B,) int64."""
        best: NDArray[np.int64] = self.runtime.run(GRAPH, [observations])[0].argmax(1)
        return best


class AgentPlayer:
    """Plays one round with an agent."""

    def __init__(self, agent: Agent, seed: int) -> None:
        """seed: of the few decisions that are random."""
        self._agent, self._rng = agent, np.random.default_rng(seed)
        self._before: NDArray[np.uint8] | None = None
        self._action, self._left = 0, 0

    def act(self, frames: Sequence[Frame]) -> int:
        """The next action, by the newest picture and that of the decision before. frames: the newest last."""
        if not self._left:
            now = small(frames[-1][None])  # (1, 3, 32, 32)
            before = now if self._before is None else self._before
            self._action = int(self._agent.best(np.concatenate([now, before], axis=1))[0])
            if self._rng.random() < EPSILON:
                self._action = int(self._rng.integers(self._agent.actions))
            self._before, self._left = now, self._agent.repeat
        self._left -= 1
        return self._action


def small(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Frames (B, H, H, 3) uint8, H a multiple of 32, to (B, 3, 32, 32) uint8: each pixel the mean of those under it."""
    batch, size = frames.shape[:2]
    edge = size // OBSERVED
    blocks = frames.reshape(batch, OBSERVED, edge, OBSERVED, edge, 3)
    means = blocks.mean(axis=(2, 4), dtype=np.float32)  # (B, 32, 32, 3)
    return np.ascontiguousarray(means.transpose(0, 3, 1, 2)).astype(np.uint8)
