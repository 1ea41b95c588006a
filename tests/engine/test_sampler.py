from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.engine.noise import Keys, gumbel, keys_of
from reverie.engine.settings import Settings
from reverie.engine.tokens.sampler import Tokens, draw, entropy, refine

S, V = 12, 7


def causal_function(seed: int):  # type: ignore[no-untyped-def]
    """A random function whose logits at position i depend on every token before i, and on nothing else."""
    table = np.random.default_rng(seed).standard_normal((S, S, V, V)).astype(np.float32) * 2

    def logits(tokens: Tokens, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        out = np.zeros((len(tokens), S, V), np.float32)
        for i in range(S):
            for j in range(i):
                out[:, i] += table[i, j, tokens[:, j]]
        return out + rows[:, None, None].astype(np.float32) * table[0, 0, 0]

    return logits


def chosen(**settings: float) -> Settings:
    """The sampler's settings, with some of them chosen."""
    return {"temperature": 1.0, "min_p": 0.02, "top_p": 1.0, **settings}


def one_by_one(logits, noise: Keys, sampling: Settings) -> Tokens:  # type: ignore[no-untyped-def]
    tokens = np.zeros((len(noise), S), np.int64)
    for i in range(S):
        tokens[:, i] = draw(logits(tokens, np.arange(len(tokens))), noise, sampling)[:, i]
    return tokens


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_the_fixed_point_is_the_sequential_sample_in_at_most_s_passes(seed: int, temperature: float) -> None:
    logits, sampling = causal_function(seed), chosen(temperature=temperature)
    noise = keys_of(range(3 * seed, 3 * seed + 3))
    guess = np.random.default_rng(seed).integers(0, V, (3, S))
    tokens, passes, _ = refine(logits, guess, noise, sampling, S)
    assert np.array_equal(tokens, one_by_one(logits, noise, sampling))
    assert 1 <= passes <= S


def test_a_right_guess_takes_one_pass() -> None:
    logits, sampling = causal_function(0), chosen()
    noise = keys_of([0])
    right = one_by_one(logits, noise, sampling)
    assert refine(logits, right, noise, sampling, S)[1] == 1


def test_fewer_passes_leave_the_positions_right_that_they_reach() -> None:
    logits, sampling = causal_function(3), chosen()
    noise = keys_of(range(3))
    guess = np.random.default_rng(0).integers(0, V, (3, S))
    right = one_by_one(logits, noise, sampling)
    for most in range(S + 1):
        tokens, passes, _ = refine(logits, guess, noise, sampling, most)
        assert passes <= most
        assert np.array_equal(tokens[:, :most], right[:, :most])
    assert np.array_equal(refine(logits, guess, noise, sampling, 0)[0], guess)


def test_drawn_tokens_have_the_probabilities_of_the_softmax_at_that_temperature() -> None:
    logits = np.array([2.0, 1.0, 0.0, -1.0], np.float32)
    for temperature in (0.5, 1.0, 2.0):
        noise = keys_of([3])
        drawn = draw(np.tile(logits, (1, 40_000, 1)), noise, chosen(temperature=temperature, min_p=0))
        expected = np.exp(logits / temperature) / np.exp(logits / temperature).sum()
        assert np.bincount(drawn[0], minlength=4) / 40_000 == pytest.approx(expected, abs=0.01)


def test_min_p_never_draws_what_is_too_unlikely_and_keeps_the_rest() -> None:
    p = np.array([0.6, 0.3, 0.07, 0.03])
    noise = keys_of([3])
    drawn = draw(np.tile(np.log(p).astype(np.float32), (1, 20_000, 1)), noise, chosen(min_p=0.1))
    assert set(np.unique(drawn)) == {0, 1, 2}


def test_top_p_takes_what_is_sure_and_keeps_what_has_many_ways_to_happen() -> None:
    sure, spread = np.full(101, 0.0004), np.full(101, 0.004)  # the same hundred ways, of little weight and of much
    sure[100], spread[100] = 0.96, 0.6
    logits = np.log(np.stack([sure] * 5_000 + [spread] * 5_000)).astype(np.float32)[None]
    noise = keys_of([3])
    drawn = draw(logits, noise, chosen(min_p=0, top_p=0.95))[0]
    assert (drawn[:5_000] == 100).all()
    ways = np.bincount(drawn[5_000:], minlength=101)
    assert ways[100] / 5_000 == pytest.approx(0.6, abs=0.03)
    assert (ways > 0).all()
    assert (draw(logits, noise, chosen(min_p=0.1))[0] == 100).all()  # what min_p cannot tell apart


def test_top_p_leaves_out_the_least_likely() -> None:
    p = np.array([0.05, 0.5, 0.1, 0.35])
    logits = np.tile(np.log(p).astype(np.float32), (1, 20_000, 1))
    noise = keys_of([3])
    assert set(np.unique(draw(logits, noise, chosen(min_p=0, top_p=0.8)))) == {1, 3}
    assert set(np.unique(draw(logits, noise, chosen(min_p=0, top_p=0.9)))) == {1, 2, 3}
    assert set(np.unique(draw(logits, noise, chosen(min_p=0, top_p=1)))) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "sampling", [chosen(min_p=0.05), chosen(min_p=0), chosen(temperature=0.7, min_p=0.01, top_p=0.9)]
)
def test_what_is_drawn_is_the_best_of_all_codes_by_the_rule_written_out(sampling: Settings) -> None:
    logits = np.random.default_rng(1).normal(0, 3, (2, 300, 50)).astype(np.float32)
    noise = keys_of(range(2))
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    falling = -np.sort(-p, -1)
    least = np.take_along_axis(
        falling, (falling.cumsum(-1) < sampling["top_p"]).sum(-1, keepdims=True).clip(max=49), -1
    )
    kept = (p >= sampling["min_p"] * p.max(-1, keepdims=True)) & (p >= least)
    assert sampling["min_p"] == 0 or kept.mean() < 0.3
    numbers = gumbel(noise[:, None], np.arange(300 * 50)).reshape(logits.shape)
    wanted = np.where(kept, logits + sampling["temperature"] * numbers, -np.inf).argmax(-1)
    assert np.array_equal(draw(logits, noise, sampling), wanted)


@pytest.mark.parametrize("sampling", [chosen(), chosen(min_p=0), chosen(top_p=0.9), chosen(temperature=0)])
def test_what_is_no_number_is_left_to_the_guard_and_changes_nothing_else(sampling: Settings) -> None:
    logits = np.random.default_rng(0).standard_normal((3, S, V)).astype(np.float32)
    noise = keys_of(range(3))
    sound = draw(logits, noise, sampling)
    logits[1] = np.nan
    logits[1, 0] = np.inf
    drawn = draw(logits, noise, sampling)
    assert np.array_equal(drawn[[0, 2]], sound[[0, 2]])
    assert ((drawn[1] >= 0) & (drawn[1] < V)).all()


def test_temperature_zero_takes_the_most_likely_token() -> None:
    logits = np.random.default_rng(0).standard_normal((2, S, V)).astype(np.float32)
    noise = keys_of(range(2))
    assert np.array_equal(draw(logits, noise, chosen(temperature=0)), logits.argmax(-1))


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.5}, {"min_p": 0.3}, {"top_p": 0.6}, {"temperature": 0.0}])
def test_the_entropy_is_that_of_what_is_drawn(settings: dict[str, float]) -> None:
    logits = np.random.default_rng(0).standard_normal((1, 3, V)).astype(np.float32) * 2
    draws = 4000
    tokens = draw(np.repeat(logits, draws, 0), keys_of(range(draws)), chosen(**settings))
    for position, bits in enumerate(entropy(logits, chosen(**settings))[0]):
        shares = np.bincount(tokens[:, position], minlength=V) / draws
        counted = -sum(share * np.log2(share) for share in shares if share)
        assert abs(counted - bits) < 0.05


def test_the_entropy_is_the_same_on_both_backends() -> None:
    torch = pytest.importorskip("torch")
    from reverie.engine.tokens import torch_sampler

    logits = np.random.default_rng(1).standard_normal((2, S, V)).astype(np.float32) * 3
    for settings in (chosen(), chosen(top_p=0.7, min_p=0.1), chosen(temperature=0.4)):
        other = torch_sampler.entropy(torch.tensor(logits), settings).numpy()
        assert np.abs(entropy(logits, settings) - other).max() < 1e-4
