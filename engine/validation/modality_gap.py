"""The modality gap: how differently the two sensors of held-out pairs look to the models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist, pdist
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

Features = NDArray[np.float64]

FEWEST_PAIRS = 4
"""Below this no measure means anything."""

LARGEST_BASIS = 32


def mean_distance(rgb: Features, sensor: Features) -> float:
    """||mean(rgb) - mean(sensor)|| in units of the RGB features' spread sqrt(trace cov). (N, D) both."""
    spread = float(np.sqrt(rgb.var(axis=0).sum()))
    return float(np.linalg.norm(rgb.mean(axis=0) - sensor.mean(axis=0)) / max(spread, 1e-12))


def mmd(rgb: Features, sensor: Features) -> float:
    """Maximum mean discrepancy with a Gaussian kernel whose width is the median distance of the RGB features.

    Biased estimate, square root taken, so it lies in 0..sqrt(2). (N, D) both. Source: Gretton et al., JMLR 2012, eq. 5.
    """
    inside_rgb, inside_sensor = pdist(rgb, "sqeuclidean"), pdist(sensor, "sqeuclidean")
    scale = 1.0 / max(2.0 * float(np.median(np.sqrt(inside_rgb))) ** 2, 1e-12)

    def alike(distances: Features) -> float:
        """Mean kernel over all N * N ordered pairs, an image and itself included, from those of different images."""
        return float((len(rgb) + 2.0 * np.exp(-scale * distances).sum()) / len(rgb) ** 2)

    across = float(np.exp(-scale * cdist(rgb, sensor, "sqeuclidean")).mean())
    return float(np.sqrt(max(alike(inside_rgb) + alike(inside_sensor) - 2.0 * across, 0.0)))


def cka(rgb: Features, sensor: Features) -> float:
    """Linear centred kernel alignment, 0..1. (N, D) both, row i of both is pair i.

    Source: Kornblith et al., ICML 2019 (arXiv 1905.00414), computed on (N, N) Gram matrices.
    """
    a, b = rgb - rgb.mean(axis=0), sensor - sensor.mean(axis=0)
    gram_a, gram_b = a @ a.T, b @ b.T
    norm = np.linalg.norm(gram_a) * np.linalg.norm(gram_b)
    return float((gram_a * gram_b).sum() / norm) if norm > 0 else 0.0


def frechet(rgb: Features, sensor: Features) -> float:
    """Fréchet distance of two Gaussians in units of the RGB features' variance. (N, D) both, D < N.

    ||m_1 - m_2||^2 + trace(C_1 + C_2 - 2 (C_1 C_2)^(1/2)), divided by trace C_1.
    """
    first, second = np.atleast_2d(np.cov(rgb, rowvar=False)), np.atleast_2d(np.cov(sensor, rowvar=False))
    cross = np.real(sqrtm(first @ second))
    distance = np.square(rgb.mean(axis=0) - sensor.mean(axis=0)).sum() + np.trace(first + second - 2.0 * cross)
    return float(max(distance, 0.0) / max(float(np.trace(first)), 1e-12))


def retrieval(rgb: Features, sensor: Features) -> float:
    """Share of sensor images whose most similar RGB image (cosine) is their own partner, 0..1. (N, D) both."""
    directions = rgb / np.maximum(np.linalg.norm(rgb, axis=1, keepdims=True), 1e-12)
    nearest = (sensor @ directions.T).argmax(axis=1)
    return float(np.mean(nearest == np.arange(len(rgb))))


def probe(rgb: Features, sensor: Features) -> float:
    """Cross-validated accuracy of a linear test of the sensor (ridge regression on the sign), 0.5 = cannot be told.

    (N, D) both. Both images of a pair are always in the same fold.
    """
    features = StandardScaler().fit_transform(np.concatenate([rgb, sensor]))
    which = np.repeat([False, True], len(rgb))
    pairs = np.tile(np.arange(len(rgb)), 2)
    target = np.where(which, 1.0, -1.0)
    penalty = len(rgb) * np.eye(features.shape[1])
    right = []
    for fold in range(min(3, len(rgb))):
        test = pairs % 3 == fold
        train = features[~test]
        weights = np.linalg.solve(train.T @ train + penalty, train.T @ target[~test])
        right.append(np.mean((features[test] @ weights > 0) == which[test]))
    return float(np.mean(right))


class GapMeter:
    """Measures the gap again and again on the same pairs, drawn in a basis that does not move.

    Args:
        rgb: (N, D) features of the held-out pairs' RGB images.
        sensor: (N, D) features of their partners before training.
    """

    def __init__(self, rgb: Features, sensor: Features) -> None:
        both = np.concatenate([rgb, sensor])
        self._plane = PCA(n_components=2, svd_solver="full").fit(both)
        size = max(1, min(LARGEST_BASIS, len(rgb) // 2, rgb.shape[1]))
        self._basis = PCA(n_components=size, svd_solver="full").fit(both)

    def measure(self, rgb: Features, sensor: Features) -> dict[str, float]:
        """All measures of `events.GAP_MEASURES`; rows of both (N, D) arrays are pairs."""
        small_rgb, small_sensor = self._basis.transform(rgb), self._basis.transform(sensor)
        return {
            "mean_distance": mean_distance(rgb, sensor),
            "mmd": mmd(rgb, sensor),
            "cka": cka(rgb, sensor),
            "frechet": frechet(small_rgb, small_sensor),
            "retrieval": retrieval(rgb, sensor),
            "probe": probe(small_rgb, small_sensor),
        }

    def place(self, features: Features) -> NDArray[np.float32]:
        """(N, D) features as (N, 2) points of the fixed picture."""
        return np.asarray(self._plane.transform(features), dtype=np.float32)
