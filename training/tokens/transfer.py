"""Initialises dynamics from another run's, by matching codes that look the same."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.games import registry
from reverie.models.tokens.networks import Tokenizer, codes, frame_size
from reverie.models.tokens.patch_vq import PatchVQ
from reverie.models.tokens.two_level_vq import TwoLevelVQ
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.training.runs import TrainedRun

BY_CODE = ("token.weight", "code", "code_bias", "causal_head.previous.weight", "outcome_head.token.weight")
"""Tensors with a row for every code."""
BY_AGE = re.compile(r"layers\.\d+\.age_(key|value|bias)")
"""Tensors with a row for every frame of the history."""
RESIDUAL = re.compile(r"(local\.conv|out|feed_forward\.down)\.(weight|bias)")
"""What a layer adds to its input."""


def init_from_run(
    dynamics: TemporalVisualWorldModel,
    tokenizer: PatchVQ | TwoLevelVQ,
    other: TrainedRun,
    world: str,
    log: Callable[[str], None],
) -> None:
    """Give the dynamics the weights of another run, as far as they fit. Does nothing where that run is of v1.

    world: the recording's game. In a built-in one, codes are matched by what both tokenizers make of the same frames.
    """
    their_tokenizer, theirs = other.networks.get("tokenizer"), other.networks.get("dynamics")
    if not isinstance(their_tokenizer, PatchVQ | TwoLevelVQ) or not isinstance(theirs, TemporalVisualWorldModel):
        return
    theirs.fold()
    matches = match_codes(tokenizer.code_pictures().cpu(), their_tokenizer.code_pictures())
    if world in registry.names():
        matches = match_codes_in_play(world, (tokenizer, their_tokenizer), matches)
    new = sorted({name.rpartition(".")[0] for name in init_from_weights(dynamics, theirs.state_dict(), matches)})
    log(f"begins from {other.folder}; new: {', '.join(new) or 'nothing'}")


def match_codes(pictures: Tensor, others: Tensor) -> Tensor:
    """Return for each code the code of another tokenizer that looks most like it: (V,) int64.

    pictures: (V, pixels), others: (V', pixels'), what each code looks like, square RGB patches in [0, 1]. The larger
    patches are averaged down to the size of the smaller.
    """

    def as_images(x: Tensor) -> Tensor:
        side = round((x.shape[1] // 3) ** 0.5)
        return x.reshape(-1, side, side, 3).permute(0, 3, 1, 2)

    a, b = as_images(pictures), as_images(others)
    side = min(a.shape[-1], b.shape[-1])
    a, b = (F.adaptive_avg_pool2d(x, side).flatten(1) for x in (a, b))
    return torch.cdist(a, b).argmin(1)


@torch.no_grad()
def match_codes_in_play(
    world: str, tokenizers: tuple[Tokenizer, Tokenizer], by_picture: Tensor, ticks: int = 1000, batch: int = 64
) -> Tensor:
    """As `match_codes`, by what two tokenizers make of the same moments of a built-in game, each at its own size.

    by_picture: (V,) int64, the result for codes that do not occur.
    """
    mine, other = tokenizers
    game, policy = registry.get(world)(batch), registry.policy(world, "explore", batch, seed=0)
    device = mine.get_buffer(next(name for name, _ in mine.named_buffers())).device
    game.reset(np.arange(batch), vary=True)
    vocabulary, others = codes(mine.config), codes(other.config)
    together = torch.zeros(vocabulary * others, dtype=torch.int32)
    for _ in range(ticks):
        a, b = (torch.from_numpy(game.render(frame_size(each.config))) for each in (mine, other))
        pairs = mine.encode(a.to(device)).cpu().flatten() * others + other.encode(b).flatten()
        together += torch.bincount(pairs, minlength=len(together)).int()
        game.step(policy.act(game))
    table = together.reshape(vocabulary, others)
    return torch.where(table.any(1), table.argmax(1), by_picture)


@torch.no_grad()
def init_from_weights(model: nn.Module, other: dict[str, Tensor], matches: Tensor) -> list[str]:
    """Give a dynamics model the weights of another one, as far as they fit.

    other: the state dict of a model of the same kind. matches: (V,) int64, the other's code for each code.
    Rows for older frames than the other knew, and layers that it did not have, begin as what changes nothing; whatever
    else it lacks stays as it is. Returns the names of what did not come from `other`.
    """
    fresh = []
    for name, tensor in model.state_dict().items():
        source = other.get(name)
        if source is not None and name in BY_CODE and source.shape[1:] == tensor.shape[1:]:
            tensor.copy_(source[matches])
        elif source is not None and source.shape == tensor.shape:
            tensor.copy_(source)
        elif source is not None and BY_AGE.fullmatch(name) and source.shape[1:] == tensor.shape[1:]:
            known = min(len(source), len(tensor))
            tensor[:known] = source[:known]
            if name.endswith("age_bias"):
                tensor[known:] = source[-1] - 2  # an older frame is looked at less than the oldest so far
        else:
            fresh.append(name)
            layer = re.fullmatch(r".*layers\.\d+\.(.*)", name)
            if source is None and layer and RESIDUAL.fullmatch(layer[1]):
                tensor.zero_()
    return fresh
