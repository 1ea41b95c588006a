from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pygame
import pytest

from reverie.app.errors import Mistake
from reverie.app.window.font import glyphs
from reverie.app.window.game_keys import keys_of_game
from reverie.app.window.keys import DEFAULTS, EXPLAINED, load_keys


@pytest.fixture(autouse=True)
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Key names are known once there is a display, even one without a picture."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    yield
    pygame.display.quit()


def test_arrows_and_wasd_play(tmp_path: Path) -> None:
    keys = load_keys(tmp_path / "none.json")
    assert {keys.does[key] for key in (pygame.K_UP, pygame.K_w)} == {"up"}
    assert {keys.does[key] for key in (pygame.K_RIGHT, pygame.K_d)} == {"right"}
    assert {keys.does[key] for key in (pygame.K_j, pygame.K_LCTRL)} == {"a"}
    assert keys.does[pygame.K_TAB] == "hand over"
    assert keys.does[pygame.K_PERIOD] == "step"


def test_a_person_can_rebind_a_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"pause": ["k"], "record as": "mp4"}')
    keys = load_keys(path)
    assert keys.does[pygame.K_k] == "pause"
    assert pygame.K_p not in keys.does
    assert keys.record_as == "mp4"
    assert keys.shown("pause") == "K"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "cannot be read: it is not JSON"),
        ('{"pause": NaN}', "it holds NaN"),
        ('{"jump": ["k"]}', "nothing is called 'jump'"),
        ('{"pause": ["nokey"]}', "there is no key 'nokey'"),
        ('{"pause": ["m"], "mode": ["m"]}', "the key 'm' is both"),
        ('{"pause": "p"}', "must be a list"),
        ('{"record as": "avi"}', "must be"),
    ],
)
def test_a_bad_key_file_gets_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(Mistake, match=says) as caught:
        load_keys(path)
    assert "\n" not in str(caught.value)


def test_a_default_key_gives_way_to_what_a_person_binds_it_to(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"pause": ["o", "w"]}')
    keys = load_keys(path)
    assert keys.does[pygame.K_o] == keys.does[pygame.K_w] == "pause"
    assert keys.does[pygame.K_UP] == "up"
    assert keys.shown("play itself") == "no key"


def test_every_key_is_explained_and_the_font_can_write_it(tmp_path: Path) -> None:
    keys = load_keys(tmp_path / "none.json")
    assert set(EXPLAINED) == set(DEFAULTS) - {"up", "down", "left", "right"}
    written = "".join(EXPLAINED.values()) + "".join(keys.shown(what) for what in DEFAULTS)
    assert set(written) <= set(glyphs())


def test_a_person_without_a_home_folder_has_the_default_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("REVERIE_CONFIG", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    assert load_keys().names == DEFAULTS


def test_keys_that_begin_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(b'\xef\xbb\xbf{"pause": ["o"]}')
    assert load_keys(tmp_path / "keys.json").names["pause"] == ("o",)


@pytest.mark.parametrize(
    ("own", "given", "says", "blamed"),
    [
        ({}, {"jump": ("nokey",)}, "there is no key 'nokey' (for 'jump')", ["game.toml"]),
        ({}, {"jump": ("x",), "duck": ("x",)}, "the key 'x' is both 'jump' and 'duck'", ["game.toml"]),
        ({"left": ["k"]}, {"jump": ("k",)}, "the key 'k' is both 'left' and 'jump'", ["keys.json", "game.toml"]),
        ({"pause": ["nokey"]}, {"jump": ("x",)}, "there is no key 'nokey' (for 'pause')", ["keys.json"]),
        ({"pause": ["k"], "step": ["k"]}, {}, "the key 'k' is both 'pause' and 'step'", ["keys.json"]),
    ],
)
def test_a_wrong_key_is_blamed_on_the_file_in_which_it_stands(
    tmp_path: Path, own: dict[str, list[str]], given: dict[str, tuple[str, ...]], says: str, blamed: list[str]
) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(own))
    with pytest.raises(Mistake) as caught:
        keys_of_game(load_keys(tmp_path / "keys.json"), ("noop", "left", "jump", "duck"), given, tmp_path / "game.toml")
    assert says in str(caught.value)
    assert [name for name in ("keys.json", "game.toml") if name in str(caught.value)] == blamed
