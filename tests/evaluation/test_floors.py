"""Floors that every shipped bundle keeps: what it predicts, what it dreams, and how fast."""

from __future__ import annotations

import pytest

from reverie.cores import usable_cores
from reverie.engine import library
from reverie.engine.bundle import read_manifest
from reverie.evaluation.evaluate import evaluate
from reverie.evaluation.speed.bench import bench

pytestmark = pytest.mark.slow
BUNDLES = sorted(library.shipped())
PROMISED_FPS = 20
RIGHT, CHANGED_RIGHT, LEGAL = 0.99, 0.90, 0.90
RECONSTRUCTION_DB, ONE_STEP_DB, STRANGE = 33.0, 26.0, 0.02
"""Of a dream of latents, whose pictures are not legal or illegal: PSNR, and the share of strange pictures at most."""
FROZEN = {"v1": (0.90, 0.55, 0.0)}
"""v1 has no history: its dreams leave the game within a second, which is why v1.1 followed."""


@pytest.mark.parametrize("name", BUNDLES)
def test_a_shipped_bundle_predicts_and_dreams_as_well_as_it_did(name: str) -> None:
    manifest = read_manifest(library.resolve(name))[0]
    mode = next((best for best in ("ar", "parallel") if best in manifest.choices("mode")), "")
    report = evaluate([name], 2, 64, quick=True, mode=mode, decoder=manifest.choices("decoder")[0])
    right, changed_right, legal = FROZEN.get(name, (RIGHT, CHANGED_RIGHT, LEGAL))
    for label, entry in report["bundles"].items():
        if entry["family"] == "latent":
            assert entry["reconstruction_psnr_db"] >= RECONSTRUCTION_DB, label
            assert entry["one_step_psnr_db"] >= ONE_STEP_DB, label
            assert entry["alive_out_of_place"]["strange"] <= STRANGE, label
            continue
        if entry["family"] == "tokens":
            assert entry["token_accuracy"] >= right, label
            assert entry["changed_token_accuracy"] >= changed_right, label
        frames = [entry["rollout"][segment] for segment in ("1-16", "17-64")]
        dreamt = sum(part["frames"] for part in frames)
        assert dreamt == 2 * 64
        assert sum(part["validity"] * part["frames"] for part in frames) >= legal * dreamt, label


@pytest.mark.skipif(usable_cores() < 2, reason="the promise is for two cores")
@pytest.mark.parametrize("name", BUNDLES)
def test_a_shipped_bundle_holds_the_promised_speed(name: str) -> None:
    rows = bench([name], frames=60, threads=2)["rows"]
    slow = [row for row in rows if row["decoder"] != "diffusion" and row["fps"] < PROMISED_FPS]
    assert {row["mode"]: row["fps"] for row in slow} == {}
