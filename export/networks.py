"""The networks of a trained run, read back from its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from reverie.engine.manifest import MOST_STEPS, SamplingDefaults
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder, DiffusionDecoderConfig
from reverie.models.tokens.networks import (
    KINDS,
    Dynamics,
    Tokenizer,
    build_dynamics,
    build_tokenizer,
    dynamics_config,
    tokenizer_config,
    tuples,
)
from reverie.models.tokens.patch_vq import PatchVQ
from reverie.models.tokens.world_model import TemporalVisualWorldModel


class ExportError(ValueError):
    """A run cannot become a bundle. One clear sentence."""


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
    sampling: SamplingDefaults
    decoder: DiffusionDecoder | None = None

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """All of them."""
        return (self.tokenizer, self.dynamics, *((self.decoder,) if self.decoder is not None else ()))


def read_run(folder: Path) -> Run:
    """Read a run folder. Raises ExportError where something is missing, damaged or of an unknown kind."""
    file = folder / "run.json"
    try:
        record = json.loads(file.read_text())
        sampling = SamplingDefaults(**record["sampling"])
        kind = record["kind"]
        if kind not in KINDS:
            raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS)}")
        tokenizer = build_tokenizer(tokenizer_config(kind, record["tokenizer"]))
        dynamics = build_dynamics(dynamics_config(kind, record["dynamics"]))
        decoder = _decoder(record, tokenizer)
    except FileNotFoundError:
        raise ExportError(
            f"{folder} is not a trained run: it has no run.json; name the folder given to `reverie train -o`"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{file} does not describe a run that can be exported ({error})") from None
    networks: dict[str, nn.Module] = {"tokenizer": tokenizer, "dynamics": dynamics}
    if decoder is not None:
        networks["decoder"] = decoder
    for name, network in networks.items():
        weights = folder / f"{name}.safetensors"
        try:
            network.load_state_dict(load_file(weights))
        except FileNotFoundError:
            raise ExportError(f"{weights} is missing: train the run to its end first") from None
        except (SafetensorError, RuntimeError):
            raise ExportError(f"{weights} is damaged or of another model: train the run again") from None
        network.eval().requires_grad_(False)
    if isinstance(dynamics, TemporalVisualWorldModel):
        dynamics.settle()
    try:
        with np.load(folder / "starts.npz", allow_pickle=False) as arrays:
            starts = {name: arrays[name] for name in ("frames", "actions", "seeds", "games")}
    except (OSError, ValueError, KeyError):
        raise ExportError(f"{folder / 'starts.npz'} is missing or damaged: train the run again") from None
    return Run(record, tokenizer, dynamics, starts, sampling, decoder)


def _decoder(record: dict[str, Any], tokenizer: Tokenizer) -> DiffusionDecoder | None:
    """The diffusion decoder that a record describes, untrained. Raises ValueError where it does not fit the rest."""
    if "decoder" not in record:
        return None
    config, steps = DiffusionDecoderConfig(**tuples(record["decoder"])), record["decoder_steps"]
    shared = ("vocabulary", "patch", "grid")
    if not isinstance(tokenizer, PatchVQ) or any(getattr(config, x) != getattr(tokenizer.config, x) for x in shared):
        raise ValueError("the decoder's vocabulary, patch and grid must be those of the tokenizer")
    if not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"decoder_steps must be 1 to {MOST_STEPS}, not {steps}")
    return DiffusionDecoder(config)
