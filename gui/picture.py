"""Pictures from arrays, as Qt shows them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPainter, QPixmap


def as_image(array: NDArray[np.uint8]) -> QImage:
    """An (H, W, 3) uint8 array as an image that owns its data."""
    rows = np.ascontiguousarray(array)
    height, width = rows.shape[:2]
    return QImage(rows.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def as_pixmap(array: NDArray[np.uint8]) -> QPixmap:
    """An (H, W, 3) uint8 array as a pixmap."""
    return QPixmap.fromImage(as_image(array))


def keep_side_by_side(pictures: Sequence[QPixmap], side_px: int, file: Path) -> None:
    """Save pictures beside each other, each cut to a square; nothing happens where that cannot be written.

    Args:
        pictures: At least one.
        side_px: Of each square.
        file: Where to, in a folder that may be gone.
    """
    strip = QPixmap(len(pictures) * side_px, side_px)
    painter = QPainter(strip)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for index, picture in enumerate(pictures):
        edge = min(picture.width(), picture.height())
        painter.drawPixmap(index * side_px, 0, side_px, side_px, picture, 0, 0, edge, edge)
    painter.end()
    with contextlib.suppress(OSError):
        if file.parent.is_dir():
            strip.save(str(file))
