"""Thumbs, gamepads, small screens and reduced motion on the shared page, in a real browser."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reverie.app.cli import main
from reverie.app.window.display import goal_of
from reverie.web.serve import Server
from tests.web import chromium, speed
from tests.web.chromium import Chromium
from tests.web.test_page import FIRST_FRAME, eventually, needs

GOAL = goal_of("garden")
PAUSED = "!!document.querySelector('.pill.paused')"
RIGHT = 4
"""Number of the action in v1.1."""
GAMEPAD = """(() => {
  const pad = { buttons: Array.from({ length: 16 }, () => ({ pressed: false })), axes: [0, 0] };
  globalThis.asked = 0;
  navigator.getGamepads = () => (asked++, [null, pad]);
  globalThis.press = (number, pressed) => { pad.buttons[number].pressed = pressed; };
  globalThis.tilt = (x, y) => { pad.axes = [x, y]; };
  dispatchEvent(new Event("gamepadconnected"));
})()"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    needs(chromium.find(), "chromium")
    out = tmp_path_factory.mktemp("playing") / "site"
    assert main(["share", "v1.1", "-o", str(out)]) == 0
    with Server(out) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{server.address}?seed=0&mode=parallel&passes=1"
        server.shutdown()


def box(page: Chromium, selector: str) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of an element, in pixels of the window."""
    r = page.run(f"(({{left, top, right, bottom}}) => [left, top, right, bottom])"
                 f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")  # fmt: skip
    return r[0], r[1], r[2], r[3]


def played(page: Chromium) -> list[dict[str, Any]]:
    """The events of the tape up to now."""
    page.run("document.querySelector('[data-tool=tape]').click()")
    path = page.download("garden.tape")
    events: list[dict[str, Any]] = json.loads(path.read_text())["events"]
    path.unlink()
    return events


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(360, 640), (640, 360)])
def test_thumbs_play_on_a_small_screen_without_scrolling(address: str, width: int, height: int, tmp_path: Path) -> None:
    with Chromium(width, height, touch=True, scale=2) as page:
        page.open(address)
        page.wait(FIRST_FRAME, 60)
        page.wait("document.getElementById('speed').textContent.includes('fps')")
        page.screenshot(Path(os.environ.get("REVERIE_SHOTS", tmp_path)) / f"page-{width}x{height}.png")
        assert page.run("document.documentElement.scrollWidth") <= width
        for what in ("#picture", "#figures", *(f"[data-arrow={way}]" for way in ("up", "down", "left", "right"))):
            left, top, right, bottom = box(page, what)
            assert left >= 0, what
            assert top >= 0, what
            assert right <= width, what
            assert bottom <= height, what
        left, top, right, bottom = box(page, "[data-arrow=right]")
        page.touch((left + right) / 2, (top + bottom) / 2, hold=0.5)
        assert page.run("scrollY") == 0
        eventually(lambda: RIGHT in [event.get("action") for event in played(page)])
        assert page.complaints() == []


def on_pad(page: Chromium, done: str) -> None:
    """Do something on the gamepad, and wait until the page has looked at it."""
    page.wait(f"asked > {page.run(f'({done}, asked)')}")


@pytest.mark.slow
def test_a_gamepad_plays_and_pauses(address: str) -> None:
    with Chromium() as page:
        page.open(address)
        page.wait(FIRST_FRAME, 60)
        page.run(GAMEPAD)
        on_pad(page, "press(9, true)")
        page.wait(PAUSED)
        on_pad(page, "press(9, false)")
        before = len(played(page))
        for hold, let_go in (("press(15, true)", "press(15, false)"), ("tilt(-1, 0)", "tilt(0, 0)")):
            on_pad(page, hold)
            frames = page.frames()
            on_pad(page, "press(5, true)")  # one step
            page.wait_for_frame(frames + 1)
            on_pad(page, f"{let_go}, press(5, false)")
        after = played(page)[before:]
        assert [(event["action"], event["count"]) for event in after] == [(RIGHT, 1), (3, 1)]


@pytest.mark.slow
def test_the_last_seconds_are_saved_as_a_gif_and_a_moment_is_gone_back_to(address: str) -> None:
    with Chromium() as page:
        page.open(address)
        page.wait(FIRST_FRAME, 60)
        page.key("F8", "F8")
        page.hear("moment saved")
        page.dreams(5)
        page.key("g", "KeyG")
        with Image.open(page.download(".gif")) as gif:
            assert gif.size == (256, 256)
            assert gif.n_frames > 1
        page.key("F9", "F9")
        page.hear("back to the saved moment")
        assert "restore" in [next(iter(event)) for event in played(page)]


@pytest.mark.slow
def test_it_goes_back_while_backspace_is_held_and_plays_on_from_there(address: str) -> None:
    with Chromium() as page:
        page.open(address)
        page.wait(FIRST_FRAME, 60)
        page.dreams(25)
        page.key("Backspace", "Backspace", hold=0.5)
        page.dreams(5)
        events = played(page)
        back = next(i for i, event in enumerate(events) if "restore" in event)
        assert 0 <= events[back]["restore"] < sum(event.get("count", 1) for event in events[:back])
        assert any("count" in event for event in events[back:])
        assert page.complaints() == []


@pytest.mark.slow
def test_with_reduced_motion_the_dream_waits(address: str) -> None:
    with Chromium() as page:
        page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        page.open(address)
        page.wait(FIRST_FRAME, 60)
        page.wait(PAUSED)
        page.hear(f"{GOAL} Your system asks for less motion: the dream waits for the key P or the button pause.")
        before = page.frames()
        page.run("new Promise((done) => setTimeout(done, 500))")
        assert page.frames() == before
        page.key("p", "KeyP")
        page.dreams(3)


@pytest.mark.slow
def test_memory_does_not_grow(address: str, request: pytest.FixtureRequest) -> None:
    """--web-minutes 10 plays for as long as a person might."""
    query = address.partition("?")[2]
    megabytes = speed.grown(address.partition("?")[0], request.config.getoption("--web-minutes"), query)
    assert megabytes[-1] - megabytes[0] <= 20, megabytes
