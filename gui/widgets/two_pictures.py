"""Two pictures in one place: a line to drag between them, or one after the other."""

from __future__ import annotations

from typing import Literal

from bandbridge.gui.picture import as_image
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.picture_view import ORIGIN_COLOURS, ORIGIN_TITLES, Lens, Origin, Picture, PictureView
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPen, QPixmap, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

Way = Literal["swipe", "blink"]
_REACH_PX = 12
_KEY_STEP = 0.02


class SwipeView(PictureView):
    """A picture with a second one over it, from a dividing line on to the right.

    Args:
        theme: Colours.
        parent: Qt parent.

    Signals:
        divided: The person moved the line.
    """

    divided = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._second = QPixmap()
        self._share = 0.5
        self._frames = (QColor(), QColor())
        self._has_line = True
        self._dragging = False
        self.viewport().setMouseTracking(True)

    @property
    def share(self) -> float:
        """Where the line is, as a share of the view's width; the second picture is right of it."""
        return self._share

    def set_second(self, second: QPixmap) -> None:
        """Show this picture right of the line."""
        self._second = second
        self.viewport().update()

    def divide(self, share: float, *, line: bool) -> None:
        """Move the line.

        Args:
            share: 0 shows the second picture alone, 1 the first alone.
            line: Whether it can be seen and dragged.
        """
        self._share, self._has_line = min(max(share, 0.0), 1.0), line
        self.viewport().update()

    def set_frames(self, first: QColor, second: QColor) -> None:
        """Frame what is left of the line in one colour, what is right of it in another."""
        self._frames = (first, second)
        self.viewport().update()

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Draw the second picture right of the line, the frames, and the line."""
        x = round(self._share * self.viewport().width())
        place = self.sceneRect()
        right = QRectF(place)
        right.setLeft(max(place.left(), self.mapToScene(QPoint(x, 0)).x()))
        if right.isValid() and not self._second.isNull():
            painter.save()
            painter.setClipRect(right)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.is_smooth)
            painter.drawPixmap(place, self._second, QRectF(self._second.rect()))
            painter.restore()
        for colour, left, width in ((self._frames[0], 0, x), (self._frames[1], x, self.viewport().width() - x)):
            painter.save()
            painter.setWorldMatrixEnabled(False)
            painter.setClipRect(QRectF(left, 0, width, self.viewport().height()))
            painter.setWorldMatrixEnabled(True)
            self._draw_frame(painter, colour)
            painter.restore()
        if not self._has_line:
            return
        painter.save()
        painter.setWorldMatrixEnabled(False)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = self.viewport().height()
        for role, thickness in (("window", 4.0), ("accent", 2.0)):
            painter.setPen(QPen(self._theme.colour(role), thickness))
            painter.drawLine(QPointF(x, 0), QPointF(x, height))
        painter.setBrush(self._theme.colour("accent"))
        painter.setPen(QPen(self._theme.colour("window"), 1.5))
        painter.drawEllipse(QPointF(x, height / 2), 9, 9)
        painter.setPen(QPen(self._theme.colour("on_accent"), 1.5))
        for way in (-1, 1):
            tip = QPointF(x + way * 5.5, height / 2)
            painter.drawPolyline([tip - QPointF(way * 3, 3), tip, tip - QPointF(way * 3, -3)])
        painter.restore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the line, or of the pictures."""
        if event.button() == Qt.MouseButton.LeftButton and self._is_near(event.position()):
            self._dragging = True
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the line, or the pictures."""
        if self._dragging:
            self._move_line(event.position().x() / max(self.viewport().width(), 1))
            return
        super().mouseMoveEvent(event)
        if not event.buttons():
            near = self._is_near(event.position())
            shape = Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.OpenHandCursor
            self.viewport().setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        if self._dragging:
            self._dragging = False
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl and an arrow move the line."""
        ways = {Qt.Key.Key_Left: -_KEY_STEP, Qt.Key.Key_Right: _KEY_STEP}
        if self._has_line and event.modifiers() & Qt.KeyboardModifier.ControlModifier and event.key() in ways:
            self._move_line(self._share + ways[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def _is_near(self, place: QPointF) -> bool:
        return self._has_line and abs(place.x() - self._share * self.viewport().width()) <= _REACH_PX

    def _move_line(self, share: float) -> None:
        self.divide(share, line=True)
        self.divided.emit(self._share)


class TwoPictures(QWidget):
    """Two pictures to be compared by a line drawn across, or by showing them in turn.

    Args:
        theme: Colours.
        parent: Qt parent.

    Signals:
        moved: The person zoomed or moved: (`Lens`).
    """

    moved = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._origins: tuple[Origin, Origin] = ("sensor", "translated")
        self._way: Way = "swipe"
        self._line = 0.5
        self._shows_second = False
        self.view = SwipeView(theme)
        self.view.moved.connect(self.moved)
        self.view.divided.connect(self._keep_line)
        self._left = text_label("", "small", wrap=False)
        self._right = text_label("", "small", wrap=False)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._turn)
        self.blinking = True
        self.interval_s = 1.0
        captions = QHBoxLayout()
        captions.addWidget(self._left)
        captions.addStretch(1)
        captions.addWidget(self._right)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(captions)
        layout.addWidget(self.view, 1)
        theme.changed.connect(self._restyle)

    @property
    def shown(self) -> Origin | None:
        """The picture alone to be seen while they take turns; None while a line divides them."""
        return None if self._way == "swipe" else self._origins[self._shows_second]

    def set_pictures(self, first: Picture, second: Picture) -> None:
        """Compare these."""
        self._origins = (first.origin, second.origin)
        self.view.set_second(QPixmap.fromImage(as_image(second.pixels)))
        self.view.set_image(as_image(first.pixels))
        self._arrange()

    def compare_by(self, way: Way) -> None:
        """Divide them by a line, or show them in turn."""
        self._way = way
        self._arrange()

    def set_blinking(self, blinking: bool) -> None:
        """Take turns by itself, or stand still."""
        self.blinking = blinking
        self._arrange()

    def set_interval(self, seconds: float) -> None:
        """How long each picture is shown."""
        self.interval_s = seconds
        self._arrange()

    def look_at(self, lens: Lens) -> None:
        """Show a place at a zoom, without telling anybody."""
        self.view.look_at(lens)

    def showEvent(self, event: QShowEvent) -> None:
        """Take turns while in sight only."""
        super().showEvent(event)
        self._arrange()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stand still."""
        super().hideEvent(event)
        self._timer.stop()

    def _keep_line(self, share: float) -> None:
        self._line = share

    def _turn(self) -> None:
        self._shows_second = not self._shows_second
        self._arrange()

    def _arrange(self) -> None:
        first, second = (ORIGIN_TITLES[origin] for origin in self._origins)
        swipe = self._way == "swipe"
        if swipe:
            self.view.divide(self._line, line=True)
        else:
            self.view.divide(0.0 if self._shows_second else 1.0, line=False)
        self._left.setText(first if swipe else (second if self._shows_second else first))
        self._right.setText(second if swipe else "")
        self.view.setAccessibleName(f"{first} and {second} pictures" if swipe else f"{self._left.text()} picture")
        runs = not swipe and self.blinking and self.isVisible()
        if not runs:
            self._timer.stop()
        elif not self._timer.isActive() or self._timer.interval() != round(1000 * self.interval_s):
            self._timer.start(round(1000 * self.interval_s))
        self._restyle()

    def _restyle(self) -> None:
        first, second = (self._theme.colour(ORIGIN_COLOURS[origin]) for origin in self._origins)
        self.view.set_frames(first, second)
