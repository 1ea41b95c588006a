"""The window: shows the newest frame, hands the keys to the loop, and sleeps while neither has anything to say."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pygame

from reverie.app.errors import Mistake
from reverie.app.own.game_folder import GameFolder
from reverie.app.play.game_loop import GameLoop, ShownFrame
from reverie.app.window import hud, theme
from reverie.app.window.about import About
from reverie.app.window.brush import Brush, pixel_at
from reverie.app.window.display import name_window
from reverie.app.window.dream_offers import DreamOffers
from reverie.app.window.gamepad import Gamepads
from reverie.app.window.keys import SETTING_KEYS, Keys
from reverie.app.window.lost_display import check_display, watch_display
from reverie.app.window.notices import Notices
from reverie.app.window.overlay import Overlay
from reverie.app.window.saving import Saving
from reverie.app.window.view import View, place_of

IDLE_MS = 250
"""The longest sleep: how soon Ctrl-C and the end of a message are noticed when nothing else happens."""
PAUSED_SECONDS = 0.02
UNTOUCHED_SECONDS = 30.0
"""A window that nobody has touched since it was opened then shows how its game is played."""


class Window:
    """One open window over one loop. `run` returns when the person leaves or the loop ends."""

    def __init__(
        self,
        screen: pygame.Surface,
        loop: GameLoop,
        keys: Keys,
        saving: Saving,
        bundles: tuple[str, ...],
        fullscreen: bool,
        folder: GameFolder | None = None,
    ) -> None:
        """keys: the person's own. bundles: what the number keys open, in order. folder: of the game, where it has one.

        Raises Mistake for a key of the folder's that does not exist.
        """
        session = loop.session
        self.screen, self.loop, self.saving, self.bundles = screen, loop, saving, bundles
        self.fullscreen = fullscreen
        self.about = About(keys, folder, session.game.name, session.actions)
        self.notices = Notices(loop.messages, time.perf_counter())
        self.overlay = Overlay(loop, self._choose)
        self.offers = DreamOffers(loop, self.about)
        self.brush = Brush()
        self.pads = Gamepads(loop.messages)
        self.view = View(loop, self.about, self.notices, self.overlay, self.brush, saving)
        self._rewind_key: int | str | None = None
        self._shot: ShownFrame | None = None
        self._leave = False
        self._untouched_until: float | None = None
        self._dirty = True
        self._frame_event = pygame.event.custom_type()
        loop.on_frame = self._frame_is_there
        session.remembers = True
        name_window(self.about.title)
        if (picture := session.choice.picture) is not None:
            self.overlay.show_offer(self.offers.preview(picture, session.frame, begun=True))
        self._does: dict[str, Callable[[], None]] = {
            "hand over": lambda: loop.do(session.hand_over),
            "next game": lambda: loop.do(session.next_game),
            "new start": lambda: loop.do(session.new_start),
            "start pictures": self.offers.start_pictures,
            "play itself": self._toggle_self_play,
            "branch": self.offers.branch,
            "wake": lambda: loop.do(session.in_dream.wake),
            "mind": lambda: loop.do(session.in_dream.toggle_mind),
            "save moment": lambda: loop.do(session.save_moment),
            "load moment": lambda: loop.do(session.load_moment),
            **{key: self._changes(name, by) for key, (name, by) in SETTING_KEYS.items()},
            "pause": lambda: loop.pause(not loop.paused),
            "step": loop.single_step,
            "gif": lambda: saving.save_recent(loop),
            "record": lambda: saving.toggle(loop, keys.record_as),
            "hud": self.view.toggle_figures,
            "help": self.overlay.show_help,
            "menu": lambda: self.overlay.show_menu(self._shot.status.games if self._shot else ()),
            "fullscreen": self._toggle_fullscreen,
        }

    def run(self) -> None:
        """Show and play until the end. Raises what stopped the engine, and KeyboardInterrupt."""
        watch_display()
        if self.loop.script is None and self.loop.limit is None and self.loop.session.recorder is None:
            self._untouched_until = time.perf_counter() + UNTOUCHED_SECONDS
        self.loop.start()
        self.pads.start()
        try:
            while not self._leave and not self.loop.ended:
                events = self._next_events()
                check_display()
                at = time.perf_counter()
                for event in events:
                    self._handle(event, at)
                self._refresh()
        except pygame.error:
            check_display()
            raise
        finally:
            self.loop.stop()
            self.pads.stop()
        self._refresh()
        if self.loop.error is not None:
            raise self.loop.error

    @property
    def surface(self) -> pygame.Surface:
        """What is drawn on, which is another one after a change of size."""
        return pygame.display.get_surface() or self.screen

    # Events.

    def _next_events(self) -> list[pygame.event.Event]:
        """Sleep until something happens, or IDLE_MS."""
        if self.loop.paused and not self.loop.rewinding:
            # Waiting in SDL looks at the queue a thousand times a second; nobody plays now, so fifty times will do.
            events = pygame.event.get()
            if not events:
                time.sleep(PAUSED_SECONDS)
            return events
        return [pygame.event.wait(IDLE_MS), *pygame.event.get()]

    def _frame_is_there(self) -> None:
        """Called on the engine's thread: wake the window."""
        # A window that is closing, or that has not drawn the last one yet, loses nothing: `newest` is asked anyway.
        # Not pumped: only the thread that opened the window may ask the system for events.
        if pygame.display.get_init() and not pygame.event.peek(self._frame_event, pump=False):
            pygame.event.post(pygame.event.Event(self._frame_event))

    def _handle(self, event: pygame.event.Event, at: float) -> None:
        pushes = self.pads.read(event)
        if event.type in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN) or pushes:
            self._untouched_until, self.notices.card, self._dirty = None, False, True
        for push in pushes:
            if push.down:
                self._key_down(push.button, at)
            else:
                self._key_up(push.button)
        if event.type == pygame.QUIT:
            self._leave = True
        elif event.type == pygame.KEYDOWN:
            self._key_down(event.key, at)
        elif event.type == pygame.KEYUP:
            self._key_up(event.key)
        elif event.type == pygame.WINDOWFOCUSLOST:
            self.loop.latch.clear()
            self._play_on()
        elif event.type == pygame.DROPFILE:
            self.offers.picture(Path(event.file))
        elif event.type == pygame.MOUSEBUTTONDOWN:
            self._mouse_down(event)
        elif event.type == pygame.MOUSEMOTION:
            self._dirty = self._dirty or self.brush.patch is not None
        elif event.type in (pygame.VIDEORESIZE, pygame.WINDOWEXPOSED):
            self._dirty = True

    def _key_down(self, key: int | str, at: float) -> None:
        what = self.about.keys.does.get(key)
        if self.overlay.kind is not None:
            self.overlay.key_down(key, what, self.surface.get_size())
        elif what is not None and what in self.loop.session.actions:
            self.loop.press(key, what, at)
        elif what == "rewind":
            self._rewind_key = key
            self.loop.rewind(True)
        elif what is not None:
            self._do(what)
        elif isinstance(key, int) and pygame.K_1 <= key <= pygame.K_9:
            self._open_bundle(key - pygame.K_1)

    def _key_up(self, key: int | str) -> None:
        self.loop.latch.release(key)
        if key == self._rewind_key:
            self._play_on()

    def _play_on(self) -> None:
        """The key that rewinds is not held any more."""
        self.loop.rewind(False)
        self._dirty = True

    def _mouse_down(self, event: pygame.event.Event) -> None:
        window = self.surface.get_size()
        if self.overlay.kind is not None:
            if event.button == pygame.BUTTON_LEFT:
                self.overlay.click(event.pos, window)
        elif self._shot:
            frame = self._shot.frame
            at = pixel_at(event.pos, place_of(window, self._shot).picture, frame.shape[0])
            if painted := self.brush.click(event.button, frame, at):
                patch, (top, left) = painted
                self.loop.do(lambda: self.loop.session.in_dream.paint(patch, top, left))
            elif event.button == pygame.BUTTON_RIGHT and at:
                self.loop.messages.append("picked up: the left button puts it down")

    # What the keys and the menu do.

    def _do(self, what: str) -> None:
        """Do what a key stands for."""
        try:
            self._does.get(what, lambda: None)()
        except Mistake as error:
            self.loop.messages.append(str(error))

    def _choose(self, line: str) -> None:
        """Do what a line of the menu says."""
        if line == "quit":
            self._leave = True
        else:
            self._do({"save GIF": "gif"}.get(line, line))

    def _changes(self, setting: str, by: int) -> Callable[[], None]:
        """What a key of a setting does."""
        return lambda: self.loop.do(lambda: self.loop.session.change_setting(setting, by))

    def _open_bundle(self, index: int) -> None:
        if index >= len(self.bundles):
            self.loop.messages.append(f"there is no dream {index + 1}: {len(self.bundles)} can be opened here")
            return
        name = self.bundles[index]

        def load() -> str:
            from reverie.app.play.select_bundle import load_bundle

            return self.loop.session.switch_bundle(load_bundle(name, self.loop.session.choice.backend))

        self.loop.do(load)

    def _toggle_self_play(self) -> None:
        """Let the world's own player play, or the person again."""
        if self.loop.session.recorder:
            raise Mistake("what you play is being recorded: it does not play itself")
        self._play_itself(not self.loop.plays_itself)

    def _play_itself(self, on: bool) -> None:
        self.loop.plays_itself, self._untouched_until = on, None
        self.loop.messages.append("it plays itself, until you press a key that plays" if on else "you play")

    def _toggle_fullscreen(self) -> None:
        self.fullscreen = not self.fullscreen
        size = self._shot.frame.shape[0] if self._shot else 64
        if self.fullscreen:
            self.screen = pygame.display.set_mode((0, 0), pygame.RESIZABLE | pygame.FULLSCREEN)
        else:
            self.screen = pygame.display.set_mode(theme.window_size(size, max(1, 512 // size)), pygame.RESIZABLE)

    # Showing.

    def _follow(self, shot: ShownFrame) -> None:
        """Another game is played: the keys and the window's title are its own; say what it is about."""
        try:
            self.about.follow(shot.status.game, self.loop.session.actions)
        except Mistake as error:
            self.loop.messages.append(str(error))
        else:
            name_window(self.about.title)
            self.loop.messages.append(self.about.greeting)

    def _refresh(self) -> None:
        """Draw when there is something new, and note how long the key presses of the new frame took to be seen."""
        now = time.perf_counter()
        covered = self.overlay.kind is not None
        if self.offers.made and not covered:
            self.overlay.show_offer(self.offers.made)
            self.offers.made, covered, self._dirty = None, True, True
        parts = partial(hud.message_parts, window=self.surface.get_size())
        self._dirty = self.notices.refresh(now, covered, parts) or self._dirty
        if self._untouched_until and now > self._untouched_until and not covered:
            self._play_itself(True)
        shot = self.loop.newest()
        if shot is None:
            return
        new = self._shot is None or shot.frame is not self._shot.frame or shot.status is not self._shot.status
        self._shot = shot
        if shot.status.game != self.about.game:
            self._follow(shot)
        if not new and not self._dirty:
            return
        self.view.draw(self.surface, shot)
        pygame.display.flip()
        self._dirty = False
        shown = time.perf_counter()
        for pressed_at in shot.presses:
            self.loop.meter.flipped(pressed_at, shown)
