"""One step of any stage: batch, loss, gradients, optimizers, running mean. Step n depends on the seed and n alone."""

from __future__ import annotations

import copy
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from reverie.training.errors import RunError
from reverie.training.loop.batches import batch_size, map_batch, split_batch
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.optimizers import learning_rate
from reverie.training.loop.prefetch import Prefetch
from reverie.training.loop.replicas import Replicas, WholeBatch
from reverie.training.loop.stage import B, GradientStage, N
from reverie.training.loop.utilisation import flop_of

S = TypeVar("S", bound=nn.Module)


class Trainer(Generic[N, B]):
    """A stage's network, its running mean (the target network), and its optimizers.

    In several processes each draws the whole batch and takes its part, so that their number changes nothing.
    """

    def __init__(self, stage: GradientStage[N, B], context: DeviceContext) -> None:
        """Raises RunError where the processes cannot share a batch evenly."""
        if stage.config.batch % context.processes:
            raise RunError(f"{context.processes} processes cannot share a batch of {stage.config.batch} evenly.")
        self.stage, self.context, self.network = stage, context, stage.network
        self.target = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimizers = stage.optimizers(context.precision)
        self.gradients: Replicas[N, B] | WholeBatch[N, B]
        if stage.smallest_part and context.device.type == "cpu" and context.processes == 1:
            workers = max(1, min(torch.get_num_threads(), stage.config.batch // stage.smallest_part))
            self.gradients = Replicas(stage, self.target, workers, context)
        else:
            self.gradients = WholeBatch(stage, self.target, context)
        # Several processes all begin with the weights of the first.
        self.target.load_state_dict(self.network.state_dict())
        self.prefetch = Prefetch(self.batch)
        self.steps, self.phase = 0, 0

    def batch(self, step: int) -> B:
        """This process's part of a step's batch, on its device."""
        part = split_batch(self.stage.batch(step), self.context.processes)[self.context.rank]
        return map_batch(part, self.context.to_device)

    def enter_phase(self, share: float) -> bool:
        """Enter the phase that `share` of the time belongs to, and each one before it. Returns whether it is new."""
        phase, before = sum(share >= first for first in self.stage.phases) - 1, self.phase
        while self.phase < phase:
            self.phase += 1
            self.stage.begin_phase(self.phase, self.target)
        return phase > before

    def step(self, share: float) -> dict[str, Tensor]:
        """Take one step, at this share of the time. Returns `loss`, the sum of all losses, and the stage's figures."""
        self.enter_phase(share)
        config = self.stage.config
        figures = self.gradients(self.prefetch.take(self.steps), self.phase)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        rate = learning_rate(config, self.steps, share)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        update_mean(self.target, self.network, min(config.average, (self.steps + 1) / (self.steps + 10)))
        return figures

    def flop_per_step(self) -> int:
        """FLOPs of a step in this process, counted on one example. No gradient is left behind."""
        batch = self.batch(0)
        one = split_batch(batch, batch_size(batch))[0]

        def work() -> None:
            with self.context.autocast():
                losses, _ = self.stage.loss(self.network, self.target, one, 0)
            torch.stack(list(losses.values())).sum().backward()

        flop = flop_of(work)
        self.network.zero_grad(set_to_none=True)
        return flop * batch_size(batch)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "step": self.steps,
            "phase": self.phase,
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "target": self.target.state_dict(),
            "stage": self.stage.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.steps, self.phase = int(state["step"]), int(state["phase"])
        self.network.load_state_dict(state["network"])
        self.target.load_state_dict(state["target"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.stage.restore(state["stage"])


@torch.no_grad()
def update_mean(target: S, network: S, decay: float) -> None:
    """Move the running mean `target` towards the weights of `network`."""
    own = network.state_dict()
    for name, mean in target.state_dict().items():
        mean.lerp_(own[name], 1 - decay) if mean.is_floating_point() else mean.copy_(own[name])
