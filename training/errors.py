"""The one kind of error that a person's mistake in a training raises."""

from __future__ import annotations


class RunError(ValueError):
    """A run cannot be started, resumed or read. The message is one sentence for a person."""
