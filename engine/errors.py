"""What can be wrong with the files a person brings; each error is one clear sentence."""

from __future__ import annotations


class BundleError(ValueError):
    """A bundle is missing, damaged or not understood. The message says which file and what to do."""


class TapeError(ValueError):
    """A tape cannot be read or does not belong to this bundle. The message says why and what to do."""
