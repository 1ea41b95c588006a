"""Leaving out the codes that nothing ever shows: a recipe has enough for any game, and many games need few."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from reverie.export.tokens.networks import Run
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder
from reverie.models.tokens.patch_vq import PatchVQ
from reverie.models.tokens.world_model import TemporalVisualWorldModel


def with_shown_codes(run: Run) -> Run:
    """The same run with those codes alone that one of its games shows, in the same order.

    They have the same logits as before; the others were ruled out. The codes of v1 and of two levels stay as they are.
    """
    if not isinstance(run.dynamics, TemporalVisualWorldModel) or not isinstance(run.tokenizer, PatchVQ):
        return run
    shown = (run.dynamics.absent == 0).any(0).nonzero()[:, 0]
    if len(shown) == run.tokenizer.config.vocabulary:
        return run
    count = len(shown)
    tokenizer = PatchVQ(replace(run.tokenizer.config, vocabulary=count))
    dynamics = TemporalVisualWorldModel(replace(run.dynamics.config, vocabulary=count, code_features=0))
    _take(tokenizer, run.tokenizer, shown)
    _take(dynamics, run.dynamics, shown)
    decoder = None
    if run.decoder is not None:
        decoder = DiffusionDecoder(replace(run.decoder.config, vocabulary=count))
        _take(decoder, run.decoder, shown)
    return replace(run, tokenizer=tokenizer, dynamics=dynamics, decoder=decoder)


def _take(fewer: nn.Module, network: nn.Module, codes: Tensor) -> None:
    """Fill in a network whose tensors differ from those of `network` only in how many codes they are about."""
    weights = network.state_dict()
    for name, wanted in fewer.state_dict().items():
        for axis, size in enumerate(wanted.shape):
            if weights[name].shape[axis] != size:
                weights[name] = weights[name].index_select(axis, codes)
    fewer.load_state_dict(weights)
    fewer.eval().requires_grad_(False)
