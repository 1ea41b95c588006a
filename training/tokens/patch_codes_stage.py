"""The stage that learns the codes of a `PatchVQ` or `TwoLevelVQ`, without gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from reverie.models.tokens.patch_vq import PatchVQ
from reverie.models.tokens.two_level_vq import TwoLevelVQ
from reverie.training.data.recording import Recording
from reverie.training.loop.stage import Stage
from reverie.training.tokens.patch_codes import PatchCodesTraining, learn_patch_codes
from reverie.training.tokens.tokenizer_figures import tokenizer_figures


class PatchCodesStage(Stage[PatchVQ | TwoLevelVQ]):
    """Makes the commonest patches of a recording the codes of a tokenizer."""

    name = "tokenizer"

    def __init__(
        self,
        network: PatchVQ | TwoLevelVQ,
        recording: Recording,
        config: PatchCodesTraining,
        seed: int,
        device: torch.device,
        log: Callable[[str], None],
    ) -> None:
        """network: on the device."""
        self.network, self.recording, self.config = network, recording, config
        self.seed, self.device, self.log = seed, device, log

    def prepare(self) -> None:
        """Count patches and fill in the codebooks, on the processor."""
        learn_patch_codes(self.network.cpu(), self.recording, self.config, self.seed, self.log)
        self.network.to(self.device)

    def held_out(self, network: PatchVQ | TwoLevelVQ) -> dict[str, Any]:
        """PSNR, whole frames that come back exactly, and use of the codes, on frames of the recording."""
        return tokenizer_figures(network, self.recording, self.seed, self.device)
