"""Where raw values lie between the two ends of a stretch, evenly or by their logarithm."""

from __future__ import annotations

import numpy as np
from bandbridge.engine.api.config import Curve
from numpy.typing import ArrayLike, NDArray

_SMALLEST = np.finfo(np.float32).tiny


def shares(values: ArrayLike, low: ArrayLike, high: ArrayLike, curve: Curve) -> NDArray[np.float32]:
    """0 at `low`, 1 at `high`, beyond them less and more; not a number where there is none.

    Args:
        values: Raw values. On a logarithmic curve those that are not above zero lie far below `low`.
        low: Raw value of 0; above zero on a logarithmic curve. It broadcasts with the values.
        high: Raw value of 1; above `low`.
        curve: How values rise.
    """
    low, span = np.asarray(low, np.float32), np.asarray(high, np.float64) - np.asarray(low, np.float64)
    if curve == "linear":
        found: NDArray[np.float32] = np.subtract(values, low, dtype=np.float32)
        found /= span.astype(np.float32)
        return found
    found = np.maximum(values, _SMALLEST, dtype=np.float32)
    found /= low
    np.log(found, out=found)
    found /= np.log1p(span / low).astype(np.float32)
    return found
