"""The stretch as a part of a network: the same values as `imagery.sensors.stretch`, on tensors and in ONNX graphs."""

from __future__ import annotations

import math

import torch
from bandbridge.engine.imagery.sensors.speckle import LEAST_NOISE
from bandbridge.engine.imagery.sensors.stretch import Stretch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad


class StretchLayer(nn.Module):
    """(B, bands, H, W) raw values -> the same shape in 0..1, 0 where there is nothing.

    Args:
        stretch: Raw values to 0..1.
        no_data: A raw value that means "nothing here", besides NaN and infinite values.
    """

    def __init__(self, stretch: Stretch, no_data: float | None) -> None:
        super().__init__()
        self.curve = stretch.curve
        self.despeckle_px = stretch.despeckle_px
        self.no_data = no_data
        self.low: Tensor
        self.high: Tensor
        self.span: Tensor
        ends = list(zip(stretch.low, stretch.high, strict=True))
        span = [math.log(high / low) if stretch.curve == "log" else high - low for low, high in ends]
        self.noise: Tensor
        noise = stretch.noise or (0.0,)
        for name, values in {"low": stretch.low, "high": stretch.high, "span": span, "noise": noise}.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32).view(-1, 1, 1), persistent=False)

    def forward(self, raw: Tensor) -> Tensor:
        """Stretch, clip and fill, then take speckle out."""
        present = raw.abs() < float("inf")  # neither NaN nor infinite
        if self.no_data is not None:
            present = present & (raw != self.no_data)
        if self.curve == "log":
            # Clipped first, for only values above zero have a logarithm.
            within = torch.minimum(torch.maximum(raw, self.low), self.high)
            stretched = ((within / self.low).log() / self.span).clamp(0.0, 1.0)
        else:
            stretched = ((raw - self.low) / self.span).clamp(0.0, 1.0)
        nothing = torch.zeros_like(stretched)
        filled = torch.where(present, stretched, nothing)
        return torch.where(present, self._lee(filled), nothing) if self.despeckle_px else filled

    def _lee(self, images: Tensor) -> Tensor:
        """`imagery.sensors.speckle.lee` on (B, bands, H, W)."""
        reach = self.despeckle_px // 2
        padded = pad(images, (reach, reach, reach, reach), mode="replicate")
        mean = avg_pool2d(padded, self.despeckle_px, stride=1)
        variance = avg_pool2d(padded * padded, self.despeckle_px, stride=1) - mean * mean
        kept = (1.0 - self.noise / variance.clamp(min=LEAST_NOISE)).clamp(min=0.0)
        return mean + kept * (images - mean)
