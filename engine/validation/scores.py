"""Scores on labelled images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bandbridge.engine.api.reports import Scores
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

UNLABELLED = -1


def measure_scores(truth: NDArray[np.int64], predicted: NDArray[np.int64], class_names: Sequence[str]) -> Scores | None:
    """Accuracy, balanced accuracy and confusion.

    Args:
        truth: (N,) class indices, -1 where there is no label.
        predicted: (N,) class indices.
        class_names: Names of all K classes.

    Returns:
        The scores, or None if no image is labelled. Balanced accuracy is the mean over classes that occur.
    """
    labelled = truth != UNLABELLED
    if not labelled.any():
        return None
    confusion = confusion_matrix(truth[labelled], predicted[labelled], labels=np.arange(len(class_names)))
    totals = confusion.sum(axis=1)
    per_class = {name: float(confusion[k, k] / totals[k]) for k, name in enumerate(class_names) if totals[k] > 0}
    return Scores(
        images=int(labelled.sum()),
        accuracy=float(np.trace(confusion) / confusion.sum()),
        balanced_accuracy=float(np.mean(list(per_class.values()))),
        per_class=per_class,
        confusion=confusion.astype(np.int64),
        class_names=tuple(class_names),
    )
