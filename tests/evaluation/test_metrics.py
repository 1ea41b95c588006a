"""The arithmetic, on cases whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.evaluation.metrics import arithmetic


def frames(seed: int, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 40, 3), dtype=np.uint8)


def test_psnr_is_that_of_the_mean_squared_error_of_each_frame() -> None:
    black = np.zeros((2, 16, 16, 3), np.uint8)
    off = black.copy()
    off[0] = 10
    off[1] = 100
    assert arithmetic.psnr_db(black, off) == pytest.approx([20 * np.log10(255 / 10), 20 * np.log10(255 / 100)])


def test_equal_frames_score_the_cap_and_not_infinity() -> None:
    assert arithmetic.psnr_db(frames(0), frames(0)) == pytest.approx([arithmetic.PSNR_CAP_DB] * 3)


def test_equal_frames_have_ssim_one_and_noise_has_far_less() -> None:
    assert arithmetic.ssim(frames(0), frames(0)) == pytest.approx([1.0] * 3)
    assert arithmetic.ssim(frames(0), frames(1)).max() < 0.2


def test_ssim_is_the_published_formula() -> None:
    a, b = frames(0, 1), (frames(0, 1) // 2 + frames(1, 1) // 3)
    x, y = np.meshgrid(np.arange(11) - 5, np.arange(11) - 5)
    window = np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for channel in range(3):
        for row in range(32 - 10):
            for column in range(40 - 10):
                p = a[0, row : row + 11, column : column + 11, channel].astype(float)
                q = b[0, row : row + 11, column : column + 11, channel].astype(float)
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
                cov = (window * (p - mp) * (q - mq)).sum()
                values.append((2 * mp * mq + c1) * (2 * cov + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    assert arithmetic.ssim(a, b)[0] == pytest.approx(np.mean(values), rel=1e-9)


def test_drift_begins_at_the_first_of_eight_frames_that_are_not_valid() -> None:
    valid = np.ones(40, bool)
    valid[5:12] = False
    assert arithmetic.drift_free(valid) is None
    valid[20:28] = False
    assert arithmetic.drift_free(valid) == 20
    assert arithmetic.drift_free(np.zeros(8, bool)) == 0


def test_f1_counts_what_is_said_wrongly_and_what_is_not_said() -> None:
    f1 = arithmetic.F1()
    f1.add(np.array([0.0, 0.0]), np.array([0.0, 0.0]))
    assert f1.value is None, "nothing happened"
    f1.add(np.array([1.0, 1.0, -1.0, 0.0, 0.0]), np.array([1.0, -1.0, 0.0, 1.0, 0.0]))
    assert f1.value == pytest.approx(2 * 1 / (3 + 3))
    f1 = arithmetic.F1()
    f1.add(np.array([True, False, True]), np.array([True, False, False]))
    assert f1.value == pytest.approx(2 / 3)


def test_nothing_measured_is_not_zero() -> None:
    assert arithmetic.mean_or_none(np.zeros(0)) is None
    assert arithmetic.Share().value is None
