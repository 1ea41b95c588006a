"""`reverie verify`: is a bundle what it says it is."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.app.commands.option_types import Bundles
from reverie.app.errors import CheckFailed
from reverie.app.own.game_folder import is_game_folder, read_game


@dataclass
class Verify:
    """Check bundles: hashes, manifest, graphs, and one known frame."""

    bundles: Bundles = ()
    """Names, folders or game folders; without any, all that ship."""

    def run(self, started: float) -> None:
        """Print a line for each bundle. Raises CheckFailed when one is not as it says."""
        from reverie.engine import library
        from reverie.engine.verify import verify

        games = [read_game(name) for name in self.bundles if is_game_folder(name)]
        for game in games:
            game.require_dream()
        paths = [library.resolve(name) for name in self.bundles] or list(library.shipped().values())
        bad = 0
        for path in paths:
            findings = verify(path)
            bad += bool(findings)
            print(f"{path.name}: {'good' if not findings else ''}{'; '.join(map(str, findings))}")
        if bad:
            raise CheckFailed(f"{bad} of {len(paths)} bundles are not what they say they are.")
        for game in games:
            print(f"next: reverie play {game.folder}")
