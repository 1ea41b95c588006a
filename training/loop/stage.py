"""What a stage of a training is: a network, and how it learns. `train.py` owns everything else.

A recipe's stages run one after the other. A `Stage` learns once, without gradients. A `GradientStage` learns in steps,
until its share of the training time is over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from reverie.schema import Within
from reverie.training.loop.optimizers import adamw

N = TypeVar("N", bound=nn.Module)
B = TypeVar("B", bound=NamedTuple)
Losses = tuple[dict[str, Tensor], dict[str, Tensor]]
"""Losses, whose sum is minimised, and figures for the log. All are scalars, and means over the batch."""


@dataclass(frozen=True)
class OptimizerConfig:
    """What the loop needs to know of a stage's configuration.

    batch: examples in a step.
    learning_rate: at its highest.
    weight_decay: of the matrices (Muon) or of all weights (AdamW alone).
    warmup_steps: steps in which the learning rate rises.
    decay_share: last share of the time, in which the learning rate falls to zero.
    average: decay of the running mean of the weights (EMA), which is what is saved; 0 saves the weights themselves.
    """

    batch: Annotated[int, Within(1, 65536)] = 8
    learning_rate: Annotated[float, Within(1e-8, 1)] = 1e-3
    weight_decay: Annotated[float, Within(0, 10)] = 0.01
    warmup_steps: Annotated[int, Within(1, 10**6)] = 100
    decay_share: Annotated[float, Within(0.001, 1)] = 0.4
    average: Annotated[float, Within(0, 1)] = 0.998


class Stage(ABC, Generic[N]):
    """A network that is learnt once, without gradients.

    name: of the stage in the log and of its files: `<name>.safetensors`, `<name>-state.pt`.
    network: on the device; its weights are saved and, where a run goes on, read.
    """

    name: str
    network: N

    def prepare(self) -> None:  # most stages with gradients have nothing to do here
        """Learn what is learnt without gradients. The first process calls it once in a run."""

    @abstractmethod
    def held_out(self, network: N) -> dict[str, Any]:
        """Return the figures of a network (`self.network`, or the running mean of it) on held-out data."""


class GradientStage(Stage[N], Generic[N, B]):
    """A network that learns in steps.

    config: see `OptimizerConfig`.
    minutes: training time, over all sessions of a run.
    phases: shares of the time at which a phase begins, ascending, 0 first. `loss` is told the phase's number.
    fixed_when_done: later stages are built on this one, so more minutes never train it further.
    single_process: the first of several processes trains it alone, and a batch is never split.
    smallest_part: on a processor, threads share a batch in parts of at least so many examples; None for one thread.
    compiled: on a GPU, `loss` is compiled as one graph. compiled_layers: layers that are compiled on a processor.
    """

    config: OptimizerConfig
    minutes: float
    phases: tuple[float, ...] = (0.0,)
    fixed_when_done: bool = False
    single_process: bool = False
    smallest_part: int | None = None
    compiled: bool = True
    compiled_layers: tuple[type[nn.Module], ...] = ()

    @property
    def frames_per_step(self) -> int:
        """Frames that a step learns from."""
        return self.config.batch

    @abstractmethod
    def batch(self, step: int) -> B:
        """Return the whole batch of a step, on the processor: a named tuple of tensors, batch axis first.

        It must depend on the seed and the step alone. It is called in a thread, one step ahead.
        """

    @abstractmethod
    def loss(self, network: N, target: N, batch: B, phase: int) -> Losses:
        """Return losses and figures of a batch, which is on the device.

        network: what learns; a copy of `self.network` where threads share a batch. target: the running mean of
        `self.network`, in evaluation mode and without gradients.
        """

    def optimizers(self, precision: torch.dtype) -> list[torch.optim.Optimizer]:
        """Return the optimizers of `self.network`. precision: of Muon's products."""
        return adamw(self.network, self.config)

    def begin_phase(self, phase: int, target: N) -> None:  # most stages have one phase
        """Change what a new phase asks for (weights of `self.network` or of `target`). Called once for each phase."""

    def state(self) -> dict[str, Any]:
        """Return what the next step depends on besides network, running mean and optimizers: tensors and numbers."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # most stages have no state of their own
        """Go on from a `state`."""
