"""What can go wrong when a person names a game."""

from __future__ import annotations


class UnknownGame(ValueError):
    """The name is not one of the built-in games. The message is one sentence that lists those that exist."""


class UnknownPolicy(ValueError):
    """The name is not one of the playing policies. The message is one sentence that lists those that exist."""


class UnsuitableGame(ValueError):
    """An environment that cannot be made or played here. The message is one sentence: what is wrong, what to do."""
