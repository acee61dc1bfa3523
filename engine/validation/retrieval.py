"""Finding clips by a clip, and putting tags in order: how often what belongs together comes first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

RANKS = (1, 5, 10)


def similarities(queries: NDArray[np.float32], gallery: NDArray[np.float32]) -> NDArray[np.float64]:
    """(Q, G) cosines of (Q, D) and (G, D)."""
    found: NDArray[np.float64] = _directions(queries) @ _directions(gallery).T
    return found


def ranking(queries: NDArray[np.float32], gallery: NDArray[np.float32]) -> NDArray[np.int64]:
    """(Q, G) the gallery's rows by cosine similarity to each query, most similar first; ties keep their order.

    Args:
        queries: (Q, D).
        gallery: (G, D).
    """
    return np.argsort(-similarities(queries, gallery), axis=1, kind="stable")


def _directions(features: NDArray[np.float32]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    found: NDArray[np.float64] = features / np.maximum(lengths, 1e-12)
    return found


def retrieval_measures(
    queries: NDArray[np.float32],
    query_labels: NDArray[np.bool_],
    gallery: NDArray[np.float32],
    gallery_labels: NDArray[np.bool_],
    ranks: Sequence[int] = RANKS,
) -> dict[str, float]:
    """Share of queries with a hit among the first k, and the mean of their average precisions.

    A hit has a label in common with the query. A query without any hit in the gallery counts, with precision 0.

    Args:
        queries: (Q, D) features, Q >= 1.
        query_labels: (Q, K).
        gallery: (G, D), G >= 1.
        gallery_labels: (G, K).
        ranks: The k.

    Returns:
        "recall_at_<k>" for every k, and "retrieval_map"; all 0..1.
    """
    hits = (query_labels.astype(np.int64) @ gallery_labels.astype(np.int64).T) > 0  # (Q, G)
    hits = np.take_along_axis(hits, ranking(queries, gallery), axis=1)
    places = np.arange(1, hits.shape[1] + 1)
    precisions = hits.cumsum(axis=1) / places
    counts = hits.sum(axis=1)
    averages = (precisions * hits).sum(axis=1) / np.maximum(counts, 1)  # 0 where there is no hit
    found = {f"recall_at_{k}": float(hits[:, :k].any(axis=1).mean()) for k in ranks}
    return {**found, "retrieval_map": float(averages.mean())}


def tagging_precision(scores: NDArray[np.float32], labels: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]]:
    """Mean over tags of the average precision with which clips that have the tag come first.

    Args:
        scores: (N, K).
        labels: (N, K).

    Returns:
        The mean over tags that some clip has (NaN without any), and (K,) of every tag, NaN for the others.
    """
    each = np.full(labels.shape[1], np.nan)
    for tag in np.flatnonzero(labels.any(axis=0)):
        each[tag] = average_precision_score(labels[:, tag], scores[:, tag])
    known = each[~np.isnan(each)]
    return (float(known.mean()) if len(known) else float("nan")), each


def separation(values: NDArray[np.float32], positive: NDArray[np.bool_]) -> float | None:
    """Chance that a value of a positive one lies above that of another (area under the ROC curve).

    Args:
        values: (N,).
        positive: (N,).

    Returns:
        0..1, 0.5 where they cannot be told apart; None if one kind is missing.
    """
    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, values))
