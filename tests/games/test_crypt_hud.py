"""The crypt's hearts and digits are read off its pictures, and off no others."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.games import registry
from reverie.games.crypt.hud import HudReader
from reverie.games.crypt.rules import Crypt
from reverie.games.garden.rules import Garden


def varied(batch: int = 300) -> Crypt:
    game = Crypt(batch)
    game.reset(np.arange(batch) + 1_000_000, vary=True)
    return game


@pytest.mark.parametrize("size", [64, 128])
def test_every_real_frame_is_read_exactly(size: int) -> None:
    game, reader = varied(), HudReader(size)
    game.state.score[:100] = np.arange(100)
    for _ in range(3):
        assert reader.exact(game.render(size), game).all()
        game.step(np.full(game.batch, 4))
    wrong = varied()
    wrong.state.score[0] = (wrong.state.score[0] + 1) % 100
    assert reader.exact(varied().render(size), wrong).tolist() == [False] + [True] * 299


@pytest.mark.parametrize("size", [64, 128])
def test_a_little_noise_is_read_and_a_ruined_glyph_is_not(size: int) -> None:
    game, reader = varied(50), HudReader(size)
    frames, rng, part = game.render(size), np.random.default_rng(0), size // 8
    noisy = np.clip(frames + rng.normal(0, 6, frames.shape), 0, 255).astype(np.uint8)
    assert reader.exact(noisy, game).all()
    for cell in (0, 6, 7):
        ruined = frames.copy()
        ruined[:, :part, cell * part : (cell + 1) * part] = 120
        assert not reader.read(ruined).readable.any()


def test_a_digit_between_two_is_doubted() -> None:
    game, other = varied(1), varied(1)
    game.state.score[:], other.state.score[:] = 10, 18
    mixed = ((game.render(64).astype(int) + other.render(64)) // 2).astype(np.uint8)
    reading = HudReader(64).read(mixed)
    assert reading.readable.all()
    assert not reading.sure.any()


def test_hearts_that_are_not_full_from_the_left_are_no_hearts() -> None:
    game = varied(1)
    game.state.hearts[:] = 1
    frames = game.render(64)
    frames[:, :8, :16] = np.concatenate([frames[:, :8, 8:16], frames[:, :8, :8]], axis=2)
    assert not HudReader(64).read(frames).readable.any()


def test_only_games_with_a_reader_of_their_own_have_one_and_only_at_their_sizes() -> None:
    assert isinstance(registry.hud_reader("crypt", 64), HudReader)
    assert registry.hud_reader("somebody:else-v0", 64) is None
    assert registry.hud_reader("garden", 64) is None
    with pytest.raises(ValueError, match="64 and 128"):
        registry.hud_reader("crypt", 100)
    with pytest.raises(TypeError):
        HudReader(64).exact(np.zeros((1, 64, 64, 3), np.uint8), Garden(1))
