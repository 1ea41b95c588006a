"""A tiny trained-looking run of the latent family, so that a whole export takes seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from reverie.models.latent.autoencoder import Autoencoder, AutoencoderConfig
from reverie.models.latent.diffusion_decoder import LatentDecoder, LatentDecoderConfig
from reverie.models.latent.dynamics import LatentDynamics, LatentDynamicsConfig
from reverie.models.registry import describe_network

ACTIONS = ("noop", "up", "down", "left", "right", "a")


def tiny_run(folder: Path, decoder: bool = False, whole: bool = False, **record_has: Any) -> Path:
    """A run folder with random weights.

    decoder: with a diffusion decoder. whole: the trunk itself denoises. record_has: what else its record says.
    """
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    autoencoder = Autoencoder(AutoencoderConfig(channels=8, width=16, encoder_blocks=1, decoder_blocks=1))
    sizes: dict[str, Any] = {"grid": (8, 8), "channels": 8, "merge": 2, "actions": 6, "history": 5}
    sizes |= {"width": 32, "layers": 2, "heads": 2, "denoiser_width": 32, "denoiser_layers": 1, "denoiser_heads": 2}
    dynamics = LatentDynamics(LatentDynamicsConfig(**sizes, whole=whole, rewards=(0.0, 1.0)))
    networks: dict[str, nn.Module] = {"autoencoder": autoencoder, "dynamics": dynamics}
    if decoder:
        networks["decoder"] = LatentDecoder(LatentDecoderConfig(channels=8, widths=(8, 16), conditioning=8, spread=0.3))
        nn.init.normal_(networks["decoder"].leave.weight, std=0.5)
        record_has = {"decoder_steps": 3, **record_has}
    for name, network in networks.items():
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / f"{name}.safetensors")
    rng = np.random.default_rng(0)
    np.savez_compressed(
        folder / "starts.npz",
        frames=rng.integers(0, 256, (3, 5, 64, 64, 3), np.uint8),
        actions=rng.integers(0, 6, (3, 4), np.uint8),
        seeds=np.arange(3),
        games=np.zeros(3, np.int64),
    )
    record = {
        "recipe": "tiny", "kind": "latent", "history": 5, "size": 64, "steps": 2,
        "games": {"crypt": list(ACTIONS)}, "actions": list(ACTIONS),
        "networks": {name: describe_network(network) for name, network in networks.items()},
        "training": {"minutes": 0, "frames": 0}, "metrics": {},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps({**record, **record_has}))
    return folder
