"""`reverie share`: a dream as a web page."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from reverie.app.commands.option_types import Count, Out
from reverie.app.errors import Mistake, cannot_write

if TYPE_CHECKING:
    from reverie.engine.manifest import Manifest
    from reverie.web.site import GameInfo


@dataclass
class Share:
    """Write a web page that plays a dream in the browser."""

    bundle: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="[BUNDLE]", help_behavior_hint="")]] = ""
    """Name or folder of the dream, or a game folder; without one, the best that holds 20 FPS here."""
    out: Out = None
    """Folder of the page: put its content on any web host."""
    serve: bool = False
    """Open it here: serve it on loopback until Ctrl-C, and say the address."""
    port: Count = None
    """Port of --serve; by default one that is free."""
    isolated: bool = False
    """Let the page set the headers for more threads itself, on hosts that cannot."""

    def run(self, started: float) -> None:
        """Write, say where it is, serve."""
        if self.out is None and not self.serve:
            raise Mistake("Say where the page goes with -o FOLDER, or --serve it here.")
        if self.port is not None and not (self.serve and 0 < self.port < 65536):
            raise Mistake("--port is a number from 1 to 65535 and goes with --serve.")
        if self.out is not None:
            self._share(self.out)
            return
        with tempfile.TemporaryDirectory(prefix="reverie-share-") as folder:
            self._share(Path(folder) / "site")

    def _share(self, out: Path) -> None:
        from reverie.web.site import check_target, write_site

        check_target(out)
        bundle, games, explained = _described(self.bundle)
        try:
            size = write_site(bundle, out, games, explained, self.isolated)
        except FileExistsError:
            raise
        except OSError as error:
            raise cannot_write(out, error) from error
        if self.out is not None:
            print(f"shared {out} ({size / 1e6:.1f} MB)")
        if self.serve:
            _serve(out, self.port or 0)


def _described(name: str) -> tuple[Path, dict[str, GameInfo], dict[str, str]]:
    """The bundle's folder, its games with their keys, and the words of the help."""
    from reverie.app.own.game_folder import is_game_folder, read_game
    from reverie.app.window.display import goal_of, title_of
    from reverie.app.window.game_keys import names_of_game
    from reverie.app.window.keys import DEFAULTS, EXPLAINED, SETTING_KEYS
    from reverie.engine import library
    from reverie.engine.bundle import read_manifest
    from reverie.web.site import GameInfo

    folder = read_game(name) if is_game_folder(name) else None
    if folder:
        folder.require_dream()
    if not name:
        from reverie.app.play.select_bundle import choose_bundle

        path = choose_bundle(20.0, None, {}, "onnx")[0].path
    else:
        path = library.resolve(name)
    manifest, _ = read_manifest(path)
    games = {}
    for game in manifest.games:
        keys = names_of_game(DEFAULTS, manifest.actions_of(game), folder.keys if folder else None)
        games[game] = GameInfo(folder.title if folder else title_of(game), goal_of(game), keys)
    absent = {key for key, (name, _) in SETTING_KEYS.items() if not changes(manifest, name)}
    return path, games, {what: words for what, words in EXPLAINED.items() if what not in absent}


def changes(manifest: Manifest, setting: str) -> bool:
    """Whether a setting of the bundle can have more than one value."""
    return setting in manifest.settings and len(manifest.choices(setting)) != 1


def _serve(folder: Path, port: int) -> None:
    from reverie.web.serve import Server

    try:
        server = Server(folder, port)
    except OSError as error:
        raise Mistake(f"Port {port} cannot be used ({(error.strerror or 'taken').lower()}); choose another.") from error
    with server:
        print(f"open {server.address}   (Ctrl-C ends it)", flush=True)
        server.serve_forever()
