"""Cross-entropy over a large vocabulary, a few positions at a time, so that the logits fit into a processor's cache."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional as F

from reverie.models.layers import at_once

ROWS = 128
"""Positions at a time: the logits of 4,096 codes are then 2 MB."""


def cross_entropy(
    features: Tensor, code: Tensor, bias: Tensor, truth: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the summed nats of the logits `features @ code.T + bias`, and where the likeliest code is the true one.

    features: (N, c). code: (V, c). bias: (V,), or (N, V) where it is all done at once. truth: (N,) int64. weight: (N,),
    of each position; None for 1. Returns a float without axes and (N,) bool.
    """
    if at_once(features):
        logits = (features @ code.T + bias).float()
        nats = F.cross_entropy(logits, truth, reduction="none")
        return (nats if weight is None else nats * weight).sum(), logits.detach().argmax(-1) == truth
    weight = torch.ones(len(truth)) if weight is None else weight
    total, hits = _InParts.apply(features, code, bias, truth, weight)
    return total, hits


class _InParts(torch.autograd.Function):
    """Computes the gradients in the forward pass, so that the probabilities of all positions are never held at once.

    The idea is that of Wijmans et al. 2024, "Cut your losses in large-vocabulary language models".
    """

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, code: Tensor, bias: Tensor, truth: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        exact = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
        rows, codes, learns = features.to(exact), code.to(exact), any(ctx.needs_input_grad)
        total, hits = torch.zeros(()), torch.empty(len(truth), dtype=torch.bool)
        by_features, by_code, by_bias = torch.empty(features.shape), torch.zeros(code.shape), torch.zeros(bias.shape)
        for first in range(0, len(truth), ROWS):
            part = slice(first, first + ROWS)
            x, t, w = rows[part], truth[part], weight[part]
            logits = (x @ codes.T).float().add_(bias)
            top, likeliest = logits.max(1)
            hits[part] = likeliest == t
            mine = logits.gather(1, t[:, None])[:, 0]
            p = logits.sub_(top[:, None]).exp_()
            mass = p.sum(1)
            total += ((mass.log() + top - mine) * w).sum()
            if learns:  # the gradient of the nats by the logits is p - (the true code), times what a position counts
                p.mul_((w / mass)[:, None])
                p[torch.arange(len(t)), t] -= w
                by_bias += p.sum(0)
                p = p.to(exact)
                by_features[part] = p @ codes
                by_code += p.T @ x
        ctx.save_for_backward(by_features, by_code, by_bias)
        ctx.mark_non_differentiable(hits)
        return total, hits

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, by_total: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        by_features, by_code, by_bias = ctx.saved_tensors  # type: ignore[attr-defined]
        return by_features * by_total, by_code * by_total, by_bias * by_total, None, None
