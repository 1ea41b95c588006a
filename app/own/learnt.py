"""What a training may begin with: another run, or a dream, whose weights are a run's."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.app.errors import Mistake
from reverie.engine import library
from reverie.engine.bundle import check_files, read_manifest
from reverie.engine.errors import BundleError
from reverie.engine.manifest import MANIFEST

if TYPE_CHECKING:
    from reverie.training.runs import TrainedRun


def what_was_learnt(name: Path) -> TrainedRun:
    """Open a run's folder, or a dream by its name or folder.

    Raises Mistake for a dream without networks to go on from, BundleError or RunError for what is damaged or missing.
    """
    from reverie.engine.torch_networks import load_networks
    from reverie.training.runs import TrainedRun, read_run

    if (name / "run.json").is_file():
        return read_run(name, whole=False)
    try:
        folder = library.resolve(name)
    except BundleError:
        folder = name
    if not (folder / MANIFEST).is_file():
        return read_run(name, whole=False)
    manifest, _ = read_manifest(folder)
    if manifest.networks is None:
        raise Mistake(f"The dream {manifest.name} holds no networks to go on from; name another dream, or a run.")
    check_files(folder, manifest)
    games = {game: list(manifest.actions_of(game)) for game in manifest.games}
    record = {
        "recipe": manifest.training.get("recipe"),
        "games": games,
        "actions": list(manifest.actions),
        "training": {key: value for key, value in manifest.training.items() if key != "recipe"},
        "networks": {kind: asdict(network) for kind, network in manifest.networks.kinds.items()},
    }
    return TrainedRun(folder, record, load_networks(folder, manifest.networks))
