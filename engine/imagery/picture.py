"""Pictures for people: small 8-bit colour images of any sensor's values."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from bandbridge.engine.api.config import Curve
from bandbridge.engine.imagery.sensors.curve import shares
from numpy.typing import NDArray


def picture(
    values: NDArray[np.float32],
    *,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    curve: Curve = "linear",
    size_px: int = 160,
) -> NDArray[np.uint8]:
    """One image as a person would like to see it.

    One or two bands are shown grey (the first), three or more in colour (the first three as red, green, blue).

    Args:
        values: (C, H, W) raw values, NaN where there is nothing (shown black).
        low: Raw value per band shown black; None takes the 2nd percentile of this image's band.
        high: Raw value per band shown white; None takes the 98th percentile.
        curve: How grey rises between both; a logarithmic one needs `low`.
        size_px: Longest side of the result; smaller images stay as they are.

    Returns:
        (H, W, 3) red, green, blue.
    """
    shown = slice(0, 3 if len(values) >= 3 else 1)
    bands = shrink(values[shown], size_px)
    black = _percentiles(bands, 2) if low is None else np.array(low[shown], np.float32)
    white = _percentiles(bands, 98) if high is None else np.array(high[shown], np.float32)
    white = np.where(white > black, white, black + 1)
    grey_levels = shares(bands, black[:, None, None], white[:, None, None], curve) * 255
    levels = np.rint(np.clip(np.nan_to_num(grey_levels, nan=0.0), 0, 255)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(levels, (3, *levels.shape[1:])).transpose(1, 2, 0))


def shrink(bands: NDArray[np.float32], size_px: int) -> NDArray[np.float32]:
    """Average over areas, so that speckle and fine texture look as from afar; missing values stay out of it.

    Args:
        bands: (C, H, W) raw values, NaN where there is nothing.
        size_px: Longest side of the result; smaller images stay as they are.
    """
    height, width = bands.shape[1:]
    scale = size_px / max(height, width)
    if scale >= 1:
        return bands
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    gaps = np.isnan(bands)
    shrunk = np.empty((len(bands), size[1], size[0]), np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        for index, (band, gap) in enumerate(zip(bands, gaps, strict=True)):
            total = cv2.resize(np.where(gap, 0, band), size, interpolation=cv2.INTER_AREA)
            shrunk[index] = total / cv2.resize((~gap).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return shrunk


def _percentiles(bands: NDArray[np.float32], percent: float) -> NDArray[np.float32]:
    present = [band[~np.isnan(band)] for band in bands]
    return np.array([np.percentile(band, percent) if band.size else 0.0 for band in present], np.float32)
