"""Supervised training of a source model from labelled RGB images.

Cross-entropy with smoothed labels, as SHOT and SOCKET train their sources (Szegedy et al., CVPR 2016);
AdamW (Loshchilov and Hutter, ICLR 2019, arXiv 1711.05101) under a one-cycle schedule (Smith and Topin 2018, arXiv
1708.07120).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.training.passes import feature_pass
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term
from bandbridge.engine.training.streams import ImageBank
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize

LABEL_SMOOTHING = 0.1
WEIGHT_DECAY = 0.05
PRETRAINED_RATE = 0.1
WARM_UP = 0.3


def one_cycle(done: float) -> float:
    """Share of training done, 0..1 -> multiple of the peak rate: up for the first 30 %, then down to nearly 0."""
    if done < WARM_UP:
        return _cosine(0.04, 1.0, done / WARM_UP)
    return _cosine(1.0, 1e-4, (done - WARM_UP) / (1.0 - WARM_UP))


def _cosine(first: float, last: float, done: float) -> float:
    return last + (first - last) * (1.0 + math.cos(math.pi * done)) / 2.0


class Supervised:
    """L = CE(head(encoder(x)), y), labels smoothed by 0.1.

    Args:
        encoder: (B, 3, S, S) -> (B, D); trained.
        head: (B, D) -> (B, K); trained.
        learning_rate: Peak of the one-cycle schedule.
        bank: All images.
        held_out: Indices of those kept aside, shown at every epoch's end and never trained on.
        control: Looked at every batch of the pass over them.
        pretrained: Whether the encoder starts from trained weights; it then moves ten times slower than the head.
        normalised_head: Train the head's weights as length times direction (Salimans and Kingma, NeurIPS 2016), as
            SOCKET's sources are; `plain_head` folds them.
    """

    name = "Training a source model"
    streams = ("labelled",)
    terms = ("cross-entropy",)

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Linear,
        *,
        learning_rate: float,
        bank: ImageBank,
        held_out: NDArray[np.int64],
        control: Control,
        pretrained: bool = False,
        normalised_head: bool = False,
    ) -> None:
        self._encoder = encoder
        self._head = parametrizations.weight_norm(head) if normalised_head else head
        self.bank = bank
        self._held_out = held_out
        self._control = control
        self._encoder_rate = PRETRAINED_RATE if pretrained else 1.0
        self.schedule = Schedule("adamw", learning_rate, one_cycle)
        self.held_out_probabilities = torch.zeros(0, head.out_features)

    def modules(self) -> Mapping[str, nn.Module]:
        """Encoder and head."""
        return {"encoder": self._encoder, "head": self._head}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """Weights decay, biases and normalisation layers do not."""
        groups: list[ParameterGroup] = []
        for module, rate in ((self._encoder, self._encoder_rate), (self._head, 1.0)):
            for decays in (True, False):
                chosen = [p for p in module.parameters() if p.requires_grad and (p.ndim > 1) is decays]
                groups.append(ParameterGroup(chosen, rate, WEIGHT_DECAY if decays else 0.0))
        return {"network": groups}

    def refresh(self) -> None:
        """Look at the images kept aside; (M, K) probabilities in `held_out_probabilities`."""
        if len(self._held_out) == 0:
            return
        features = feature_pass(self._encoder, self.bank, self._control, chosen=self._held_out)
        with torch.no_grad():
            self.held_out_probabilities = self._head(features).softmax(dim=1).cpu()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective of one term."""
        batch = batches["labelled"]
        assert batch.labels is not None
        logits: Tensor = self._head(self._encoder(batch.images))  # (B, K)
        loss = functional.cross_entropy(logits, batch.labels, label_smoothing=LABEL_SMOOTHING)
        return (Objective({"cross-entropy": Term(1.0, loss)}, ("network",)),)

    def plain_head(self) -> nn.Linear:
        """The head as an ordinary linear layer with the same outputs."""
        if parametrize.is_parametrized(self._head):
            parametrize.remove_parametrizations(self._head, "weight", leave_parametrized=True)
        return self._head
