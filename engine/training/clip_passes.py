"""Passes over whole clips in eval mode, without gradient: all windows, averaged."""

from __future__ import annotations

import numpy as np
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.training.clip_streams import ClipBank
from numpy.typing import NDArray
from torch import Tensor, nn

WINDOWS_AT_ONCE = 16


def clip_features(
    encoder: nn.Module,
    bank: ClipBank,
    chosen: NDArray[np.int64],
    control: Control,
    *,
    precision: torch.dtype = torch.float32,
) -> Tensor:
    """Features of clips, each the mean over the windows that cover it.

    Args:
        encoder: Windows -> (B, D); set to eval mode here.
        bank: The clips.
        chosen: Indices of clips that the bank has; at least one.
        control: Looked at every batch.
        precision: Of the forward pass; features come back as float32.

    Returns:
        (len(chosen), D) float32 on the bank's device.
    """
    encoder.eval()
    windows = [(row, int(index), start) for row, index in enumerate(chosen) for start in bank.window_starts(int(index))]
    rows = torch.tensor([row for row, _, _ in windows], device=bank.device)
    found: list[Tensor] = []
    with torch.inference_mode(), torch.autocast(bank.device.type, dtype=precision, enabled=precision != torch.float32):
        for first in range(0, len(windows), WINDOWS_AT_ONCE):
            control.check()
            part = windows[first : first + WINDOWS_AT_ONCE]
            indices = np.array([index for _, index, _ in part], np.int64)
            starts = np.array([start for _, _, start in part], np.int64)
            found.append(encoder(bank.read(indices, starts)).float())
        features = torch.cat(found)
        sums = features.new_zeros(len(chosen), features.shape[1]).index_add_(0, rows, features)
        counts = torch.bincount(rows, minlength=len(chosen))[:, None]
        mean = sums / counts
    return mean.clone()
