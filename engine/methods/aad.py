"""AaD: attracting and dispersing (Yang, Wang, Wang, Jui and van de Weijer, NeurIPS 2022, arXiv 2205.04183).

Images that are near in feature space should get alike answers, and images of a batch, most of which are of different
classes, unlike ones. With the remembered probabilities s_k of the K nearest of all target images:

    L = E_i[ -sum_{k in KNN(i)} s_k . p_i + lambda sum_{j != i in batch} p_i . p_j ]
    lambda = alpha (1 + 10 share done)^-beta

Neighbours are the most similar by angle. The bank of features and probabilities is made anew from all target images
before every epoch and brought up to date with every batch.

Deliberate differences from the paper:

* The classifier stays as it is; there, it is trained as well.
* The bank is made anew every epoch, in eval mode; there, once, before training.
* One default beta for all data sets; there, it is chosen for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bandbridge.engine.losses.neighbours import attraction, dispersion
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.neighbour_bank import NeighbourBank
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term, inverse_decay
from torch import nn


class AttractAndDisperse:
    """Answers like those of the nearest images, unlike those of the rest of the batch.

    Args:
        ground: Images and models, a single source.
    """

    name = "AaD"
    streams = ("target",)
    terms = ("attraction", "dispersion")

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._member = ground.members[0]
        self._bank = NeighbourBank(ground)
        self._done = 0.0
        self.schedule = Schedule("sgd", ground.learning_rate, self._rate)

    def _rate(self, done: float) -> float:
        """The loop asks before every step, which also tells how far lambda has fallen."""
        self._done = done
        return inverse_decay(done)

    @property
    def dispersion_weight(self) -> float:
        """Lambda as it is now."""
        start, decay = self._ground.number("dispersion_weight"), self._ground.number("dispersion_decay")
        return float(start * (1.0 + 10.0 * self._done) ** -decay)

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
        """One objective of two terms."""
        target = batches["target"]
        features = self._member.encoder(target.images)  # (B, D)
        probabilities = self._member.head(features).softmax(dim=1)  # (B, K)
        self._bank.remember(target.indices, features, probabilities)
        near = self._bank.neighbours(target.indices, int(self._ground.number("neighbours")))  # (B, neighbours)
        terms = {
            "attraction": Term(1.0, attraction(probabilities, self._bank.probabilities[near])),
            "dispersion": Term(self.dispersion_weight, dispersion(probabilities)),
        }
        return (Objective(terms, ("encoder",)),)
