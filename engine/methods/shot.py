"""SHOT: source hypothesis transfer (Liang, Hu and Feng, ICML 2020, arXiv 2002.08546).

The classifier stays, the encoder learns to give confident, varied predictions (information maximisation) and to agree
with pseudo-labels of its own feature centroids. No pairs are used. Difference from the paper: no label smoothing is
needed for the source, which is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.self_training import SelfTraining
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, inverse_decay
from torch import nn


class Shot:
    """L = im_weight L_IM + pseudo_weight CE(centroid labels), on the target alone.

    Args:
        ground: Images and models, a single source.
    """

    name = "SHOT"
    streams = ("target",)
    terms = ("information", "pseudo-labels")

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._member = ground.members[0]
        self._self_training = SelfTraining(ground)
        self.schedule = Schedule("sgd", ground.learning_rate, inverse_decay)

    def modules(self) -> Mapping[str, nn.Module]:
        """The sensor twin and the pseudo-labels."""
        return {**self._ground.modules(), "self-training": self._self_training}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """The encoder; the head is frozen."""
        return {"encoder": self._ground.parameter_groups()}

    def refresh(self) -> None:
        """New pseudo-labels."""
        self._self_training.refresh()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective of two terms."""
        target = batches["target"]
        logits = self._member.head(self._member.encoder(target.images))  # (B, K)
        return (Objective(self._self_training.terms(logits, target), ("encoder",)),)
