"""The comparison of a bundle's two decoders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reverie.engine.bundle import Bundle
from reverie.evaluation.decoders import Sharpness, compare, moments
from reverie.evaluation.references import built_in_reference
from reverie.evaluation.sizes import Sizes
from tests.evaluation.tiny_bundle import write_tiny_bundle


def test_a_blurred_picture_is_less_sharp_and_more_contrast_is_not_sharper() -> None:
    true = np.zeros((1, 16, 16, 3), np.uint8)
    true[:, :, 8:] = 100
    for drawn, expected in ((true, 1.0), (true // 2, 0.5), (true * 2, 1.0), (true * 0, 0.0)):
        sharpness = Sharpness()
        sharpness.add(drawn, true)
        assert sharpness.value == pytest.approx(expected)


def test_moments_are_frames_with_the_one_before() -> None:
    truth = built_in_reference("garden", 1, 64, Sizes(2, 64, quick=True), 0).truth
    found = moments(truth, 2, 16)
    frames = truth.frames(0, 40)
    for moment, tick in zip(found, (16, 32), strict=True):
        assert (moment.before == frames[tick - 1]).all()
        assert (moment.frames == frames[tick]).all()


def test_every_number_of_steps_is_a_row_and_each_is_measured(tmp_path: Path) -> None:
    table, sheet = compare(Bundle.load(write_tiny_bundle(tmp_path / "b", diffusion=True), threads=1), 2, seed=0)
    assert [row[0] for row in table.rows] == [
        "vq",
        *(f"diffusion, {n}" for n in ("1 step", "2 steps", "4 steps", "8 steps")),
    ]
    assert all(len(row) == len(table.head) for row in table.rows)
    psnr = {row[0]: row[1] for row in table.rows}
    assert psnr["vq"] != psnr["diffusion, 1 step"]  # which is ten levels brighter
    assert all(row[5] == "0.000" for row in table.rows)  # nothing that it draws flickers
    assert sheet.width > sheet.height > 100


def test_a_bundle_with_one_decoder_has_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no diffusion decoder"):
        compare(Bundle.load(write_tiny_bundle(tmp_path / "b"), threads=1), 1, seed=0)
