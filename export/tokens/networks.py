"""The networks of a trained run, read back from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from reverie.engine.tokens.settings import MOST_STEPS, SETTINGS
from reverie.export.errors import ExportError
from reverie.export.quantize import round_to_half
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder
from reverie.models.tokens.networks import Dynamics, Tokenizer
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.training import runs
from reverie.training.errors import RunError

EXACT = ("encoder", "down", "to_code", "codebook")
"""The parts of a tokenizer, v1's or v1.1's, that decide which token a patch becomes. Export never rounds them.

Training has rounded them already. Where two codes lie close together, an encoder rounded now would choose otherwise
than in training, and the dynamics would meet tokens they have never seen.
"""


@dataclass(frozen=True)
class Run:
    """A trained run.

    record: the content of `run.json`. tokenizer, dynamics: the trained networks, in evaluation mode.
    starts: `frames` (N, T, H, W, 3), `actions` (N, T - 1) uint8, `seeds` and `games` (N,). sampling: the bundle's
    defaults. decoder: the diffusion decoder, where one was trained.
    """

    record: dict[str, Any]
    tokenizer: Tokenizer
    dynamics: Dynamics
    starts: dict[str, NDArray[np.generic]]
    sampling: dict[str, float]
    decoder: DiffusionDecoder | None = None

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All of them, by the names that a manifest has for them."""
        networks: dict[str, nn.Module] = {"tokenizer": self.tokenizer, "dynamics": self.dynamics}
        return networks if self.decoder is None else {**networks, "decoder": self.decoder}


def read_run(folder: Path, unfinished: bool = False) -> Run:
    """Read a run folder. Raises ExportError where something is missing, damaged or of an unknown kind.

    unfinished: the run is still learning, and may lack its decoder.
    """
    try:
        trained, starts = runs.read_run(folder, whole=not unfinished), runs.read_starts(folder)
    except RunError as error:
        raise ExportError(str(error).rstrip(".")) from error
    record, networks = trained.record, trained.networks
    try:
        sampling = _sampling(record["sampling"])
    except (KeyError, TypeError, ValueError) as error:
        raise ExportError(f"{folder / 'run.json'} does not describe a run that can be exported ({error})") from None
    tokenizer, dynamics, decoder = (networks.get(name) for name in ("tokenizer", "dynamics", "decoder"))
    if not isinstance(tokenizer, Tokenizer) or not isinstance(dynamics, Dynamics):
        raise ExportError(f"{folder / 'run.json'} does not describe a tokenizer and dynamics")
    assert decoder is None or isinstance(decoder, DiffusionDecoder)
    shared = ("vocabulary", "patch", "grid")
    if decoder is not None and any(getattr(decoder.config, x) != getattr(tokenizer.config, x, None) for x in shared):
        raise ExportError("the decoder's vocabulary, patch and grid must be those of the tokenizer")
    if decoder is not None and not 1 <= record.get("decoder_steps", 0) <= MOST_STEPS:
        raise ExportError(f"decoder_steps must be 1 to {MOST_STEPS}, not {record.get('decoder_steps')}")
    if isinstance(dynamics, TemporalVisualWorldModel):
        dynamics.fold()
    return Run(record, tokenizer, dynamics, starts, sampling, decoder)


def _sampling(value: dict[str, Any]) -> dict[str, float]:
    """The sampler's defaults that a record gives. Raises ValueError for another one."""
    if unknown := set(value) - set(SETTINGS):
        raise ValueError(f"sampling has no {unknown.pop()}")
    return {name: int(number) if name == "passes" else float(number) for name, number in value.items()}


def round_run(run: Run) -> None:
    """Round the weights of a run, in place, to what a bundle in half precision holds."""
    round_to_half(run.tokenizer, exact=EXACT)
    round_to_half(run.dynamics, *([run.decoder] if run.decoder else []))
