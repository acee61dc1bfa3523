"""Pictures from arrays, as Qt shows them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPixmap


def as_image(array: NDArray[np.uint8]) -> QImage:
    """An (H, W, 3) uint8 array as an image that owns its data."""
    rows = np.ascontiguousarray(array)
    height, width = rows.shape[:2]
    return QImage(rows.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def as_pixmap(array: NDArray[np.uint8]) -> QPixmap:
    """An (H, W, 3) uint8 array as a pixmap."""
    return QPixmap.fromImage(as_image(array))
