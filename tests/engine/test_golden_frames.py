"""Every shipped bundle dreams the same frames, whatever becomes of the code.

`golden_frames.json` holds, for each bundle, game, mode and decoder, a seed, actions, and the first 12 hexadecimal
digits of the SHA-256 of each frame that they lead to. The mode is empty where a family has none. Weights that are
replaced on purpose need new lines there.

Frames are promised to be the same on the same machine. Processors of other instruction sets round otherwise, and one
token that falls differently makes another dream, so the frames are compared on the kind that they were recorded on.
An Intel with AMX and an AMD without gave the same.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reverie.engine import library
from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "golden_frames.json").read_text(encoding="utf-8"))
KEYS = ("bundle", "game", "mode", "decoder")
NAMES = ["-".join(row[key] for key in KEYS) for row in ROWS]
RECORDED_ON = {"avx512_vnni"}
"""Instructions that all processors have on which these frames were seen."""
PASSES = 3
"""Passes of the parallel mode with which the frames were recorded, where a bundle has them."""
PREFIX = 12
"""Frames that are compared in the fast tests."""


def _same_kind_of_processor() -> bool:
    info = Path("/proc/cpuinfo")
    return info.exists() and set(info.read_text(encoding="utf-8").split()) >= RECORDED_ON


same_kind = pytest.mark.skipif(not _same_kind_of_processor(), reason="the frames are of another kind of processor")


@cache
def opened(name: str) -> Bundle:
    return library.open_bundle(name)


def dreamt(row: dict[str, Any], frames: int) -> list[str]:
    bundle = opened(row["bundle"])
    chosen: dict[str, Any] = {key: row[key] for key in ("mode", "decoder") if row[key]}
    if "passes" in bundle.manifest.settings:
        chosen["passes"] = PASSES
    dream = Dream(bundle, seed=row["seed"], game=row["game"], **chosen)
    pictures = [dream.step(action).frame for action in row["actions"][:frames]]
    return [hashlib.sha256(picture.tobytes()).hexdigest()[:12] for picture in pictures]


@same_kind
@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_the_first_frames_are_those_of_before(row: dict[str, Any]) -> None:
    assert dreamt(row, PREFIX) == row["frames"][:PREFIX]


@pytest.mark.slow
@same_kind
@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_all_frames_are_those_of_before(row: dict[str, Any]) -> None:
    assert dreamt(row, len(row["frames"])) == row["frames"]


def test_every_shipped_bundle_has_its_frames_in_every_game_mode_and_decoder() -> None:
    shipped = {name: opened(name).manifest for name in library.shipped()}
    wanted = {
        (name, game, mode, decoder)
        for name, manifest in shipped.items()
        for game in manifest.games
        for mode in manifest.choices("mode") or ("",)
        for decoder in manifest.choices("decoder")
    }
    assert {tuple(row[key] for key in KEYS) for row in ROWS} == wanted
