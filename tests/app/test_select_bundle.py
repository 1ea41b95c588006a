"""Which dream opens, and in which mode, when nobody says which."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import reverie.app.commands.play_run  # noqa: F401 - before what it imports is replaced
from reverie.app.cli import main
from reverie.app.errors import Mistake
from reverie.app.play import select_bundle
from reverie.app.play.select_bundle import choose_bundle
from reverie.engine import library
from reverie.engine.bundle import Bundle
from reverie.engine.manifest import Network, Networks
from reverie.engine.settings import Value
from tests.app.conftest import make_bundle

FPS = 20.0
FAST, SLOW, SLOWEST = 0.01, 0.1, 0.2
Timed = list[tuple[str, str]]


def ship(monkeypatch: pytest.MonkeyPatch, *bundles: Bundle, seconds: dict[tuple[str, str], float]) -> Timed:
    """These bundles ship, oldest first, and a frame takes so long; returns the list of what is timed."""
    by_path = {bundle.path: bundle for bundle in bundles}
    timed: Timed = []

    def frame(bundle: Bundle, game: str | None, settings: Mapping[str, Value]) -> float:
        timed.append((bundle.manifest.name, str(settings["mode"])))
        return seconds[timed[-1]]

    monkeypatch.setattr(library, "shipped", lambda: {str(path): path for path in by_path})
    monkeypatch.setattr("reverie.engine.bundle.read_manifest", lambda path: (by_path[path].manifest, ""))
    monkeypatch.setattr(select_bundle, "load_bundle", lambda name, backend: by_path[Path(name)])
    monkeypatch.setattr(select_bundle, "seconds_per_frame", frame)
    return timed


def chosen(
    game: str | None = None, mode: str | None = None, decoder: str | None = None, backend: str = "onnx"
) -> tuple[str, str]:
    asked = {name: value for name, value in (("mode", mode), ("decoder", decoder)) if value}
    bundle, own = choose_bundle(FPS, game, asked, backend)
    return bundle.manifest.name, str(own["mode"])


def with_networks(bundle: Bundle) -> Bundle:
    return replace(bundle, manifest=replace(bundle.manifest, networks=Networks("w", {"dynamics": Network("dots", {})})))


def test_the_newest_dream_that_holds_the_rate_opens_in_its_first_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = make_bundle("old"), make_bundle("new", modes=("ar", "parallel"))
    timed = ship(monkeypatch, old, new, seconds={("new", "ar"): FAST})
    assert chosen() == ("new", "ar")
    assert timed == [("new", "ar")]


def test_a_dream_that_holds_the_rate_in_parallel_only_opens_in_parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = make_bundle("old"), make_bundle("new", modes=("ar", "parallel"))
    ship(monkeypatch, old, new, seconds={("new", "ar"): SLOW, ("new", "parallel"): FAST})
    assert chosen() == ("new", "parallel")


def test_an_older_dream_opens_where_the_newest_holds_the_rate_in_no_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = make_bundle("old", modes=("parallel",)), make_bundle("new", modes=("ar", "parallel"))
    ship(monkeypatch, old, new, seconds={("new", "ar"): SLOW, ("new", "parallel"): SLOW, ("old", "parallel"): FAST})
    assert chosen() == ("old", "parallel")


def test_where_nothing_holds_the_rate_the_fastest_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = make_bundle("old", modes=("parallel",)), make_bundle("new", modes=("ar", "parallel"))
    slow = {("new", "ar"): SLOWEST, ("new", "parallel"): SLOW, ("old", "parallel"): SLOWEST}
    ship(monkeypatch, old, new, seconds=slow)
    assert chosen() == ("new", "parallel")


def test_only_the_mode_asked_for_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = make_bundle("old", modes=("ar",)), make_bundle("new", modes=("parallel", "ar"))
    timed = ship(monkeypatch, old, new, seconds={("new", "ar"): SLOW, ("old", "ar"): FAST})
    assert chosen(mode="ar") == ("old", "ar")
    assert timed == [("new", "ar"), ("old", "ar")]


def test_what_is_alone_as_asked_for_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = make_bundle("old", diffusion=True), make_bundle("new", games=("duel",), modes=("parallel",))
    timed = ship(monkeypatch, old, new, seconds={})
    assert chosen(game="duel") == ("new", "parallel")
    assert chosen(decoder="diffusion", mode="ar") == ("old", "ar")
    assert timed == []


def test_torch_opens_the_newest_dream_that_describes_its_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = with_networks(make_bundle("old", modes=("parallel",))), make_bundle("new")
    ship(monkeypatch, old, new, seconds={("new", "parallel"): FAST})
    assert chosen(backend="torch") == chosen(backend="torch-cuda") == ("old", "parallel")
    assert chosen() == ("new", "parallel")
    with pytest.raises(Mistake, match="No dream here has the mode 'ar', backend 'torch'"):
        chosen(mode="ar", backend="torch")


def test_eval_without_names_measures_what_the_backend_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ship(monkeypatch, with_networks(make_bundle("old")), make_bundle("new"), seconds={})
    measured = []
    monkeypatch.setattr("reverie.evaluation.evaluate.evaluate", lambda bundles, *more: measured.append(bundles))
    assert main(["eval", "--backend", "torch"]) == 0
    assert main(["eval"]) == 0
    assert measured == [("old",), ("old", "new")]


def test_what_nothing_has_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    ship(monkeypatch, make_bundle("one", modes=("parallel",)), seconds={})
    with pytest.raises(Mistake, match="No dream here has the game 'chess', mode 'ar'; `reverie list`"):
        chosen(game="chess", mode="ar")


def test_a_play_is_in_the_mode_that_was_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new = make_bundle("new", modes=("ar", "parallel"))
    ship(monkeypatch, new, seconds={("new", "ar"): SLOW, ("new", "parallel"): FAST})
    words = ["play", "--headless", "--unpaced", "--frames", "3", "--report", str(tmp_path / "r.json")]
    assert main(words) == 0
    assert json.loads((tmp_path / "r.json").read_text())["mode"] == "parallel"
