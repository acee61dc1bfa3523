"""TENT: fully test-time adaptation by entropy minimisation (Wang et al., ICLR 2021, arXiv 2006.10726).

    L = E_x[H(p(x))],   H(p) = -sum_k p_k log p_k

over the scale and shift of every normalisation layer and nothing else; batch normalisation works on the statistics of
the batch. Adam without weight decay at a constant rate, as published for all but ImageNet.

Deliberate differences from the paper:

* The images come several times and in random views; there, each batch comes once and is answered at once.
* The finished model answers with averages of the target's batch statistics, so that an image's answer does not depend
  on the images beside it.
* Networks without batch normalisation are tuned at their other normalisation layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.losses.information import entropy
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term
from torch import nn

NORMALISATIONS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d)


class Tent:
    """L = mean entropy of the answers, over the scale and shift of the normalisation layers.

    Args:
        ground: Images and models, a single source.

    Raises:
        UsageError: The network has no normalisation layer with a scale and shift.
    """

    name = "TENT"
    streams = ("target",)
    terms = ("entropy",)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._member = ground.members[0]
        layers = [layer for layer in self._member.encoder.modules() if isinstance(layer, NORMALISATIONS)]
        self._affine = [parameter for layer in layers for parameter in layer.parameters()]
        if not self._affine:
            raise UsageError(
                "TENT cannot adapt this model.",
                "Its network has no normalisation layers whose scale and shift this method would tune.",
                "Choose another method, SHOT for example.",
            )
        self.schedule = Schedule("adamw", ground.learning_rate, lambda _: 1.0)

    def modules(self) -> Mapping[str, nn.Module]:
        """The sensor twin."""
        return self._ground.modules()

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """Scale and shift of the normalisation layers; without weight decay AdamW is Adam."""
        return {"affine": [ParameterGroup(self._affine, weight_decay=0.0)]}

    def refresh(self) -> None:
        """Look at all target images, for the record."""
        self._ground.look()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective of one term."""
        logits = self._member.head(self._member.encoder(batches["target"].images))  # (B, K)
        return (Objective({"entropy": Term(1.0, entropy(logits.softmax(dim=1)).mean())}, ("affine",)),)
