"""Gamepads: SDL's own events, from devices that exist only inside SDL."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pygame
import pytest

from reverie.app.play.choice import Choice
from reverie.app.play.game_loop import GameLoop
from reverie.app.play.meter import Meter
from reverie.app.play.session import Session
from reverie.app.window.game_keys import keys_of_game
from reverie.app.window.gamepad import Gamepads
from reverie.app.window.keys import PAD_BUTTONS, load_keys
from reverie.app.window.saving import Saving
from reverie.app.window.window import Window
from reverie.engine.bundle import Bundle
from tests.app.test_game_loop import dot_column
from tests.app.virtual_pad import START, UNKNOWN, A, B, VirtualPad, can_attach

pytestmark = pytest.mark.skipif(not can_attach(), reason="SDL's virtual devices cannot be reached here")
UP, RIGHT, LEFT = 1, 2, 8


@pytest.fixture
def pads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Gamepads]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")
    monkeypatch.setenv("REVERIE_CONFIG", str(tmp_path))
    pygame.display.init()
    pygame.display.set_mode((400, 460))
    pads = Gamepads(deque())
    pads.start()
    yield pads
    pads.stop()
    pygame.display.quit()


def read(pads: Gamepads) -> list[str]:
    """What was pushed since it was asked last: `+pad a` for a press, `-pad a` for a release."""
    pushes = [push for event in pygame.event.get() for push in pads.read(event)]
    return [f"{'+' if push.down else '-'}{push.button}" for push in pushes]


def plugged(pads: Gamepads, *kind: int, **parts: int) -> VirtualPad:
    pad = VirtualPad(*kind, **parts)
    assert read(pads) == []
    return pad


def test_a_pad_is_plugged_in_presses_and_is_unplugged(pads: Gamepads) -> None:
    pad = plugged(pads)
    assert "gamepad: " in pads._messages[-1]
    for number, name in enumerate(("a", "b", "x", "y", "back", "", "start", "left stick", "right stick")):
        if not name:  # SDL holds back the release of the guide button
            continue
        pad.button(number, True)
        assert read(pads) == [f"+pad {name}"]
        pad.button(number, False)
        assert read(pads) == [f"-pad {name}"]
        assert f"pad {name}" in PAD_BUTTONS
    pad.button(A, True)
    pad.axis(0, 1.0)
    assert sorted(read(pads)) == ["+pad a", "+stick right"]
    pad.detach()
    assert sorted(read(pads)) == ["-pad a", "-stick right"], "what was held is let go of"
    assert "unplugged: " in pads._messages[-1]
    pad = plugged(pads)
    pad.button(B, True)
    assert read(pads) == ["+pad b"]


def test_a_stick_has_a_dead_zone_and_does_not_flicker_at_its_edge(pads: Gamepads) -> None:
    pad = plugged(pads)
    for value, pushes in (
        (0.3, []),
        (-0.45, []),
        (-0.6, ["+stick left"]),
        (-0.45, []),
        (-0.55, []),
        (-0.2, ["-stick left"]),
        (-1.0, ["+stick left"]),
        (1.0, ["-stick left", "+stick right"]),
        (0.0, ["-stick right"]),
    ):
        pad.axis(0, value)
        assert read(pads) == pushes, value
    pad.axis(1, -1.0)
    assert read(pads) == ["+stick up"]


def test_triggers_press_when_they_are_pulled_and_rest_at_minus_one(pads: Gamepads) -> None:
    pad = plugged(pads)
    for axis, name in ((4, "pad left trigger"), (5, "pad right trigger")):
        pad.axis(axis, -1.0)
        assert read(pads) == []
        pad.axis(axis, 1.0)
        assert read(pads) == [f"+{name}"]
        pad.axis(axis, -1.0)
        assert read(pads) == [f"-{name}"]
        assert name in PAD_BUTTONS


def test_a_device_without_a_layout_has_its_hat_its_first_axes_and_its_buttons_by_number(pads: Gamepads) -> None:
    pad = plugged(pads, UNKNOWN, axes=4, buttons=20, hats=1)
    pad.hat(LEFT | UP)
    assert sorted(read(pads)) == ["+pad left", "+pad up"]
    pad.hat(RIGHT)
    assert read(pads)[-1] == "+pad right"
    pad.hat(0)
    assert read(pads) == ["-pad right"]
    pad.axis(1, 1.0)
    assert read(pads) == ["+stick down"]
    pad.axis(3, -1.0)  # a trigger that rests there
    assert read(pads) == []
    for number in range(20):
        pad.button(number, True)
    assert set(read(pads)) <= {f"+{name}" for name in PAD_BUTTONS}


@pytest.mark.parametrize("parts", [{"axes": 2, "buttons": 4}, {"axes": 0, "buttons": 4, "hats": 1}])
def test_a_device_without_hats_or_without_axes_does_no_harm(pads: Gamepads, parts: dict[str, int]) -> None:
    pad = plugged(pads, UNKNOWN, **parts)
    pad.button(0, True)
    assert read(pads) == ["+pad a"]


@pytest.mark.parametrize("parts", [{"axes": 3, "buttons": 0}, {"axes": 1, "buttons": 2}, {"axes": 0, "buttons": 0}])
def test_what_only_calls_itself_a_joystick_is_left_alone(pads: Gamepads, parts: dict[str, int]) -> None:
    plugged(pads, UNKNOWN, **parts)
    assert not pads._messages


def test_an_axis_that_rests_far_out_is_no_stick(pads: Gamepads, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pedals:
        """What pygame gives for a device whose first axis is a pedal."""

        get_axis = staticmethod(lambda axis: -1.0 if axis == 0 else 0.0)
        get_numaxes, get_numbuttons, get_numhats = (staticmethod(lambda n=n: n) for n in (2, 4, 0))
        get_instance_id, get_name = staticmethod(lambda: 7), staticmethod(lambda: "")

        def __init__(self, index: int) -> None: ...

    monkeypatch.setattr("reverie.app.window.gamepad.pygame.joystick.JoystickType", Pedals)
    monkeypatch.setattr("reverie.app.window.gamepad.pygame.joystick.Joystick", Pedals)
    monkeypatch.setattr("reverie.app.window.gamepad.controller.is_controller", lambda index: False)
    pads.read(pygame.event.Event(pygame.JOYDEVICEADDED, device_index=0))

    def move(axis: int, value: float) -> list[str]:
        event = pygame.event.Event(pygame.JOYAXISMOTION, instance_id=7, axis=axis, value=value)
        return [push.button for push in pads.read(event)]

    assert [move(0, value) for value in (-1.0, 0.0, 1.0, -1.0)] == [[], [], [], []]
    assert move(1, 1.0) == ["stick down"]


@pytest.fixture
def window(pads: Gamepads, bundle: Bundle) -> Iterator[Window]:
    """A window over the dream of a dot, whose loop runs."""
    pads.stop()
    loop = GameLoop(Session(Choice("dots"), bundle), Meter(time.perf_counter()), fps=50)
    window = Window(pygame.display.set_mode((400, 460)), loop, load_keys(), Saving(), (), fullscreen=False)
    window.pads.start()
    loop.start()
    yield window
    loop.stop()
    window.pads.stop()


def does(window: Window, true: Callable[[], object]) -> bool:
    """Whether something comes about while the window takes its events."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for event in pygame.event.get():
            window._handle(event, time.perf_counter())
        window._refresh()
        if true():
            return True
        time.sleep(0.01)
    return False


def tap(window: Window, pad: VirtualPad, number: int) -> None:
    for down in (True, False):
        pad.button(number, down)
        does(window, lambda: True)


def test_a_pad_plays_rewinds_and_leads_through_menu_and_gallery(window: Window) -> None:
    loop, session = window.loop, window.loop.session
    pad = VirtualPad()
    assert does(window, lambda: window.notices.message.startswith("gamepad: "))
    began = dot_column(session.frame)
    pad.axis(0, 1.0)
    assert does(window, lambda: dot_column(session.frame) != began)
    assert not window.notices.card
    pad.axis(0, 0.0)
    assert does(window, lambda: loop.latch.held is None)
    pad.button(B, True)
    assert does(window, lambda: loop.rewinding)
    pad.button(B, False)
    assert does(window, lambda: not loop.rewinding)
    tap(window, pad, START)
    assert window.overlay.kind == "menu"
    tap(window, pad, B)
    assert window.overlay.kind is None
    tap(window, pad, START)
    for _ in range(2):  # the stick leads down to "start pictures"
        pad.axis(1, 1.0)
        does(window, lambda: True)
        pad.axis(1, 0.0)
        does(window, lambda: True)
    tap(window, pad, A)
    assert does(window, lambda: window.overlay.offer)
    tap(window, pad, 14)  # the cross, right
    tap(window, pad, A)
    assert does(window, lambda: session.status().seed == 1)
    pad.axis(0, 1.0)
    assert does(window, lambda: loop.latch.held == "right")
    pad.detach()
    assert does(window, lambda: loop.latch.held is None), "the dot does not run on for ever"


def test_a_person_rebinds_buttons_in_the_same_file_as_keys(pads: Gamepads, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"pause": ["pad y", "l"], "wake": ["u"], "mind": ["pad guide"], "branch": []}')
    keys = load_keys(path)
    assert keys.does["pad y"] == keys.does[pygame.K_l] == "pause"
    assert "pad right stick" not in keys.does
    assert (keys.pads["hand over"], keys.names["hand over"]) == ((), ("tab",)), "the default gives way"
    assert (keys.pads["wake"], keys.names["wake"]) == (("pad left trigger",), ("u",)), "a list of keys is for keys"
    assert (keys.pads["mind"], keys.names["mind"]) == (("pad guide",), ("i",))
    assert (keys.pads["branch"], keys.names["branch"]) == ((), ())


def test_the_actions_of_ones_own_game_have_buttons_and_the_window_gives_them_up(pads: Gamepads) -> None:
    actions = ("noop", "left", "turn_right", "fire", "crouch", "left_fire")
    keys = keys_of_game(load_keys(), actions, {"crouch": ("x", "pad y")})
    assert keys.does["pad left"] == keys.does["stick left"] == "left"
    assert keys.does["stick right"] == "turn_right"
    assert keys.does["pad a"] == "fire"
    assert keys.does["pad y"] == keys.does[pygame.K_x] == "crouch"
    assert keys.does["pad b"] == "left_fire"
    assert keys.does["pad start"] == "menu"
    assert keys_of_game(load_keys(), ("noop", "left", "right", "a")).does["pad up"] == "a"
