"""Scores of a network for clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bandbridge.engine.api.reports import ClipScores
from bandbridge.engine.validation.retrieval import retrieval_measures, tagging_precision
from bandbridge.engine.validation.scores import UNLABELLED, measure_scores
from numpy.typing import NDArray


def measure_clips(
    chances: NDArray[np.float32],
    labels: NDArray[np.bool_],
    class_names: Sequence[str],
    *,
    tags: bool,
    features: NDArray[np.float32] | None = None,
    gallery: tuple[NDArray[np.float32], NDArray[np.bool_]] | None = None,
) -> ClipScores | None:
    """Accuracy or tagging, and retrieval where there is something to find.

    A clip without any of the K labels counts for tagging and, as one without a hit, for retrieval; not for accuracy.

    Args:
        chances: (n, K).
        labels: (n, K).
        class_names: K.
        tags: Whether a clip may have several labels.
        features: (n, D) of the clips as queries, or None.
        gallery: (G, D) features and (G, K) labels of the training clips, or None.

    Returns:
        The scores, None without clips.
    """
    if len(chances) == 0:
        return None
    classes, tagging = None, {}
    measures: dict[str, float] = {}
    if tags:
        mean, each = tagging_precision(chances, labels)
        tagging = {name: float(value) for name, value in zip(class_names, each, strict=True) if np.isfinite(value)}
        if np.isfinite(mean):
            measures["tagging_map"] = mean
    else:
        truth = np.where(labels.any(axis=1), labels.argmax(axis=1), UNLABELLED)
        classes = measure_scores(truth, chances.argmax(axis=1).astype(np.int64), class_names)
    if classes is not None:
        measures |= {"accuracy": classes.accuracy, "balanced_accuracy": classes.balanced_accuracy}
    if features is not None and gallery is not None and len(gallery[0]):
        measures |= retrieval_measures(features, labels, *gallery)
    return ClipScores(clips=len(chances), classes=classes, tagging=tagging, measures=measures)


def answers(chances: NDArray[np.float32], class_names: Sequence[str], *, tags: bool) -> tuple[str, ...]:
    """What a network says of a clip: the likeliest class, or every tag that is at least as likely as not.

    Args:
        chances: (K,).
        class_names: K.
        tags: Whether a clip may have several labels.
    """
    said = chances >= 0.5 if tags else np.arange(len(chances)) == chances.argmax()
    return tuple(name for name, yes in zip(class_names, said, strict=True) if yes)
