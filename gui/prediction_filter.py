"""Which of the predicted images to look at, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from bandbridge.gui.run_record import Predictions
from numpy.typing import NDArray

Order = Literal["file", "least confident", "most confident"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionFilter:
    """Conditions that must all hold; the default lets everything through.

    Attributes:
        after: Class the adapted model gives, by name.
        before: Class the untouched model gave.
        truth: Class of the label.
        low: Least confidence of the adapted model, 0..1.
        high: Greatest confidence, 0..1.
        changed: Only images whose class changed.
        wrong: Only labelled images the adapted model gets wrong.
        order: How the images are sorted.
    """

    after: str | None = None
    before: str | None = None
    truth: str | None = None
    low: float = 0.0
    high: float = 1.0
    changed: bool = False
    wrong: bool = False
    order: Order = "file"

    def rows(self, predictions: Predictions) -> NDArray[np.int64]:
        """Indices of the images let through, in order."""
        keep: NDArray[np.bool_] = np.ones(len(predictions), dtype=bool)
        for name, values in (
            (self.after, predictions.after),
            (self.before, predictions.before),
            (self.truth, predictions.truth),
        ):
            if name is not None:
                wanted = predictions.class_names.index(name) if name in predictions.class_names else -2
                keep &= values == wanted
        # Shares are chosen in whole percent; what is shown as 80 % must pass "at least 80 %".
        percent = np.round(100 * predictions.after_confidence)
        keep &= (percent >= round(100 * self.low)) & (percent <= round(100 * self.high))
        if self.changed:
            keep &= predictions.changed
        if self.wrong:
            keep &= predictions.wrong
        rows: NDArray[np.int64] = np.flatnonzero(keep)
        if self.order != "file":
            rows = rows[np.argsort(predictions.after_confidence[rows], kind="stable")]
        return rows[::-1] if self.order == "most confident" else rows
