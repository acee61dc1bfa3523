"""Information maximisation: confident on each image, varied over all of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LOG_FLOOR = 1e-5


def entropy(probabilities: Tensor) -> Tensor:
    """Shannon entropy of each row in nats, H(p) = -sum_k p_k log(p_k + 1e-5).

    Args:
        probabilities: (..., K), each row summing to 1.

    Returns:
        (...) entropies, 0 (up to the floor) to log K.
    """
    return -(probabilities * torch.log(probabilities + LOG_FLOOR)).sum(dim=-1)


def information_maximisation(logits: Tensor) -> Tensor:
    """L_IM = E_x[H(p(x))] - H(E_x[p(x)]), the negative mutual information of image and class.

    Args:
        logits: (B, K).

    Returns:
        Scalar between -log K (every image certain, classes evenly used) and 0.

    Source:
        SHOT (arXiv 2002.08546) eq. 3; SOCKET (arXiv 2209.04027) uses the same with weight 1.
    """
    probabilities = logits.softmax(dim=1)  # (B, K)
    return entropy(probabilities).mean() - entropy(probabilities.mean(dim=0))


def class_imbalance(logits: Tensor) -> Tensor:
    """KL(E_x[p(x)] || uniform) = log K - H(E_x[p(x)]): how unevenly a batch uses the classes.

    Args:
        logits: (B, K).

    Returns:
        Scalar between 0 (evenly, up to the floor) and log K (one class only).

    Source:
        NRC (arXiv 2110.04202), diversity term.
    """
    return math.log(logits.shape[1]) - entropy(logits.softmax(dim=1).mean(dim=0))
