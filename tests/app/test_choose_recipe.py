"""`auto` takes the recipe that fits the pictures of a recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from reverie.app.own.choose_recipe import choose_recipe
from reverie.training.data.record import record


@pytest.mark.parametrize(("game", "chosen"), [("garden", "own"), ("crypt", "own-latent")])
def test_tiles_where_they_draw_the_game_and_latents_elsewhere(
    game: str, chosen: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    record(game, tmp_path / "data", 3000)
    assert choose_recipe("auto", tmp_path / "data", tmp_path / "run") == chosen
    said = capsys.readouterr().err
    assert said.endswith(f"of what changes to the pixel: the recipe is {chosen}\n")
    assert said.count("\n") == 1


def test_a_recipe_that_is_named_is_taken(tmp_path: Path) -> None:
    assert choose_recipe("v1.1", tmp_path, tmp_path) == "v1.1"


def test_a_run_that_was_begun_keeps_its_recipe(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "run.json").write_text('{"recipe": "own"}')
    assert choose_recipe("auto", tmp_path / "nowhere", tmp_path) == "own"
