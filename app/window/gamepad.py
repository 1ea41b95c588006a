"""Gamepads: their events become presses and releases of buttons that have names, as keys have.

A pad that SDL knows speaks in SDL's layout. Of another, the first axes are the stick, the hat is the d-pad, and the
buttons go by their numbers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import pygame
from pygame._sdl2 import controller

PRESSED, RELEASED = 0.5, 0.35
"""How far a stick or a trigger goes, of 1, to count as pressed, and where it counts as released again."""
FAR = 0.9
"""An axis of an unknown device that lies so far out when it is plugged in is no stick, but a trigger or a pedal."""
AXIS = 32768
"""A full stick of a pad that SDL knows."""

STICK = {0: ("stick left", "stick right"), 1: ("stick up", "stick down")}
"""Axis → what it means below and above its middle."""
TRIGGERS = {
    pygame.CONTROLLER_AXIS_TRIGGERLEFT: (None, "pad left trigger"),
    pygame.CONTROLLER_AXIS_TRIGGERRIGHT: (None, "pad right trigger"),
}
NUMBERED = (
    "a",
    "b",
    "x",
    "y",
    "left shoulder",
    "right shoulder",
    "back",
    "start",
    "guide",
    "left stick",
    "right stick",
)
"""The buttons of a pad that SDL does not know, in the usual order."""
BUTTONS = {
    getattr(pygame, f"CONTROLLER_BUTTON_{constant}"): f"pad {name}"
    for constant, name in (
        *((name.upper().replace(" ", ""), name) for name in NUMBERED if "stick" not in name),
        *((f"{side.upper()}STICK", f"{side} stick") for side in ("left", "right")),
        *((f"DPAD_{way.upper()}", way) for way in ("up", "down", "left", "right")),
    )
}
"""The buttons of a pad that SDL knows."""


class Push(NamedTuple):
    """A button of a pad went down or up."""

    button: str
    down: bool


@dataclass
class _Pad:
    """One that is plugged in.

    device: keeps it open. resting: axes that were seen at rest, before which nothing on them counts. down: buttons that
    are held.
    """

    device: controller.Controller | pygame.joystick.JoystickType
    name: str
    axes: dict[int, tuple[str | None, str]]
    resting: set[int] = field(default_factory=set)
    down: set[str] = field(default_factory=set)

    def set(self, button: str | None, down: bool) -> list[Push]:
        """A button is held now, or not; empty where it was so before."""
        if button is None or down == (button in self.down):
            return []
        (self.down.add if down else self.down.discard)(button)
        return [Push(button, down)]

    def move(self, axis: int, value: float) -> list[Push]:
        """An axis is at a value from -1 to 1."""
        if abs(value) < RELEASED:
            self.resting.add(axis)
        if axis not in self.axes or axis not in self.resting:
            return []
        ends = list(zip(self.axes[axis], (-value, value), strict=True))
        return [
            push
            for button, far in sorted(ends, key=lambda end: end[1])  # what is let go of comes first
            for push in self.set(button, far > (RELEASED if button in self.down else PRESSED))
        ]


class Gamepads:
    """All that are plugged in, from `start` to `stop`; they may come and go."""

    def __init__(self, messages: deque[str]) -> None:
        """messages: where it is said that one came or went."""
        self._messages = messages
        self._pads: dict[int, _Pad] = {}

    def start(self) -> None:
        """Watch for gamepads. Where the system has none to offer, nothing happens."""
        try:
            pygame.joystick.init()
            controller.init()
        except pygame.error:
            return

    def stop(self) -> None:
        """Watch no longer."""
        self._pads.clear()
        controller.quit()
        pygame.joystick.quit()

    def read(self, event: pygame.event.Event) -> list[Push]:
        """What an event of any kind means."""
        if event.type in (pygame.CONTROLLERDEVICEADDED, pygame.JOYDEVICEADDED):
            self._plug(event.device_index, known=event.type == pygame.CONTROLLERDEVICEADDED)
        pad = self._pads.get(getattr(event, "instance_id", -1))
        if pad is None:
            return []
        if event.type == pygame.JOYDEVICEREMOVED:
            del self._pads[event.instance_id]
            self._messages.append(f"unplugged: {pad.name}")
            return [Push(button, False) for button in pad.down]
        if isinstance(pad.device, pygame.joystick.JoystickType):
            return self._read_unknown(event, pad)
        if event.type in (pygame.CONTROLLERBUTTONDOWN, pygame.CONTROLLERBUTTONUP):
            return pad.set(BUTTONS.get(event.button), event.type == pygame.CONTROLLERBUTTONDOWN)
        if event.type == pygame.CONTROLLERAXISMOTION:
            return pad.move(event.axis, event.value / AXIS)
        return []

    def _read_unknown(self, event: pygame.event.Event, pad: _Pad) -> list[Push]:
        if event.type in (pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP):
            button = f"pad {NUMBERED[event.button]}" if event.button < len(NUMBERED) else None
            return pad.set(button, event.type == pygame.JOYBUTTONDOWN)
        if event.type == pygame.JOYAXISMOTION:
            return pad.move(event.axis, event.value)
        if event.type == pygame.JOYHATMOTION:
            x, y = event.value
            ways = {"left": x < 0, "right": x > 0, "up": y > 0, "down": y < 0}
            changes = sorted(ways.items(), key=lambda way: way[1])  # what is let go of comes first
            return [push for way, down in changes for push in pad.set(f"pad {way}", down)]
        return []

    def _plug(self, index: int, known: bool) -> None:
        """Open a device. known: SDL has a layout for it, and says so with an event of its own."""
        try:
            if known != controller.is_controller(index):
                return
            if known:
                opened = controller.Controller(index)
                joystick, name = opened.as_joystick(), opened.name
                pad = _Pad(opened, name or "gamepad", {**STICK, **TRIGGERS})
                pad.resting = {axis for axis in pad.axes if abs(opened.get_axis(axis)) < RELEASED * AXIS}
            else:
                joystick = pygame.joystick.Joystick(index)
                axes = range(min(len(STICK), joystick.get_numaxes()))
                if not joystick.get_numbuttons() or not (len(axes) == len(STICK) or joystick.get_numhats()):
                    return  # no gamepad: there are keyboards and sensors that call themselves joysticks
                sticks = {axis: STICK[axis] for axis in axes if abs(joystick.get_axis(axis)) < FAR}
                pad = _Pad(joystick, joystick.get_name() or "gamepad", {**sticks})
                pad.resting = {axis for axis in sticks if abs(joystick.get_axis(axis)) < RELEASED}
        except pygame.error:  # it is gone again
            return
        if joystick.get_instance_id() not in self._pads:
            self._pads[joystick.get_instance_id()] = pad
            self._messages.append(f"gamepad: {pad.name}")
