"""A map of differences as colours, and the legend that explains them."""

from __future__ import annotations

import numpy as np
from bandbridge.gui.theme import GRID, Theme
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

# From dark to light, so that it reads without colour too: nothing, some, much, all.
_STOPS = (
    (0.0, (13, 8, 48)),
    (0.3, (98, 26, 128)),
    (0.6, (203, 71, 103)),
    (0.85, (249, 164, 74)),
    (1.0, (252, 253, 191)),
)
_BAR = QSize(160, 12)


def as_colours(difference: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An (H, W) map, 0 for the same and 255 for nothing in common, as an (H, W, 3) picture."""
    at = [255 * place for place, _ in _STOPS]
    table = np.stack([np.interp(np.arange(256), at, [rgb[c] for _, rgb in _STOPS]) for c in range(3)], axis=1)
    coloured: NDArray[np.uint8] = np.rint(table).astype(np.uint8)[difference]
    return coloured


class DifferenceLegend(QWidget):
    """The scale of a difference map.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words = ("Same structure", "Nothing in common")
        self.setFont(theme.font("small"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Legend of the difference: dark is the same structure, bright has nothing in common")
        self.setToolTip(
            "How little the structure of the translated picture and of the RGB picture agree around each pixel: one "
            "minus the structural similarity (SSIM). Brightness and contrast count, noise counts; class does not."
        )
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """A bar between its words."""
        metrics = self.fontMetrics()
        words = sum(metrics.horizontalAdvance(word) for word in self._words)
        return QSize(words + _BAR.width() + 2 * GRID + 4, max(metrics.height(), _BAR.height()) + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        painter = QPainter(self)
        painter.setFont(self._theme.font("small"))
        painter.setPen(self._theme.colour("muted"))
        left = painter.fontMetrics().horizontalAdvance(self._words[0]) + GRID
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(self.rect()), middle | Qt.AlignmentFlag.AlignLeft, self._words[0])
        painter.drawText(QRectF(self.rect()), middle | Qt.AlignmentFlag.AlignRight, self._words[1])
        bar = QRectF(left, (self.height() - _BAR.height()) / 2, _BAR.width(), _BAR.height())
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        for place, rgb in _STOPS:
            gradient.setColorAt(place, QColor(*rgb))
        painter.fillRect(bar, gradient)
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.drawRect(bar)
        painter.end()
