"""How a sensor's bands enter a network made for RGB."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import TYPE_CHECKING, Literal, cast

import torch
from bandbridge.engine.api.config import AdapterKind
from bandbridge.engine.models.network import first_convolution, replace_module
from bandbridge.engine.models.translator import TRANSLATOR_KINDS, Translator, TranslatorKind, build_translator
from torch import Tensor, nn

from timm.layers import Conv2dSame  # isort: skip  after the cure in `network`

if TYPE_CHECKING:
    from bandbridge.engine.models.source import SourceModel

Adapter = Literal["none", "replicate", "first-layer", "learned"] | TranslatorKind
"""What was done to a network; "none": it still takes the bands it was made for."""
ADAPTERS: tuple[Adapter, ...] = ("none", "replicate", "first-layer", "learned", *TRANSLATOR_KINDS)


class Replicate(nn.Module):
    """(B, N, S, S) -> (B, C, S, S), N <= C: one band goes to every channel, several bands take turns.

    Args:
        channels: C, of the network behind.
        bands: N, of the sensor.
    """

    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        self.bands = bands
        self.turn = [channel % bands for channel in range(channels)]

    def forward(self, images: Tensor) -> Tensor:
        """Copy bands to channels."""
        if self.bands == 1:
            return images.expand(-1, len(self.turn), -1, -1)
        return torch.cat([images[:, band : band + 1] for band in self.turn], dim=1)


def sensor_encoder(source: SourceModel, bands: int, kind: AdapterKind) -> tuple[nn.Module, str]:
    """A copy of a source model's encoder that takes the sensor's bands, standardised per band.

    Args:
        source: The source model; left untouched.
        bands: Bands of the sensor.
        kind: How they enter; "auto" chooses.

    Returns:
        The encoder, (B, bands, S, S) -> (B, D), and one sentence on how the bands enter it.
    """
    chosen = choose(source.encoder, source.spec.input_channels, bands, kind)
    encoder = adapt(copy.deepcopy(source.encoder), source.spec.input_channels, bands, chosen)
    return encoder, describe(chosen, source.spec.input_channels, bands)


def choose(encoder: nn.Module, channels: int, bands: int, kind: AdapterKind) -> Adapter:
    """Which adapter "auto" (or an impossible wish) comes down to.

    As many bands as channels need none and one band is copied; other numbers go through the first layer. A network
    without a plain first layer gets copies of few bands and a learned mixture of many.
    """
    if kind == "learned":
        return "learned"
    if kind in ("auto", "replicate") and bands == channels:
        return "none"
    if bands == 1 and kind == "auto":
        return "replicate"
    if kind in ("auto", "first-layer") and _plain_first(encoder, channels) is not None:
        return "first-layer"
    if bands < channels:
        return "replicate"
    return "first-layer" if _plain_first(encoder, channels) is not None else "learned"


def adapt(encoder: nn.Module, channels: int, bands: int, adapter: Adapter) -> nn.Module:
    """Change an encoder for `channels` input channels in place so that it takes `bands` bands."""
    if adapter == "none":
        return encoder
    if adapter == "first-layer":
        return _widen_first(encoder, channels, bands)
    if adapter == "u-net" or adapter == "paper":
        return behind(build_translator(adapter, bands, channels), encoder)
    return behind(Replicate(channels, bands) if adapter == "replicate" else _learned(channels, bands), encoder)


def behind(front: nn.Module, encoder: nn.Module) -> nn.Sequential:
    """A network that sees what `front` makes of the sensor's image."""
    return nn.Sequential(OrderedDict(adapter=front, network=encoder))


def adapter_of(encoder: nn.Module, channels: int) -> Adapter:
    """Which adapter an encoder for `channels` channels was given, seen from its parts; enough to build it again."""
    front = getattr(encoder, "adapter", None)
    if isinstance(front, Replicate):
        return "replicate"
    if isinstance(front, nn.Conv2d):
        return "learned"
    if isinstance(front, Translator):
        return front.kind
    first = first_convolution(encoder)
    return "first-layer" if first is not None and first[1].in_channels != channels else "none"


def describe(adapter: Adapter, channels: int, bands: int) -> str:
    """One sentence on how the bands enter the network."""
    many = "1 band" if bands == 1 else f"{bands} bands"
    match adapter:
        case "none":
            return f"{many} enter the network's {channels} channels one by one."
        case "replicate" if bands == 1:
            return f"The band is copied to all {channels} channels of the network."
        case "replicate":
            return f"{many} are dealt out in turn to the network's {channels} channels."
        case "first-layer":
            return f"The network's first layer takes {many}: each begins with the mean of its weights for RGB."
        case "u-net" | "paper":
            return f"A translator makes an RGB-like image of {many} first."
        case "learned":
            return f"A small trained layer mixes {many} into the network's {channels} channels."


def _plain_first(encoder: nn.Module, channels: int) -> tuple[str, nn.Conv2d] | None:
    """The first convolution, if it takes all of the image's channels and uses its weights as they are.

    Weight-standardised convolutions (BiT, NFNet) do not: a mean of their weights would not act as the mean.
    """
    found = first_convolution(encoder)
    if found is None or found[1].in_channels != channels or found[1].groups != 1:
        return None
    return found if type(found[1]) is nn.Conv2d or isinstance(found[1], Conv2dSame) else None


def _widen_first(encoder: nn.Module, channels: int, bands: int) -> nn.Module:
    """Every band gets the mean over channels of the first layer's weights, times channels / bands.

    An image whose bands are all alike then gives what it gave when copied to all channels.
    """
    found = _plain_first(encoder, channels)
    assert found is not None
    path, layer = found
    mean = layer.weight.detach().mean(dim=1, keepdim=True)  # (D, 1, h, w)
    weight = (mean * (channels / bands)).expand(-1, bands, -1, -1).clone()
    # A copy instead of a new layer: subclasses (with "same" padding, with standardised weights) stay what they are.
    wider = copy.deepcopy(layer)
    wider.in_channels = bands
    wider.weight = nn.Parameter(weight, requires_grad=layer.weight.requires_grad)
    replace_module(encoder, path, wider)
    return encoder


def _learned(channels: int, bands: int) -> nn.Conv2d:
    """A 1x1 convolution that begins as the mean of all bands in every channel: for one band, a plain copy."""
    layer = nn.Conv2d(bands, channels, kernel_size=1)
    with torch.no_grad():
        layer.weight.fill_(1.0 / bands)
        cast("Tensor", layer.bias).zero_()
    return layer
