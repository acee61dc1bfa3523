"""One doubtful image or pair on the wall of the worst cases."""

from __future__ import annotations

from collections.abc import Sequence

from bandbridge.gui.doubt import Doubt
from bandbridge.gui.quantities import fixed, percent
from bandbridge.gui.theme import GRID, RADIUS, Theme
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

SIDE = 112
"""Side of a picture."""
_BETWEEN = 2
_MARGIN = GRID // 2
_HEAD = 7.0
_COLOURS = {"rgb": "source", "sensor": "sensor", "target": "sensor"}


def case_in_words(doubt: Doubt) -> str:
    """How bad it is, in a few words; "" where the kind says it all."""
    if (shift := doubt.shift) is not None:
        across = f"{fixed(abs(shift.right_px), 1)} px {'right' if shift.right_px > 0 else 'left'}"
        return f"{across}, {fixed(abs(shift.down_px), 1)} px {'down' if shift.down_px > 0 else 'up'}"
    return f"{percent(doubt.finding.amount)} at one end" if doubt.finding.kind == "clipped" else ""


class CaseCard(QWidget):
    """Its pictures side by side with file and figure below; pressed, it is shown large.

    Args:
        doubt: What it is about.
        reach: Of a shifted pair: its shift as shares of the sensor image's width and height.
        theme: Colours.
        parent: Qt parent.

    Signals:
        pressed: Show it large.
    """

    pressed = Signal()

    def __init__(
        self, doubt: Doubt, reach: tuple[float, float] | None, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.doubt = doubt
        self._reach = reach
        self._theme = theme
        self._roles = [role for role, _ in doubt.pictures()]
        self._pictures: list[QPixmap | None] = [None] * len(self._roles)
        self._are_there = False
        self._settled = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{doubt.kind}: {doubt.finding.file}")
        self.setAccessibleDescription(doubt.finding.what)
        self.setToolTip(f"{doubt.finding.what}\nPress to see it large.")
        theme.changed.connect(self.update)

    def show_pictures(self, pictures: Sequence[QPixmap | None]) -> None:
        """Show these; None for a file that cannot be read."""
        self._pictures, self._are_there = list(pictures), True
        self.update()

    def show_settled(self, words: str) -> None:
        """What the person has done about it, "" for nothing."""
        if words != self._settled:
            self._settled = words
            self.update()

    def sizeHint(self) -> QSize:
        """As many pictures as it has, and two lines."""
        count = len(self._pictures)
        lines = 2 * self.fontMetrics().height()
        return QSize(count * SIDE + (count - 1) * _BETWEEN + 2 * _MARGIN, SIDE + lines + 2 * _MARGIN + 4)

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Press."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.pressed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and space press too."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.pressed.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show it."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show it no more."""
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw pictures, arrow and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self.hasFocus() or self.underMouse():
            painter.setPen(QPen(self._theme.colour("accent"), 2) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("raised"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)
        painter.setFont(self._theme.font("small"))
        for place, (role, picture) in enumerate(zip(self._roles, self._pictures, strict=True)):
            box = QRect(_MARGIN + place * (SIDE + _BETWEEN), _MARGIN, SIDE, SIDE)
            self._draw(painter, box, picture, _COLOURS[role])
            if role == "sensor" and self._reach is not None and picture is not None and not self._settled:
                self._draw_arrow(painter, box, self._reach)
        metrics = painter.fontMetrics()
        words = QRect(_MARGIN, _MARGIN + SIDE + 3, self.width() - 2 * _MARGIN, metrics.height())
        line = self._settled or case_in_words(self.doubt)
        painter.setPen(self._theme.colour("good" if self._settled else "text"))
        if line:
            painter.drawText(words, metrics.elidedText(line, Qt.TextElideMode.ElideRight, words.width()))
            words.translate(0, metrics.height())
        painter.setPen(self._theme.colour("muted"))
        name = metrics.elidedText(self.doubt.finding.file, Qt.TextElideMode.ElideMiddle, words.width())
        painter.drawText(words, name)

    def _draw(self, painter: QPainter, box: QRect, picture: QPixmap | None, colour: str) -> None:
        painter.fillRect(box, self._theme.colour("raised"))
        if picture is not None:
            size = picture.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
            inner = QRect(box.topLeft(), size)
            inner.moveCenter(box.center())
            painter.drawPixmap(inner, picture)
        else:
            painter.setPen(self._theme.colour("muted"))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(box, flags, "cannot be read" if self._are_there else "…")
        painter.setPen(QPen(self._theme.colour(colour), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(1, 1, -1, -1))

    def _draw_arrow(self, painter: QPainter, box: QRect, reach: tuple[float, float]) -> None:
        """From where things ought to be to where the sensor image shows them, as long as the shift."""
        start = QPointF(box.center())
        end = start + QPointF(reach[0] * box.width(), reach[1] * box.height())
        way = end - start
        length = max((way.x() ** 2 + way.y() ** 2) ** 0.5, 1e-6)
        along = way / length
        across = QPointF(-along.y(), along.x())
        for colour, width in (("window", 5.0), ("error", 2.5)):
            painter.setPen(QPen(self._theme.colour(colour), width, c=Qt.PenCapStyle.RoundCap))
            painter.drawLine(start, end)
            painter.drawPolyline([end - along * _HEAD + across * 4, end, end - along * _HEAD - across * 4])
