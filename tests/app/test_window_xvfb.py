"""The real window on a virtual display, played with real key presses."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from reverie.training.data.recording import Recording
from tests.app import virtual_pad
from tests.app.real_window import PATIENCE, SCALE, Played, eventually, needs_display

pytestmark = needs_display


def test_held_keys_move_the_player_and_the_report_has_the_latency(play: Callable[..., Played], tmp_path: Path) -> None:
    played = play("--report", "report.json")
    began = played.keeper()
    # Rooms differ; in each, the player can leave its tile in some direction.
    moved = False
    for key in ("Left", "w", "d", "Down") * 3:
        played.keys("keydown", key)
        time.sleep(0.4)
        played.keys("keyup", key)
        moved = moved or played.keeper() != began
    assert moved
    assert played.end() == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["frames"] > 10
    # On a busy machine the bar of 60 ms is not held; that the presses are measured is.
    assert 0 < report["input_to_flip_ms"]["p50"] < 1000


def test_holding_backspace_leads_back_to_where_the_play_began(play: Callable[..., Played]) -> None:
    played = play()
    began = played.keeper()
    for key in ("Left", "w", "d", "Down") * 3:
        played.keys("keydown", key, "sleep", "0.5", "keyup", key)
        if played.keeper() != began:
            break
    moved = played.keeper()
    assert moved != began
    played.keys("keydown", "BackSpace")
    assert eventually(lambda: played.keeper() == began), "the picture does not go back"
    played.keys("keyup", "BackSpace")
    time.sleep(0.5)
    assert played.keeper() == began, "the play does not go on from there"
    assert played.end() == 0


def test_the_shipped_dream_answers_keys_and_its_switches(play: Callable[..., Played], tmp_path: Path) -> None:
    played = play("--report", "report.json", what=("play", "v1.1", "--seed", "3", "--scale", str(SCALE)))
    for key in ("", "m", "Tab", "1"):  # after each switch the dream (or the real game) must still be led by the keys
        if key:
            played.keys("key", key)
        moved = False
        for way in ("Left", "w", "d", "Down") * 3:
            began = played.keeper()
            played.keys("keydown", way)
            time.sleep(0.4)
            played.keys("keyup", way)
            moved = moved or (began is not None and played.keeper() not in (None, began))
        assert moved, f"nothing moves after {key or 'the start'}"
    assert played.end() == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["frames"] > 20
    assert report["first_frame_s"] < 30


def test_n_plays_the_next_game_and_the_menu_goes_back_to_the_first(play: Callable[..., Played]) -> None:
    played = play()
    garden = played.picture()

    def changed() -> float:
        return float(np.mean(np.any(played.picture() != garden, axis=-1)))

    played.keys("key", "n")
    assert eventually(lambda: changed() > 0.6), "no other game"
    played.keys("key", "Escape", "Down", "Return")
    assert eventually(lambda: changed() < 0.2), "the garden is not as it was left"
    assert played.end() == 0


def test_what_a_person_plays_is_recorded(play: Callable[..., Played], tmp_path: Path) -> None:
    played = play(what=("record", "garden", "--policy", "human", "-o", "mine", "--seed", "7"))
    for way in ("Left", "Up", "Right", "Down"):
        played.keys("keydown", way)
        time.sleep(0.4)
        played.keys("keyup", way)
    assert played.end() == 0
    recording = Recording(tmp_path / "mine")
    actions = np.concatenate([recording.rows(episode).actions for episode in recording.episodes])
    assert {1, 2, 3, 4} <= set(actions.tolist())
    frames = recording.rows(recording.episodes[0]).frames
    assert len(np.unique(np.asarray(frames).reshape(len(frames), -1), axis=0)) > 3


def test_pause_stands_still_a_single_step_moves_and_help_covers(play: Callable[..., Played]) -> None:
    played = play()
    played.keys("key", "p")
    time.sleep(1.0)
    still = played.picture()
    time.sleep(1.0)
    assert np.array_equal(played.picture(), still), "the picture moves while paused"

    def step_changes() -> bool:
        played.keys("key", "period")
        time.sleep(0.3)
        return not np.array_equal(played.picture(), still)

    assert eventually(step_changes), "a single step changes nothing"
    before = played.screen()
    played.keys("key", "F1")
    assert eventually(lambda: np.mean(np.any(played.screen() != before, axis=-1)) > 0.2), "no help"
    played.keys("key", "F1", "key", "F1")  # to its second page, and from there back
    assert eventually(lambda: np.mean(np.any(played.screen() != before, axis=-1)) < 0.02), "the help stays"


def test_g_saves_a_gif_and_a_running_recording_is_kept_when_the_window_is_left(
    play: Callable[..., Played], tmp_path: Path
) -> None:
    played = play()
    time.sleep(1.0)
    played.keys("key", "g")
    assert eventually(lambda: len(list(tmp_path.glob("dreams/[!.]*.gif"))) == 1)
    played.keys("key", "r")
    time.sleep(1.5)
    assert played.end() == 0
    files = sorted(tmp_path.glob("dreams/*"))
    assert len(files) == 2
    for file in files:
        with Image.open(file) as gif:
            assert gif.size == (256, 256)
            assert sum(page.info["duration"] for page in ImageSequence.Iterator(gif)) >= 500


@pytest.mark.parametrize("way", ["SIGKILL", "SIGTERM"])
def test_a_display_that_ends_leaves_the_recording_and_the_report_whole(
    play: Callable[..., Played], server: tuple[subprocess.Popen[bytes], str], tmp_path: Path, way: str
) -> None:
    played = play("--record", "out.gif", "--report", "report.json")
    time.sleep(2.0)
    server[0].send_signal(getattr(signal, way))
    assert played.process.wait(PATIENCE) == 2
    assert (tmp_path / "errors.txt").read_text().count("\n") == 1
    assert "display ended" in (tmp_path / "errors.txt").read_text()
    frames = json.loads((tmp_path / "report.json").read_text())["frames"]
    assert frames >= 10
    with Image.open(tmp_path / "out.gif") as gif:
        hundredths = sum(page.info["duration"] for page in ImageSequence.Iterator(gif)) / 10
    assert hundredths == 5 * frames, "a part of the recording is missing"
    assert not list(tmp_path.glob(".*")), "something half-written is left"


@pytest.mark.skipif(not virtual_pad.can_attach(), reason="SDL's virtual devices cannot be reached here")
def test_a_gamepad_that_comes_plays_opens_the_menu_and_goes(
    play: Callable[..., Played], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")
    script = tmp_path / "pad.txt"
    script.touch()
    played = play(program=(str(Path(virtual_pad.__file__)), str(script)))

    def pad(line: str) -> None:
        with script.open("a") as file:
            file.write(f"{line}\n")
        time.sleep(0.4)

    began = played.keeper()
    pad("plug")
    moved = False
    for x, y in ((-1, 0), (0, -1), (1, 0), (0, 1)) * 3:
        pad(f"stick {x} {y}")
        pad("stick 0 0")
        moved = moved or played.keeper() != began
    assert moved
    before = played.screen()
    pad(f"press {virtual_pad.START}")
    pad(f"release {virtual_pad.START}")
    assert eventually(lambda: np.mean(np.any(played.screen() != before, axis=-1)) > 0.2), "no menu"
    pad(f"press {virtual_pad.B}")
    pad(f"release {virtual_pad.B}")
    assert eventually(lambda: played.keeper()), "the menu stays"
    pad("unplug")
    assert played.end() == 0
