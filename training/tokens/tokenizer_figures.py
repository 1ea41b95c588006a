"""How well a tokenizer of any kind draws what it has encoded."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from reverie.models.tokens.networks import Tokenizer, codes
from reverie.training.correction.figures import psnr_db
from reverie.training.data.recording import Recording
from reverie.training.tokens.patch_codes import some_frames


@torch.no_grad()
def tokenizer_figures(model: Tokenizer, recording: Recording, seed: int, device: torch.device) -> dict[str, Any]:
    """PSNR in dB of decode(encode(x)), codes used and their perplexity, on about 2000 frames of each game.

    `exact_frames`: for each game, the share of frames in which every pixel comes back. Errors are mostly where one
    object covers another, such as the player, which a mean over all patches hardly shows.
    model: any tokenizer, on the device.
    """
    psnr, hits = [], torch.zeros(codes(model.config), device=device)
    exact: dict[str, float] = {}
    for number, game in enumerate(recording.games):
        same = []
        for part in some_frames(recording, 2000, np.random.default_rng(seed), number):
            x = torch.from_numpy(part).to(device)
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
