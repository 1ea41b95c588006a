"""Muon: the steps of torch's, in any precision."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reverie.training.loop.muon import Muon, orthogonal

SHAPES = [(24, 8), (8, 24), (8, 24), (16, 16)]


def matrices() -> list[nn.Parameter]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape)) for shape in SHAPES]


@pytest.mark.parametrize(("precision", "close"), [(torch.bfloat16, 1e-6), (torch.float32, 2e-2)])
def test_it_steps_as_torchs_own_does_whose_products_are_bf16(precision: torch.dtype, close: float) -> None:
    ours, theirs = matrices(), matrices()
    steppers = (
        Muon(ours, 0.02, 0.1, precision),
        torch.optim.Muon(theirs, 0.02, 0.1, adjust_lr_fn="match_rms_adamw"),
    )
    for _ in range(4):
        for one, other in zip(ours[:-1], theirs[:-1], strict=True):
            one.grad = torch.randn(one.shape)
            other.grad = one.grad.clone()
        for stepper in steppers:
            stepper.step()
    for one, other, first in zip(ours, theirs, matrices(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=close)
        assert torch.equal(one, first) == (one is ours[-1]), "what has no gradient stays, and nothing else does"


def test_singular_values_come_near_to_one() -> None:
    for shape in ((3, 8, 24), (3, 24, 8)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert 0.5 < values.min() < values.max() < 1.3


def test_of_a_stack_each_matrix_steps_by_itself_and_one_without_a_gradient_stays() -> None:
    torch.manual_seed(0)
    stack, alone = nn.Parameter(torch.randn(3, 8, 24)), [nn.Parameter(torch.randn(8, 24)) for _ in range(2)]
    first = stack.detach().clone()
    for number, matrix in enumerate(alone):
        matrix.data.copy_(first[number])
    steppers = (Muon([stack], 0.02, 0.1, torch.float32), Muon(alone, 0.02, 0.1, torch.float32))
    for _ in range(3):
        stack.grad = torch.randn(3, 8, 24)
        stack.grad[2] = 0
        for number, matrix in enumerate(alone):
            matrix.grad = stack.grad[number].clone()
        for stepper in steppers:
            stepper.step()
    torch.testing.assert_close(stack[:2], torch.stack(list(alone)), rtol=0, atol=1e-6)
    assert torch.equal(stack[2], first[2])
