"""Vectors of codes, computed from the pictures of the codes. Rare patches share what common patches teach."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEATURES = 192
"""Features of a picture: as many as an 8x8 patch has numbers."""


@torch.no_grad()
def picture_features(pictures: Tensor) -> Tensor:
    """Pictures (vocabulary, pixels) float to their principal components, half whitened: (vocabulary, K).

    Half whitening gives small details, such as a creature's eye, some weight beside the colour of the floor.
    """
    u, s, _ = torch.linalg.svd(pictures - pictures.mean(0), full_matrices=False)
    return u * s.sqrt()


class CodeFeatures(nn.Module):
    """Computes vectors of codes from their pictures: a table for each use, added to the learnt vectors.

    A creature on every part of a log at every offset gives thousands of rare codes. The model sees each code too seldom
    to learn it, but sees the parts of its picture often.
    """

    def __init__(self, vocabulary: int, width: int, tables: Mapping[str, int]) -> None:
        """width: features between picture and vectors. tables: width of each table of vectors, by name."""
        super().__init__()
        self.register_buffer("features", torch.zeros(vocabulary, FEATURES))
        self.features: Tensor
        self.input = nn.Linear(FEATURES, width)
        self.tables = nn.ModuleDict({name: nn.Linear(width, size, bias=False) for name, size in tables.items()})
        for table in self.tables.values():
            nn.init.zeros_(table.weight)  # type: ignore[arg-type]

    @torch.no_grad()
    def set_pictures(self, pictures: Tensor) -> None:
        """Set the picture of each code: (vocabulary, pixels) float."""
        features = picture_features(pictures)[:, :FEATURES]
        self.features.zero_()[:, : features.shape[1]] = features / features.std()

    def table(self, name: str, some: Tensor | None = None) -> Tensor:
        """Return the vectors of all codes, or of `some` (N,) int64 of them: (codes, width of that table)."""
        features = self.features if some is None else self.features[some]
        vectors: Tensor = self.tables[name](F.gelu(self.input(features)))
        return vectors
