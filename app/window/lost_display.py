"""An X server that ends takes every program with it that does not say otherwise. This one first keeps its recording."""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import threading

import pygame

from reverie.app.errors import Mistake

_gone = threading.Event()
_kept: list[object] = []
"""What Xlib calls back, held for as long as the program runs."""


def watch_display() -> None:
    """Outlive the X server that shows the open window.

    Does nothing where there is no X server, and where Xlib is older than 1.7 (2020), which cannot be asked to go on.
    """
    _gone.clear()
    if not sys.platform.startswith("linux") or pygame.display.get_driver() != "x11":
        return
    try:
        xlib = ctypes.CDLL("libX11.so.6")
        on_error = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(_note)
        on_exit = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(lambda display, data: None)
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        display = pointer(pygame.display.get_wm_info()["display"], b"display")
        xlib.XSetIOErrorExitHandler.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        xlib.XSetIOErrorExitHandler(display, ctypes.cast(on_exit, ctypes.c_void_p), None)
        xlib.XSetIOErrorHandler.argtypes = [ctypes.c_void_p]
        xlib.XSetIOErrorHandler(ctypes.cast(on_error, ctypes.c_void_p))
    except (OSError, AttributeError, KeyError, ValueError):
        return
    _kept.extend((on_error, on_exit))
    atexit.unregister(_leave)
    atexit.register(_leave)  # it runs before what pygame registered


def is_gone() -> bool:
    """True once the display that was watched has ended."""
    return _gone.is_set()


def check_display() -> None:
    """Raises Mistake once the display that was watched has ended."""
    if _gone.is_set():
        raise Mistake("The display ended while the game was played; what was recorded is kept.")


def _note(display: int) -> int:
    _gone.set()
    return 0


def _leave() -> None:
    """End at once: SDL would wait for ever for the answer of a server that is gone."""
    if _gone.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(2)
