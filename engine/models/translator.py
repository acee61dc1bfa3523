"""Translators: from a sensor's image to the RGB-like image a source model can read."""

from __future__ import annotations

from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

TranslatorKind = Literal["u-net", "paper"]
TRANSLATOR_KINDS: tuple[TranslatorKind, ...] = get_args(TranslatorKind)

_PAPER_WIDTH = 16
_WIDTHS = (16, 32)
_BLEND_WIDTH = 8
GRID = 4
"""Pixels: parts of an image that begin on this grid are translated as they are in the whole."""


class Translator(nn.Module):
    """(B, bands, H, W) sensor images, standardised -> (B, channels, H, W) in the source model's own input space.

    Works at every height and width. Once frozen it stays in eval mode whatever is asked of it, so that whoever trains
    a network behind it neither moves its weights nor its statistics.

    Args:
        kind: How it is built.
        bands: Of the sensor.
        channels: Of the source model's input, 3 for RGB.

    Attributes:
        reach: Pixels beyond which no pixel of the input counts for one of the output.
    """

    reach: int

    def __init__(self, kind: TranslatorKind, bands: int, channels: int) -> None:
        super().__init__()
        self.kind: TranslatorKind = kind
        self.bands = bands
        self.channels = channels
        self.frozen = False

    def freeze(self) -> None:
        """No gradient, no training mode from now on."""
        self.requires_grad_(False)
        self.frozen = True
        self.eval()

    def train(self, mode: bool = True) -> Translator:
        """Training mode, unless frozen."""
        super().train(mode and not self.frozen)
        return self


class PaperTranslator(Translator):
    """1x1 convolution, batch normalisation, 3x3 convolution (arXiv 2401.05014): hardly more than a change of colours.

    Args:
        bands: Of the sensor.
        channels: Of the source model's input.
    """

    reach = 1

    def __init__(self, bands: int, channels: int) -> None:
        super().__init__("paper", bands, channels)
        self.first = nn.Conv2d(bands, _PAPER_WIDTH, kernel_size=1, bias=False)
        self.norm = nn.BatchNorm2d(_PAPER_WIDTH)
        self.last = nn.Conv2d(_PAPER_WIDTH, channels, kernel_size=3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Translate."""
        translated: Tensor = self.last(self.norm(self.first(images)))
        return translated


def _block(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3x3 convolutions."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1, inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1, inplace=True),
    )


class UNet(Translator):
    """A small U-Net at half and quarter size whose colours are laid over the sensor image at full size.

    It begins as the mean of all bands in every channel: before training, a source model behind it sees what it would
    see without it. Working at half size, with the four pixels of a square side by side, makes it four times faster
    than a U-Net of three levels and, in trials on held-out pairs, no less exact. Odd sizes are repeated up to a
    multiple of four.

    Args:
        bands: Of the sensor.
        channels: Of the source model's input.
    """

    reach = 24

    def __init__(self, bands: int, channels: int) -> None:
        super().__init__("u-net", bands, channels)
        half, quarter = _WIDTHS
        self.copy = nn.Conv2d(bands, channels, kernel_size=1)
        self.down = _block(4 * bands, half)
        self.bottom = _block(half, quarter)
        self.up = _block(quarter + half, half)
        self.blend = nn.Sequential(
            nn.Conv2d(half + bands, _BLEND_WIDTH, 3, padding=1, bias=False),
            nn.BatchNorm2d(_BLEND_WIDTH),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(_BLEND_WIDTH, channels, kernel_size=1),
        )
        with torch.no_grad():
            self.copy.weight.fill_(1.0 / bands)
            cast("Tensor", self.copy.bias).zero_()
            last = cast("nn.Conv2d", self.blend[-1])
            last.weight.zero_()
            cast("Tensor", last.bias).zero_()

    def forward(self, images: Tensor) -> Tensor:
        """Translate."""
        height, width = images.shape[-2], images.shape[-1]
        full = functional.pad(images, (0, -width % GRID, 0, -height % GRID), mode="replicate")
        half = self.down(functional.pixel_unshuffle(full, 2))
        quarter = self.bottom(functional.avg_pool2d(half, 2))
        half = self.up(torch.cat([_doubled(quarter), half], dim=1))
        colours = self.blend(torch.cat([_doubled(half), full], dim=1))
        translated: Tensor = self.copy(full) + colours
        return translated[..., :height, :width]


def _doubled(images: Tensor) -> Tensor:
    return functional.interpolate(images, scale_factor=2.0, mode="bilinear", align_corners=False)


def build_translator(kind: TranslatorKind, bands: int, channels: int) -> Translator:
    """A new translator with random weights (torch's generator decides)."""
    return UNet(bands, channels) if kind == "u-net" else PaperTranslator(bands, channels)
