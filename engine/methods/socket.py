"""SOCKET: cross-modal knowledge transfer without task-relevant source data.

Ahmed, Lohit, Peng, Jones and Roy-Chowdhury, ECCV 2022 (arXiv 2209.04027). Frozen classifiers, one encoder a source
model adapted to the sensor, scalar mixing weights where there are several sources.

    L = im_weight L_IM + pseudo_weight CE + statistics_weight sum_k a_k L_d^k + pairs_weight sum_k a_k L_TI^k

Deliberate differences from the released program:

* The mixing weights are normalised (softmax). There, one bare sigmoid multiplies L_d, and training drives it to zero
  within some 25 steps; the setting `as_released` repeats that for comparison.
* Every source has statistics of its own.
* The features of the RGB partners are computed once, for every mirrored or turned view a pair can be shown in; both
  images of a pair are always in the same view.
* Running statistics of the adapted network describe the target alone: pairs are normalised by their own batch and leave
  no trace in the averages.
* Networks without BatchNorm2d are matched at their other normalisation layers, or at the outputs of their convolutions,
  against moments measured on the pairs' RGB images.
* L_d is measured relative to each layer's own spread unless the setting `statistics_norm` says "published". The
  published sum of plain norms depends on the scale of a network's values: in a small ResNet its gradient was some
  hundred times that of all other terms and training fell below the untouched model (CONTRIBUTING.md, Decisions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from bandbridge.engine.losses.moments import RelativeStatisticsDistance, StatisticsDistance
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.moments_recorder import MomentsRecorder
from bandbridge.engine.methods.pair_matching import PairMatching
from bandbridge.engine.methods.self_training import SelfTraining
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term, inverse_decay
from torch import Tensor, nn


class ReleasedWeight(nn.Module):
    """The bare sigmoid of the released program, kept only to show what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Parameter(torch.zeros(()))

    def forward(self) -> Tensor:
        """A weight in 0..1 that nothing holds up."""
        return self.score.sigmoid()


class Socket:
    """The four terms of SOCKET on a target batch and a batch of pairs.

    Args:
        ground: Images and models, with pairs.

    Raises:
        UsageError: There are no pairs to train on, or the sources' features differ in width.
    """

    name = "SOCKET"
    streams = ("target", "pairs")

    def __init__(self, ground: Ground) -> None:
        ground.require_pairs("SOCKET")
        ground.require_one_width()
        self._ground = ground
        self._self_training = SelfTraining(ground)
        self._pairs = PairMatching(ground, str(ground.settings["pairs_norm"]))
        self.terms = ("information", "pseudo-labels", "statistics", "pairs", *self._pairs.terms)
        self._recorders = [MomentsRecorder(member.encoder) for member in ground.members]
        relative = ground.settings["statistics_norm"] == "relative"
        measure = RelativeStatisticsDistance if relative else StatisticsDistance
        self._distances = [
            measure(MomentsRecorder(member.source).expected(member.rgb, ground.control))
            for member in ground.members
            if member.rgb is not None
        ]
        self._released = ReleasedWeight().to(ground.target.device) if ground.settings["as_released"] else None
        self.schedule = Schedule("sgd", ground.learning_rate, inverse_decay)

    def modules(self) -> Mapping[str, nn.Module]:
        """Sensor twins, mixing weights, pseudo-labels, and what the pairs are matched with."""
        found = {**self._ground.modules(), "self-training": self._self_training, **self._pairs.modules()}
        if self._released is not None:
            found["released weight"] = self._released
        return found

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """One optimiser for encoders and mixing weights, and what the pairs' matching needs; the heads are frozen."""
        groups = self._ground.parameter_groups()
        if self._released is not None:
            groups.append(ParameterGroup([self._released.score], 10.0))
        return {"model": groups, **self._pairs.parameter_groups()}

    def refresh(self) -> None:
        """New pseudo-labels from the mixed features."""
        self._self_training.refresh()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective of four terms, and what the pairs' matching learns of its own."""
        target, pairs = batches["target"], batches["pairs"]
        mixing = self._ground.mixing()  # (n,)
        logits: Tensor | None = None
        statistics = mixing.new_zeros(())
        for position, (weight, member) in enumerate(zip(mixing, self._ground.members, strict=True)):
            with self._recorders[position].recording() as seen:
                features = member.encoder(target.images)  # (B, D)
            scores = weight * member.head(features)  # (B, K)
            logits = scores if logits is None else logits + scores
            statistics = statistics + weight * self._distances[position](seen)
        assert logits is not None
        if self._released is not None:
            statistics = self._released() * statistics
        matched = self._pairs.match(pairs)
        terms = {
            **self._self_training.terms(logits, target),
            "statistics": Term(self._ground.number("statistics_weight"), statistics),
            "pairs": Term(self._ground.number("pairs_weight"), matched.distance),
        }
        return (Objective(terms, ("model",)), *matched.objectives)
