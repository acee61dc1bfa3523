"""What the untouched source model sees in the RGB images of the pairs, computed once."""

from __future__ import annotations

import torch
from bandbridge.engine.methods.ground import Ground, Member
from bandbridge.engine.training.passes import feature_pass
from bandbridge.engine.training.stage import Batch
from bandbridge.engine.training.views import VIEW_COUNT
from torch import Tensor


class PartnerFeatures:
    """Features of the RGB partners under the untouched source model, one row a view and a pair.

    Args:
        member: The source model, with its RGB images.
        ground: Images and settings.
    """

    def __init__(self, member: Member, ground: Ground) -> None:
        assert member.rgb is not None
        views = VIEW_COUNT[str(ground.settings["augment"])]
        rgb, control, precision = member.rgb, ground.control, ground.precision
        self._by_view = torch.stack(
            [feature_pass(member.source, rgb, control, view=view, precision=precision) for view in range(views)]
        )  # (views, N, D)
        used = torch.from_numpy(ground.training_pairs)
        self.spread = self._by_view[0][used].std(dim=0, correction=0)  # (D,)

    def of(self, batch: Batch) -> Tensor:
        """(B, D) features of a batch's partners, in the views the batch shows."""
        return self._by_view[batch.turns, batch.indices]
