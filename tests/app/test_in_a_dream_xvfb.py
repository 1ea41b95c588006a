"""What a person can do in a dream, with real key presses in a real window."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reverie.app.window import theme
from reverie.engine import library
from reverie.engine.bundle import Bundle
from tests.app.real_window import SCALE, Played, eventually, needs_display

pytestmark = needs_display
RUN = "from reverie.app.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
SOON = f"from reverie.app.window import window; window.UNTOUCHED_SECONDS = 3.0; {RUN}"
"""A window that plays itself after 3 seconds instead of 30."""
WHEN = """
import threading, time
from pathlib import Path
import pygame
from reverie.app.play import game_state

def when():
    while not Path("now.txt").exists():
        time.sleep(0.1)
    {then}

threading.Thread(target=when, daemon=True).start()
{run}
"""
"""A window in which something happens as soon as there is a file `now.txt`."""
LOST = WHEN.format(then="game_state.GOOD = -1.0", run=RUN)
"""From then on it takes every picture for one that has lost the game."""
DROP = WHEN.format(then="pygame.event.post(pygame.event.Event(pygame.DROPFILE, file='mine.png'))", run=RUN)
"""Then a file is dropped on it. xdotool cannot drag a file out of another program, so the event is posted to pygame in
the window's own process; what the X server and SDL do before it is not tried."""
DREAM = ("play", "v1.1", "--seed", "3", "--mode", "parallel", "--scale", str(SCALE))


@pytest.fixture(scope="module")
def dream() -> Bundle:
    return Bundle.load(library.resolve("v1.1"), threads=1)


def unlike(played: Played, frame: np.ndarray) -> float:
    """The share of pixels in which the window's picture differs from a frame."""
    return float(np.mean(np.any(np.abs(played.picture().astype(int) - frame) > 40, axis=-1)))


def covered(played: Played, before: np.ndarray) -> bool:
    """Whether something is laid over most of the window."""
    return bool(np.mean(np.any(played.screen() != before, axis=-1)) > 0.2)


def test_f2_shows_the_start_pictures_and_enter_begins_at_one(
    play: Callable[..., Played], dream: Bundle, tmp_path: Path
) -> None:
    played = play("--tape", "a.tape", what=DREAM)
    before = played.screen()
    played.keys("key", "F2")
    assert eventually(lambda: covered(played, before)), "no gallery"
    played.keys("key", "Right", "Right", "Return")  # from start 3 to start 5
    assert eventually(lambda: unlike(played, dream.starts.frames[5, -1]) < 0.15), "it does not begin there"
    assert played.end() == 0
    events = [json.dumps(event) for event in json.loads((tmp_path / "a.tape").read_text())["events"]]
    assert '{"reset": [5, 5]}' in events


def test_an_image_is_shown_as_the_dream_sees_it_and_then_becomes_the_start(
    play: Callable[..., Played], dream: Bundle, tmp_path: Path
) -> None:
    picture = dream.starts.frames[7, -1]
    Image.fromarray(picture).resize((256, 256), Image.Resampling.NEAREST).save(tmp_path / "mine.png")
    played = play(
        "--image", "mine.png", "--tape", "a.tape", what=DREAM, begun=lambda played: len(np.unique(played.screen())) > 50
    )
    assert unlike(played, picture) > 0.3, "the preview does not come first"
    played.keys("key", "Return")
    assert eventually(lambda: unlike(played, picture) < 0.15), "it does not begin there"
    assert played.end() == 0
    events = json.loads((tmp_path / "a.tape").read_text())["events"]
    assert list(events[0]) == ["z", "begin"] or list(events[0]) == ["begin", "z"]


def test_a_picture_that_is_dropped_on_the_window_becomes_the_start(
    play: Callable[..., Played], dream: Bundle, tmp_path: Path
) -> None:
    picture = dream.starts.frames[7, -1]
    Image.fromarray(picture).resize((256, 256), Image.Resampling.NEAREST).save(tmp_path / "mine.png")
    played = play("--tape", "a.tape", what=DREAM, program=("-c", DROP))
    before = played.screen()
    (tmp_path / "now.txt").touch()
    assert eventually(lambda: covered(played, before)), "no preview"
    assert unlike(played, picture) > 0.3, "the preview does not come first"
    played.keys("key", "Return")
    assert eventually(lambda: unlike(played, picture) < 0.15), "it does not begin there"
    assert played.end() == 0
    events = json.loads((tmp_path / "a.tape").read_text())["events"]
    assert any({"begin", "z"} == set(event) for event in events)


def test_a_window_that_nobody_touches_plays_itself(play: Callable[..., Played], tmp_path: Path) -> None:
    played = play("--tape", "a.tape", what=DREAM, begun=Played.has_card, touched=False, program=("-c", SOON))
    assert eventually(lambda: not played.has_card()), "what a fresh window says stays"
    time.sleep(6)
    assert played.end() == 0
    actions = {event.get("action", 0) for event in json.loads((tmp_path / "a.tape").read_text())["events"]}
    assert actions - {0}, "nothing is pressed"


def test_with_lucid_a_dream_that_is_lost_wakes_by_itself(play: Callable[..., Played], tmp_path: Path) -> None:
    played = play("--lucid", "--tape", "a.tape", what=DREAM, program=("-c", LOST))
    time.sleep(4)
    (tmp_path / "now.txt").touch()
    time.sleep(4)
    assert played.end() == 0
    kinds = [key for event in json.loads((tmp_path / "a.tape").read_text())["events"] for key in event]
    assert "restore" in kinds, "it does not wake"
    assert "action" in kinds[: kinds.index("restore")], "it wakes before it is lost"


def test_o_lets_the_agent_play_that_lies_in_the_bundle(play: Callable[..., Played], tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from reverie.export.agent import export_agent

    class Left(torch.nn.Module):  # type: ignore[misc,name-defined]
        """Values one key alone."""

        def forward(self, observations: Any) -> Any:
            nothing = observations.float().mean((1, 2, 3)) * 0
            return torch.stack([nothing, nothing, nothing, nothing + 1, nothing], 1)

    export_agent(library.resolve("v1.1"), tmp_path / "played", "garden", Left(), 3)
    played = play("--tape", "a.tape", what=("play", str(tmp_path / "played"), *DREAM[2:]))
    played.keys("key", "o", "sleep", "6")
    assert played.end() == 0
    events = json.loads((tmp_path / "a.tape").read_text())["events"]
    counts = dict.fromkeys(range(5), 0)
    for event in events:
        counts[event.get("action", 0)] += event.get("count", 1)
    assert counts[3] > 10
    assert counts[3] > 10 * (counts[1] + counts[2] + counts[4]), "another key than the agent's is pressed"


def test_o_walks_the_keeper_about_until_a_key_takes_over(play: Callable[..., Played], tmp_path: Path) -> None:
    played = play("--tape", "a.tape", what=DREAM)
    began = played.keeper()
    played.keys("key", "o")
    assert eventually(lambda: played.keeper() not in (None, began)), "nobody walks"
    played.keys("key", "Up")
    assert played.end() == 0
    actions = [event.get("action", 0) for event in json.loads((tmp_path / "a.tape").read_text())["events"]]
    assert set(actions) - {0, 1}, "more was pressed than the one key"


def test_k_shows_four_futures_and_a_number_goes_on_with_one(play: Callable[..., Played], tmp_path: Path) -> None:
    played = play("--tape", "a.tape", what=DREAM)
    before = played.screen()
    played.keys("key", "k")
    assert eventually(lambda: covered(played, before)), "no futures"
    played.keys("key", "2")
    assert eventually(lambda: not covered(played, before)), "it does not go on"
    assert played.end() == 0
    events = json.loads((tmp_path / "a.tape").read_text())["events"]
    number = next(number for number, event in enumerate(events) if "luck" in event)
    assert events[number + 1]["count"] >= 1


def test_b_goes_back_to_a_good_picture(play: Callable[..., Played], tmp_path: Path) -> None:
    played = play("--tape", "a.tape", what=DREAM)
    played.keys("key", "Right", "sleep", "3", "key", "b", "sleep", "1")
    assert played.end() == 0
    kinds = [key for event in json.loads((tmp_path / "a.tape").read_text())["events"] for key in event]
    assert "restore" in kinds or "reset" in kinds


def test_the_mouse_paints_a_second_keeper(play: Callable[..., Played], tmp_path: Path) -> None:
    played = play("--tape", "a.tape", what=DREAM)
    played.keys("key", "p", "sleep", "2")
    keeper = played.keeper()
    assert keeper is not None
    rect = played.place()

    def click(button: str, y: int, x: int) -> None:
        played.keys("mousemove", str(rect.left + x * SCALE), str(rect.top + y * SCALE), "click", button)

    before = played.picture()
    click("3", *keeper)
    row = 44 if keeper[0] < 32 else 20
    click("1", row, 32)
    assert eventually(lambda: np.any(played.picture()[row - 4 : row + 4, 28:36] != before[row - 4 : row + 4, 28:36]))
    assert played.end() == 0
    events = json.loads((tmp_path / "a.tape").read_text())["events"]
    assert {"z"} in [set(event) for event in events]


def test_i_shows_what_goes_on_in_the_dream_beside_the_picture(play: Callable[..., Played]) -> None:
    played = play(what=DREAM)
    rect = played.place()
    right = rect.right + 12  # the frame around it

    def beside() -> int:
        """Pixels of the window's right edge in which something is drawn."""
        screen = played.screen().astype(int)[rect.top : rect.bottom, rect.right - 60 : right]
        return int(np.count_nonzero(np.all(np.abs(screen - theme.WARM) < 30, axis=-1)))

    assert beside() < 50
    played.keys("key", "i")
    assert eventually(lambda: beside() > 50), "no curve and no figure"
    played.keys("key", "i")
    assert eventually(lambda: beside() < 50), "it stays"
    assert played.end() == 0
