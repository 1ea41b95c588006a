"""How the games of a session are opened: with which settings a dream, and from what the real game beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.app.errors import Mistake
from reverie.app.extras import needs_games
from reverie.engine.families import family
from reverie.engine.settings import Settings, Value, completed, settings_of
from reverie.games.environment import Environment
from reverie.games.worlds import RealWorld, environment_of, named, open_world

if TYPE_CHECKING:
    from reverie.app.play.choice import Choice
    from reverie.engine.bundle import Bundle
    from reverie.engine.dream import Dream
    from reverie.engine.manifest import Manifest


def settings_in(bundle: Bundle, choice: Choice, old: Dream | None) -> Settings:
    """The settings asked for as far as that bundle has them.

    old: the dream before it, whose choices (such as the mode) stay. Raises ValueError where there is none before it and
    the bundle lacks what was asked for.
    """
    manifest = bundle.manifest
    asked = dict(choice.settings)
    if old is None:
        return settings_of(manifest, completed(family(manifest.family).SETTINGS, asked))
    for name, spec in manifest.settings.items():
        if spec.choices is not None and old.settings.get(name) in spec.choices:
            asked[name] = old.settings[name]
    return settings_of(manifest, {name: value for name, value in asked.items() if has(manifest, name, value)})


def has(manifest: Manifest, name: str, value: Value | None) -> bool:
    """Whether that setting of the bundle can have that value."""
    try:
        settings_of(manifest, {name: value})
    except ValueError:
        return False
    return True


def dream_name(bundle: Bundle, game: str) -> str:
    """What a dream is called in a recording; one of several games says which."""
    name = f"dream:{bundle.manifest.name}"
    return f"{name}/{game}" if len(bundle.manifest.games) > 1 else name


def open_real(game: str, bundle: Bundle | None, choice: Choice, size: int) -> RealWorld:
    """The real game. Raises Mistake where a dream of it has other actions, ValueError for what cannot be played."""
    with needs_games():
        real = open_world(_environment(game, bundle, choice), size, rules_of(game, bundle))
    if bundle and game in bundle.manifest.games and real.actions != bundle.manifest.actions_of(game):
        raise Mistake(f"{real.name} has other actions than the dream; play the game folder that it was made in.")
    return real


def rules_of(game: str, bundle: Bundle | None) -> int | None:
    """The number of the rules that a dream of that game knows; None, for the newest, where the bundle has none."""
    return bundle.manifest.rules_of(game) if bundle and game in bundle.manifest.games else None


def _environment(game: str, bundle: Bundle | None, choice: Choice) -> Environment:
    """How the real game is made: as the person says, or as the bundle may say."""
    if choice.environment:
        return choice.environment
    if game == choice.game or bundle is None or game not in bundle.manifest.games:
        return named(game)
    manifest = bundle.manifest
    return environment_of(game, manifest.actions_of(game), manifest.training)
