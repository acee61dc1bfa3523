"""What the untouched source model sees in the RGB images of the pairs, computed once."""

from __future__ import annotations

import torch
from bandbridge.engine.methods.ground import Ground, Member
from bandbridge.engine.models.adapter import behind
from bandbridge.engine.training.passes import feature_pass
from bandbridge.engine.training.stage import Batch
from bandbridge.engine.training.views import VIEW_COUNT
from torch import Tensor, nn


class Grey(nn.Module):
    """(B, bands, S, S) -> (B, C, S, S): the mean of all bands in every channel.

    Args:
        channels: C, of the network behind.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self._channels = channels

    def forward(self, images: Tensor) -> Tensor:
        """Mix bands."""
        return images.mean(dim=1, keepdim=True).expand(-1, self._channels, -1, -1)


class PartnerFeatures:
    """Features of the RGB partners under the untouched source model, one row a view and a pair.

    Args:
        member: The source model, with its RGB images.
        ground: Images and settings, with pairs.

    Attributes:
        spread: (D,) how much every feature differs over the training pairs' images of both sensors, as the untouched
            source model sees them. The RGB images alone are no measure: where they are dark or flat they all look
            alike to it, and a distance in units of so little would drown every other term. In these units no mean
            squared distance of partners, before training, is above 4.
    """

    def __init__(self, member: Member, ground: Ground) -> None:
        assert member.rgb is not None
        assert ground.pairs is not None
        views = VIEW_COUNT[str(ground.settings["augment"])]
        rgb, control, precision = member.rgb, ground.control, ground.precision
        self._by_view = torch.stack(
            [feature_pass(member.source, rgb, control, view=view, precision=precision) for view in range(views)]
        )  # (views, N, D)
        used = ground.training_pairs
        grey = behind(Grey(rgb.pixels.shape[1]), member.source)
        sensor = feature_pass(grey, ground.pairs, control, chosen=used, precision=precision)
        both = torch.cat([self._by_view[0][torch.from_numpy(used)], sensor])
        self.spread = both.std(dim=0, correction=0)  # (D,)

    def of(self, batch: Batch) -> Tensor:
        """(B, D) features of a batch's partners, in the views the batch shows."""
        return self._by_view[batch.turns, batch.indices]
