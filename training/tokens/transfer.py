"""Initialises dynamics from another run's, by matching codes that look the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

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
FEED_FORWARD = re.compile(r".*layers\.\d+\.feed_forward\.(up|down)\.(weight|bias)")
"""Matrices of feed-forward blocks, which may have one for each game, and may be of another width inside."""
RESIDUAL = re.compile(r"(local\.conv|out|feed_forward\.down)\.(weight|bias)")
"""What a layer adds to its input."""


def init_from_run(
    dynamics: TemporalVisualWorldModel,
    tokenizer: PatchVQ | TwoLevelVQ,
    other: TrainedRun,
    world: str,
    rules: int,
    games: Sequence[str],
    log: Callable[[str], None],
) -> None:
    """Give the dynamics the weights of another run, as far as they fit. Says so where they do not fit at all.

    world: the recording's game. In a built-in one, codes are matched by what both tokenizers make of the same frames,
    played by those rules.
    games: the recording's, by their numbers.
    """
    their_tokenizer, theirs = other.networks.get("tokenizer"), other.networks.get("dynamics")
    if not isinstance(their_tokenizer, PatchVQ | TwoLevelVQ) or not isinstance(theirs, TemporalVisualWorldModel):
        log(f"begins anew: the codes of {other.folder} are of another kind")
        return
    theirs.fold()
    matches = match_codes(tokenizer.code_pictures().cpu(), their_tokenizer.code_pictures())
    if world in registry.names():
        matches = match_codes_in_play(world, rules, (tokenizer, their_tokenizer), matches)
    known = list(other.record["games"])
    numbers = [known.index(game) if game in known else None for game in games]
    fresh = init_from_weights(dynamics, theirs.state_dict(), matches, numbers)
    new = sorted({name.rpartition(".")[0] for name in fresh})
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
    world: str,
    rules: int,
    tokenizers: tuple[Tokenizer, Tokenizer],
    by_picture: Tensor,
    ticks: int = 1000,
    batch: int = 64,
) -> Tensor:
    """As `match_codes`, by what two tokenizers make of the same moments of a built-in game, each at its own size.

    by_picture: (V,) int64, the result for codes that do not occur.
    """
    mine, other = tokenizers
    game, policy = registry.get(world)(batch, rules), registry.policy(world, "explore", batch, seed=0)
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
def init_from_weights(
    model: nn.Module, other: dict[str, Tensor], matches: Tensor, games: Sequence[int | None] = (0,)
) -> list[str]:
    """Give a dynamics model the weights of another one, as far as they fit.

    other: the state dict of a model of the same kind. matches: (V,) int64, the other's code for each code. games: the
    other's number of each game, None for one that it did not know, which begins as the mean of those that it knew.
    Rows for older frames than the other knew, layers that it did not have, and features inside a feed-forward block
    beyond the other's begin as what changes nothing; whatever else it lacks stays as it is. Each expert begins as a
    copy of the block that its game had. Which codes a game shows is not taken over. Returns the names of what did not
    come from `other`.
    """
    fresh = []
    for name, tensor in model.state_dict().items():
        if name == "absent":
            continue
        if name not in other:
            fresh.append(name)
            layer = re.fullmatch(r".*layers\.\d+\.(.*)", name)
            if layer and RESIDUAL.fullmatch(layer[1]):
                tensor.zero_()
        elif not _take(name, tensor, other[name], matches, games):
            fresh.append(name)
    return fresh


def _take(name: str, tensor: Tensor, source: Tensor, matches: Tensor, games: Sequence[int | None]) -> bool:
    """Fill in one tensor, as `init_from_weights` does. Returns whether it fits."""
    if block := FEED_FORWARD.fullmatch(name):
        return _take_block(block[1], block[2], tensor, source, games)
    rows_fit = source.shape[1:] == tensor.shape[1:]
    if name in BY_CODE and rows_fit:
        tensor.copy_(source[matches])
    elif name == "game.weight" and rows_fit:
        for row, number in zip(tensor, games, strict=True):
            row.copy_(_of_game(source, number))
    elif source.shape == tensor.shape:
        tensor.copy_(source)
    elif BY_AGE.fullmatch(name) and rows_fit:
        known = min(len(source), len(tensor))
        tensor[:known] = source[:known]
        if name.endswith("age_bias"):
            tensor[known:] = source[-1] - 2  # an older frame is looked at less than the oldest so far
    else:
        return False
    return True


def _of_game(source: Tensor, number: int | None) -> Tensor:
    """What belongs to a game by its number, of (games, ...): the mean of all for one that is not known."""
    return source.mean(0) if number is None else source[number]


def _take_block(layer: str, kind: str, tensor: Tensor, source: Tensor, games: Sequence[int | None]) -> bool:
    """Fill in the weight or bias (kind) of a feed-forward block's layer `up` or `down`, shared or of experts.

    Returns whether it fits: the width outside is the same and that inside no smaller.
    """

    def as_experts(x: Tensor) -> Tensor:
        """(experts, features, out) or (experts, out); of a shared block a view as one expert."""
        if kind == "weight":
            return x if x.ndim == 3 else x.mT[None]
        return x if x.ndim == 2 else x[None]

    mine, theirs = as_experts(tensor), as_experts(source)
    inside = {"up.weight": 2, "up.bias": 1, "down.weight": 1}.get(f"{layer}.{kind}")
    sizes = zip(mine.shape[1:], theirs.shape[1:], strict=True)
    if any(a != b and (axis != inside or a < b) for axis, (a, b) in enumerate(sizes, 1)):
        return False
    shared = len(theirs) == 1 or len(mine) == 1
    for expert, number in zip(mine, [None] * len(mine) if shared else games, strict=True):
        own = _of_game(theirs, number)
        if layer == "down":
            expert.zero_()  # what is new inside adds nothing yet
        expert[tuple(slice(size) for size in own.shape)] = own
    return True
