"""What SHOT and SOCKET share: pseudo-labels made anew every epoch, and the two terms on the target batch."""

from __future__ import annotations

import torch
from bandbridge.engine.losses.information import information_maximisation
from bandbridge.engine.losses.pseudo_labels import centroid_labels
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.training.stage import Batch, Term
from torch import Tensor, nn
from torch.nn import functional


class SelfTraining(nn.Module):
    """Holds the pseudo-labels (a buffer, so that checkpoints keep them) and gives the two target terms.

    Args:
        ground: The images and models.
    """

    labels: Tensor

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.register_buffer("labels", torch.zeros(len(ground.target), dtype=torch.int64, device=ground.target.device))
        self._ground = ground

    def refresh(self) -> None:
        """Look at all target images and label them by their nearest class centroid."""
        survey = self._ground.look()
        rounds = int(self._ground.number("hard_rounds"))
        self.labels.copy_(centroid_labels(survey.features, survey.probabilities, hard_rounds=rounds))

    def terms(self, logits: Tensor, batch: Batch) -> dict[str, Term]:
        """Information maximisation and cross-entropy with the pseudo-labels.

        Args:
            logits: (B, K) of the target batch.
            batch: The target batch.
        """
        return {
            "information": Term(self._ground.number("im_weight"), information_maximisation(logits)),
            "pseudo-labels": Term(
                self._ground.number("pseudo_weight"), functional.cross_entropy(logits, self.labels[batch.indices])
            ),
        }
