"""What AaD and NRC share: features and probabilities of all target images, remembered."""

from __future__ import annotations

import torch
from bandbridge.engine.losses.neighbours import nearest
from bandbridge.engine.methods.ground import Ground
from torch import Tensor, nn
from torch.nn import functional


class NeighbourBank(nn.Module):
    """Features (length 1) and probabilities of all target images; buffers, so that checkpoints keep them.

    Args:
        ground: The images and models, a single source.
    """

    directions: Tensor
    probabilities: Tensor

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        images, head, device = len(ground.target), ground.members[0].head, ground.target.device
        self.register_buffer("directions", torch.zeros(images, head.in_features, device=device))  # (N, D)
        self.register_buffer("probabilities", torch.zeros(images, head.out_features, device=device))  # (N, K)
        self._ground = ground

    def refresh(self) -> None:
        """Look at all target images and remember what the model makes of them."""
        survey = self._ground.look()
        self.directions.copy_(functional.normalize(survey.features, dim=1))
        self.probabilities.copy_(survey.probabilities)

    def remember(self, indices: Tensor, features: Tensor, probabilities: Tensor) -> None:
        """Bring the images of a batch up to date.

        Args:
            indices: (B,) which images they are.
            features: (B, D).
            probabilities: (B, K).
        """
        self.directions[indices] = functional.normalize(features.detach().float(), dim=1)
        self.probabilities[indices] = probabilities.detach().float()

    def neighbours(self, indices: Tensor, count: int) -> Tensor:
        """Indices of the images most similar by angle, none its own neighbour. (...) -> (..., count)."""
        with torch.no_grad(), torch.autocast(self.directions.device.type, enabled=False):
            return nearest(self.directions[indices], self.directions, indices, count)
