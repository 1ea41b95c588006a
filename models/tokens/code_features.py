"""Vectors of codes from their pictures, so that what is learnt of common patches holds for the rare ones too."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEATURES = 192
"""Numbers that a picture is told by: all that an 8x8 patch has."""


@torch.no_grad()
def picture_features(pictures: Tensor) -> Tensor:
    """Pictures (vocabulary, pixels) float to their principal components, halfway to whitening: (vocabulary, K).

    Halfway, because the eye of a creature should not drown in the colour of the floor.
    """
    u, s, _ = torch.linalg.svd(pictures - pictures.mean(0), full_matrices=False)
    return u * s.sqrt()


class CodeLooks(nn.Module):
    """What a code's picture says of it: a table of vectors for each use, added to what is learnt of the code alone.

    Where a creature stands on every part of a log at every offset, there are thousands of codes, each seldom seen. Each
    by itself is learnt badly; what it shows is made of parts that are seen all the time.
    """

    def __init__(self, vocabulary: int, width: int, tables: Mapping[str, int]) -> None:
        """width: of what lies between picture and vectors. tables: width of each table of vectors, by name."""
        super().__init__()
        self.register_buffer("features", torch.zeros(vocabulary, FEATURES))
        self.features: Tensor
        self.seen = nn.Linear(FEATURES, width)
        self.tables = nn.ModuleDict({name: nn.Linear(width, size, bias=False) for name, size in tables.items()})
        for table in self.tables.values():
            nn.init.zeros_(table.weight)  # type: ignore[arg-type]

    @torch.no_grad()
    def look_at(self, pictures: Tensor) -> None:
        """pictures: (vocabulary, pixels) float, what each code looks like."""
        features = picture_features(pictures)[:, :FEATURES]
        self.features.zero_()[:, : features.shape[1]] = features / features.std()

    def table(self, name: str, some: Tensor | None = None) -> Tensor:
        """Of all codes, or of `some` (N,) int64 of them: (codes, width of that table)."""
        features = self.features if some is None else self.features[some]
        vectors: Tensor = self.tables[name](F.gelu(self.seen(features)))
        return vectors
