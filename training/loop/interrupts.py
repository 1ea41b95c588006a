"""Ctrl-C in the middle of a step waits for its end, so that a checkpoint never holds half a step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STOPS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM")
"""Signals that may stop a training, as far as the system has them."""


@contextmanager
def hold_back_interrupts() -> Iterator[None]:
    """Ctrl-C, and every other stop signal that Python handles, is handled when the block has ended."""
    if threading.current_thread() is not threading.main_thread():  # only this one gets signals
        yield
        return
    numbers = [getattr(signal, name) for name in STOPS if hasattr(signal, name)]
    answers = {number: answer for number in numbers if callable(answer := signal.getsignal(number))}
    came: list[int] = []
    for number in answers:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, answer in answers.items():
            signal.signal(number, answer)
        if came:
            signal.raise_signal(came[0])
