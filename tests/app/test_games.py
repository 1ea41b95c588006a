"""A bundle of several games: one is played, a key jumps to the next, and each waits where it was left."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pygame
import pytest

from reverie.app.cli import main
from reverie.app.commands.list import as_text
from reverie.app.errors import Mistake
from reverie.app.play.choice import Choice
from reverie.app.play.game_loop import GameLoop
from reverie.app.play.meter import Meter
from reverie.app.play.session import Session
from reverie.app.window import hud, theme
from reverie.app.window.display import goal_of
from reverie.app.window.game_keys import keys_of_game
from reverie.app.window.keys import Keys, load_keys
from reverie.app.window.menu_view import menu
from reverie.app.window.saving import Saving
from reverie.app.window.window import Window
from reverie.engine.bundle import Bundle
from reverie.engine.tape import Tape
from reverie.engine.taping import replay
from reverie.games import registry
from reverie.games.world import Frame
from tests.app.conftest import make_bundle
from tests.app.test_game_loop import dot_column, eventually

GAMES = ("garden", "bricks", "duel")


@pytest.fixture
def three() -> Bundle:
    """The dream of a dot in three games."""
    return make_bundle("trio", outcome=True, diffusion=True, games=GAMES)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Keys]:
    """A display without a picture, and the default keys."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("REVERIE_CONFIG", str(tmp_path))
    pygame.display.init()
    yield load_keys()
    pygame.display.quit()


def step(session: Session, action: str, times: int = 1) -> Frame:
    for _ in range(times):
        session.step(session.actions.index(action))
    return session.frame


def test_the_next_game_has_its_own_actions_and_start_and_the_dream_is_told_which(three: Bundle) -> None:
    session = Session(Choice("trio"), three)
    assert session.next_game() == "game: bricks"
    assert session.actions == ("noop", "left", "right", "a")
    assert dot_column(session.frame) == 4
    assert dot_column(step(session, "right")) == 6
    assert (session.status().game, session.name) == ("bricks", "dream:trio/bricks")
    assert [session.next_game() for _ in range(2)] == ["game: duel", "game: garden"]


def test_coming_back_to_a_game_goes_on_where_it_was_left(three: Bundle) -> None:
    session, alone = Session(Choice("trio"), three), Session(Choice("trio"), three)
    left = step(session, "right", 4)
    step(alone, "right", 4)
    session.open_game("duel")
    step(session, "up", 3)
    session.new_start()
    assert (session.status().score, session.status().seed) == (0, 1)
    session.open_game("garden")
    assert np.array_equal(session.frame, left)
    assert (session.status().score, session.status().seed) == (1, 0)
    assert np.array_equal(step(session, "up", 3), step(alone, "up", 3))


def test_the_settings_stay_when_the_game_changes(three: Bundle) -> None:
    session = Session(Choice("trio", settings={"mode": "ar", "temperature": 0.5}), three)
    session.next_game()
    assert (session.status().settings["mode"], session.status().settings["temperature"]) == ("ar", 0.5)
    session.change_setting("decoder")
    session.change_setting("steps", 2)
    session.change_setting("mode")
    session.change_setting("passes", 2)
    session.change_setting("temperature", 1)
    session.open_game("garden")
    assert session.status().shown == "parallel ×3  diffusion ×4  T 0.60"


def test_a_game_can_be_chosen_and_one_that_is_not_dreamt_is_one_sentence(three: Bundle) -> None:
    assert Session(Choice("trio", game="duel"), three).status().game == "duel"
    with pytest.raises(ValueError, match="The dream trio is of garden, bricks, duel, not of runner"):
        Session(Choice("trio", game="runner"), three)
    with pytest.raises(Mistake, match="There is no game runner here"):
        Session(Choice("trio"), three).open_game("runner")
    assert Session(Choice("dots"), make_bundle()).next_game() == "dots only has the game garden"


def test_every_game_keeps_a_moment_of_its_own(three: Bundle) -> None:
    session = Session(Choice("trio"), three)
    kept = step(session, "right").copy()
    session.save_moment()
    session.next_game()
    assert session.load_moment() == "no moment is saved yet"
    session.save_moment()
    session.open_game("garden")
    step(session, "up")
    session.load_moment()
    assert np.array_equal(session.frame, kept)


def test_a_tape_holds_the_first_game_and_goes_on_when_it_is_played_again(three: Bundle) -> None:
    session = Session(Choice("trio", game="bricks", tape=True), three)
    frames = [step(session, "right").copy()]
    session.next_game()
    step(session, "up")
    session.change_setting("mode")
    session.open_game("bricks")
    frames.append(step(session, "left").copy())
    assert session.taped is not None
    tape = session.taped.tape()
    digest = hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest()
    assert (tape.game, tape.frames, tape.frames_sha256) == ("bricks", 2, digest)
    assert [np.array_equal(*pair) for pair in zip(replay(tape, three), frames, strict=True)] == [True, True]


def test_while_a_world_is_recorded_no_other_is_played(three: Bundle) -> None:
    class TransitionRecorder:
        def reset(self, frame: Frame, seed: int) -> None:
            raise AssertionError

        step = reset  # type: ignore[assignment]

    session = Session(Choice("trio"), three)
    session.recorder = TransitionRecorder()  # type: ignore[assignment]
    assert session.next_game() == "one world is being recorded: no other game"


def test_the_real_game_behind_tab_is_the_one_that_is_played(three: Bundle) -> None:
    session = Session(Choice("trio", real=True), three)
    assert session.next_game() == "game: bricks"
    assert (session.name, session.is_real, session.actions) == ("bricks", True, ("noop", "left", "right", "a"))
    step(session, "right", 5)
    assert session.hand_over() == "the dream goes on from here"
    session.open_game("garden")
    assert session.is_real, "Tab changes the world of the game that it is pressed in"
    session.open_game("bricks")
    assert not session.is_real


def test_real_games_can_be_jumped_through_whether_a_dream_knows_them_or_not(three: Bundle) -> None:
    session = Session(Choice(real=True))
    assert [session.next_game() for _ in range(6)][-3:] == ["game: runner", "game: crypt", "game: garden"]
    session = Session(Choice("trio", real=True), three)
    session.open_game("runner")
    assert session.hand_over() == "trio does not dream runner"
    session.switch_bundle(three)
    assert (session.status().game, session.is_real) == ("garden", False)


def test_the_real_game_behind_tab_has_the_rules_that_the_dream_knows(three: Bundle) -> None:
    newest = replace(three, manifest=replace(three.manifest, rules={"duel": 2}))
    for bundle, rules in ((three, {"garden": 1, "duel": 1}), (newest, {"garden": 1, "duel": 2})):
        session = Session(Choice("trio", real=True), bundle)
        for game, number in rules.items():
            session.open_game(game)
            assert session.game.real.game.rules == number  # type: ignore[attr-defined]
        session.open_game("runner")
        assert session.game.real.game.rules == 2, "no dream of it is there"  # type: ignore[attr-defined]


def test_a_dream_of_other_rules_does_not_take_the_real_game_over(three: Bundle) -> None:
    session = Session(Choice("trio", game="duel", real=True), three)
    assert session.game.real.game.rules == 1  # type: ignore[attr-defined]
    other = make_bundle("other", games=("duel", "bricks"))
    session.switch_bundle(replace(other, manifest=replace(other.manifest, rules={"duel": 2})))
    assert session.game.real.game.rules == 2  # type: ignore[attr-defined]


def test_another_bundle_goes_on_in_the_same_game(three: Bundle) -> None:
    session = Session(Choice("trio", game="bricks"), three)
    seen = step(session, "right").copy()
    session.switch_bundle(make_bundle("other", games=("duel", "bricks")))
    assert session.status().game == "bricks"
    assert np.array_equal(session.frame, seen)


def test_a_held_key_means_the_same_in_the_next_game_and_nothing_where_that_has_it_not(three: Bundle) -> None:
    loop = GameLoop(Session(Choice("trio"), three), Meter(0.0), paced=False, frames=3)
    loop.press("d", "right", time.perf_counter())
    for game in GAMES:
        loop.session.open_game(game)
        loop.limit = loop.meter.frames + 1
        loop.run()
        before = {"garden": 3, "bricks": 4, "duel": 5}[game]
        assert dot_column(loop.session.frame) == before + {"garden": 1, "bricks": 2, "duel": 0}[game]


def test_the_main_button_is_j_and_n_stays_the_next_game(keys: Keys) -> None:
    does = keys_of_game(keys, ("noop", "left", "right", "a")).does
    assert (does[pygame.K_j], does[pygame.K_n]) == ("a", "next game")


def test_up_is_the_main_button_too_where_nothing_is_up(keys: Keys) -> None:
    assert keys_of_game(keys, ("noop", "down", "a")).does[pygame.K_UP] == "a"
    assert keys_of_game(keys, ("noop", "up", "down", "a")).does[pygame.K_UP] == "up"


def test_every_built_in_game_says_what_to_do(keys: Keys, three: Bundle) -> None:
    loop = GameLoop(Session(Choice("trio"), three), Meter(0.0), fps=200)
    window = Window(pygame.display.set_mode((544, 608)), loop, keys, Saving(), (), fullscreen=False)
    for game in registry.names():
        assert 20 < len(goal_of(game)) < 70
    assert window.about.card(real=False)[1:] == (goal_of("garden"), "F1: all keys.")
    loop.session.next_game()
    window.about.follow("bricks", loop.session.actions)
    assert window.about.greeting == f"{goal_of('bricks')} J: main button. F1: all keys."


def test_n_and_the_menu_change_the_game_and_the_title_follows(three: Bundle, keys: Keys, tmp_path: Path) -> None:
    loop = GameLoop(Session(Choice("trio"), three), Meter(0.0), fps=200)
    window = Window(pygame.display.set_mode((544, 608)), loop, keys, Saving(), (), fullscreen=False)
    assert menu(GAMES)[:5] == ("resume", *GAMES, "new start")

    def press(*codes: int) -> None:
        for code in codes:
            window._handle(pygame.event.Event(pygame.KEYDOWN, key=code), time.perf_counter())

    def plays(title: str) -> bool:
        window._refresh()
        return pygame.display.get_caption()[0] == f"{title} – Reverie"

    threading.Thread(target=loop.run, daemon=True).start()
    try:
        assert eventually(lambda: plays("Garden at night"))
        press(pygame.K_n)
        assert eventually(lambda: plays("Stained glass"))
        press(pygame.K_ESCAPE, pygame.K_DOWN, pygame.K_DOWN, pygame.K_DOWN, pygame.K_RETURN)
        assert eventually(lambda: plays("Comet duel"))
        assert not loop.paused
        press(pygame.K_ESCAPE, pygame.K_DOWN, pygame.K_RETURN)
        assert eventually(lambda: plays("Garden at night"))
    finally:
        loop.stop()


def test_the_header_names_the_game(three: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    words: list[str] = []
    monkeypatch.setattr(theme, "text", lambda screen, what, at, *rest: words.append(what) or at[0])
    session = Session(Choice("trio"), three)
    session.next_game()
    hud.draw_header(pygame.Surface((800, 600)), session.status(), ())
    assert "bricks · trio" in words


def test_play_opens_the_game_asked_for_and_the_tape_draws_it_again(
    three: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for place in ("play_run", "render", "record_run"):
        monkeypatch.setattr(f"reverie.app.commands.{place}.load_bundle", lambda name, backend="onnx": three)
    monkeypatch.setenv("REVERIE_CONFIG", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("script.txt").write_text("left\na\n")
    words = ["play", "v1.1", "--game", "bricks", "--headless", "--unpaced", "--frames", "4", "--script", "script.txt"]
    assert main([*words, "--report", "a.json", "--tape", "a.tape"]) == 0
    assert json.loads(Path("a.json").read_text())["game"] == "bricks"
    assert Tape.load(Path("a.tape")).game == "bricks"
    assert main(["render", "a.tape", "--check"]) == 0
    assert main(["record", "v1.1", "--game", "bricks", "-o", "rec", "--steps", "8"]) == 0
    index = json.loads(Path("rec/index-00.json").read_text())
    assert (index["world"], index["actions"]) == ("dream:trio/bricks", ["noop", "left", "right", "a"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["play", "v1.1", "--game", "bricks", "--headless", "--frames", "3"], "is of garden, not of bricks"),
        (["record", "v1.1", "--game", "bricks", "-o", "rec"], "is of garden, not of bricks"),
        (["record", "garden", "--game", "bricks", "-o", "rec"], "garden is no dream"),
    ],
)
def test_a_game_that_is_not_there_is_one_sentence(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_list_stays_readable_with_many_games() -> None:
    row = {"name": "arcade", "games": ["garden", "bricks", "duel", "crossing", "runner"], "resolution": 64}
    can = {
        "parameters": 12e6,
        "active_parameters": 12e6,
        "bytes": 2e7,
        "modes": ["parallel", "ar"],
        "decoders": ["vq"],
        "history": 4,
    }
    lines = as_text({"bundles": [{**row, **can}], "games": []}).splitlines()
    assert lines[1].startswith("  arcade     5 games, 64×64, 12.0 M")
    assert lines[2].strip() == "garden, bricks, duel, crossing, runner"
    assert max(map(len, lines)) <= 100
    lines = as_text({"bundles": [{**row, **can, "active_parameters": 4e6}], "games": []}).splitlines()
    assert lines[2].endswith("crossing, runner; 4.0 M parameters at work in a frame")
    assert max(map(len, lines)) <= 100
