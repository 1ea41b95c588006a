"""From the options of `reverie play` to a play, its recording, its tape and its report."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.app.errors import Mistake, cannot_write, check_name
from reverie.app.own.game_folder import GAME, GameFolder, is_game_folder, look_in, read_game
from reverie.app.play.capture import Recording
from reverie.app.play.meter import Meter
from reverie.app.play.player import Player
from reverie.app.play.script import read_script
from reverie.app.play.select_bundle import choose_bundle, load_bundle
from reverie.app.play.session import Choice, Session
from reverie.engine.files import write_json
from reverie.games import registry
from reverie.games.worlds import may_be_environment

if TYPE_CHECKING:
    import pygame

    from reverie.app.commands.play import Play
    from reverie.engine.bundle import Bundle

FPS = 20.0
"""Frames a second where nothing else is said."""


def play(options: Play, started: float) -> None:
    """Play until the frames are made or the person leaves. Raises Mistake; Ctrl-C comes out after all is saved."""
    game = read_game(options.bundle) if is_game_folder(options.bundle) else None
    if game:
        look_in(game.folder)
    for path in (options.report, options.tape):
        if path is not None:
            _writable(path)
    keys = screen = None
    if not options.headless:
        from reverie.app.window.display import open_display, resize
        from reverie.app.window.keys import load_keys

        # At once; how large the pictures are comes later. A window for 128 pixels fits 64 too, without a gap.
        screen = open_display(64 if options.scale else 128, options.scale, options.fullscreen)
        keys = load_keys()  # a mistake in them shows before anything is loaded
    try:
        bundle, mode = _bundle(options, game)
        if bundle is None and options.game and not may_be_environment(options.game):
            registry.get(options.game)
        session = Session(_choice(options, bundle, mode, game), bundle, game.size if game else 64)
        if screen is not None and options.scale and not options.fullscreen:
            screen = resize(session.frame.shape[0], options.scale)
        fps = options.fps or _own_fps(game, session)
        script = read_script(options.script, session.actions) if options.script else None
        with _recorded(options, fps) as recording, _taped(options, session):
            meter = Meter(started)
            player = Player(session, meter, fps, not options.unpaced, options.frames, script)
            if recording:
                player.sinks.append(recording.add)
            try:
                if screen is None:
                    player.run()
                else:
                    _in_window(options, player, screen, keys, game)
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


def _in_window(options: Play, player: Player, screen: pygame.Surface, keys: Any, game: GameFolder | None) -> None:
    from reverie.app.window.saving import Saving
    from reverie.app.window.window import Window

    saving = Saving(1 / player.period)
    try:
        Window(screen, player, keys, saving, _numbered(), options.fullscreen, game).run()
    finally:
        for message in saving.finish(player):
            print(message, file=sys.stderr)


def _close_display() -> None:
    import pygame

    pygame.display.quit()


def _numbered() -> tuple[str, ...]:
    """What the number keys open: the shipped bundles as `reverie list` orders them."""
    from reverie.engine import library

    return tuple(library.shipped())


def _own_fps(game: GameFolder | None, session: Session) -> float:
    """Frames a second that the game is meant for."""
    if game and game.fps:
        return game.fps
    if session.bundle and not session.is_real:
        return session.bundle.manifest.fps
    return getattr(session.game.world, "fps", FPS)


def _bundle(options: Play, game: GameFolder | None) -> tuple[Bundle | None, str | None]:
    """The bundle to play and its mode (None for its first); the real game may be played without one."""
    mode = _mode(options)
    if game and options.real and not game.has_dream:
        if game.environment is None:
            raise Mistake(f"{game.folder / GAME} names no source, so there is no real game to play.")
        return None, mode
    if game:
        game.require_dream()
    if options.bundle:
        return load_bundle(str(game.dream) if game else options.bundle, options.backend), mode
    try:
        wanted = options.game or None, mode, options.decoder or None
        return choose_bundle(options.fps or FPS, *wanted, options.backend)
    except (Mistake, ImportError):
        if options.real:
            return None, mode
        raise


def _choice(options: Play, bundle: Bundle | None, mode: str | None, game: GameFolder | None) -> Choice:
    return Choice(
        bundle=bundle.manifest.name if bundle else None,
        game=options.game or None,
        real=options.real,
        mode=mode,
        decoder=options.decoder or None,
        temperature=options.temperature,
        passes=options.passes,
        steps=options.steps,
        seed=options.seed,
        start=options.start,
        backend=options.backend,
        tape=options.tape is not None,
        environment=game.environment if game and not options.game else None,
    )


def _mode(options: Play) -> str | None:
    """The mode asked for; whoever asks for passes means the mode that has them."""
    return options.mode or ("parallel" if options.passes is not None else None)


@contextlib.contextmanager
def _recorded(options: Play, fps: float) -> Iterator[Recording | None]:
    """A recording that is saved however the play ends."""
    if options.record is None:
        yield None
        return
    recording = Recording(options.record, fps)
    try:
        yield recording
    finally:
        recording.close()
    if recording.trouble:
        raise recording.trouble


@contextlib.contextmanager
def _taped(options: Play, session: Session) -> Iterator[None]:
    """A tape that is saved however the play ends."""
    if options.tape is None:
        yield
        return
    assert session.taped is not None
    try:
        yield
    finally:
        try:
            session.taped.tape().save(options.tape)
        except OSError as error:
            raise cannot_write(options.tape, error) from error


def report(session: Session, meter: Meter) -> dict[str, Any]:
    """The object of `play --report`; what only a dream has is null for the real game."""
    dream = None if session.is_real else session.dream
    settings = dream.settings if dream else None
    name = session.bundle.manifest.name if session.bundle else None
    return {
        "bundle": name if dream else None,
        "game": session.status().game,
        "mode": settings.mode if settings else None,
        "decoder": settings.decoder if settings else None,
        "passes": settings.passes if settings and settings.mode == "parallel" else None,
        "steps": settings.steps if settings and settings.decoder == "diffusion" else None,
        "backend": dream.bundle.backend if dream else None,
        "faults": dream.faults.count if dream else None,
        **meter.figures(),
    }


def _writable(path: Path) -> None:
    """Raises Mistake now for a file that could not be written at the end."""
    check_name(path)
    if path.is_dir():
        raise Mistake(f"Cannot write {path}: it is a folder; give a file name.")
    if not path.absolute().parent.is_dir():
        raise Mistake(f"There is no folder {path.parent} to write {path.name} into; make it first.")
