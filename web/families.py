"""What a family's page needs beside the bundle."""

from __future__ import annotations

from importlib import import_module

from reverie.engine.manifest import Manifest

EXTRAS: dict[str, str] = {"tokens": "reverie.web.correction", "latent": "reverie.web.correction"}
"""Family → the module whose `extra_files(manifest)` gives files by name; a family without an entry needs none."""


def extra_files(manifest: Manifest) -> dict[str, bytes]:
    """The files that the page's module of the family reads, by name."""
    if manifest.family not in EXTRAS:
        return {}
    found: dict[str, bytes] = import_module(EXTRAS[manifest.family]).extra_files(manifest)
    return found
