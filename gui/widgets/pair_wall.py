"""A wall of random pairs, to see at a glance whether they show the same scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bandbridge.gui.theme import GRID, Theme
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

SIDE = 96
"""Side of a picture at least; a little more where the row has room."""
_GAP = 2 * GRID
_FRAME = 2
_BETWEEN = 2


@dataclass(frozen=True, slots=True)
class WallItem:
    """One scene on the wall.

    Attributes:
        name: Shown below.
        rgb: Its RGB picture, or None where there is none to show.
        sensor: Its sensor picture, or None.
    """

    name: str
    rgb: QPixmap | None
    sensor: QPixmap | None


class PairWall(QWidget):
    """Pairs side by side, RGB left with a blue frame, sensor right with an orange one.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._items: tuple[WallItem, ...] = ()
        self._empty = ""
        self._alone = False
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Random pairs")
        theme.changed.connect(self.update)

    def show_items(self, items: Sequence[WallItem]) -> None:
        """Show these scenes; those without any RGB picture take half the width."""
        self._items = tuple(items)
        self._alone = all(item.rgb is None for item in items)
        self.setAccessibleDescription(", ".join(item.name for item in items))
        self._fit()

    def show_text(self, text: str) -> None:
        """Show a sentence instead."""
        self._items = ()
        self._empty = text
        self.setAccessibleDescription(text)
        self._fit()

    def heightForWidth(self, width: int) -> int:
        """Rows that the items need."""
        rows = -(-len(self._items) // self._columns(width))
        return max(8 * GRID, rows * self._cell_height(width) + GRID)

    def sizeHint(self) -> QSize:
        """For the width at hand."""
        return QSize(4 * self._cell_width(SIDE), self.heightForWidth(max(self.width(), self._cell_width(SIDE))))

    def _fit(self) -> None:
        self.setMinimumHeight(self.heightForWidth(max(self.width(), self._cell_width(SIDE))))
        self.updateGeometry()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the rows anew."""
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _cell_width(self, side: int) -> int:
        return (side if self._alone else 2 * side + _BETWEEN) + _GAP

    def _cell_height(self, width: int) -> int:
        return self._side(width) + self.fontMetrics().height() + _GAP

    def _columns(self, width: int) -> int:
        return max(1, (width + _GAP) // self._cell_width(SIDE))

    def _side(self, width: int) -> int:
        """Of a picture, so that the row is full."""
        room = (width + _GAP) // self._columns(width) - _GAP
        return max(SIDE, room if self._alone else (room - _BETWEEN) // 2)

    def _place(self, index: int) -> QRect:
        row, column = divmod(index, self._columns(self.width()))
        width, height = self._cell_width(self._side(self.width())), self._cell_height(self.width())
        return QRect(column * width, row * height, width - _GAP, height - _GAP // 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the pairs with their names."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(self._theme.font("small"))
        painter.setPen(self._theme.colour("muted"))
        if not self._items:
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect(), flags, self._empty)
            return
        side = self._side(self.width())
        for index, item in enumerate(self._items):
            place = self._place(index)
            left = QRect(place.topLeft(), QSize(side, side))
            if self._alone:
                self._draw(painter, left, item.sensor, "sensor")
            else:
                self._draw(painter, left, item.rgb, "source")
                self._draw(painter, left.translated(side + _BETWEEN, 0), item.sensor, "sensor")
            words = QRect(place.left(), place.top() + side + 3, place.width(), painter.fontMetrics().height())
            shown = painter.fontMetrics().elidedText(item.name, Qt.TextElideMode.ElideMiddle, place.width())
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(words, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)

    def _draw(self, painter: QPainter, place: QRect, picture: QPixmap | None, colour: str) -> None:
        if picture is None:
            painter.fillRect(place, self._theme.colour("raised"))
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), "…")
        else:
            size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
            inner = QRect(QPoint(0, 0), size)
            inner.moveCenter(place.center())
            painter.fillRect(place, self._theme.colour("raised"))
            painter.drawPixmap(inner, picture)
        painter.setPen(QPen(self._theme.colour(colour), _FRAME))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place.adjusted(1, 1, -1, -1))

    def event(self, event: object) -> bool:
        """The whole name as a tooltip."""
        if isinstance(event, QHelpEvent):
            for index, item in enumerate(self._items):
                if self._place(index).contains(event.pos()):
                    QToolTip.showText(event.globalPos(), item.name, self)
                    return True
        return super().event(event)  # type: ignore[arg-type]
