"""How often the model's own rollouts of a game show a legal picture, as the game's state reader judges them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from reverie.games import registry
from reverie.models.tokens.networks import Tokenizer, frame_size
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.training.tokens.rollouts import Sampling, roll_out
from reverie.training.tokens.windows import TokenEpisodes, Windows

MOST_FRAMES = 64
"""Frames that are decoded at a time."""


EPISODES, CONTEXT, FRAMES = 8, 4, 48
"""Rollouts of a game, true frames that each begins with, and frames of each that are dreamt."""


class LegalShare:
    """Judges rollouts of several games, for `dynamics_stage.DynamicsStage`."""

    def __init__(self, tokenizer: Tokenizer, games: Sequence[str], sampling: Sampling) -> None:
        """games: the recording's, by their numbers."""
        self.tokenizer, self.games, self.sampling = tokenizer, tuple(games), sampling
        size = frame_size(tokenizer.config)
        self.readers = {
            number: registry.reader(game, size)
            for number, game in enumerate(self.games)
            if registry.has_reader(game) and size in registry.get(game).sizes
        }

    def __call__(self, network: TemporalVisualWorldModel, episodes: TokenEpisodes, game: int) -> float | None:
        """Return the share of legal pictures in rollouts from these episodes.

        None where the game has no reader. Frames are fewer where half of the episodes are shorter, and None is returned
        where these are too short to begin with.
        """
        length = min(CONTEXT + FRAMES, int(np.median(episodes.lengths[episodes.games == game])))
        if game not in self.readers or length <= CONTEXT:
            return None
        rng, device = np.random.default_rng(0), next(network.parameters()).device
        windows = Windows(episodes, length, weights=[float(other == game) for other in range(len(self.games))])
        drawn = windows.draw(EPISODES, rng)
        tokens, actions = (torch.from_numpy(x).to(device) for x in (drawn.tokens, drawn.actions))
        generator = torch.Generator().manual_seed(0)
        dreamt = roll_out(network, tokens[:, :CONTEXT], actions[:, :-1], game, self.sampling, generator)
        return self.legal(dreamt.flatten(0, 1), game)

    @torch.no_grad()
    def legal(self, tokens: Tensor, game: int) -> float:
        """Return the share of legal pictures among tokens (N, S) of a game that has a reader."""
        legal = 0
        for part in tokens.split(MOST_FRAMES):
            frames = np.ascontiguousarray(self.tokenizer.decode(part).cpu().numpy())
            legal += int(self.readers[game].read(frames).valid.sum())
        return legal / len(tokens)
