"""A gamepad that exists only inside SDL: what a test does to it comes back as a real device's events do."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from pathlib import Path

KNOWN, UNKNOWN = 1, 0
"""SDL's types of device: one that it has a layout for, and one that it has none for."""
A, B, START = 0, 1, 6
AXES, BUTTONS = 6, 15
FULL = 32767


def can_attach() -> bool:
    """Whether SDL's library can be reached beside pygame."""
    return sys.platform.startswith("linux") and _library() is not None


class VirtualPad:
    """Attached when it is made. SDL's joysticks must be watched already."""

    def __init__(self, kind: int = KNOWN, axes: int = AXES, buttons: int = BUTTONS, hats: int = 0) -> None:
        path = _library()
        assert path is not None
        self._sdl = ctypes.CDLL(path)
        self.index = self._sdl.SDL_JoystickAttachVirtual(kind, axes, buttons, hats)
        assert self.index >= 0
        self._sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        self._joystick = ctypes.c_void_p(self._sdl.SDL_JoystickOpen(self.index))

    def button(self, number: int, down: bool) -> None:
        """Press or release a button."""
        self._sdl.SDL_JoystickSetVirtualButton(self._joystick, number, ctypes.c_ubyte(down))

    def axis(self, number: int, value: float) -> None:
        """Move an axis, from -1 to 1."""
        self._sdl.SDL_JoystickSetVirtualAxis(self._joystick, number, ctypes.c_short(int(FULL * value)))

    def hat(self, value: int) -> None:
        """Press the hat: 1 up, 2 right, 4 down, 8 left, 0 none."""
        self._sdl.SDL_JoystickSetVirtualHat(self._joystick, 0, ctypes.c_ubyte(value))

    def detach(self) -> None:
        """Unplug it."""
        self._sdl.SDL_JoystickDetachVirtual(self.index)


def main(script: str, words: list[str]) -> int:
    """Run `reverie` with these words, and do to a pad what the lines of a file say, each when it is there.

    They are `plug`, `press NUMBER`, `release NUMBER`, `stick X Y` and `unplug`.
    """
    from reverie.app.cli import main as reverie

    def follow() -> None:
        pad: VirtualPad | None = None
        done = 0
        while True:
            lines = Path(script).read_text().splitlines()
            for line in lines[done:]:
                verb, *rest = line.split()
                if verb == "plug":
                    pad = VirtualPad()
                elif pad and verb in ("press", "release"):
                    pad.button(int(rest[0]), verb == "press")
                elif pad and verb == "stick":
                    pad.axis(0, float(rest[0]))
                    pad.axis(1, float(rest[1]))
                elif pad and verb == "unplug":
                    pad.detach()
            done = len(lines)
            time.sleep(0.02)

    threading.Thread(target=follow, daemon=True).start()
    return reverie(words)


def _library() -> str | None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return None
    return next((line.split()[-1] for line in maps.read_text().splitlines() if "libSDL2-2" in line), None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
