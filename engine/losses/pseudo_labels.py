"""Pseudo-labels from class centroids in feature space."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def _directions(features: Tensor) -> Tensor:
    """[z; 1] / ||[z; 1]||: the appended 1 keeps the length of short features from being lost. (N, D) -> (N, D + 1)."""
    ones = features.new_ones(features.shape[0], 1)
    return functional.normalize(torch.cat([features, ones], dim=1), dim=1)


def _centroids(directions: Tensor, memberships: Tensor) -> Tensor:
    """c_y = sum_x m(y|x) f(x) / (1e-8 + sum_x m(y|x)). (N, D), (N, K) -> (K, D)."""
    return memberships.T @ directions / (1e-8 + memberships.sum(dim=0)).unsqueeze(1)


def centroid_labels(features: Tensor, probabilities: Tensor, *, hard_rounds: int = 0) -> Tensor:
    """Label every image with its nearest class centroid.

    The first round weighs every image by its class probabilities; each further round recomputes the centroids from
    the hard labels of the round before. The first round uses Euclidean distance as SOCKET does; hard rounds use
    cosine distance as SHOT does. A class nobody was assigned to takes no part in a hard round.

    Args:
        features: (N, D) of all target images, eval mode.
        probabilities: (N, K) of the same images.
        hard_rounds: Further rounds, 0 or more.

    Returns:
        (N,) class indices, int64.

    Source:
        SOCKET (arXiv 2209.04027) section 3.2; SHOT (arXiv 2002.08546) eqs. 4-6.
    """
    directions = _directions(features)  # (N, D + 1)
    if hard_rounds == 0:
        labels = torch.cdist(directions, _centroids(directions, probabilities)).argmin(dim=1)
    else:
        labels = _nearest_by_angle(directions, _centroids(directions, probabilities), probabilities.sum(dim=0) > 0)
    for _ in range(hard_rounds):
        memberships = functional.one_hot(labels, probabilities.shape[1]).to(directions.dtype)  # (N, K)
        labels = _nearest_by_angle(directions, _centroids(directions, memberships), memberships.sum(dim=0) > 0)
    return labels


def _nearest_by_angle(directions: Tensor, centroids: Tensor, present: Tensor) -> Tensor:
    similarity = directions @ functional.normalize(centroids, dim=1).T  # (N, K)
    return similarity.masked_fill(~present, -torch.inf).argmax(dim=1)
