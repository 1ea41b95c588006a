"""The engine's clock: one action, one frame, on its own thread.

Pacing. Time is cut into slots of 1/fps; each slot shows one frame, due at the slot's begin. While the engine waits for
the next slot, a key press brings that slot's frame forward, so a press is answered after the time of one frame and not
after the wait for the next tick. The slots themselves do not move: the frame that came early has used its slot, so the
rate stays the same, and no frame comes before the slot ahead of its own has begun, so nobody can speed the world up by
drumming on the keys. A frame that came late is made up for by the next ones, which begin at once. At most one slot is
made up for: after a longer wait the slots begin anew.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from reverie.app.errors import Mistake
from reverie.app.play.meter import Meter
from reverie.app.play.session import Session
from reverie.app.play.status import Status
from reverie.app.window.latch import Latch, LatchedAction
from reverie.games.action_space import together
from reverie.games.world import Frame

NOOP = 0
RECENT_SECONDS = 10


class ShownFrame(NamedTuple):
    """The newest frame and what was true when it was made.

    frame: (H, W, 3) uint8. number: frames made so far. presses: times (perf_counter seconds) of the key presses that
    frames since the last `newest()` answered.
    """

    frame: Frame
    number: int
    status: Status
    presses: tuple[float, ...]


class GameLoop:
    """Runs a Session: paced or as fast as it goes, in a thread (`start`) or in the caller's (`run`)."""

    def __init__(
        self,
        session: Session,
        meter: Meter,
        fps: float | Callable[[], float] = 20.0,
        paced: bool = True,
        frames: int | None = None,
        script: tuple[str, ...] | None = None,
        on_frame: Callable[[], None] = lambda: None,
    ) -> None:
        """fps: frames a second, or what gives them, which is asked again after every switch.

        frames: stop after so many. script: names of actions played in a circle instead of keys.

        on_frame: called on the engine's thread whenever `newest` has something new, and once when the loop ends.
        """
        self.session = session
        self.meter = meter
        self.latch = Latch()
        self._rate = fps
        self.period = 1.0 / self._fps()
        self.paced = paced
        self.limit = frames
        self.script = script
        self.on_frame = on_frame
        self.sinks: list[Callable[[Frame], None]] = []
        self.recent: deque[Frame] = deque(maxlen=max(1, round(RECENT_SECONDS / self.period)))
        self.messages: deque[str] = deque()
        self.error: BaseException | None = None
        self.paused = False
        self.rewinding = False
        self.plays_itself = False
        self.ended = False
        self._steps = 0
        self._ahead: deque[int] = deque()
        self._told_end = False
        self._stop = False
        self._jobs: deque[Callable[[], str | None]] = deque()
        self._wake = threading.Condition()
        self._presses: list[float] = []
        self._shot: ShownFrame | None = None
        self._thread: threading.Thread | None = None

    # What the window's thread calls.

    def press(self, key: object, action: str, at: float) -> None:
        """A key that plays `action` went down at `at` (perf_counter seconds). From now on the person plays."""
        self.plays_itself = False
        self.latch.press(key, action, at)
        with self._wake:
            self._wake.notify()

    def pause(self, paused: bool) -> None:
        """Stop or go on. A paused loop sleeps; what was pressed meanwhile is forgotten when it goes on."""
        with self._wake:
            if self.paused and not paused:
                self.latch.forget_presses()
            self.paused = paused
            self._steps = 0
            self._wake.notify()

    def single_step(self) -> None:
        """Pause, and play one frame."""
        with self._wake:
            self.paused = True
            self._steps += 1
            self._wake.notify()

    def rewind(self, rewinding: bool) -> None:
        """Go back through what was played, or play on from there. It needs a session that remembers."""
        with self._wake:
            if self.rewinding and not rewinding:
                self.latch.forget_presses()
                self._jobs.append(lambda: None)  # before any job the session goes to where the picture is
            self._told_end = self._told_end and self.rewinding
            self.rewinding = rewinding
            self._wake.notify()

    def play_ahead(self, actions: Iterable[int]) -> None:
        """Play these actions next, as fast as it goes. Keys wait until they are played."""
        with self._wake:
            self._ahead.extend(actions)
            self._wake.notify()

    def do(self, job: Callable[[], str | None]) -> None:
        """Run `job` on the engine's thread between two frames. What it returns, or its Mistake, is shown."""
        with self._wake:
            self._jobs.append(job)
            self._wake.notify()

    def newest(self) -> ShownFrame | None:
        """The newest frame; the key presses it answers are handed out once."""
        with self._wake:
            shot, presses = self._shot, tuple(self._presses)
            self._presses.clear()
        return shot._replace(presses=presses) if shot else None

    def start(self) -> None:
        """Run on a thread of its own."""
        self._thread = threading.Thread(target=self._guarded, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the frame in progress and wait for it."""
        with self._wake:
            self._stop = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    # The engine's thread.

    def _fps(self) -> float:
        return self._rate() if callable(self._rate) else self._rate

    def _keep_rate(self) -> None:
        """Go on at the rate of what is played now; the last seconds then are those of that rate."""
        period = 1.0 / self._fps()
        if period != self.period:
            self.period = period
            self.meter.pause()
            self.recent = deque(maxlen=max(1, round(RECENT_SECONDS / period)))

    def _guarded(self) -> None:
        try:
            self.run()
        except BaseException as error:  # handed to the window's thread, which raises it
            self.error = error
        finally:
            self.ended = True
            self.on_frame()

    def run(self) -> None:
        """Play until `stop`, or until the frames asked for are made."""
        self._show(self.session.frame, frame_made=False)
        self.meter.begun(time.perf_counter())
        due = time.perf_counter()
        while True:
            with self._wake:
                job = self._jobs.popleft() if self._jobs else None
                # What was asked for before the end, such as to save a recording, is done.
                if not job and (self._stop or (self.limit is not None and self.meter.frames >= self.limit)):
                    return
                wait = 0.0 if job else self._wait(due)
                if wait != 0.0:
                    if self.paused or self.rewinding:
                        self.meter.pause()
                    self._wake.wait(wait)
                    if self.paused and not self.rewinding:
                        due = time.perf_counter()
                    continue
            if job:
                self._run_job(job)
            elif self.rewinding:
                self._go_back()
                due += self.period
            else:
                began = time.perf_counter()
                due += self.period * (not self._frame(due))
                mind = self.session.in_dream.mind
                if mind and not self._jobs and not self.paused:
                    now = time.perf_counter()
                    mind.think(now - began, due - now if self.paced else 0.0)
            due = max(due, time.perf_counter() - self.period)

    def _wait(self, due: float) -> float | None:
        """Seconds to sleep before the next frame; 0 = it is time, None = until woken."""
        if self.rewinding:
            return max(0.0, due - time.perf_counter())
        if self.paused and not self._steps and not self._ahead:
            return None
        if self.paused or self._ahead or not self.paced:
            return 0.0
        begin = due - self.period if self.latch.waiting else due
        return max(0.0, begin - time.perf_counter())

    def _take(self) -> LatchedAction:
        if self._ahead:
            return LatchedAction(self.session.actions[self._ahead.popleft()], None)
        if self.script is not None:
            return LatchedAction(self.script[self.meter.frames % len(self.script)], None)
        if self.plays_itself and not self.latch.waiting:
            return LatchedAction(self.session.actions[self.session.in_dream.own_action()], None)
        return self.latch.take()

    def _frame(self, due: float) -> bool:
        """Play one frame. Returns whether it was one ahead of its time."""
        ahead = bool(self._ahead)
        stepping, self._steps = self.paused, max(0, self._steps - 1)
        name, pressed_at, held = self._take()
        actions = self.session.actions
        if name is not None:
            name = together(name, held, actions)
        action = actions.index(name) if name in actions else NOOP
        began = time.perf_counter()
        fault, woke = self.session.fault, self.session.in_dream.woke
        frame, _, ended = self.session.step(action)
        now = time.perf_counter()
        late = self.paced and not stepping and not ahead and now > max(due, began) + self.period
        self.meter.made(frame, began, now, self.session.timings, late)
        if ended:
            self.messages.append("game over")
        if self.session.fault != fault:
            self.messages.append(self.session.fault)
        if self.session.in_dream.woke != woke:
            self.messages.append("it woke by itself, at its last good picture")
        self._show(frame, pressed_at=pressed_at)
        return ahead

    def _show(self, frame: Frame, frame_made: bool = True, pressed_at: float | None = None) -> None:
        with self._wake:
            if pressed_at is not None:
                self._presses.append(pressed_at)
            self._shot = ShownFrame(frame, self.meter.frames, self.session.status(), ())
        self.on_frame()
        if frame_made:
            self.recent.append(frame)
            for sink in tuple(self.sinks):
                self._pour(sink, frame)

    def _pour(self, sink: Callable[[Frame], None], frame: Frame) -> None:
        """Give a frame to a recording. One that can take no more (a full disk) is dropped, and the play goes on."""
        try:
            sink(frame)
        except Mistake as error:
            self.sinks.remove(sink)
            self.messages.append(str(error))

    def _go_back(self) -> None:
        if self.session.rewind():
            self._show(self.session.frame, frame_made=False)
        elif not self._told_end:
            self.messages.append(self.session.game.end_of_way_back)
            self._told_end = True
            self.on_frame()

    def _run_job(self, job: Callable[[], str | None]) -> None:
        try:
            self.session.play_on()
            message = job()
        except (Mistake, ValueError) as error:
            message = str(error)
        self._keep_rate()
        if message:
            self.messages.append(message)
        self._show(self.session.frame, frame_made=False)
