"""Gradients of a batch: by several threads of a processor, each on a part of it, or of the whole batch at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, Generic

import torch
from torch import Tensor, nn

from reverie.training.loop.batches import batch_size, split_batch
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.stage import B, GradientStage, Losses, N


class Replicas(Generic[N, B]):
    """Copies of a network that share its weights, one for each worker thread.

    Each thread does every operation of its part of the batch, instead of all threads sharing every operation of the
    whole batch: most operations are too small to be worth sharing.
    """

    def __init__(self, stage: GradientStage[N, B], target: N, workers: int, context: DeviceContext) -> None:
        """workers: threads, at least 1. They share the threads that torch may use now."""
        self.stage, self.target, self.network, self.context = stage, target, stage.network, context
        self.replicas = [_replica(stage.network) for _ in range(workers)]
        each = max(1, torch.get_num_threads() // workers)
        self.pool = ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(each))

    def __call__(self, batch: B, phase: int) -> dict[str, Tensor]:
        """Put the gradient of the mean loss over a batch into the network's parameters.

        Returns `loss`, the sum of all losses, and the figures, as means over the batch.
        """
        size = batch_size(batch)
        parts = zip(self.replicas, split_batch(batch, len(self.replicas)), strict=True)
        futures = [self.pool.submit(self._part, replica, part, size, phase) for replica, part in parts]
        figures = [future.result() for future in futures]
        for replica in self.replicas:
            for own, other in zip(self.network.parameters(), replica.parameters(), strict=True):
                if other.grad is None:
                    continue
                own.grad = other.grad if own.grad is None else own.grad.add_(other.grad)
                other.grad = None
        return {name: torch.stack([part[name] for part in figures]).sum(0) for name in figures[0]}

    def compile(self, batch: B, phase: int) -> str:
        """Join the small operations of the stage's `compiled_layers`, which takes up to a minute once.

        batch: one like all that will come. Returns what hindered it, in a line, or '': torch needs a C++ compiler and
        the headers of Python. The layers stay as they are where it finds none.
        """
        kinds = self.stage.compiled_layers
        layers = [layer for replica in self.replicas for layer in replica.modules() if isinstance(layer, kinds)]
        if not layers:
            return "it has none of the layers that can be"
        for layer in layers:
            kind: Any = type(layer)
            layer.forward = partial(_compiled(kind), layer)
        reason = ""
        try:
            self(batch, phase)
        except Exception as error:  # whatever it is: without compiling there is nothing that could fail
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            for layer in layers:
                del layer.forward
        for network in (self.network, *self.replicas):
            network.zero_grad(set_to_none=True)
        return reason

    def _part(self, network: N, part: B, whole: int, phase: int) -> dict[str, Tensor]:
        with self.context.autocast():
            losses, figures = self.stage.loss(network, self.target, part, phase)
        share = batch_size(part) / whole
        loss = sum((value * share for value in losses.values()), start=torch.zeros(()))
        loss.backward()
        return {"loss": loss.detach(), **{name: value.detach() * share for name, value in figures.items()}}


@cache
def _compiled(kind: type[nn.Module]) -> Callable[..., Any]:
    # As a C++ program, because that lets go of Python's lock: the threads would wait for one another otherwise.
    return torch.compile(kind.forward, dynamic=False, options={"cpp_wrapper": True})


def _replica(network: N) -> N:
    replica = copy.deepcopy(network)
    # Buffers too: what is later loaded into the network is then loaded into the replicas as well.
    for kind in (nn.Module.parameters, nn.Module.buffers):
        for own, other in zip(kind(network), kind(replica), strict=True):
            other.data = own.data
    return replica


class Objective(nn.Module, Generic[N, B]):
    """A stage's loss as one network: what is compiled, and what several processes share."""

    def __init__(self, stage: GradientStage[N, B], target: N) -> None:
        super().__init__()
        self.network, self.stage = stage.network, stage
        self.target = (target,)  # in a tuple, so that its weights are none of this module's

    def forward(self, batch: B, phase: int) -> Losses:
        return self.stage.loss(self.network, self.target[0], batch, phase)


class WholeBatch(Generic[N, B]):
    """The gradient of a batch at once: on a GPU compiled, and in several processes the mean of all."""

    def __init__(self, stage: GradientStage[N, B], target: N, context: DeviceContext) -> None:
        """The network must be on the context's device."""
        self.context = context
        objective = Objective(stage, target)
        self.objective = context.shared(context.compile(objective) if stage.compiled else objective)

    def __call__(self, batch: B, phase: int) -> dict[str, Tensor]:
        """Put the gradient of the mean loss over the batches of all processes into the network's parameters.

        Returns `loss`, the sum of all losses, and the figures, as means over all processes.
        """
        with self.context.autocast():
            losses, figures = self.objective(batch, phase)
        loss = torch.stack(list(losses.values())).sum()
        self.context.backward(loss)
        return self.context.mean({"loss": loss.detach(), **{name: x.detach() for name, x in figures.items()}})
