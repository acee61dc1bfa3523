"""DECISION: several source models weighed against each other (Ahmed et al., CVPR 2021, arXiv 2104.01845).

What SHOT does with one source model, done with the weighted answers of several; encoders and weights learn together:

    o(x) = sum_k a_k C_k(F_k(x)),   a_k >= 0,   sum_k a_k = 1
    L = im_weight L_IM(o) + pseudo_weight CE(o, centroid labels)

Deliberate choices:

* What goes into the softmax is mixed, as in the finished model, and not each source's probabilities.
* Pseudo-labels come from centroids of the mixed features sum_k a_k F_k(x), as in SOCKET, and not from those of each
  source.
* With a single source model it is SHOT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.self_training import SelfTraining
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, inverse_decay
from torch import nn


class Decision:
    """L = im_weight L_IM + pseudo_weight CE(centroid labels) of the weighted answers, on the target alone.

    Args:
        ground: Images and models, one or several sources.

    Raises:
        UsageError: The sources' features differ in width.
    """

    name = "DECISION"
    streams = ("target",)
    terms = ("information", "pseudo-labels")

    def __init__(self, ground: Ground) -> None:
        ground.require_one_width()
        self._ground = ground
        self._self_training = SelfTraining(ground)
        self.schedule = Schedule("sgd", ground.learning_rate, inverse_decay)

    def modules(self) -> Mapping[str, nn.Module]:
        """Sensor twins, mixing weights and pseudo-labels."""
        return {**self._ground.modules(), "self-training": self._self_training}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """One optimiser for encoders and mixing weights; the heads are frozen."""
        return {"model": self._ground.parameter_groups()}

    def refresh(self) -> None:
        """New pseudo-labels from the mixed features."""
        self._self_training.refresh()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective of two terms."""
        target = batches["target"]
        answers = [member.head(member.encoder(target.images)) for member in self._ground.members]
        logits = torch.einsum("n,nbk->bk", self._ground.mixing(), torch.stack(answers))  # (B, K)
        return (Objective(self._self_training.terms(logits, target), ("model",)),)
