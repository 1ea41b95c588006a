"""A dream is measured against its game by the rules that it knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnx")

from reverie.engine.bundle import Bundle
from reverie.evaluation import self_play
from reverie.evaluation.references import Reference, References
from reverie.evaluation.sizes import Sizes
from reverie.evaluation.subjects.bundle_subject import BundleSubject
from reverie.games.self_player import SelfPlayer
from tests.evaluation.tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """The same dream by rules 1, of which it need not speak, and by rules 2."""
    first = Bundle.load(write_tiny_bundle(tmp_path_factory.mktemp("rules") / "tiny"), threads=1)
    return [first, replace(first, manifest=replace(first.manifest, rules={"garden": 2}))]


def test_the_reference_of_a_dream_plays_by_its_rules_and_is_shared_by_no_other(bundles: list[Bundle]) -> None:
    references = References(Sizes(2, 20, quick=True))
    made = [references.of(BundleSubject(bundle, "parallel", "vq", "garden"), 1) for bundle in bundles]
    rules = []
    for reference in made:
        assert isinstance(reference, Reference)
        assert (reference.reader_exact["reader_exact"], reference.reader_exact["reader_valid"]) == (1, 1)
        game = reference.truth.start()
        rules.append(game.rules)
        game.reset(np.array([5, 6]))
        assert reference.reader.read(game.render(64), reference.reader.rooms(game)).valid.all()
    assert rules == [1, 2]


def test_a_dream_that_plays_itself_plays_by_its_rules(bundles: list[Bundle], monkeypatch: pytest.MonkeyPatch) -> None:
    rules = []

    class Player(SelfPlayer):
        def act(self, frames: object) -> int:
            rules.append(self._real.rules)
            return 0

    monkeypatch.setattr(self_play, "SelfPlayer", Player)
    for bundle in bundles:
        self_play.self_play(bundle, 1, seed=0)
    assert rules == [1, 2]
