"""The arithmetic of token figures, on cases whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.evaluation.tokens import arithmetic


def test_a_certain_and_right_token_costs_nothing_and_a_coin_costs_one_bit() -> None:
    logits = np.array([[50.0, 0.0], [0.0, 0.0]], np.float32)
    assert arithmetic.nll_bits(logits, np.array([0, 1])) == pytest.approx([0.0, 1.0], abs=1e-6)


def test_perplexity_counts_codes_as_if_used_equally() -> None:
    assert arithmetic.perplexity(np.array([5, 5, 5, 5, 0])) == pytest.approx(4.0)
    assert arithmetic.perplexity(np.array([9, 0, 0])) == pytest.approx(1.0)


def test_one_changed_pixel_changes_exactly_its_patch() -> None:
    before = np.zeros((1, 16, 16, 3), np.uint8)
    after = before.copy()
    after[0, 9, 3, 2] = 1
    assert arithmetic.patches_changed(before, after, (2, 2)).tolist() == [[False, False, True, False]]
