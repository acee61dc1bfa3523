"""Passes over all images in eval mode, without gradient."""

from __future__ import annotations

import numpy as np
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.training.streams import ImageBank
from bandbridge.engine.training.views import same_view
from numpy.typing import NDArray
from torch import Tensor, nn

PASS_BATCH = 64


def feature_pass(
    encoder: nn.Module,
    bank: ImageBank,
    control: Control,
    *,
    chosen: NDArray[np.int64] | None = None,
    view: int = 0,
    precision: torch.dtype = torch.float32,
) -> Tensor:
    """Features of all (or the chosen) images in order.

    Args:
        encoder: (B, C, S, S) -> (B, D); set to eval mode here.
        bank: The images.
        control: Looked at every batch.
        chosen: Indices, or None for all.
        view: View number of `views.Views`, 0 for the image as it is.
        precision: Of the forward pass; features come back as float32.

    Returns:
        (N, D) float32 on the bank's device.
    """
    encoder.eval()
    found: list[Tensor] = []
    with torch.inference_mode(), torch.autocast(bank.device.type, dtype=precision, enabled=precision != torch.float32):
        for indices in bank.batches(PASS_BATCH, chosen):
            control.check()
            images = bank.read(indices, same_view(len(indices), view) if view else None)
            found.append(encoder(images).float())
    return torch.cat(found).clone()
