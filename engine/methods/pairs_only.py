"""Pairs only: supervision transfer from the RGB image of a pair to its sensor image.

Gupta, Hoffman and Malik, Cross Modal Distillation for Supervision Transfer, CVPR 2016 (arXiv 1507.00448). The source
model's view of an RGB image is the label of its sensor partner; target images are not learned from:

    L = answers_weight KL(softmax C(F_s(x^s)) || softmax C(F_t(x^t))) + features_weight E[((F_t - F_s) / spread)^2]

Deliberate differences from the paper:

* It transfers to what the last linear layer gives; there, to the values of a layer in the middle. Matching the features
  that enter the last layer is a choice (`features_weight`), in units of each feature's own spread.
* The classifier stays as it is; there, a detector is trained on labels afterwards.
* The features of the RGB partners are computed once, for every mirrored or turned view a pair can be shown in.
* Running statistics describe the target: each step also shows the network a batch of target images, without gradient.
  An epoch is one round over these, so that all methods take the same number of steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from bandbridge.engine.losses.pairs import answer_divergence, sample_distance
from bandbridge.engine.methods.ground import Ground, statistics_kept
from bandbridge.engine.methods.partner_features import PartnerFeatures
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term, inverse_decay
from torch import nn


class PairsOnly:
    """Answers and features on the sensor images of pairs, as the source model has them on their RGB partners.

    Args:
        ground: Images and models, a single source, with pairs.

    Raises:
        UsageError: There are no pairs to train on.
    """

    name = "Pairs only"
    streams = ("target", "pairs")
    terms = ("answers", "features")

    def __init__(self, ground: Ground) -> None:
        ground.require_pairs("'Pairs only'")
        self._ground = ground
        self._member = ground.members[0]
        self._partners = PartnerFeatures(self._member, ground)
        self.schedule = Schedule("sgd", ground.learning_rate, inverse_decay)

    def modules(self) -> Mapping[str, nn.Module]:
        """The sensor twin."""
        return self._ground.modules()

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """The encoder; the head is frozen."""
        return {"encoder": self._ground.parameter_groups()}

    def refresh(self) -> None:
        """Look at all target images, for the record."""
        self._ground.look()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective of two terms, on the pairs alone."""
        encoder, head, pairs = self._member.encoder, self._member.head, batches["pairs"]
        with torch.no_grad():
            encoder(batches["target"].images)  # for the running statistics
        wanted = self._partners.of(pairs)  # (B, D)
        with statistics_kept(encoder):
            features = encoder(pairs.images)  # (B, D)
        terms = {
            "answers": Term(self._ground.number("answers_weight"), answer_divergence(head(features), head(wanted))),
            "features": Term(
                self._ground.number("features_weight"), sample_distance(features, wanted, self._partners.spread)
            ),
        }
        return (Objective(terms, ("encoder",)),)
