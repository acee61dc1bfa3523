"""What teaches a mask to keep those parts of the teacher's features that belong to the student's."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

MARGIN = 0.2


def filter_triplet(features: Tensor, teacher: Tensor, purified: Tensor) -> Tensor:
    """mean_i max(0, cos(f_i, t_i) - cos(f_i, p_i) + 0.2): the purified features shall be nearer than the raw ones.

    Args:
        features: (B, D) of the student.
        teacher: (B, D).
        purified: (B, D), the teacher's behind the mask.

    Returns:
        Scalar between 0 and 2.2.

    Source:
        MNF (arXiv 2304.07775), triplet term.
    """
    raw = functional.cosine_similarity(features, teacher, dim=1)
    kept = functional.cosine_similarity(features, purified, dim=1)
    return (raw - kept + MARGIN).clamp_min(0.0).mean()


def weight_sparsity(weights: Iterable[Tensor]) -> Tensor:
    """Sum over matrices of sum |w|: every layer counts.

    Args:
        weights: Of the mask's layers, any shapes.

    Returns:
        Scalar >= 0.

    Source:
        MNF (arXiv 2304.07775), sparsity term.
    """
    return torch.stack([weight.abs().sum() for weight in weights]).sum()
