"""Writes a site: a folder of static files that plays one dream in the browser.

A site is the page (`page/`), the bundle's files in `dream/`, and `site.json`, which says what the page needs beside the
manifest: settings with their titles, games with their keys, sizes of files.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reverie.engine.bundle import check_files, load_starts, read_manifest
from reverie.engine.errors import BundleError
from reverie.engine.families import family
from reverie.engine.graph_check import check_graph
from reverie.engine.graph_file import parse_graph
from reverie.engine.manifest import DATA, MANIFEST, Manifest
from reverie.reading import read_regular
from reverie.web.families import extra_files

PAGE = Path(__file__).parent / "page"
SITE = "site.json"
DREAM = "dream"
WORKER = "sw.js"
WASM = "vendor/onnxruntime-web/ort-wasm-simd-threaded.wasm"
FORMAT = 1


@dataclass(frozen=True)
class GameInfo:
    """What the page says of a game. title, goal: for people. keys: what to do → names of keys, as in keys.json."""

    title: str
    goal: str
    keys: Mapping[str, tuple[str, ...]]


def write_site(
    bundle: Path, out: Path, games: Mapping[str, GameInfo], explained: Mapping[str, str], isolated: bool = False
) -> int:
    """Write the site of a bundle to `out`, whole or not at all; an older site there is replaced. Returns its bytes.

    games: by name, one for each game of the bundle. explained: what to do → words for the help.
    isolated: let the page's service worker set the headers that more threads need.
    Raises BundleError for whatever is wrong with the bundle, FileExistsError where `out` holds anything but a site,
    and OSError.
    """
    manifest, digest = read_manifest(bundle)
    check_files(bundle, manifest)
    load_starts(bundle, manifest)
    weights = {name: weights_of(bundle, manifest, name) for name in manifest.graphs}
    check_target(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".reverie-", dir=out.parent) as work:
        site = Path(work) / "site"
        shutil.copytree(PAGE, site, ignore=shutil.ignore_patterns("__pycache__", "package.json", "jsconfig.json"))
        dream = site / DREAM
        dream.mkdir()
        files = {graph.file for graph in manifest.graphs.values()} | {manifest.starts}
        for name in sorted(files.union(*weights.values())):
            target = dream / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle / name, target)
        shutil.copyfile(bundle / MANIFEST, dream / MANIFEST)
        extra = extra_files(manifest)
        for name, data in extra.items():
            (dream / name).write_bytes(data)
        info = {
            "format": FORMAT,
            "manifest_sha256": digest,
            "files": {path.relative_to(dream).as_posix(): path.stat().st_size for path in files_in(dream)},
            "weights": weights,
            "extra": {name: hashlib.sha256(data).hexdigest() for name, data in extra.items()},
            "wasm_bytes": (site / WASM).stat().st_size,
            "settings": settings_of(manifest),
            "games": {name: asdict(games[name]) for name in manifest.games},
            "explained": dict(explained),
            "isolated": isolated,
        }
        (site / SITE).write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8")
        _tell_worker(site)
        site.chmod(0o755)
        if out.exists():
            out.rename(Path(work) / "old")
        site.rename(out)
    return sum(path.stat().st_size for path in files_in(out))


def check_target(out: Path) -> None:
    """Raise FileExistsError where `out` is there and is neither a site nor an empty folder."""
    if out.is_symlink() or (out.exists() and not (out.is_dir() and ((out / SITE).is_file() or not any(out.iterdir())))):
        raise FileExistsError(f"{out} is there and is no shared page; choose another folder.")


def files_in(folder: Path) -> list[Path]:
    """All files below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def settings_of(manifest: Manifest) -> dict[str, Any]:
    """Each setting of the bundle: what the manifest declares of it, and how its family names and shows it."""
    infos = family(manifest.family).SETTINGS
    found = {}
    for name, info in infos.items():
        if (spec := manifest.settings.get(name)) is None:
            continue
        shown = {key: value for key, value in asdict(info).items() if key not in ("default", "choices")}
        found[name] = {**shown, **asdict(spec), "whole": isinstance(spec.default, int)}
    return found


def weights_of(bundle: Path, manifest: Manifest, graph: str) -> list[str]:
    """The files from which a graph reads its weights. Raises BundleError where the graph may not be opened."""
    spec = manifest.graphs[graph]
    check_graph(bundle, spec)
    initializers = parse_graph(read_regular(bundle / spec.file, DATA[".onnx"])).initializers.values()
    folder = Path(spec.file).parent
    files = {(folder / item.external.location).as_posix() for item in initializers if item.external is not None}
    if files - set(manifest.files):
        raise BundleError(f"{bundle / spec.file} reads a file that the manifest does not name: export the bundle again")
    return sorted(files)


def _tell_worker(site: Path) -> None:
    """Let the service worker know what it keeps: the files of the site, and a name of this build of it."""
    digest = hashlib.sha256()
    for path in files_in(site):
        digest.update(path.relative_to(site).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    names = [path.relative_to(site).as_posix() for path in files_in(site)]
    files = ["./", *(quote(name) for name in names if name != WORKER)]
    worker = site / WORKER
    text = worker.read_text(encoding="utf-8")
    told = f'self.VERSION = "{digest.hexdigest()[:16]}";\nself.FILES = {json.dumps(files)};\n'
    worker.write_text(told + text, encoding="utf-8")
