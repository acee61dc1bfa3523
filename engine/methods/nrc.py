"""NRC: neighbourhood reciprocity clustering (Yang, Wang, van de Weijer, Herranz and Jui, NeurIPS 2021, 2110.04202).

Images that are near in feature space should get alike answers, most of all where each is a neighbour of the other. With
remembered probabilities s, the K nearest of all target images, and the KK nearest of each of those:

    L_N   = -E_i[ sum_{k in KNN(i)} A_ik s_k . p_i ],   A_ik = 1 if i is in KNN(k), else 0.1
    L_E   = -E_i[ sum_{k in KNN(i)} sum_{m in KNN(k)} s_m . p_i ]
    L_div = KL(E[p] || uniform)
    L     = L_N + 0.1 L_E + diversity_weight L_div

Neighbours are the most similar by angle. The bank of features and probabilities is made anew from all target images
before every epoch and brought up to date with every batch.

Deliberate differences from the paper:

* The classifier stays as it is; there, it is trained as well.
* The bank is made anew every epoch, in eval mode; there, once, before training.
* There is no separate term for an image's own remembered answer: an image may be its neighbours' neighbour, and so
  its own answer counts in L_E.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bandbridge.engine.losses.information import class_imbalance
from bandbridge.engine.losses.neighbours import affinity, attraction
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.neighbour_bank import NeighbourBank
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term, inverse_decay
from torch import nn


class NeighbourhoodReciprocity:
    """Answers like those of the nearest images and of theirs, and varied over the batch.

    Args:
        ground: Images and models, a single source.
    """

    name = "NRC"
    streams = ("target",)
    terms = ("neighbours", "their neighbours", "diversity")

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._member = ground.members[0]
        self._bank = NeighbourBank(ground)
        self.schedule = Schedule("sgd", ground.learning_rate, inverse_decay)

    def modules(self) -> Mapping[str, nn.Module]:
        """The sensor twin and the bank."""
        return {**self._ground.modules(), "bank": self._bank}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """The encoder; the head is frozen."""
        return {"encoder": self._ground.parameter_groups()}

    def refresh(self) -> None:
        """A new bank."""
        self._bank.refresh()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective of three terms."""
        target, bank, number = batches["target"], self._bank, self._ground.number
        features = self._member.encoder(target.images)  # (B, D)
        logits = self._member.head(features)  # (B, C)
        probabilities = logits.softmax(dim=1)
        bank.remember(target.indices, features, probabilities)
        near = bank.neighbours(target.indices, int(number("neighbours")))  # (B, K)
        far = bank.neighbours(near, int(number("far_neighbours")))  # (B, K, KK)
        close = attraction(probabilities, bank.probabilities[near], affinity(target.indices, far))
        terms = {
            "neighbours": Term(1.0, close),
            "their neighbours": Term(
                number("far_weight"), attraction(probabilities, bank.probabilities[far.flatten(1)])
            ),
            "diversity": Term(number("diversity_weight"), class_imbalance(logits)),
        }
        return (Objective(terms, ("encoder",)),)
