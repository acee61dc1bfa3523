"""Learning how a teacher arranges clips among each other; the teacher's width does not matter."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def similarity_distance(features: Tensor, teacher: Tensor) -> Tensor:
    """||G_s - G_t||_F^2 / B^2, G = the rows of F F^T brought to length 1.

    Args:
        features: (B, D) of the student.
        teacher: (B, D').

    Returns:
        Scalar between 0 and 4 / B.

    Source:
        SP: Tung and Mori, Similarity-Preserving Knowledge Distillation, ICCV 2019 (arXiv 1907.09682).
    """
    student_rows, teacher_rows = (functional.normalize(f @ f.T, dim=1) for f in (features, teacher))
    return (student_rows - teacher_rows).square().mean()


def neighbour_divergence(features: Tensor, teacher: Tensor) -> Tensor:
    """mean_i KL(q_i || p_i) over the other clips j, p_j|i = k(f_i, f_j) / sum_{l != i} k(f_i, f_l), k = (cos + 1) / 2.

    Args:
        features: (B, D) of the student, which give p; B >= 2.
        teacher: (B, D'), which give q.

    Returns:
        Scalar >= 0.

    Source:
        PKT: Passalis and Tefas, Learning Deep Representations with Probabilistic Knowledge Transfer, ECCV 2018
        (arXiv 1803.10837).
    """
    student, wanted = _neighbours(features), _neighbours(teacher)
    return (wanted * (wanted.log() - student.log())).sum(dim=1).mean()


def _neighbours(features: Tensor) -> Tensor:
    """(B, D) -> (B, B - 1) probabilities of the other clips."""
    directions = functional.normalize(features, dim=1)
    kernel = ((directions @ directions.T + 1.0) / 2.0).clamp_min(1e-6)
    count = len(features)
    others = kernel[~torch.eye(count, dtype=torch.bool, device=features.device)].view(count, count - 1)
    return others / others.sum(dim=1, keepdim=True)


def distance_relation(features: Tensor, teacher: Tensor) -> Tensor:
    """Mean Huber loss of psi_s - psi_t over pairs, psi = distance of two clips over the mean distance in the batch.

    Args:
        features: (B, D) of the student; B >= 2.
        teacher: (B, D').

    Returns:
        Scalar >= 0.

    Source:
        RKD-D: Park, Kim, Lu and Cho, Relational Knowledge Distillation, CVPR 2019 (arXiv 1904.05068), eqs. 5 to 7.
    """
    return functional.smooth_l1_loss(_relative_distances(features), _relative_distances(teacher))


def _relative_distances(features: Tensor) -> Tensor:
    """(B, D) -> (B (B - 1) / 2,) distances, their mean 1."""
    rows, columns = torch.triu_indices(len(features), len(features), 1, device=features.device)
    distances: Tensor = torch.linalg.vector_norm(features[rows] - features[columns], dim=1)
    return distances / distances.mean().clamp_min(1e-12)


def angle_relation(features: Tensor, teacher: Tensor) -> Tensor:
    """Mean Huber loss of psi_s - psi_t over triples of different clips, psi_ijk = cosine of the angle at j.

    Args:
        features: (B, D) of the student; B >= 3.
        teacher: (B, D').

    Returns:
        Scalar >= 0.

    Source:
        RKD-A (arXiv 1904.05068), eqs. 8 and 9.
    """
    count = len(features)
    clips = torch.arange(count, device=features.device)
    different = (clips[:, None, None] != clips[None, None, :]) & _unlike(clips)[:, :, None] & _unlike(clips)[None]
    return functional.smooth_l1_loss(_angles(features)[different], _angles(teacher)[different])


def _unlike(clips: Tensor) -> Tensor:
    return clips[:, None] != clips[None, :]


def _angles(features: Tensor) -> Tensor:
    """(B, D) -> (B, B, B): at [i, j, k] the cosine of the angle at clip j between clips i and k."""
    to_others = functional.normalize(features[:, None] - features[None, :], dim=2)  # [i, j]: from j to i
    return torch.einsum("ijd,kjd->ijk", to_others, to_others)
