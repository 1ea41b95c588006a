"""Hearts and digits of the crypt are read in dreams, and counted where the autoencoder alone spoils them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reverie.evaluation.metrics.actions_told import ActionsTold
from reverie.evaluation.metrics.hud import HudReadable
from reverie.evaluation.metrics.recorded_rollout import recorded_rollout
from reverie.evaluation.subjects.truth import PlayedTruth, record_play
from reverie.games import registry
from reverie.games.crypt.hud import HudReader
from reverie.games.crypt.rules import Crypt
from tests.evaluation.fakes import FakeSubject


class BlotDream:
    """Shows its first frame, and from frame 20 on a blot over the last digit."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames, self.number = frames.copy(), 0

    def step(self, actions: np.ndarray) -> np.ndarray:
        self.number += 1
        if self.number == 20:
            self.frames[:, :8, 56:] = 90
        return self.frames


class CryptSubject(FakeSubject):
    """Its decoder loses the second heart of every fourth frame."""

    game, actions = "crypt", Crypt.actions

    def encode(self, frames: np.ndarray) -> Any:
        return frames.copy()

    def decode(self, z: Any) -> np.ndarray:
        z = z.copy()
        z[::4, :8, 8:16] = z[::4, :8, 24:32]
        return z

    def dream_from(self, frames: np.ndarray) -> Any:
        return BlotDream(frames)


@pytest.fixture(scope="module")
def truth() -> PlayedTruth:
    return record_play(Crypt, registry.policy("crypt", "explore", 4, 1), 64, np.arange(4) + 1_000_000, 48)


def watched(subject: Any, truth: PlayedTruth, horizon: int = 32) -> dict[str, Any]:
    hud = HudReadable(HudReader(64), subject, horizon, truth.batch)
    return recorded_rollout(subject, truth, horizon, 0, [hud, ActionsTold(None)])


def test_what_is_blotted_out_is_not_readable_and_every_real_frame_is(truth: PlayedTruth) -> None:
    entry = watched(CryptSubject(), truth)
    assert entry["rollout"]["1-16"]["hud_readable"] == 1.0
    assert entry["rollout"]["17-64"]["hud_readable"] == 3 / 16
    assert entry["rollout"]["65-256"]["hud_readable"] is None
    assert (entry["hud_exact"], entry["hud_frames"]) == (1.0, 4 * 32)
    assert entry["hud_readable_at_512"] is None
    assert entry["actions_told"] is None


def test_what_the_autoencoder_spoils_is_counted(truth: PlayedTruth) -> None:
    found = watched(CryptSubject(), truth)
    assert found["hud_misread_frames"] == 4 * 32
    assert found["hud_misread_digits"] == 0
    assert found["hud_doubted"] == 32
    plain = CryptSubject()
    plain.decode = lambda z: z
    found = watched(plain, truth)
    assert found["hud_misread_hearts"] == found["hud_doubted"] == 0
    assert found["hud_misread_frames"] == 4 * 32


def test_no_more_real_frames_are_decoded_than_are_asked_for() -> None:
    truth = record_play(Crypt, registry.policy("crypt", "random", 60, 1), 64, np.arange(60) + 1_000_000, 36)
    assert watched(CryptSubject(), truth, 20)["hud_misread_frames"] == 1000
