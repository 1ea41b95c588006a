"""From the options of `reverie play` to a play, its recording, its tape and its report."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from reverie.app.commands.dream_settings import chosen
from reverie.app.errors import Mistake, cannot_write
from reverie.app.own.game_folder import GAME, GameFolder, add_module_folder, is_game_folder, read_game
from reverie.app.play.choice import Choice
from reverie.app.play.game_loop import GameLoop
from reverie.app.play.meter import Meter
from reverie.app.play.outputs import check_writable, recorded, report, taped
from reverie.app.play.picture import read_picture
from reverie.app.play.script import read_script
from reverie.app.play.select_bundle import choose_bundle, load_bundle
from reverie.app.play.session import Session
from reverie.engine.files import write_json
from reverie.games import registry
from reverie.games.worlds import may_be_environment

if TYPE_CHECKING:
    import pygame

    from reverie.app.commands.play import Play
    from reverie.engine.bundle import Bundle
    from reverie.engine.settings import Value

FPS = 20.0
"""Frames a second where nothing else is said."""


def play(options: Play, started: float) -> None:
    """Play until the frames are made or the person leaves. Raises Mistake; Ctrl-C comes out after all is saved."""
    game = read_game(options.bundle) if is_game_folder(options.bundle) else None
    if game:
        add_module_folder(game.folder)
    for path in (options.report, options.tape):
        if path is not None:
            check_writable(path)
    keys = screen = None
    if not options.headless:
        from reverie.app.window.display import open_display, resize
        from reverie.app.window.keys import load_keys

        # At once; how large the pictures are comes later. A window for 128 pixels fits 64 too, without a gap.
        screen = open_display(64 if options.scale else 128, options.scale, options.fullscreen)
        keys = load_keys()  # a mistake in them shows before anything is loaded
    try:
        bundle, settings = _bundle(options, game)
        if bundle is None and options.game and not may_be_environment(options.game):
            registry.get(options.game)
        session = Session(_choice(options, bundle, settings, game), bundle, game.size if game else 64)
        if screen is not None and options.scale and not options.fullscreen:
            screen = resize(session.frame.shape[0], options.scale)
        rate = partial(_own_fps, game, bundle, session)
        fps = options.fps or rate()
        script = read_script(options.script, session.actions) if options.script else None
        with recorded(options.record, fps) as recording, taped(options.tape, session):
            meter = Meter(started)
            loop = GameLoop(session, meter, options.fps or rate, not options.unpaced, options.frames, script)
            if recording:
                loop.sinks.append(recording.add)
            try:
                if screen is None:
                    loop.run()
                else:
                    _in_window(options, loop, screen, keys, game)
            finally:
                if session.fault:
                    print(f"reverie: {session.fault}", file=sys.stderr)
                if options.report:
                    try:
                        write_json(options.report, report(session, meter))
                    except OSError as error:
                        raise cannot_write(options.report, error) from error
    finally:
        if screen is not None:
            _close_display()


def _in_window(options: Play, loop: GameLoop, screen: pygame.Surface, keys: Any, game: GameFolder | None) -> None:
    from reverie.app.window.saving import Saving
    from reverie.app.window.window import Window

    saving = Saving()
    try:
        Window(screen, loop, keys, saving, _numbered(), options.fullscreen, game).run()
    finally:
        for message in saving.finish(loop):
            print(message, file=sys.stderr)


def _close_display() -> None:
    import pygame

    from reverie.app.window.lost_display import is_gone

    if not is_gone():
        pygame.display.quit()


def _numbered() -> tuple[str, ...]:
    """What the number keys open: the shipped bundles as `reverie list` orders them."""
    from reverie.engine import library

    return tuple(library.shipped())


def _own_fps(game: GameFolder | None, opened: Bundle | None, session: Session) -> float:
    """Frames a second that what is played now is meant for.

    game: the folder that was opened, whose rate holds for its own game. opened: the bundle at the beginning.
    """
    if game and game.fps and session.bundle is opened:
        return game.fps
    if session.bundle and not session.is_real:
        return session.bundle.manifest.fps
    return getattr(session.game.world, "fps", FPS)


def _bundle(options: Play, game: GameFolder | None) -> tuple[Bundle | None, dict[str, Value]]:
    """The bundle to play, and the settings with which it holds the rate; the real game may be played without one."""
    settings = chosen(options.settings)
    if game and options.real and not game.has_dream:
        if game.environment is None:
            raise Mistake(f"{game.folder / GAME} names no source, so there is no real game to play.")
        return None, settings
    if game:
        game.require_dream()
    if options.bundle:
        return load_bundle(str(game.dream) if game else options.bundle, options.backend), settings
    try:
        return choose_bundle(options.fps or FPS, options.game or None, settings, options.backend)
    except (Mistake, ImportError):
        if options.real:
            return None, settings
        raise


def _choice(options: Play, bundle: Bundle | None, settings: dict[str, Value], game: GameFolder | None) -> Choice:
    return Choice(
        bundle=bundle.manifest.name if bundle else None,
        game=options.game or None,
        real=options.real,
        settings=settings,
        seed=options.seed,
        start=options.start,
        picture=read_picture(options.image, bundle.manifest.resolution) if options.image and bundle else None,
        backend=options.backend,
        tape=options.tape is not None,
        lucid=options.lucid,
        environment=game.environment if game and not options.game else None,
    )
