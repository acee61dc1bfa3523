"""Telling two groups of features apart, and keeping them from being told apart."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def telling_apart(first: Tensor, second: Tensor) -> Tensor:
    """What a discriminator minimises: L = (E[-log(1 - s(d_1))] + E[-log s(d_2)]) / 2, s the logistic function.

    Args:
        first: (A,) its verdicts on the first group, before the logistic function.
        second: (B,) its verdicts on the second.

    Returns:
        Scalar >= 0; log 2 where it cannot tell.

    Source:
        Goodfellow et al. (arXiv 1406.2661), eq. 1.
    """
    return (functional.softplus(first).mean() + functional.softplus(-second).mean()) / 2


def not_told_apart(first: Tensor, second: Tensor) -> Tensor:
    """What whoever makes the features minimises: every verdict shall be undecided, L = BCE(s(d), 1/2) - log 2.

    Both groups are drawn together, neither takes the other's place; the gradient vanishes where the verdicts are 0.

    Args:
        first: (A,) verdicts before the logistic function.
        second: (B,) the same.

    Returns:
        Scalar >= 0; 0 where all are undecided.

    Source:
        Tzeng et al., Simultaneous Deep Transfer (arXiv 1510.02192), domain confusion, eq. 3.
    """

    def confusion(verdicts: Tensor) -> Tensor:
        return (functional.softplus(verdicts) + functional.softplus(-verdicts)).mean() / 2

    undecided = torch.log(first.new_tensor(2.0))
    return (confusion(first) + confusion(second)) / 2 - undecided
