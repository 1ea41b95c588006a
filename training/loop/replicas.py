"""Loss and gradients of a batch: on a processor by several threads, each on a part of it, or on a GPU at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import torch
from torch import nn

from reverie.models.tokens.causal_head import CausalLayer
from reverie.models.tokens.trunk import TrunkLayer
from reverie.training.loop.device_context import Place
from reverie.training.tokens.objectives import Lesson, Objective, Scores, lesson_scores


class Team:
    """Copies of a model that share its weights, one a worker thread.

    Each thread does every operation of its part of the batch, rather than all of them sharing every operation of the
    whole: most operations are too small to be worth sharing.
    """

    def __init__(self, model: nn.Module, workers: int, place: Place) -> None:
        """workers: threads, at least 1. They share the threads that torch may use now."""
        self.model, self.place = model, place
        self.replicas = [_sharing(model) for _ in range(workers)]
        each = max(1, torch.get_num_threads() // workers)
        self.pool = ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(each))

    def gradients(self, lesson: Lesson) -> Scores:
        """Put the gradient of the mean loss over these windows into the model's parameters.

        Returns the scores of all parts together.
        """
        parts = zip(self.replicas, lesson.split(len(self.replicas)), strict=True)
        futures = [self.pool.submit(self._part, *part, len(lesson.seen)) for part in parts]
        scores = [future.result() for future in futures]
        mine = list(self.model.parameters())
        for replica in self.replicas:
            for own, other in zip(mine, replica.parameters(), strict=True):
                if other.grad is None:
                    continue
                own.grad = other.grad if own.grad is None else own.grad.add_(other.grad)
                other.grad = None
        return Scores.join(scores)

    def compile(self, lesson: Lesson) -> str:
        """Join the small operations of each layer, which takes up to a minute once and a third off every step.

        lesson: one like all that will come. Returns what hindered it, in a line, '' where nothing did: torch needs a
        C++ compiler and the headers of Python for it, and the layers go on as they are where it finds none.
        """
        layers = [x for one in self.replicas for x in one.modules() if isinstance(x, TrunkLayer | CausalLayer)]
        if not layers:
            return "it has none of the layers that can be"
        for layer in layers:
            kind = TrunkLayer if isinstance(layer, TrunkLayer) else CausalLayer
            layer.forward = partial(_compiled(kind), layer)  # type: ignore[method-assign]
        hindrance = ""
        try:
            self.gradients(lesson)
        except Exception as error:  # whatever it is: without compiling there is nothing that could fail
            hindrance = (str(error).strip() or type(error).__name__).splitlines()[0]
            for layer in layers:
                del layer.forward
        for one in (self.model, *self.replicas):
            one.zero_grad(set_to_none=True)
        return hindrance

    def _part(self, model: nn.Module, part: Lesson, whole: int) -> Scores:
        with self.place.autocast():
            scores = lesson_scores(model, part)
        share = len(part.seen) / whole
        scores.loss = {head: value * share for head, value in scores.loss.items()}
        sum(scores.loss.values(), start=torch.zeros(())).backward()
        scores.loss = {head: value.detach() for head, value in scores.loss.items()}
        return scores


@cache
def _compiled(kind: type[nn.Module]) -> Callable[..., Any]:
    # As a C++ program, because that lets go of Python's lock: the threads would wait for one another otherwise.
    return torch.compile(kind.forward, dynamic=False, options={"cpp_wrapper": True})


def _sharing(model: nn.Module) -> nn.Module:
    replica = copy.deepcopy(model)
    # Buffers too: what is loaded into the model later, of a training that goes on, is then the replicas' as well.
    for kind in (nn.Module.parameters, nn.Module.buffers):
        for own, other in zip(kind(model), kind(replica), strict=True):
            other.data = own.data
    return replica


class Device:
    """The same on a GPU, or in each of several processes: one compiled pass over this process's part of the batch."""

    def __init__(self, model: nn.Module, place: Place) -> None:
        """model: on the place's device."""
        self.place, self.objective = place, place.shared(place.compiled(Objective(model)))

    def gradients(self, lesson: Lesson) -> Scores:
        """Put the gradient of the mean loss over the windows of all processes into the model's parameters.

        Returns the scores of this process's part; its losses are the mean of all.
        """
        with self.place.autocast():
            scores = Scores(**self.objective(lesson))
        self.place.backward(torch.stack(list(scores.loss.values())).sum())
        scores.loss = self.place.mean({head: value.detach() for head, value in scores.loss.items()})
        return scores
