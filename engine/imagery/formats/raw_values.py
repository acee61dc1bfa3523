"""From pixels as files store them to raw values with gaps."""

from __future__ import annotations

import numpy as np
from bandbridge.engine.imagery.formats.header import StoredPixels
from numpy.typing import NDArray


def raw_values(stored: StoredPixels, no_data: float | None = None) -> NDArray[np.float32]:
    """Pixels as a file stores them -> raw values (C, H, W), NaN where there is nothing.

    Args:
        stored: Of a whole file or a part of it.
        no_data: A raw value that means "nothing here", besides what the file declares.
    """
    values = _as_float32(stored.values)
    for nothing in (stored.header.no_data, no_data):
        if nothing is not None:
            # Compared in the file's own number type: float32 cannot tell all 32-bit integers apart.
            values[stored.values == _as_stored(nothing)] = np.nan
    if stored.hidden is not None:
        values[:, stored.hidden] = np.nan
    return values


def _as_float32(stored: NDArray[np.generic]) -> NDArray[np.float32]:
    if stored.dtype.kind != "f":
        return stored.astype(np.float32)
    with np.errstate(over="ignore"):
        values = stored.astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return values


def _as_stored(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value
