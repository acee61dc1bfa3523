"""BN-adapt: the statistics of the batch normalisation layers measured anew on the target images.

Li, Wang, Shi, Hou and Liu, Adaptive Batch Normalization for practical domain adaptation (arXiv 1603.04779). Nothing is
trained. The moments are averaged over all batches with equal weight, not a fading average of the last ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule
from torch import Tensor, nn


class Begun(nn.Module):
    """Whether the old statistics have been dropped yet; a buffer, so that a resumed pass does not drop the new ones."""

    done: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("done", torch.zeros((), dtype=torch.bool))


class BatchNormAdaptation:
    """One pass over the target images.

    Args:
        ground: Images and models.

    Raises:
        UsageError: The network has no batch normalisation.
    """

    name = "Normalisation only"
    streams = ("target",)
    terms: tuple[str, ...] = ()

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.schedule = Schedule("sgd", 0.0, lambda _: 1.0, epochs=1)
        self._begun = Begun()
        self._layers = [
            layer
            for member in ground.members
            for layer in member.encoder.modules()
            if isinstance(layer, nn.modules.batchnorm._BatchNorm)
        ]
        for layer in self._layers:
            layer.momentum = None  # a plain average
        if not self._layers:
            raise UsageError(
                "'Normalisation only' cannot adapt this model.",
                "Its network has no batch normalisation layers, whose statistics this method would measure.",
                "Choose another method.",
            )

    def modules(self) -> Mapping[str, nn.Module]:
        """The sensor twins, whose statistics change."""
        return {**self._ground.modules(), "begun": self._begun}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """None: nothing is trained."""
        return {}

    def refresh(self) -> None:
        """Look at all target images, for the record."""
        self._ground.look()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """Let the batch normalisation layers alone see the batch; their statistics average over all batches."""
        if not self._begun.done:
            for layer in self._layers:
                layer.reset_running_stats()
            self._begun.done.fill_(True)
        with torch.no_grad():
            for member in self._ground.members:
                member.encoder.eval()
                for layer in self._layers:
                    layer.train()
                member.encoder(batches["target"].images)
        return ()
