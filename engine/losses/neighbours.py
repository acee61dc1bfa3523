"""Learning from neighbours in feature space: alike answers for near images, unlike answers for the others."""

from __future__ import annotations

import torch
from torch import Tensor

ONE_SIDED = 0.1


def attraction(probabilities: Tensor, neighbours: Tensor, weights: Tensor | None = None) -> Tensor:
    """-1/B sum_i sum_k w_ik s_ik . p_i: answers like those of the neighbours.

    Args:
        probabilities: (B, C), p_i, which feel the gradient.
        neighbours: (B, M, C) remembered probabilities s_ik of each image's neighbours.
        weights: (B, M), or None for 1.

    Returns:
        Scalar between -M times the largest weight and 0.

    Source:
        AaD (arXiv 2205.04183), first term; NRC (arXiv 2110.04202), with weights.
    """
    alike = (probabilities.unsqueeze(1) * neighbours).sum(dim=2)  # (B, M)
    if weights is not None:
        alike = weights * alike
    return -alike.sum(dim=1).mean()


def dispersion(probabilities: Tensor) -> Tensor:
    """1/B sum_i sum_{j != i} p_i . p_j: how alike the answers of a batch are.

    Args:
        probabilities: (B, C).

    Returns:
        Scalar between 0 and B - 1 (every image surely of one class).

    Source:
        AaD (arXiv 2205.04183), second term.
    """
    alike = probabilities.sum(dim=0).square().sum() - probabilities.square().sum()
    return alike / len(probabilities)


def affinity(own: Tensor, expanded: Tensor) -> Tensor:
    """A_ik = 1 where image i is itself among the neighbours of its neighbour k, else 0.1.

    Args:
        own: (B,) index of each image.
        expanded: (B, K, KK) indices of the neighbours of its K neighbours.

    Returns:
        (B, K).

    Source:
        NRC (arXiv 2110.04202).
    """
    mutual = (expanded == own.view(-1, 1, 1)).any(dim=2)
    return torch.where(mutual, 1.0, ONE_SIDED)


def nearest(directions: Tensor, bank: Tensor, own: Tensor, count: int) -> Tensor:
    """Indices of the most similar rows of a bank, the image's own row left out.

    Args:
        directions: (..., D) features of length 1.
        bank: (N, D) features of length 1.
        own: (...) which row of the bank each of them is.
        count: How many; fewer if the bank has no more.

    Returns:
        (..., min(count, N - 1)) int64, most similar first.
    """
    similarity = (directions @ bank.T).scatter(-1, own.unsqueeze(-1), -torch.inf)  # (..., N)
    return similarity.topk(min(count, len(bank) - 1), dim=-1).indices
