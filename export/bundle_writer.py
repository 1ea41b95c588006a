"""A bundle is written beside its target, checked there, and only then renamed into place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from PIL import Image

from reverie.engine.bundle import Bundle
from reverie.engine.files import sha256_of
from reverie.engine.manifest import MANIFEST, Manifest
from reverie.engine.unfinished import unfinished_folder
from reverie.engine.verify import known_dream, sha256_of_z
from reverie.export.errors import ExportError


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """A fresh folder beside `target` that takes its place when the block ends well, and vanishes when it does not.

    What stood there before stays until then, and comes back where it cannot be replaced.
    Raises ExportError if `target` is something else than a bundle or an empty folder.
    """
    target = target.absolute()
    check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    old = target.with_name(f".{target.name}.reverie-old")
    _settle(old, target)  # a process may have been killed in the middle of the swap
    with unfinished_folder(target.name, target.parent) as folder:
        try:
            yield folder
            folder.chmod(0o755)
            if target.exists():
                target.rename(old)
            folder.rename(target)
        finally:
            _settle(old, target)


def check_target(target: Path) -> None:
    """Raise ExportError if `target` is something else than a bundle or an empty folder."""
    if target.exists() and not (target.is_dir() and ((target / MANIFEST).exists() or not any(target.iterdir()))):
        raise ExportError(f"{target} exists and is not a bundle: choose another folder")


def _settle(old: Path, target: Path) -> None:
    """The bundle before is put back where there is none, and removed where there is a new one."""
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def seal(folder: Path, manifest: Manifest) -> Manifest:
    """Dream the known frame, write its picture, hash every file and write the manifest. Returns it as written."""
    picture = folder / manifest.known_frame.frame
    picture.touch()
    manifest = hashed(folder, manifest)
    bundle = Bundle.load(folder)
    dream = known_dream(bundle)
    Image.fromarray(dream.frame).save(picture)
    known = replace(manifest.known_frame, sha256=sha256_of_z(dream.z))
    return hashed(folder, replace(manifest, known_frame=known))


def hashed(folder: Path, manifest: Manifest) -> Manifest:
    """Hash every file and write the manifest. Returns it as written."""
    for file in folder.iterdir():
        file.chmod(0o644)
    files = {file.name: sha256_of(file) for file in sorted(folder.iterdir()) if file.name != MANIFEST}
    manifest = replace(manifest, files=files)
    (folder / MANIFEST).write_text(manifest.to_json())
    return manifest
