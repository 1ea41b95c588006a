"""A trained tokenizer of any kind: read from its file, and how well it draws what it has encoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from reverie.models.tokens.networks import Tokenizer, codes
from reverie.training.data.recording import Recording
from reverie.training.loop.checkpoint import load_weights
from reverie.training.loop.device_context import Place
from reverie.training.tokens.decoder_figures import psnr_db
from reverie.training.tokens.patch_codes import some_frames


@torch.no_grad()
def tokenizer_figures(model: Tokenizer, recording: Recording, seed: int, place: Place) -> dict[str, Any]:
    """PSNR in dB of decode(encode(x)), codes used and their perplexity, on about 2000 frames of each game.

    `exact_frames` says for each game which share of its frames comes back to the pixel. What goes wrong in a frame is
    where something is over something else, the player perhaps, and a mean over all patches hardly shows that.
    model: any tokenizer, on the place's device.
    """
    psnr, hits = [], torch.zeros(codes(model.config), device=place.device)
    exact: dict[str, float] = {}
    for number, game in enumerate(recording.games):
        same = []
        for part in some_frames(recording, 2000, np.random.default_rng(seed), number):
            x = place.to_device(torch.from_numpy(part))
            tokens = model.encode(x)
            again = model.decode(tokens)
            same.append((x == again).all(-1).all(-1).all(-1).float())
            psnr.append(psnr_db(x, again))
            hits += torch.bincount(tokens.flatten(), minlength=len(hits))
        exact[game] = float(torch.cat(same).mean())
    p = hits[hits > 0] / hits.sum()
    return {
        "psnr_db": float(torch.cat(psnr).mean()),
        "exact_frames": exact,
        "codebook_used": len(p),
        "codebook_perplexity": float((-(p * p.log()).sum()).exp()),
    }


def load_tokenizer(model: torch.nn.Module, path: Path) -> None:
    """Read a trained tokenizer's weights and make it ready for use."""
    load_weights(path, model)
    model.eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
