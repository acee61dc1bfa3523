"""Contrast that follows how well the two sides of a pair go together: picture and sound, sensor and RGB image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LOWEST_TEMPERATURE = 0.05


def temperatures(features: Tensor, teacher: Tensor, base: float) -> Tensor:
    """tau_ij = max(cos(f_i, t_j) + base, 0.05), without gradient.

    Args:
        features: (B, D) of the student.
        teacher: (B, D) of the teacher, purified or not.
        base: tau_0 > 0.

    Returns:
        (B, B), between 0.05 and 1 + base.

    Source:
        MNF + CSC (arXiv 2304.07775). The floor is this project's: features that point apart would otherwise give a
        temperature of zero or below, which turns the contrast round.
    """
    with torch.no_grad():
        alike = functional.normalize(features, dim=1) @ functional.normalize(teacher, dim=1).T
        return (alike + base).clamp_min(LOWEST_TEMPERATURE)


def own_temperatures(features: Tensor, teacher: Tensor, base: float) -> Tensor:
    """tau_ii of `temperatures` alone, for any number of clips: (B, D) each -> (B,)."""
    with torch.no_grad():
        return (functional.cosine_similarity(features, teacher, dim=1) + base).clamp_min(LOWEST_TEMPERATURE)


def label_contrast(features: Tensor, others: Tensor, positives: Tensor, temperature: Tensor | float) -> Tensor:
    """mean_i 1/|P(i)| sum_{j in P(i)} -log softmax_j(s_i), s_ij = cos(f_i, o_j) / tau_ij.

    Args:
        features: (B, D) of the student.
        others: (B, D) that they are held against.
        positives: (B, B) bool, which j belong to i; every i belongs to itself.
        temperature: (B, B) or one for all, above 0.

    Returns:
        Scalar >= 0.

    Source:
        MNF + CSC (arXiv 2304.07775); with one temperature, supervised contrast (Khosla et al., arXiv 2004.11362).
    """
    alike = functional.normalize(features, dim=1) @ functional.normalize(others, dim=1).T / temperature  # (B, B)
    wanted = positives.to(alike.dtype)
    return -((alike.log_softmax(dim=1) * wanted).sum(dim=1) / wanted.sum(dim=1)).mean()


def trusted_contrast(features: Tensor, partners: Tensor, trust: Tensor, temperature: float) -> Tensor:
    """sum_i w_i -log softmax_i(s_i) / sum_i w_i, s_ij = cos(f_i, p_j) / temperature: each to its own partner.

    Args:
        features: (B, D).
        partners: (B, D), row by row those of the features.
        trust: (B,) w above 0, e.g. `own_temperatures`; where all are alike, this is `label_contrast` with each image
            its only positive.
        temperature: Above 0.

    Returns:
        Scalar >= 0.

    Source:
        This project, after MNF + CSC (arXiv 2304.07775), whose temperature here weighs the pair instead of dividing
        its cosines: f and p live in one space, so cos(f, p) / cos(f, p) would say next to nothing.
    """
    alike = functional.normalize(features, dim=1) @ functional.normalize(partners, dim=1).T / temperature  # (B, B)
    return -(trust * alike.log_softmax(dim=1).diagonal()).sum() / trust.sum()


def sharing_labels(labels: Tensor) -> Tensor:
    """Which clips of a batch have a label in common.

    Args:
        labels: (B,) class indices, or (B, K) 0 or 1 for tags.

    Returns:
        (B, B) bool, True on the diagonal.
    """
    if labels.ndim == 1:
        return labels[:, None] == labels[None, :]
    shared = (labels.float() @ labels.float().T) > 0
    return shared | torch.eye(len(labels), dtype=torch.bool, device=labels.device)
