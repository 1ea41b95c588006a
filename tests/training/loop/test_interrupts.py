"""A stop waits for the end of what must not be left half done, and is not lost."""

from __future__ import annotations

import signal
import threading

import pytest

from reverie.training.loop.interrupts import hold_back_interrupts


def test_ctrl_c_is_answered_when_the_block_has_ended() -> None:
    done: list[str] = []

    def step() -> None:
        with hold_back_interrupts():
            signal.raise_signal(signal.SIGINT)
            with hold_back_interrupts():
                signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        step()
    assert done == ["all of it"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_python_does_not_answer_stays_as_it_is() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with hold_back_interrupts():
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_which_is_told_of_no_signal_may_use_it_too() -> None:
    done: list[str] = []

    def work() -> None:
        with hold_back_interrupts():
            done.append("all of it")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["all of it"]
