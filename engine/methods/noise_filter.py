"""MNF, the mask that keeps what of one view's features belongs to another view."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class NoiseFilter(nn.Module):
    """m = sigmoid(MLP[t ; f]): which parts of the teacher's features belong to what the student sees.

    Args:
        width: D of both; 2 D -> D / 2 -> D, which is 1024 -> 256 -> 512 as published.

    Source:
        MNF (arXiv 2304.07775).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = max(width // 2, 1)
        self.layers = nn.Sequential(
            nn.Linear(2 * width, inner), nn.BatchNorm1d(inner), nn.ReLU(), nn.Linear(inner, width)
        )

    def forward(self, teacher: Tensor, features: Tensor) -> Tensor:
        """(B, D) each -> mask (B, D) in 0..1."""
        mask: Tensor = self.layers(torch.cat([teacher, features], dim=1)).sigmoid()
        return mask

    def weights(self) -> list[Tensor]:
        """The matrices that shall stay sparse."""
        return [layer.weight for layer in self.layers if isinstance(layer, nn.Linear)]
