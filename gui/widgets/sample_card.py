"""One image of the strip: its pictures, what the model said before and what it says now."""

from __future__ import annotations

from html import escape

import numpy as np
from bandbridge.engine.api.events import SamplePrediction
from bandbridge.gui.colours import readable
from bandbridge.gui.picture import as_image
from bandbridge.gui.theme import GRID, RADIUS, Theme
from bandbridge.gui.widgets.answers import Answer, answers, paint_answers
from bandbridge.gui.widgets.picture_view import ORIGIN_COLOURS, ORIGIN_TITLES, Origin, Picture
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QWidget

_PICTURE = 88
_WORDS = 156


def pictures_of(sample: SamplePrediction) -> list[Picture]:
    """The pictures there are of a sample: sensor, translated, RGB partner."""
    found = [Picture("sensor", sample.picture)]
    if sample.translated is not None:
        found.append(Picture("translated", sample.translated))
    if sample.partner is not None:
        found.append(Picture("source", sample.partner))
    return found


class SampleCard(QAbstractButton):
    """A sample to be pressed for a larger view.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sample: SamplePrediction | None = None
        self._answers: list[Answer] = []
        self._pixmaps: list[tuple[Origin, QPixmap]] = []
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.changed.connect(self.update)

    def set_sample(self, sample: SamplePrediction, class_names: tuple[str, ...]) -> None:
        """Show this sample."""
        old = self._sample
        if old is None or old.picture is not sample.picture or old.translated is not sample.translated:
            self._pixmaps = [(picture.origin, self._small(picture.pixels)) for picture in pictures_of(sample)]
        self._sample = sample
        self._answers = answers(class_names, sample.before, sample.bridged, sample.after, sample.truth)
        words = [answer.in_words() for answer in self._answers]
        truth = "" if sample.truth is None else f"<br>True class: {escape(class_names[sample.truth])}."
        self.setAccessibleName("; ".join([sample.key, *words]))
        lines = "<br>".join(escape(line) for line in words)
        self.setToolTip(f"<b>{escape(sample.key)}</b><br>{lines}{truth}<br>Press to enlarge.")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Pictures in a row, words right of them."""
        words = max(_WORDS, self.fontMetrics().averageCharWidth() * (22 if len(self._answers) < 3 else 27))
        pictures = max(len(self._pixmaps), 1) * (_PICTURE + GRID)
        height = _PICTURE + self._line_height() + 3 * GRID + 2
        return QSize(pictures + words + 2 * GRID, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw everything."""
        sample = self._sample
        if sample is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setPen(QPen(self._theme.colour("accent" if self.hasFocus() else "line"), 2 if self.hasFocus() else 1))
        painter.setBrush(self._theme.colour("raised" if self.underMouse() else "surface"))
        painter.drawRoundedRect(frame, RADIUS, RADIUS)
        painter.setFont(self._theme.font("small"))
        left = float(GRID + 1)
        for origin, pixmap in self._pixmaps:
            self._paint_picture(painter, QRectF(left, GRID + 1, _PICTURE, _PICTURE), origin, pixmap)
            left += _PICTURE + GRID
        words = QRectF(left, GRID, self.width() - left - GRID, _PICTURE)
        paint_answers(painter, words, self._answers, self._theme)
        painter.setPen(self._theme.colour("muted"))
        foot = QRectF(GRID + 1, _PICTURE + 2 * GRID - 2, self.width() - 2 * GRID, self._line_height())
        text = ("Pair: " if sample.kind == "pair" else "") + sample.key
        painter.drawText(foot, painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, int(foot.width())))
        painter.end()

    def _paint_picture(self, painter: QPainter, box: QRectF, origin: Origin, pixmap: QPixmap) -> None:
        painter.drawPixmap(box, pixmap, QRectF(pixmap.rect()))
        colour = self._theme.colour(ORIGIN_COLOURS[origin])
        painter.setPen(QPen(colour, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        title = ORIGIN_TITLES[origin]
        metrics = painter.fontMetrics()
        tag = QRectF(box.left(), box.top(), metrics.horizontalAdvance(title) + GRID, metrics.height())
        painter.fillRect(tag, colour)
        painter.setPen(readable(colour))
        painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, title)

    def _line_height(self) -> int:
        return self.fontMetrics().height()

    def _small(self, pixels: NDArray[np.uint8]) -> QPixmap:
        ratio = max(self.devicePixelRatioF(), 1.0)
        side = round(_PICTURE * ratio)
        image = as_image(pixels).scaled(
            side, side, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
        )
        left, top = (image.width() - side) // 2, (image.height() - side) // 2
        return QPixmap.fromImage(image.copy(left, top, side, side))
