"""Matching features and answers of the two images of a pair."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def batch_distance(sensor_features: Tensor, rgb_features: Tensor) -> Tensor:
    """L_TI = ||F_s(x^s) - F_t(x^t)||_F over the whole batch; grows with the square root of the batch size.

    Args:
        sensor_features: (B, D) of the model being adapted.
        rgb_features: (B, D) of the untouched source model on the RGB partners.

    Source:
        SOCKET (arXiv 2209.04027), task-irrelevant feature matching.
    """
    distance: Tensor = torch.linalg.vector_norm(rgb_features - sensor_features)
    return distance


def sample_distance(sensor_features: Tensor, rgb_features: Tensor, spread: Tensor) -> Tensor:
    """Mean over pairs and dimensions of ((F_t - F_s) / spread)^2, independent of batch size and feature scale.

    Args:
        sensor_features: (B, D).
        rgb_features: (B, D).
        spread: (D,) standard deviation of the source features over all pairs; dimensions that never vary count
            with the mean spread.

    Source:
        This project.
    """
    return ((sensor_features - rgb_features) / _usable(spread)).square().mean()


def beyond_the_mean(features: Tensor, spread: Tensor) -> Tensor:
    """(f - mean over the batch) / spread: what sets each image apart from the others, (B, D) -> (B, D).

    Features behind a rectifier all point the same way, so that even those of strangers are alike; without what they
    have in common they are not. Each sensor is freed of its own mean, and so of much of the gap between both.

    Args:
        features: (B, D).
        spread: (D,) as for `sample_distance`.

    Source:
        This project.
    """
    return (features - features.mean(dim=0)) / _usable(spread)


def _usable(spread: Tensor) -> Tensor:
    """The spread, and its mean for dimensions that never vary."""
    mean = spread.mean().clamp_min(1e-12)
    return torch.where(spread > mean * 1e-2, spread, mean)


def answer_divergence(sensor_logits: Tensor, rgb_logits: Tensor) -> Tensor:
    """Mean over pairs of KL(p_s || p_t) = sum_k p_s,k log(p_s,k / p_t,k), p = softmax of the logits.

    Args:
        sensor_logits: (B, K) of the model being adapted.
        rgb_logits: (B, K) of the untouched source model on the RGB partners.

    Returns:
        Scalar >= 0, 0 where both give the same probabilities.

    Source:
        Hinton, Vinyals and Dean (arXiv 1503.02531), as supervision transfer (arXiv 1507.00448) at the last layer.
    """
    return functional.kl_div(
        sensor_logits.log_softmax(dim=1), rgb_logits.log_softmax(dim=1), reduction="batchmean", log_target=True
    )
