"""A bundle of several games dreams the one that it is told to, with that game's own actions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.dream_batch import DreamBatch
from reverie.engine.verify import verify
from reverie.evaluation.subjects.bundle_subject import open_subjects

ACTIONS = {
    "garden": ("noop", "up", "down", "left", "right"),
    "bricks": ("noop", "left", "right", "a"),
    "duel": ("noop", "up", "down"),
}
SEEDS = [5, 8]


@pytest.fixture(scope="module")
def bundle(bundle_games: Path) -> Bundle:
    return Bundle.load(bundle_games, threads=1)


@pytest.fixture(scope="module")
def in_torch(bundle_games: Path) -> Bundle:
    return Bundle.load(bundle_games, "torch", threads=1)


def test_a_bundle_of_several_games_is_sound_and_says_what_each_can_do(bundle: Bundle) -> None:
    assert verify(bundle.path) == []
    manifest = bundle.manifest
    assert manifest.actions == ("noop", "up", "down", "left", "right", "a")
    assert {game: manifest.actions_of(game) for game in manifest.games} == ACTIONS
    assert [len(Dream(bundle, game=game).starts) for game in ACTIONS] == [3, 3, 3]


def test_the_same_tokens_go_on_otherwise_in_another_game(bundle: Bundle) -> None:
    predictions = []
    for game in ACTIONS:
        dream = DreamBatch(bundle, 2, game=game)
        dream.reset_from(SEEDS, bundle.starts.frames[:2], np.zeros((2, 3), np.int64))
        hidden = dream.advance([0, 0]).hidden
        assert hidden is not None
        predictions.append(hidden)
    for other in predictions[1:]:
        assert np.abs(other - predictions[0]).max() > 0.1


@pytest.mark.parametrize("mode", ["parallel", "ar"])
@pytest.mark.parametrize("game", ACTIONS)
def test_a_dream_of_a_game_shows_nothing_that_only_others_do(bundle: Bundle, game: str, mode: str) -> None:
    dream = DreamBatch(bundle, 4, mode=mode, temperature=2, min_p=0, game=game)
    number = list(ACTIONS).index(game)
    dream.reset(range(4))
    for _ in range(3):
        dream.step([0] * 4)
        assert (dream.z % len(ACTIONS) == number).all()
        assert len(np.unique(dream.z)) > 5


def test_a_key_is_the_same_key_in_every_game(bundle: Bundle) -> None:
    dream, number = DreamBatch(bundle, 1, game="bricks"), bundle.manifest.games.index("bricks")
    dream.begin([0], bundle.starts.frames[:1, -1])
    z, state = dream.z, DreamBatch(bundle, 1).ring
    assert state is not None
    own = dream.advance([ACTIONS["bricks"].index("a")])
    code = np.array([bundle.manifest.actions.index("a")])
    wanted = bundle.dynamics.prepare(z, state.tensors, code, np.array([number]))
    assert np.array_equal(own.logits, wanted.logits)


@pytest.mark.parametrize("mode", ["parallel", "ar"])
@pytest.mark.parametrize("game", ACTIONS)
def test_both_backends_dream_the_same(bundle: Bundle, in_torch: Bundle, game: str, mode: str) -> None:
    dreams = [DreamBatch(b, 2, mode=mode, temperature=0, game=game) for b in (bundle, in_torch)]
    frames = [dream.reset(SEEDS) for dream in dreams]
    for action in range(len(ACTIONS[game])):
        frames = [dream.step([action, 0]) for dream in dreams]
        assert np.array_equal(dreams[0].z, dreams[1].z)
        assert np.abs(np.asarray(frames[1]).astype(int) - frames[0]).max() <= 1


def test_the_metrics_see_the_same_dream_of_a_game_on_the_device(bundle_games: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 2, 64, 64, 3), np.uint8)
    history = np.zeros((3, 2), np.int64)
    for onnx, device in zip(*(open_subjects([bundle_games], 1, backend) for backend in ("onnx", "torch")), strict=True):
        assert onnx.label == device.label
        dreams = [subject.dream(frames, history, 3) for subject in (onnx, device)]
        last = np.full(2, len(onnx.actions) - 1)
        for actions in (last, np.zeros(2, np.int64)):
            steps = [dream.step(actions).astype(int) for dream in dreams]
            assert np.abs(steps[0] - steps[1]).max() <= 1
        with pytest.raises(ValueError, match="action"):
            dreams[0].step(last + 1)


def test_a_game_that_a_bundle_does_not_dream_is_a_sentence(bundle: Bundle) -> None:
    with pytest.raises(ValueError, match=r"is of garden, bricks, duel, not of runner"):
        DreamBatch(bundle, 1, game="runner")
