from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from reverie.app.commands.play_run import _own_fps
from reverie.app.errors import Mistake
from reverie.app.play.choice import Choice
from reverie.app.play.game_loop import GameLoop
from reverie.app.play.meter import Meter
from reverie.app.play.session import Session
from reverie.engine.bundle import Bundle
from reverie.games.world import Frame, Step
from tests.app.conftest import make_bundle

RIGHT = "right"


def a_player(bundle: Bundle, **settings: object) -> GameLoop:
    return GameLoop(Session(Choice("dots"), bundle), Meter(time.perf_counter()), **settings)  # type: ignore[arg-type]


def eventually(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not true():
        time.sleep(0.005)
    return true()


def dot_column(frame: Frame) -> int:
    return int(frame[:, :, 0].max(axis=0).argmax()) // 8


def test_one_action_gives_one_frame(bundle: Bundle) -> None:
    loop = a_player(bundle, paced=False, frames=6, script=(RIGHT, "noop"))
    loop.run()
    assert loop.meter.frames == 6
    assert dot_column(loop.session.frame) == (3 + 3) % 8


def test_a_tap_during_the_wait_moves_the_dot_by_exactly_one(bundle: Bundle) -> None:
    loop = a_player(bundle, fps=20)
    loop.start()
    assert eventually(lambda: loop.meter.frames >= 2)
    loop.press("d", RIGHT, time.perf_counter())
    loop.latch.release("d")
    frames = loop.meter.frames
    assert eventually(lambda: loop.meter.frames >= frames + 4)
    loop.stop()
    assert dot_column(loop.session.frame) == 4


def test_a_press_during_the_wait_is_answered_before_the_next_tick_is_due(bundle: Bundle) -> None:
    loop = a_player(bundle, fps=1)
    answered = threading.Event()
    loop.start()
    assert eventually(lambda: loop.meter.frames == 1)
    loop.on_frame = answered.set
    pressed = time.perf_counter()
    loop.press("d", RIGHT, pressed)
    assert answered.wait(5)
    assert time.perf_counter() - pressed < 0.5
    shot = loop.newest()
    assert shot is not None
    assert shot.presses == (pressed,)
    assert dot_column(shot.frame) == 4
    loop.stop()


def test_presses_do_not_speed_the_world_up(bundle: Bundle) -> None:
    loop = a_player(bundle, fps=20)
    began = time.monotonic()
    loop.start()
    while time.monotonic() < began + 1.5:
        loop.press("d", RIGHT, time.perf_counter())
        loop.latch.release("d")
        time.sleep(0.01)
    loop.stop()
    assert loop.meter.frames <= (time.monotonic() - began) * 20 + 3


def test_the_rate_is_held(bundle: Bundle) -> None:
    loop = a_player(bundle, fps=50, frames=40)
    began = time.perf_counter()
    loop.run()
    assert time.perf_counter() - began >= 39 / 50


def test_pausing_stops_the_world_and_costs_almost_nothing(bundle: Bundle) -> None:
    loop = a_player(bundle, fps=50)
    loop.start()
    assert eventually(lambda: loop.meter.frames > 2)
    loop.pause(True)
    time.sleep(0.1)
    frames, cpu = loop.meter.frames, time.process_time()
    time.sleep(1.0)
    assert loop.meter.frames == frames
    assert time.process_time() - cpu < 0.05
    loop.pause(False)
    assert eventually(lambda: loop.meter.frames > frames)
    loop.stop()


def test_a_single_step_is_one_frame_with_the_held_key(bundle: Bundle) -> None:
    loop = a_player(bundle)
    loop.pause(True)
    loop.start()
    loop.press("d", RIGHT, time.perf_counter())
    for _ in range(3):
        loop.single_step()
    assert eventually(lambda: loop.meter.frames == 3)
    time.sleep(0.1)
    loop.stop()
    assert loop.meter.frames == 3
    assert dot_column(loop.session.frame) == 6


def test_switches_happen_between_two_frames_even_while_paused(bundle: Bundle) -> None:
    loop = a_player(bundle)
    loop.pause(True)
    loop.start()
    loop.do(lambda: loop.session.change_setting("mode"))
    assert eventually(lambda: bool(loop.messages))
    loop.stop()
    assert loop.messages.popleft() == "mode: autoregressive"
    shot = loop.newest()
    assert shot is not None
    assert shot.status.settings["mode"] == "ar"


def test_what_was_asked_for_before_the_end_is_still_done(bundle: Bundle) -> None:
    loop = a_player(bundle, fps=20)
    done: list[str] = []
    loop.start()
    loop.do(lambda: time.sleep(0.2))
    loop.do(lambda: done.append("saved"))
    loop.stop()
    assert done == ["saved"]


def test_slow_frames_are_counted_late_and_at_most_one_slot_is_made_up_for(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = a_player(bundle, fps=50, frames=8)
    step = loop.session.step

    def slow(action: int) -> Step:
        if loop.meter.frames == 3:
            time.sleep(0.2)
        return step(action)

    monkeypatch.setattr(loop.session, "step", slow)
    began = time.perf_counter()
    loop.run()
    assert loop.meter.late >= 1
    assert time.perf_counter() - began >= 0.2 + 5 / 50


def test_frames_that_are_late_now_and_then_do_not_lower_the_rate(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = a_player(bundle, fps=50, frames=81)
    step = loop.session.step

    def uneven(action: int) -> Step:
        time.sleep(0.035 if loop.meter.frames % 3 == 1 else 0.0)
        return step(action)

    monkeypatch.setattr(loop.session, "step", uneven)
    began = time.perf_counter()
    loop.run()
    assert time.perf_counter() - began < 80 / 50 + 0.2  # 0.4 more if each late frame moved the slots


def test_the_end_of_a_round_is_told() -> None:
    loop = a_player(make_bundle(outcome=True), paced=False, frames=5, script=(RIGHT,))
    loop.run()
    assert list(loop.messages) == ["game over"]


def test_a_dream_that_breaks_stands_still_and_says_so_once(broken: Bundle) -> None:
    loop = a_player(broken, paced=False, frames=5, script=(RIGHT,))
    loop.run()
    assert dot_column(loop.session.frame) == 3
    assert loop.meter.frames == 5
    assert loop.session.status().faults >= 5
    assert [message.split(":")[0] for message in loop.messages] == ["the dynamics gave NaN or infinity"]


def test_a_recording_that_fails_does_not_stop_the_play(bundle: Bundle) -> None:
    loop = a_player(bundle, paced=False, frames=5)

    def full(frame: Frame) -> None:
        raise Mistake("The disk is full.")

    loop.sinks.append(full)
    loop.run()
    assert loop.meter.frames == 5
    assert list(loop.messages) == ["The disk is full."]


def test_what_stops_the_engine_reaches_the_window(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = a_player(bundle, paced=False)
    monkeypatch.setattr(loop.session, "step", lambda action: 1 / 0)
    loop.start()
    assert eventually(lambda: loop.ended)
    assert isinstance(loop.error, ZeroDivisionError)


def test_the_same_seed_and_script_give_the_same_hash(bundle: Bundle) -> None:
    hashes = []
    for _ in range(2):
        loop = a_player(bundle, paced=False, frames=20, script=("up", RIGHT, RIGHT))
        loop.run()
        hashes.append(loop.meter.figures()["frames_sha256"])
    assert hashes[0] == hashes[1]
    assert np.array_equal(loop.recent[-1], loop.session.frame)


def test_a_dream_that_is_opened_in_play_goes_on_at_its_own_rate(bundle: Bundle) -> None:
    slow = replace(bundle, manifest=replace(bundle.manifest, fps=10))
    session = Session(Choice("dots"), slow)
    rate = partial(_own_fps, None, slow, session)
    loop = GameLoop(session, Meter(time.perf_counter()), rate, paced=False, frames=4)
    assert loop.period == 1 / 10
    loop.do(lambda: session.switch_bundle(bundle))
    loop.run()
    assert loop.period == 1 / 20
    assert loop.recent.maxlen == 200


def test_a_rate_that_was_asked_for_stays(bundle: Bundle) -> None:
    loop = a_player(bundle, fps=7, paced=False, frames=4)
    loop.do(lambda: loop.session.switch_bundle(replace(bundle, manifest=replace(bundle.manifest, fps=10))))
    loop.run()
    assert loop.period == 1 / 7
