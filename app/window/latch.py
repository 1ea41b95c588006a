"""Keys between two ticks: no press is lost, none counts twice."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

WAITING_PRESSES = 4
"""Presses that may wait for a frame. Who presses faster than the ticks loses the oldest, not the feel of control."""


class LatchedAction(NamedTuple):
    """What the latch gives to one frame.

    action: name of the action to play, None for no key. It is a name because another game may be played by the time a
    frame takes it, and numbers its actions otherwise.
    pressed_at: `time.perf_counter()` seconds of the key press that this frame answers, None for a held key or no key.
    held: names of the actions of all keys that are down.
    """

    action: str | None
    pressed_at: float | None
    held: tuple[str, ...] = ()


class Latch:
    """Every press is answered by exactly one frame, in order; between presses the last pressed held key repeats.

    Pressed from the window's thread and taken from the engine's thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[tuple[object, str]] = []
        self._presses: deque[tuple[str, float]] = deque(maxlen=WAITING_PRESSES)

    def press(self, key: object, action: str, at: float) -> None:
        """A key that means `action` went down at `at` (perf_counter seconds). Two keys may mean one action."""
        with self._lock:
            self._held = [(k, a) for k, a in self._held if k != key]
            self._held.append((key, action))
            self._presses.append((action, at))

    def release(self, key: object) -> None:
        """A key went up. A press that no frame has answered yet stays."""
        with self._lock:
            self._held = [(k, a) for k, a in self._held if k != key]

    def clear(self) -> None:
        """Forget everything, as when the window loses the keyboard."""
        with self._lock:
            self._held.clear()
            self._presses.clear()

    def forget_presses(self) -> None:
        """Drop the presses that wait for a frame; what is held stays held."""
        with self._lock:
            self._presses.clear()

    @property
    def waiting(self) -> bool:
        """True when a press waits for its frame."""
        return bool(self._presses)

    @property
    def held(self) -> str | None:
        """The action of the key that was pressed last of those that are held."""
        with self._lock:
            return self._held[-1][1] if self._held else None

    def take(self) -> LatchedAction:
        """The action of the next frame."""
        with self._lock:
            held = tuple(action for _, action in self._held)
            if self._presses:
                return LatchedAction(*self._presses.popleft(), held)
            return LatchedAction(held[-1] if held else None, None, held)
