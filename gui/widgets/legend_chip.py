"""One entry of a legend: the line or mark as drawn, its name, its value; pressing it hides or shows the curve."""

from __future__ import annotations

from typing import Literal

from bandbridge.gui.theme import GRID, RADIUS, Theme
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

Mark = Literal["line", "disc", "square", "dot", "tick"]
_LINE_WIDTH = 18
_MARK_WIDTH = 9
_INSET = GRID // 2


class LegendChip(QAbstractButton):
    """A checkable legend entry.

    Args:
        theme: Colours.
        text: Name of the curve.
        mark: What it is drawn with.
        checkable: Whether it can be switched off.
        parent: Qt parent.
    """

    def __init__(
        self, theme: Theme, text: str, mark: Mark = "line", *, checkable: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._mark: Mark = mark
        self._colour = QColor()
        self._dash = Qt.PenStyle.SolidLine
        self._value = ""
        self.setText(text)
        self.setCheckable(checkable)
        self.setChecked(True)
        self.setAccessibleName(f"Show {text}" if checkable else text)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if checkable else Qt.FocusPolicy.NoFocus)
        self.setFont(theme.font("small"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if checkable:
            self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_look(self, colour: QColor, dash: Qt.PenStyle = Qt.PenStyle.SolidLine) -> None:
        """How the curve is drawn."""
        self._colour, self._dash = colour, dash
        self.setFont(self._theme.font("small"))
        self.update()

    def set_value(self, value: str) -> None:
        """Text behind the name; the chip keeps the width of the longest so that nothing jumps."""
        if value != self._value:
            wider = len(value) > len(self._value)
            self._value = value
            self.setAccessibleDescription(value)
            if wider:
                self.updateGeometry()
            self.update()

    @property
    def _shown(self) -> bool:
        return self.isChecked() or not self.isCheckable()

    @property
    def _swatch(self) -> int:
        return _LINE_WIDTH if self._mark == "line" else _MARK_WIDTH

    @property
    def _text_left(self) -> int:
        return _INSET + self._swatch + 6

    def sizeHint(self) -> QSize:
        """Room for mark, name and value."""
        metrics = self.fontMetrics()
        width = self._text_left + metrics.horizontalAdvance(self.text()) + GRID
        if self._value:
            width += 6 + max(metrics.horizontalAdvance(self._value), metrics.horizontalAdvance("−0.000"))
        return QSize(width, metrics.height() + GRID)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the mark, the name and the value."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self.isCheckable() and (self.underMouse() or self.hasFocus()):
            painter.setPen(QPen(self._theme.colour("accent" if self.hasFocus() else "line"), 1))
            painter.setBrush(self._theme.colour("raised") if self.underMouse() else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, RADIUS, RADIUS)
        self._paint_mark(painter)
        left = self._text_left
        line = QRectF(left, 0, self.width() - left, self.height())
        painter.setPen(self._theme.colour("text" if self._shown else "muted"))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self._value and self._shown:
            painter.setPen(self._theme.colour("muted"))
            line.setRight(self.width() - _INSET)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._value)
        painter.end()

    def _paint_mark(self, painter: QPainter) -> None:
        middle = QPointF(_INSET + self._swatch / 2, self.height() / 2)
        colour = self._colour if self._shown else self._theme.colour("muted")
        if self._mark == "line":
            painter.setPen(QPen(colour, 2 if self._shown else 1, self._dash if self._shown else Qt.PenStyle.DotLine))
            painter.drawLine(middle - QPointF(_LINE_WIDTH / 2, 0), middle + QPointF(_LINE_WIDTH / 2, 0))
            return
        if self._mark == "tick":
            painter.setPen(QPen(colour, 2))
            painter.drawLine(middle - QPointF(0, 4), middle + QPointF(0, 4))
            return
        if self._shown:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
        else:
            painter.setPen(QPen(colour, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        radius = 2.5 if self._mark == "dot" else 4.5
        if self._mark == "square":
            painter.drawRect(QRectF(middle.x() - 4, middle.y() - 4, 8, 8))
        else:
            painter.drawEllipse(middle, radius, radius)
