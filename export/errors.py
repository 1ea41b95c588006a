"""The one kind of error that an export raises for a person's mistake."""


class ExportError(ValueError):
    """A run cannot become a bundle. The message is one sentence."""
