"""Loss and gradients of a batch, computed by several threads, each on a part of it."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

from training.objectives import Batch, HistoryNoise, Scores, window_scores


class Team:
    """Copies of a model that share its weights, one a worker thread.

    Each thread does every operation of its part of the batch, rather than all of them sharing every operation of the
    whole: most operations are too small to be worth sharing.
    """

    def __init__(self, model: nn.Module, workers: int, seed: int) -> None:
        """workers: threads, at least 1. They share the threads that torch may use now. seed: of the history noise."""
        self.model = model
        self.replicas = [model, *(_sharing(model) for _ in range(workers - 1))]
        self.generators = [torch.Generator().manual_seed(seed * 1009 + number) for number in range(workers)]
        each = max(1, torch.get_num_threads() // workers)
        self.pool = ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(each))

    def gradients(self, batch: Batch, noise: HistoryNoise, still_share: float) -> Scores:
        """Put the gradient of the mean loss over these windows into the model's parameters.

        Returns the scores of all parts together.
        """
        parts = zip(self.replicas, self.generators, batch.split(len(self.replicas)), strict=True)
        futures = [self.pool.submit(_part, *part, noise, still_share, len(batch.tokens)) for part in parts]
        scores = [future.result() for future in futures]
        mine = list(self.model.parameters())
        for replica in self.replicas[1:]:
            for own, other in zip(mine, replica.parameters(), strict=True):
                if other.grad is None:
                    continue
                own.grad = other.grad if own.grad is None else own.grad.add_(other.grad)
                other.grad = None
        return Scores.join(scores)


def _sharing(model: nn.Module) -> nn.Module:
    replica = copy.deepcopy(model)
    for own, other in zip(model.parameters(), replica.parameters(), strict=True):
        other.data = own.data
    return replica


def _part(
    model: nn.Module,
    generator: torch.Generator,
    part: Batch,
    noise: HistoryNoise,
    still_share: float,
    whole: int,
) -> Scores:
    with torch.autocast("cpu", torch.bfloat16):
        scores = window_scores(model, part, noise, generator, still_share)
    share = len(part.tokens) / whole
    scores.loss = {head: value * share for head, value in scores.loss.items()}
    sum(scores.loss.values(), start=torch.zeros(())).backward()
    scores.loss = {head: value.detach() for head, value in scores.loss.items()}
    return scores
