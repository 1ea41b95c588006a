"""The window: shows the newest frame, hands the keys to the loop, and sleeps while neither has anything to say."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pygame

from reverie.app.errors import Mistake
from reverie.app.own.game_folder import GAME, GameFolder
from reverie.app.play.game_loop import GameLoop, ShownFrame
from reverie.app.play.picture import read_picture
from reverie.app.play.status import Status
from reverie.app.window import hud, overlays, theme
from reverie.app.window import offer as offers
from reverie.app.window.brush import Brush, draw_brush, pixel_at
from reverie.app.window.display import goal_of, name_window, title_of
from reverie.app.window.game_keys import keys_of_game
from reverie.app.window.keys import SETTING_KEYS, Keys
from reverie.app.window.lost_display import check_display, watch_display
from reverie.app.window.mind_view import draw_mind, side_of
from reverie.app.window.offer import Offer
from reverie.app.window.saving import Saving
from reverie.games.world import Frame

if TYPE_CHECKING:
    from reverie.app.play.futures import Futures

MESSAGE_SECONDS, LETTERS_A_SECOND = 2.5, 16
"""How long a message stays: the longer of the two."""
IDLE_MS = 250
"""The longest sleep: how soon Ctrl-C and the end of a message are noticed when nothing else happens."""
PAUSED_SECONDS = 0.02
BRANCHES, BRANCH_SECONDS = 4, 2.0
"""How many futures there are to choose from, and how long they are."""
CARD_SECONDS = 10.0
"""How long a fresh window says what it is, unless a key is pressed before."""
UNTOUCHED_SECONDS = 30.0
"""A window that nobody has touched since it was opened then shows how its game is played."""
FIGURES_SECONDS = 0.25
"""How often the HUD's rate changes; faster cannot be read."""


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
        self.screen = screen
        self.loop = loop
        self.own_keys = keys
        self.folder = folder
        self.saving = saving
        self.bundles = bundles
        self.fullscreen = fullscreen
        self.show_figures = True
        self.overlay: str | None = None
        self.chosen = 0
        self.page, self._pages = 0, 1
        self.offer: Offer | None = None
        self.brush = Brush()
        self._offered: Offer | None = None
        self._was_paused = False
        self._rewind_key: int | None = None
        self._shot: ShownFrame | None = None
        self._message: tuple[str, float] | None = None
        self._fps = (0.0, 0.0)
        self._leave = False
        self._untouched_until: float | None = None
        self._dirty = True
        self._frame_event = pygame.event.custom_type()
        loop.on_frame = self._frame_is_there
        loop.session.remembers = True
        self._follow(loop.session.status())
        loop.messages.pop()  # the card says it
        self._card: float | None = time.perf_counter() + CARD_SECONDS
        if (picture := loop.session.choice.picture) is not None:
            self._show_offer(self._preview(picture, loop.session.frame, begun=True))
        self._does: dict[str, Callable[[], None]] = {
            "hand over": lambda: self._do(lambda: loop.session.hand_over()),
            "next game": lambda: self._do(lambda: loop.session.next_game()),
            "new start": lambda: self._do(lambda: loop.session.new_start()),
            "start pictures": lambda: self._do(self._offer_starts),
            "play itself": self._toggle_self_play,
            "branch": self._branch,
            "wake": lambda: self._do(lambda: loop.session.in_dream.wake()),
            "mind": lambda: self._do(lambda: loop.session.in_dream.toggle_mind()),
            "save moment": lambda: self._do(lambda: loop.session.save_moment()),
            "load moment": lambda: self._do(lambda: loop.session.load_moment()),
            **{key: self._changes(name, by) for key, (name, by) in SETTING_KEYS.items()},
            "pause": lambda: loop.pause(not loop.paused),
            "step": loop.single_step,
            "gif": lambda: saving.save_recent(loop),
            "record": lambda: saving.toggle(loop, keys.record_as),
            "hud": self._toggle_figures,
            "help": lambda: self._open("help"),
            "menu": lambda: self._open("menu"),
            "fullscreen": self._toggle_fullscreen,
        }

    def run(self) -> None:
        """Show and play until the end. Raises what stopped the engine, and KeyboardInterrupt."""
        watch_display()
        if self.loop.script is None and self.loop.limit is None and self.loop.session.recorder is None:
            self._untouched_until = time.perf_counter() + UNTOUCHED_SECONDS
        self.loop.start()
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
        self._refresh()
        if self.loop.error is not None:
            raise self.loop.error

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
        if event.type in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN):
            self._untouched_until = self._card = None
        if event.type == pygame.QUIT:
            self._leave = True
        elif event.type == pygame.KEYDOWN:
            self._key_down(event.key, at)
        elif event.type == pygame.KEYUP:
            self.loop.latch.release(event.key)
            if event.key == self._rewind_key:
                self._play_on()
        elif event.type == pygame.WINDOWFOCUSLOST:
            self.loop.latch.clear()
            self._play_on()
        elif event.type == pygame.DROPFILE:
            self._do(lambda: self._offer_picture(Path(event.file)))
        elif event.type == pygame.MOUSEBUTTONDOWN:
            self._mouse_down(event)
        elif event.type == pygame.MOUSEMOTION:
            self._dirty = self._dirty or self.brush.patch is not None
        elif event.type in (pygame.VIDEORESIZE, pygame.WINDOWEXPOSED):
            self._dirty = True

    def _key_down(self, key: int, at: float) -> None:
        what = self.keys.does.get(key)
        self._dirty = True
        if self.overlay is not None:
            self._overlay_key(key, what)
        elif what is not None and what in self.loop.session.actions:
            self.loop.press(key, what, at)
        elif what == "rewind":
            self._rewind_key = key
            self.loop.rewind(True)
        elif what is not None:
            self._try(self._does.get(what, lambda: None))
        elif pygame.K_1 <= key <= pygame.K_9:
            self._open_bundle(key - pygame.K_1)

    def _play_on(self) -> None:
        """The key that rewinds is not held any more."""
        self.loop.rewind(False)
        self._dirty = True

    def _overlay_key(self, key: int, what: str | None) -> None:
        if what == "menu" or (self.overlay == "help" and self.page + 1 >= self._pages):
            self._close()
        elif self.overlay == "help":
            self.page += 1
        elif self.offer:
            self._offer_key(key, what, self.offer)
        elif what in ("up", "down") or key in (pygame.K_UP, pygame.K_DOWN):
            lines = len(overlays.menu(self._games()))
            self.chosen = (self.chosen + (1 if "down" in (what, pygame.key.name(key)) else -1)) % lines
        elif key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE):
            self._menu(self.chosen)

    def _offer_key(self, key: int, what: str | None, offer: Offer) -> None:
        ways = {"left": -1, "right": 1, "up": -1, "down": 1}
        way = what if what in ways else pygame.key.name(key)
        if way in ways:
            offer.move(ways[way] * (self._columns(offer) if way in ("up", "down") else 1))
        elif key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE):
            self._take(offer, offer.chosen)
        elif offer.numbered and 0 <= key - pygame.K_1 < len(offer.pictures):
            self._take(offer, key - pygame.K_1)

    def _columns(self, offer: Offer) -> int:
        return offers.columns((pygame.display.get_surface() or self.screen).get_size(), offer)

    def _mouse_down(self, event: pygame.event.Event) -> None:
        window = (pygame.display.get_surface() or self.screen).get_size()
        if self.offer and event.button == pygame.BUTTON_LEFT:
            number = offers.at(window, self.offer, event.pos)
            if number is not None:
                self._take(self.offer, number)
        elif self.overlay is None and self._shot:
            self._paint(event, self._shot.frame, self._place(window, self._shot).picture)

    def _place(self, window: tuple[int, int], shot: ShownFrame) -> theme.Layout:
        """Where the picture stands, and what is beside it."""
        side = side_of(window) if shot.status.thoughts else 0
        return theme.layout(window, shot.frame.shape[0], side)

    def _paint(self, event: pygame.event.Event, frame: Frame, picture: pygame.Rect) -> None:
        """The right button picks up a patch of the picture, and beside it lets go of it; the left puts it down."""
        brush, size = self.brush, frame.shape[0]
        at = pixel_at(event.pos, picture, size)
        self._dirty = True
        if event.button == pygame.BUTTON_RIGHT and at is None:
            brush.patch = None
        elif event.button == pygame.BUTTON_RIGHT and at:
            brush.pick(frame, at)
            self.loop.messages.append("picked up: the left button puts it down")
        elif event.button == pygame.BUTTON_LEFT and at and brush.patch is not None:
            patch, place = brush.patch, brush.place(size, at)
            self._do(lambda: self.loop.session.in_dream.paint(patch, *place))

    def _take(self, offer: Offer, number: int) -> None:
        """A picture was chosen."""
        self.offer = None  # it is not left, it is taken
        self._close()
        self._dirty = True
        offer.take(number)

    def _offer_starts(self) -> None:
        """Let the person choose a start picture. On the engine's thread, as all that makes an offer."""
        session = self.loop.session
        pictures = session.in_dream.start_pictures()
        self._offered = Offer(
            "where does the dream begin?",
            f"arrows, Enter: begin here, {self.keys.shown('menu')}: back",
            pictures,
            [str(number) for number in range(len(pictures))],
            lambda number: self._do(lambda: session.in_dream.begin_start(number)),
            chosen=session.game.seed % len(pictures),
        )

    def _offer_picture(self, path: Path) -> None:
        """Show what the dream makes of the picture in a file, to begin there."""
        session = self.loop.session
        picture = read_picture(path, session.frame.shape[0])
        self._offered = self._preview(picture, session.in_dream.seen(picture), begun=False)

    def _branch(self) -> None:
        """Play the next seconds several times with other luck, under the key that is held now."""
        held, session = self.loop.latch.held, self.loop.session

        def begin() -> None:
            futures = session.in_dream.futures(BRANCHES, BRANCH_SECONDS, held)
            self._offered = offer = Offer(
                f"{BRANCH_SECONDS:g} seconds ahead, with other luck",
                f"1 – {BRANCHES}: go on with one, {self.keys.shown('menu')}: back",
                futures.pictures,
                [str(number + 1) for number in range(BRANCHES)],
                lambda number: self._do(lambda: go_on(futures, number)),
                numbered=True,
                leave=futures.stop,
            )
            play(futures, offer)

        def play(futures: Futures, offer: Offer) -> None:
            """A frame of each, and after it what else the loop has to do."""
            if not futures.done:
                futures.step()
                offer.pictures, self._dirty = futures.pictures, True
                self._do(lambda: play(futures, offer))

        def go_on(futures: Futures, number: int) -> str:
            futures.stop()
            session.in_dream.change_luck(futures.lucks[number])
            self.loop.play_ahead([futures.action] * futures.frames)
            return f"future {number + 1}"

        self._do(begin)

    def _preview(self, picture: Frame, seen: Frame, begun: bool) -> Offer:
        """begun: the dream stands there already, and waits."""
        session = self.loop.session
        begin = (lambda _: None) if begun else (lambda _: self._do(lambda: session.in_dream.begin_at(picture)))
        leave = "" if begun else f", {self.keys.shown('menu')}: back"
        return Offer(
            "what the dream makes of your picture",
            f"Enter: the dream begins here{leave}",
            (picture, seen),
            ("your picture", "as it is dreamt"),
            begin,
            chosen=1,
        )

    def _games(self) -> tuple[str, ...]:
        """The games in the menu: those of the newest frame's world."""
        return overlays.several(self._shot.status.games) if self._shot else ()

    def _menu(self, line: int) -> None:
        games = self._games()
        what = overlays.menu(games)[line]
        self._close()
        if 1 <= line <= len(games):
            self._do(lambda: self.loop.session.open_game(what))
        elif what == "quit":
            self._leave = True
        elif what == "help":
            self._open("help")
        elif what != "resume":
            self._try(self._does[{"save GIF": "gif"}.get(what, what)])

    def _open(self, overlay: str) -> None:
        """Lay an overlay over the picture; the world waits under it."""
        self.overlay, self.chosen, self.page = overlay, 0, 0
        self._play_on()
        self._was_paused = self.loop.paused
        self.loop.latch.clear()
        self.loop.pause(True)

    def _show_offer(self, offer: Offer) -> None:
        self.offer, self._dirty = offer, True
        self._open("offer")

    def _close(self) -> None:
        offer, self.offer, self.overlay = self.offer, None, None
        if offer:
            offer.leave()
        self.loop.pause(self._was_paused)

    def _do(self, job: Callable[[], str | None]) -> None:
        self.loop.do(job)

    def _try(self, deed: Callable[[], None]) -> None:
        try:
            deed()
        except Mistake as error:
            self.loop.messages.append(str(error))

    def _changes(self, setting: str, by: int) -> Callable[[], None]:
        """What a key of a setting does."""
        return lambda: self._do(lambda: self.loop.session.change_setting(setting, by))

    def _open_bundle(self, index: int) -> None:
        if index >= len(self.bundles):
            self.loop.messages.append(f"there is no dream {index + 1}: {len(self.bundles)} can be opened here")
            return
        name = self.bundles[index]

        def load() -> str:
            from reverie.app.play.select_bundle import load_bundle

            return self.loop.session.switch_bundle(load_bundle(name, self.loop.session.choice.backend))

        self._do(load)

    def _follow(self, status: Status) -> None:
        """The keys and the window's title are those of the game that is played; say what it is about."""
        self._game = status.game
        given = (self.folder.keys, self.folder.folder / GAME) if self.folder else ()
        self.keys = keys_of_game(self.own_keys, self.loop.session.actions, *given)
        name_window(self._title())
        self.loop.messages.append(self._greeting())

    def _title(self) -> str:
        return self.folder.title if self.folder else title_of(self._game)

    def _what_it_is(self, status: Status) -> tuple[str, str, str]:
        """What a fresh window shows, what to do, and where the keys are: a line of each."""
        dream = "You are in a dream: a network draws every picture, and no game runs behind it."
        about = "This is the real game, from which dreams are learnt." if status.real else dream
        return about, goal_of(self._game) or f"Play {self._title()} as you like.", self._hints()

    def _greeting(self) -> str:
        """What to do, and where to read more."""
        return f"{goal_of(self._game)} {self._hints()}".strip()

    def _hints(self) -> str:
        """The keys that one has to know."""
        hints = {"a": "main button", "help": "all keys"}
        here = {"help", *self.loop.session.actions} & {what for what, keys in self.keys.names.items() if keys}
        return " ".join(
            f"{self.keys.shown(what).split(' ')[0]}: {words}." for what, words in hints.items() if what in here
        )

    def _toggle_self_play(self) -> None:
        """Let the world's own player play, or the person again."""
        if self.loop.session.recorder:
            raise Mistake("what you play is being recorded: it does not play itself")
        self._play_itself(not self.loop.plays_itself)

    def _play_itself(self, on: bool) -> None:
        self.loop.plays_itself, self._untouched_until = on, None
        self.loop.messages.append("it plays itself, until you press a key that plays" if on else "you play")

    def _toggle_figures(self) -> None:
        self.show_figures = not self.show_figures

    def _toggle_fullscreen(self) -> None:
        self.fullscreen = not self.fullscreen
        size = self._shot.frame.shape[0] if self._shot else 64
        if self.fullscreen:
            self.screen = pygame.display.set_mode((0, 0), pygame.RESIZABLE | pygame.FULLSCREEN)
        else:
            self.screen = pygame.display.set_mode(theme.window_size(size, max(1, 512 // size)), pygame.RESIZABLE)

    def _refresh(self) -> None:
        """Draw when there is something new, and note how long the key presses of the new frame took to be seen."""
        now = time.perf_counter()
        if self._offered and self.overlay is None:
            self._show_offer(self._offered)
            self._offered = None
        if self.loop.messages and self.overlay is None:  # under an overlay nothing can be read
            words = self.loop.messages.popleft()
            seconds = max(MESSAGE_SECONDS, len(words) / LETTERS_A_SECOND)
            self._message, self._dirty = (words, now + seconds), True
        if self._card and now > self._card:
            self._card, self._dirty = None, True
        if self._message and now > self._message[1]:
            self._message, self._dirty = None, True
        if self._untouched_until and now > self._untouched_until and self.overlay is None:
            self._play_itself(True)
        shot = self.loop.newest()
        if shot is None:
            return
        new = self._shot is None or shot.frame is not self._shot.frame or shot.status is not self._shot.status
        self._shot = shot
        if shot.status.game != self._game:
            self._try(lambda: self._follow(shot.status))
        if not new and not self._dirty:
            return
        self._draw(shot, shot.status, now)
        pygame.display.flip()
        self._dirty = False
        shown = time.perf_counter()
        for pressed_at in shot.presses:
            self.loop.meter.flipped(pressed_at, shown)

    def _pills(self) -> tuple[hud.Pill, ...]:
        """The pills in the header: paused or rewinding, played by itself, and recording."""
        waits = hud.REWIND if self.loop.rewinding else hud.PAUSED if self.loop.paused else None
        auto = hud.AUTO if self.loop.plays_itself else None
        return tuple(pill for pill in (waits, auto, hud.REC if self.saving.recording else None) if pill)

    def _unused(self, status: Status) -> frozenset[str]:
        """Entries of the help that have nothing to do in this game, or change what this dream does not have."""
        unused = {"a"} - set(self.loop.session.actions)
        if status.settings:
            unused |= {name for name, (setting, _) in SETTING_KEYS.items() if setting not in status.settings}
        return frozenset(unused if len(status.games) > 1 else unused | {"next game"})

    def _draw(self, shot: ShownFrame, status: Status, now: float) -> None:
        screen = pygame.display.get_surface() or self.screen
        place = self._place(screen.get_size(), shot)
        screen.fill(theme.NIGHT)
        theme.draw_picture(screen, shot.frame, place)
        if status.thoughts:
            draw_mind(screen, status.thoughts, place)
        if self.overlay is None and self._card:
            overlays.draw_card(screen, self._what_it_is(status), place.picture)
        if self.overlay is None:
            draw_brush(screen, self.brush, place.picture, shot.frame.shape[0])
        hud.draw_header(screen, status, self._pills(), self.folder.title if self.folder else "")
        if self._message and self.overlay is None:
            hud.draw_message(screen, self._message[0])
        elif self.show_figures:
            if now - self._fps[1] > FIGURES_SECONDS:
                self._fps = (self.loop.meter.fps, now)
            hud.draw_figures(screen, status, self.loop.meter, self._fps[0])
        else:
            hud.draw_hint(screen)
        if self.overlay == "help":
            about = self.keys, self._title(), goal_of(self._game), self._unused(status)
            self._pages = overlays.draw_help(screen, *about, self.page)
        elif self.overlay == "menu":
            overlays.draw_menu(screen, self.chosen, self._games(), status.game)
        elif self.offer:
            offers.draw_offer(screen, self.offer)
