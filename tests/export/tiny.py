"""A tiny trained-looking run, so that a whole export takes seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from reverie.games.base import ACTIONS
from reverie.models.registry import describe_network
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder, DiffusionDecoderConfig
from reverie.models.tokens.networks import build_tokenizer
from reverie.models.tokens.patch_vq import PatchVQConfig
from reverie.models.tokens.two_level_vq import TwoLevelVQConfig
from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.models.v1.vqvae import VQVAE, VQVAEConfig
from reverie.models.v1.world_model import VisualWorldModel, VisualWorldModelConfig

GARDEN = {"garden": ("noop", "up", "down", "left", "right")}


def tiny_run(
    folder: Path,
    kind: str = "v1.1",
    decoder: bool = False,
    games: Mapping[str, Sequence[str]] = GARDEN,
    **dynamics_has: object,
) -> Path:
    """A run folder with random weights. The real v1.1 grid of 8 x 8, everything else as small as it goes.

    Of several games the first shows the first code and then every so many, the second the codes after those, and so on.

    decoder: it has a diffusion decoder too. games: their actions. dynamics_has: what else a v1.1 model's
    configuration says.
    """
    actions = [name for name in ACTIONS if any(name in own for own in games.values())]
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    if kind == "v1":
        tokenizer_config = VQVAEConfig(vocabulary=32, code_width=8, width=16, encoder_blocks=1, decoder_blocks=1)
        dynamics_config = VisualWorldModelConfig(vocabulary=32, width=64, layers=2, heads=2)
        tokenizer, dynamics, history = VQVAE(tokenizer_config), VisualWorldModel(dynamics_config), 2
    else:
        tokenizer_config = PatchVQConfig(vocabulary=64)
        sizes: dict[str, Any] = {"vocabulary": 64, "width": 64, "layers": 1, "heads": 2, "causal_layers": 1}
        sizes |= {"games": len(games), "actions": len(actions)}
        dynamics_config = WorldModelConfig(**sizes | dynamics_has)
        if dynamics_config.fine:
            tokenizer_config = TwoLevelVQConfig(level_vocabulary=32, patch=4)
        tokenizer, dynamics, history = build_tokenizer(tokenizer_config), TemporalVisualWorldModel(dynamics_config), 4
        dynamics.mask_codes(torch.arange(64) % len(games) == torch.arange(len(games))[:, None])
    with torch.no_grad():  # sharp enough that what is most likely does not hang on rounding
        for name, parameter in dynamics.named_parameters():
            if name in ("code", "code.weight"):
                parameter.mul_(8)
    save_file(tokenizer.state_dict(), folder / "tokenizer.safetensors")
    save_file(dynamics.state_dict(), folder / "dynamics.safetensors")
    rng = np.random.default_rng(0)
    np.savez_compressed(
        folder / "starts.npz",
        frames=rng.integers(0, 256, (3 * len(games), history, 64, 64, 3), np.uint8),
        actions=np.concatenate([rng.integers(0, len(own), (3, history - 1), np.uint8) for own in games.values()]),
        seeds=np.arange(3 * len(games)),
        games=np.arange(len(games)).repeat(3),
    )
    record: dict[str, Any] = {
        "recipe": "tiny", "kind": kind, "history": history, "size": 64,
        "games": {game: list(own) for game, own in games.items()}, "actions": actions,
        "sampling": {"temperature": 1.0, "min_p": 0.02},
        "networks": {"tokenizer": describe_network(tokenizer), "dynamics": describe_network(dynamics)},
        "training": {"minutes": 0, "frames": 0}, "metrics": {},
    }  # fmt: skip
    if decoder:
        config = DiffusionDecoderConfig(vocabulary=64, patch=8, widths=(8, 16), conditioning=16)
        diffusion = _trained_looking(DiffusionDecoder(config))
        record["networks"]["decoder"], record["decoder_steps"] = describe_network(diffusion), 2
        save_file(diffusion.state_dict(), folder / "decoder.safetensors")
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def _trained_looking(decoder: DiffusionDecoder) -> DiffusionDecoder:
    """Nothing hides behind a zero at initialisation."""
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return decoder
