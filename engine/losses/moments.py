"""Matching the statistics that normalisation layers see on the sensor to those they saw on RGB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Moments:
    """Per-channel mean and biased variance of a layer's input, each (C,)."""

    mean: Tensor
    variance: Tensor


def channel_moments(values: Tensor, channel_dim: int) -> Moments:
    """Mean and biased variance per channel over every other dimension.

    Args:
        values: A layer's input, e.g. (B, C, H, W).
        channel_dim: Which dimension counts channels.
    """
    others = [d for d in range(values.ndim) if d != channel_dim % values.ndim]
    with torch.no_grad():
        mean = values.float().mean(dim=others, keepdim=True)
        variance = (values - mean).square_().mean(dim=others)
    return known_moments(values, channel_dim, mean.flatten(), variance)


def known_moments(values: Tensor, channel_dim: int, mean: Tensor, variance: Tensor) -> Moments:
    """Moments that somebody measured already, tied to the values they were measured on for the gradient.

    Args:
        values: A layer's input, e.g. (B, C, H, W).
        channel_dim: Which dimension counts channels.
        mean: (C,) of the values.
        variance: (C,) of the values, biased.
    """
    return Moments(*_KnownMoments.apply(values, channel_dim % values.ndim, mean, variance))  # type: ignore[no-untyped-call]


class _KnownMoments(torch.autograd.Function):
    """Passes moments on and gives their gradient, written out: d/dx = g_mean / n + 2 (x - mean) g_variance / n.

    On a processor this takes a tenth of the time of `torch.var_mean` and its gradient over (B, H, W), which is a good
    part of a training step of a small network.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, channel_dim: int, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """(..., C, ...), (C,), (C,) -> (C,), (C,)."""
        ctx.shape = [1] * values.ndim
        ctx.shape[channel_dim] = values.shape[channel_dim]
        ctx.save_for_backward(values, mean)
        return mean.clone(), variance.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        """Gradients of mean and variance, (C,) each -> that of the values."""
        values, mean = ctx.saved_tensors
        count = values.numel() / mean.numel()
        slope = gradients[1] * (2.0 / count)
        offset = torch.addcmul(gradients[0] / count, slope, mean, value=-1.0)
        return torch.addcmul(offset.view(ctx.shape), values, slope.view(ctx.shape)), None, None, None


FIRST_LAYER_WEIGHT = 10.0


class StatisticsDistance:
    """L_d = sum_l g_l (||m_l - M_l||_2 + ||v_l - V_l||_2), g_1 = 10, other g_l = 1; norms unsquared.

    Args:
        expected: Moments of the untouched source model, first layer first.

    Source:
        SOCKET (arXiv 2209.04027), distribution matching term.
    """

    def __init__(self, expected: Sequence[Moments]) -> None:
        self._layers = _Layers(expected)
        self._expected = self._layers.joined(expected)  # (2, C)
        self._weights = torch.ones_like(self._layers.widths)
        self._weights[:1] = FIRST_LAYER_WEIGHT

    def __call__(self, seen: Sequence[Moments]) -> Tensor:
        """Scalar >= 0.

        Args:
            seen: Moments on the current target batch, in the order and shapes of the expected ones.
        """
        return (self._layers.norms(self._layers.joined(seen) - self._expected) * self._weights).sum()


class RelativeStatisticsDistance:
    """Mean over layers of the root mean squares of (m - M) / S and (sqrt v - S) / S, S = sqrt(V + floor).

    The published distance depends on the scale of a network's values: in networks with large ones, or without batch
    normalisation, it and its gradient drown every other term. The floor, 5 % of the layer's mean variance, keeps
    channels that hardly ever varied from ruling the sum. The first layer counts as much as any other.

    Args:
        expected: Moments of the untouched source model, first layer first.

    Source:
        This project.
    """

    def __init__(self, expected: Sequence[Moments]) -> None:
        self._layers = _Layers(expected)
        self._mean, variance = self._layers.joined(expected)  # (C,) each
        self._floor = torch.cat([(0.05 * then.variance.mean() + 1e-12).expand_as(then.variance) for then in expected])
        self._spread = (variance + self._floor).sqrt()

    def __call__(self, seen: Sequence[Moments]) -> Tensor:
        """Scalar >= 0, about 1 where every channel is off by its own spread.

        Args:
            seen: Moments on the current target batch, in the order and shapes of the expected ones.
        """
        mean, variance = self._layers.joined(seen)  # (C,) each
        means = mean - self._mean
        spreads = (variance + self._floor).sqrt() - self._spread
        squares = self._layers.norms(torch.stack([means, spreads]) / self._spread) / self._layers.widths.sqrt()
        return squares.sum(dim=0).mean()


class _Layers:
    """All layers' channels side by side: a few operations on C channels in place of a few on every layer.

    Args:
        moments: Of every layer, for their shapes.
    """

    def __init__(self, moments: Sequence[Moments]) -> None:
        device = moments[0].mean.device
        widths = [len(layer.mean) for layer in moments]
        self.widths = torch.tensor(widths, dtype=torch.float32, device=device)  # (L,)
        blank = sum(widths)
        rows = [torch.arange(width) + sum(widths[:number]) for number, width in enumerate(widths)]
        self._places = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=blank).to(device)  # (L, widest)

    def joined(self, moments: Sequence[Moments]) -> Tensor:
        """(2, C): the means and the variances of all layers."""
        if len(moments) != len(self.widths):
            raise ValueError(f"{len(moments)} layers seen, {len(self.widths)} expected")
        values = [layer.mean for layer in moments] + [layer.variance for layer in moments]
        return torch.cat(values).float().view(2, -1)

    def norms(self, differences: Tensor) -> Tensor:
        """(2, C) -> (2, L) Euclidean norms of every layer's channels; torch gives them the gradient zero at zero."""
        rows = nn.functional.pad(differences, (0, 1)).index_select(1, self._places.view(-1))
        norms: Tensor = torch.linalg.vector_norm(rows.view(2, *self._places.shape), dim=-1)
        return norms
