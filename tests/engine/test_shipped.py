"""Every bundle that ships is what it says it is, and dreams each of its games in each of its modes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from reverie.engine import library
from reverie.engine.bundle import Bundle, read_manifest
from reverie.engine.dream import Dream
from reverie.engine.verify import verify
from reverie.games import registry

SHIPPED = library.shipped()


@pytest.mark.parametrize("folder", SHIPPED.values(), ids=SHIPPED)
def test_a_shipped_bundle_is_sound_and_dreams_all_its_games_in_all_its_modes(folder: Path) -> None:
    assert verify(folder) == []
    bundle = Bundle.load(folder, threads=1)
    assert bundle.manifest.name == folder.name
    for game in bundle.manifest.games:
        assert bundle.manifest.actions_of(game) == registry.get(game).actions
        for chosen in [{"mode": mode} for mode in bundle.manifest.choices("mode")] or [{}]:
            dream = Dream(bundle, game=game, seed=1, **chosen)
            frames = [dream.step(action).frame for action in range(len(dream.actions))]
            assert dream.faults.count == 0
            assert any((one != two).any() for one, two in pairwise(frames))


def test_arcade_dreams_every_built_in_game_whose_pictures_are_made_of_tiles() -> None:
    assert read_manifest(SHIPPED["arcade"])[0].games == tuple(filter(registry.has_reader, registry.names()))
