"""Muon: an optimizer whose updates are orthogonalised momentum matrices."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
_SMALLEST = 1e-7


class Muon(torch.optim.Optimizer):
    """Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".

    Computes what `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"` does, with two differences: all matrices of
    one shape are orthogonalised together, and the precision is a choice. torch's uses bf16, which is very slow on a
    processor without instructions for it.
    """

    def __init__(
        self, matrices: Iterable[nn.Parameter], lr: float, weight_decay: float, precision: torch.dtype
    ) -> None:
        """matrices: (M, N) each, or the weights (M, N, h, w) of convolutions, taken as (M, N * h * w).

        precision: of the products that make them orthogonal.
        """
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})
        self.precision = precision

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step. A matrix without a gradient stays as it is."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike.setdefault(matrix.flatten(1).shape, []).append(matrix)
            for shape, matrices in alike.items():
                momenta = [self._momentum(matrix, group["momentum"]).flatten(1) for matrix in matrices]
                directions = orthogonal(torch.stack(momenta))
                rate = group["lr"] * 0.2 * max(shape) ** 0.5
                for matrix, direction in zip(matrices, directions, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(
                        direction.reshape(matrix.shape), alpha=-rate
                    )

    def _momentum(self, matrix: nn.Parameter, momentum: float) -> Tensor:
        """Return the Nesterov momentum of a matrix, and update it."""
        assert matrix.grad is not None
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(matrix.grad)
        buffer = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
        return matrix.grad.lerp(buffer, momentum).to(self.precision)


def orthogonal(matrices: Tensor) -> Tensor:
    """Bring all singular values of matrices (N, A, B) near 1, by a few rounds of Newton-Schulz."""
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=_SMALLEST)
    a, b, c = _COEFFICIENTS
    for _ in range(_ROUNDS):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide if matrices.shape[1] <= matrices.shape[2] else wide.mT
