"""`reverie export`: a trained run becomes a checked bundle, by the export of its family."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from reverie.engine.manifest import PRECISIONS
from reverie.export.errors import ExportError
from reverie.training import runs
from reverie.training.errors import RunError

FAMILIES = {
    **dict.fromkeys(("v1", "v1.1", "v2"), "reverie.export.tokens.run_export"),
    "latent": "reverie.export.latent.run_export",
}
"""Kind of a run → the module of its family; its `export_run` does the work."""


def export_run(
    run_dir: str | Path,
    out: str | Path,
    precision: str = "fp16",
    name: str = "",
    log: Callable[[str], None] = print,
) -> Path:
    """Turn a run folder into a bundle folder, which replaces an older bundle there. Returns the folder.

    precision: how weights are stored: fp32, fp16 (half the size, same speed), or int8 (smallest; the family says what
    then computes in bytes).
    name: what the bundle calls itself, by default the name of its folder.
    Raises ExportError, with nothing written, where the run is unfit or a graph does not compute what its network does.
    """
    if precision not in PRECISIONS:
        raise ExportError(f"unknown precision {precision!r}: choose {', '.join(PRECISIONS)}")
    folder, out = Path(run_dir), Path(out)
    try:
        kind = runs.read_record(folder).get("kind")
    except RunError as error:
        raise ExportError(str(error).rstrip(".")) from error
    if kind is None:
        raise ExportError(f"{folder} is not a trained run: it has no run.json; name the folder of `reverie train -o`")
    if kind not in FAMILIES:
        raise ExportError(f"{folder / 'run.json'} is of a kind that cannot be exported: {kind!r}")
    exported: Path = import_module(FAMILIES[kind]).export_run(folder, out, precision, name or out.name, log)
    return exported
