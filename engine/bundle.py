"""A bundle: one folder, one playable world model, checked when it is opened and never changed after."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.cores import default_threads
from reverie.engine.agent import Agent
from reverie.engine.dynamics import Dynamics
from reverie.engine.errors import BundleError
from reverie.engine.families import family
from reverie.engine.files import sha256_of
from reverie.engine.manifest import DATA, MANIFEST, MOST_BYTES, Manifest
from reverie.npz import NpzError, read_npz
from reverie.reading import read_regular, why
from reverie.schema import SchemaError, read_json

BACKENDS = ("onnx", "torch", "onnx-cuda", "torch-cuda")
"""What runs a bundle: on the processor, or on a GPU. Where a GPU cannot be used, the runtime's `note` says why."""
PROGRAMS = (".pt2", ".pt", ".pth", ".pkl", ".pickle", ".py", ".pyc", ".so", ".dylib", ".dll", ".exe")
"""What a bundle's folder never holds. Nothing in it is run; such a file is there to be opened by something else."""


@dataclass(frozen=True)
class Starts:
    """Histories that a dream can start from.

    frames: (N, history, H, W, 3) uint8, oldest first. actions: (N, history - 1) uint8, actions[:, i] led from frame i
    to i + 1, each an index into its own game's actions. seeds: (N,) of the rounds they were taken from. games: (N,),
    the number of each one's game.
    """

    frames: NDArray[np.uint8]
    actions: NDArray[np.uint8]
    seeds: NDArray[np.int64]
    games: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frames)

    def of(self, game: int) -> Starts:
        """Those of one game, by its number."""
        mine = self.games == game
        return self if mine.all() else Starts(self.frames[mine], self.actions[mine], self.seeds[mine], self.games[mine])


@dataclass(frozen=True)
class Bundle:
    """An opened bundle, shared by any number of dreams.

    path: its folder. manifest: what it says of itself. digest: SHA-256 of the manifest, and through the hashes in it of
    everything else. backend: what runs it. runtime: its graphs (`engine.runtime.Runtime`), or with torch its networks.
    starts: the start histories, read-only. agents: by game; who plays it when nobody does. dynamics: the family over
    the runtime.
    """

    path: Path
    manifest: Manifest
    digest: str
    backend: str
    runtime: Any
    starts: Starts
    agents: Mapping[str, Agent] = field(default_factory=dict)
    dynamics: Dynamics = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dynamics", family(self.manifest.family).dynamics(self.manifest, self.runtime))

    @staticmethod
    def load(path: str | Path, backend: str = "onnx", threads: int | None = None) -> Bundle:
        """Open a folder, verify every file's SHA-256 and load the graphs.

        backend: `onnx`, or `torch` where the manifest describes networks; `onnx-cuda` and `torch-cuda` on a GPU.
        threads: for the graphs; by default as many as this process may use, at most four (these graphs are too small
        for more).
        Raises BundleError for whatever is wrong with the folder, ValueError for an unknown backend.
        """
        if backend not in BACKENDS:
            raise ValueError(f"unknown backend {backend!r}: choose {', '.join(BACKENDS)}")
        folder = Path(path)
        manifest, digest = read_manifest(folder)
        check_files(folder, manifest)
        starts = load_starts(folder, manifest)
        runtime = _runtime(folder, manifest, backend, threads)
        ran_by = backend.removesuffix("-cuda") if runtime.note else backend
        agents = {game: Agent(folder, spec, len(manifest.actions_of(game))) for game, spec in manifest.agents.items()}
        return Bundle(folder, manifest, digest, ran_by, runtime, starts, agents)


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest of a folder and its SHA-256. Raises BundleError."""
    file = folder / MANIFEST
    if not folder.is_dir():
        raise BundleError(f"{folder} is not a bundle: there is no such folder")
    try:
        value, data = read_json(file, MOST_BYTES)
    except FileNotFoundError:
        raise BundleError(f"{folder} is not a bundle: it has no {MANIFEST}") from None
    except (OSError, SchemaError) as error:
        reason = why(error) if isinstance(error, OSError) else error
        raise BundleError(f"{file} cannot be read ({reason}): export or download the bundle again") from None
    return Manifest.parse(value, file), hashlib.sha256(data).hexdigest()


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raise BundleError for a program, or a file that is missing or not the one the manifest was written for."""
    root = folder.resolve()
    for file in folder.iterdir():
        if file.suffix.lower() in PROGRAMS:
            raise BundleError(f"{file} is a program, and a bundle holds none: export the bundle again")
    for name, expected in manifest.files.items():
        file = folder / name
        if not file.is_file():
            raise BundleError(f"{file} is missing: export or download the bundle again")
        if not file.resolve().is_relative_to(root):
            raise BundleError(f"{file} leads out of the bundle: replace the link by the file")
        if file.stat().st_size > (most := DATA[file.suffix]):
            raise BundleError(f"{file} is larger than {most >> 20} MiB: export or download the bundle again")
        try:
            actual = sha256_of(file)
        except OSError as error:
            raise BundleError(f"{file} cannot be read ({error.strerror}): check its permissions") from None
        if actual != expected:
            raise BundleError(f"{file} was altered or cut short: export or download the bundle again")


def load_starts(folder: Path, manifest: Manifest) -> Starts:
    """Read the start histories. Raises BundleError if they do not fit the manifest."""
    file = folder / manifest.starts
    side, history = manifest.resolution, manifest.history
    # A bundle of one game need not say which.
    names = ("frames", "actions", "seeds", *(["games"] if len(manifest.games) > 1 else []))
    try:
        arrays = read_npz(read_regular(file, DATA[".npz"]), names, DATA[".npz"])
    except (OSError, NpzError) as error:
        reason = why(error) if isinstance(error, OSError) else error
        raise BundleError(f"{file} does not hold start histories ({reason}): export the bundle again") from None
    seeds = arrays["seeds"].astype(np.int64)
    games = arrays["games"].astype(np.int64) if "games" in arrays else np.zeros_like(seeds)
    starts = Starts(arrays["frames"], arrays["actions"], seeds, games)
    n = len(arrays["frames"]) if arrays["frames"].ndim else 0
    fits = starts.frames.shape == (n, history, side, side, 3) and starts.frames.dtype == np.uint8
    fits &= starts.actions.shape == (n, history - 1) and starts.seeds.shape == starts.games.shape == (n,) and n > 0
    fits &= starts.actions.dtype.kind in "iu"
    fits = fits and set(starts.games.tolist()) == set(range(len(manifest.games)))
    if fits and starts.actions.size:
        actions = np.array([len(manifest.actions_of(game)) for game in manifest.games])
        fits = bool((starts.actions.max(1) < actions[starts.games]).all())
    if not fits:
        raise BundleError(
            f"{file} does not fit the manifest's history, resolution, games or actions: export the bundle again"
        )
    if not 0 <= manifest.known_frame.start < len(starts.of(0)):
        raise BundleError(f"{folder / MANIFEST}: known_frame.start is not one of the {len(starts.of(0))} starts")
    for array in (starts.frames, starts.actions, starts.seeds, starts.games):
        array.flags.writeable = False
    return starts


def _runtime(folder: Path, manifest: Manifest, backend: str, threads: int | None) -> Any:
    cuda = backend.endswith("-cuda")
    if backend.startswith("onnx"):
        from reverie.engine.onnx_runtime import OnnxRuntime

        return OnnxRuntime(folder, manifest.graphs, threads or default_threads(), cuda)
    if manifest.networks is None:
        raise BundleError(f"{folder} describes no networks for torch: leave --backend out, or export its run again")
    try:
        from reverie.engine.torch_runtime import TorchRuntime
    except ImportError:
        how = '`pip install -c constraints.txt ".[train]"` in the folder of the project'
        raise BundleError(f"the torch backend needs torch: {how}") from None
    return TorchRuntime(folder, manifest, threads, cuda)
