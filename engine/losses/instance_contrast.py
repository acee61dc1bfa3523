"""Telling the teacher's features of the same clip from those of other clips."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional


def representation_contrast(
    student: Tensor, teacher: Tensor, others: Tensor, temperature: float, population: int
) -> Tensor:
    """-mean_i (log h(t_i, s_i) + sum_j log(1 - h(o_ij, s_i))), h(t, s) = e^u / (e^u + N / M), u = t . s / tau.

    Args:
        student: (B, E) of length 1.
        teacher: (B, E) of length 1, of the same clips.
        others: (B, N, E) of length 1, of other clips.
        temperature: tau > 0.
        population: M, clips there are in all.

    Returns:
        Scalar >= 0.

    Source:
        CRD: Tian, Krishnan and Isola, Contrastive Representation Distillation, ICLR 2020 (arXiv 1910.10699), eqs. 17
        to 19.
    """
    prior = math.log(others.shape[1] / population)
    same = (student * teacher).sum(dim=1) / temperature - prior  # h = sigmoid(u - log(N / M))
    different = (others @ student[:, :, None])[:, :, 0] / temperature - prior
    return -(functional.logsigmoid(same) + functional.logsigmoid(-different).sum(dim=1)).mean()
