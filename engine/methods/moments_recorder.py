"""Recording what the normalisation layers of a network see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard

import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.losses.moments import Moments, channel_moments, known_moments
from bandbridge.engine.training.passes import PASS_BATCH
from bandbridge.engine.training.streams import ImageBank
from torch import Tensor, nn

_OTHER_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d)


def watched_layers(encoder: nn.Module) -> dict[str, nn.Module]:
    """The layers whose statistics are matched, first layer first.

    BatchNorm2d layers where there are any, as published. Networks without them (ViT, ConvNeXt): every other
    normalisation layer. Networks without any (batch normalisation folded away, as in many ONNX files): every
    convolution, whose output is what the folded layer would have given.

    Args:
        encoder: A network, or an adapter and a network.
    """
    named = [(name, module) for name, module in encoder.named_modules() if "adapter" not in name.split(".")]
    batch: dict[str, nn.Module] = {name: module for name, module in named if isinstance(module, nn.BatchNorm2d)}
    if batch:
        return batch
    others: dict[str, nn.Module] = {name: module for name, module in named if isinstance(module, _OTHER_NORMS)}
    if others:
        return others
    return {name: module for name, module in named if isinstance(module, nn.Conv2d)}


def channel_dim(module: nn.Module, values: Tensor) -> int:
    """Which dimension of a watched layer's input counts channels."""
    channels_last = isinstance(module, nn.LayerNorm) and not type(module).__name__.endswith("2d")
    return values.ndim - 1 if channels_last else 1


class MomentsRecorder:
    """Takes the moments of every watched layer's input (of its output for convolutions) while `recording`.

    Args:
        encoder: The network to watch.
    """

    def __init__(self, encoder: nn.Module) -> None:
        self._encoder = encoder
        self._layers = watched_layers(encoder)

    @contextmanager
    def recording(self) -> Iterator[list[Moments]]:
        """Yields the list that fills, first layer first, as the network runs once."""
        found: list[Moments] = []

        def take_input(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            found.append(channel_moments(inputs[0], channel_dim(module, inputs[0])))

        def take_output(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            found.append(channel_moments(output, 1))

        handles = []
        for layer in self._layers.values():
            if isinstance(layer, nn.Conv2d):
                handles.append(layer.register_forward_hook(take_output))
            elif _averages(layer):
                reader = _AverageReader(layer, found)
                handles.append(layer.register_forward_pre_hook(reader.before))
                handles.append(layer.register_forward_hook(reader.after))
            else:
                handles.append(layer.register_forward_pre_hook(take_input))
        try:
            yield found
        finally:
            for handle in handles:
                handle.remove()

    def expected(self, rgb: ImageBank, control: Control) -> list[Moments]:
        """What the untouched source model saw: its running statistics, or moments measured on the pairs' RGB images.

        Args:
            rgb: RGB images of the pairs, as the source expects them.
            control: Looked at every batch.
        """
        layers = list(self._layers.values())
        stored = [_running(layer) for layer in layers]
        if all(moments is not None for moments in stored):
            return [moments for moments in stored if moments is not None]
        return self._measure(rgb, control)

    def _measure(self, rgb: ImageBank, control: Control) -> list[Moments]:
        """Moments over all RGB images: means of means, and the law of total variance."""
        self._encoder.eval()
        count = 0
        first: list[Tensor] = []
        second: list[Tensor] = []
        with torch.inference_mode():
            for indices in rgb.batches(PASS_BATCH):
                control.check()
                with self.recording() as seen:
                    self._encoder(rgb.read(indices))
                if not first:
                    first = [torch.zeros_like(m.mean, dtype=torch.float64) for m in seen]
                    second = [torch.zeros_like(m.mean, dtype=torch.float64) for m in seen]
                for position, m in enumerate(seen):
                    mean = m.mean.double()
                    first[position] += len(indices) * mean
                    second[position] += len(indices) * (m.variance.double() + mean.square())
                count += len(indices)
        return [
            Moments((a / count).float().clone(), (b / count - (a / count).square()).float().clone())
            for a, b in zip(first, second, strict=True)
        ]


def _averages(layer: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Whether a layer is about to blend its batch's moments into its running averages."""
    averages = isinstance(layer, nn.BatchNorm2d) and layer.training and layer.track_running_stats
    return averages and bool(layer.momentum)


class _AverageReader:
    """Reads the moments a batch normalisation layer computes anyway off the change of its running averages.

    new = (1 - momentum) old + momentum batch, the variance being the unbiased one. Measuring them again would cost
    two passes over every layer's input.
    """

    def __init__(self, layer: nn.BatchNorm2d, found: list[Moments]) -> None:
        self._layer = layer
        self._found = found
        self._old: Moments | None = None

    def before(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Keep the averages as they are."""
        self._old = _running(self._layer)

    def after(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Take the batch's moments."""
        new_mean, new_variance, momentum = self._layer.running_mean, self._layer.running_var, self._layer.momentum
        assert self._old is not None
        assert new_mean is not None
        assert new_variance is not None
        assert momentum is not None
        values = inputs[0]
        count = values.numel() / values.shape[1]
        mean = torch.lerp(self._old.mean, new_mean, 1.0 / momentum)
        unbiased = torch.lerp(self._old.variance, new_variance, 1.0 / momentum)
        self._found.append(known_moments(values, 1, mean, unbiased.mul_((count - 1.0) / count)))


def _running(layer: nn.Module) -> Moments | None:
    if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None and layer.running_var is not None:
        return Moments(layer.running_mean.clone(), layer.running_var.clone())
    return None
