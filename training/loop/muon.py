"""Muon: an optimizer whose updates are orthogonalised momentum matrices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
_SMALLEST = 1e-7


class Muon(torch.optim.Optimizer):
    """Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".

    Computes what `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"` does, with three differences: all matrices of
    one shape are orthogonalised together, a parameter may be a stack of matrices, and the precision is a choice.
    torch's uses bf16, which is very slow on a processor without instructions for it.
    """

    def __init__(
        self, matrices: Iterable[nn.Parameter], lr: float, weight_decay: float, precision: torch.dtype
    ) -> None:
        """matrices: (M, N) each, stacks of them (K, M, N), or the weights (M, N, h, w) of convolutions, taken as
        (M, N * h * w).

        precision: of the products that make them orthogonal.
        """
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})
        self.precision = precision

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step. A matrix without a gradient stays as it is, and so does one of a stack whose gradient is 0."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
            for parameter in group["params"]:
                for matrix, momentum in self._learning(parameter, group["momentum"]):
                    alike.setdefault(matrix.flatten(1).shape, []).append((matrix, momentum))
            for shape, matrices in alike.items():
                directions = orthogonal(torch.stack([momentum.flatten(1) for _, momentum in matrices]))
                rate = group["lr"] * 0.2 * max(shape) ** 0.5
                for (matrix, _), direction in zip(matrices, directions, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(
                        direction.reshape(matrix.shape), alpha=-rate
                    )

    def _learning(self, parameter: nn.Parameter, momentum: float) -> Iterator[tuple[Tensor, Tensor]]:
        """The matrices of a parameter that have a gradient, and the Nesterov momentum of each, which is updated."""
        if (gradient := parameter.grad) is None:
            return
        state = self.state[parameter]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        buffer = state["momentum_buffer"]
        if parameter.ndim != 3:
            yield parameter, gradient.lerp(buffer.lerp_(gradient, 1 - momentum), momentum).to(self.precision)
            return
        # An expert that a batch does not use learns nothing from it: old momentum, made orthogonal, would move it as
        # far as a new gradient does.
        for number in gradient.flatten(1).any(1).nonzero()[:, 0].tolist():
            own = gradient[number]
            yield parameter[number], own.lerp(buffer[number].lerp_(own, 1 - momentum), momentum).to(self.precision)


def orthogonal(matrices: Tensor) -> Tensor:
    """Bring all singular values of matrices (N, A, B) near 1, by a few rounds of Newton-Schulz."""
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=_SMALLEST)
    a, b, c = _COEFFICIENTS
    for _ in range(_ROUNDS):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide if matrices.shape[1] <= matrices.shape[2] else wide.mT
