"""Pictures side by side, looked at together: zooming or moving one zooms and moves all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from bandbridge.gui.picture import as_image
from bandbridge.gui.theme import GRID, Theme
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QHBoxLayout, QLabel, QVBoxLayout, QWidget

Origin = Literal["sensor", "source", "translated", "difference"]
"""What a picture shows. "source" stands for RGB."""
ORIGIN_TITLES: dict[Origin, str] = {
    "sensor": "Sensor",
    "source": "RGB",
    "translated": "Translated",
    "difference": "Difference",
}
ORIGIN_COLOURS: dict[Origin, str] = {
    "sensor": "sensor",
    "source": "source",
    "translated": "translated",
    "difference": "muted",
}
"""The theme's colour of a picture's frame."""
_ZOOM_STEP = 1.25
_CLOSEST = 64.0
_FRAME = 3
_ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and what it shows.

    Attributes:
        origin: Which sensor it stands for.
        pixels: (H, W, 3) uint8.
        title: Above it; "" takes the origin's own.
    """

    origin: Origin
    pixels: NDArray[np.uint8]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Lens:
    """What is seen of pictures that are looked at together, whatever the sizes of picture and view.

    Attributes:
        width: The whole picture would be this wide on the screen, in device-independent pixels; 0 fits the view.
        centre: The middle of the view, as shares of the picture's width and height.
    """

    width: float = 0.0
    centre: QPointF = field(default_factory=lambda: QPointF(0.5, 0.5))


class PictureView(QGraphicsView):
    """One picture to zoom (wheel, + and -, 1 for its own pixels) and to move (drag, arrow keys); 0 fits it again.

    Signals:
        moved: The person zoomed or moved: (`Lens`).
    """

    moved = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self._item = self.scene().addPixmap(QPixmap())
        self._fits = True
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setDragMode(QGraphicsView.DragMode.ScrollHandDrag)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setBackgroundBrush(Qt.BrushStyle.NoBrush)
        self.setStyleSheet("background: transparent;")
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)  # the frame does not scroll
        self._frame = QColor()

    def set_frame(self, colour: QColor) -> None:
        """Frame what can be seen of the picture."""
        self._frame = colour
        self.viewport().update()

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Draw the frame, broader with the focus."""
        self._draw_frame(painter, self._frame)

    def _draw_frame(self, painter: QPainter, colour: QColor) -> None:
        if not colour.isValid() or self._item.pixmap().isNull():
            return
        width = float(_FRAME if self.hasFocus() else _FRAME - 1)
        room = QRectF(self.viewport().rect()).adjusted(width, width, -width, -width)
        seen = self.viewportTransform().mapRect(self.sceneRect()).intersected(room)
        pen = QPen(colour, width)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.save()
        painter.setWorldMatrixEnabled(False)
        painter.setPen(pen)
        painter.drawRect(seen.adjusted(-width / 2, -width / 2, width / 2, width / 2))
        painter.restore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show it."""
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show it no more."""
        super().focusOutEvent(event)
        self.viewport().update()

    def sizeHint(self) -> QSize:
        """Room to see something."""
        return QSize(320, 320)

    def minimumSizeHint(self) -> QSize:
        """The smallest at which a picture still says something."""
        return QSize(96, 96)

    def set_image(self, image: QImage) -> None:
        """Show another picture; the zoom stays where the shape is the same."""
        same = image.size() == self._item.pixmap().size()
        self._item.setPixmap(QPixmap.fromImage(image))
        self.scene().setSceneRect(QRectF(image.rect()))
        if not same or self._fits:
            self.fit()

    @property
    def zoom(self) -> float:
        """Screen pixels for a picture pixel."""
        return self.transform().m11()

    @property
    def lens(self) -> Lens:
        """What is seen now."""
        size = self.sceneRect().size()
        if self._fits or size.isEmpty():
            return Lens()
        centre = self.mapToScene(self.viewport().rect().center())
        return Lens(self.zoom * size.width(), QPointF(centre.x() / size.width(), centre.y() / size.height()))

    def fit(self) -> None:
        """Show the whole picture."""
        self._fits = True
        self.resetTransform()
        zoom = self._fitted_zoom()
        self.scale(zoom, zoom)
        self._choose_sharpness()

    def look_at(self, lens: Lens) -> None:
        """Show a place at a zoom, without telling anybody."""
        size = self.sceneRect().size()
        if size.isEmpty() or lens.width <= self._fitted_zoom() * size.width() * 1.001:
            self.fit()
            return
        self._fits = False
        self.resetTransform()
        self.scale(lens.width / size.width(), lens.width / size.width())
        self.centerOn(lens.centre.x() * size.width(), lens.centre.y() * size.height())
        self._choose_sharpness()

    def zoom_by(self, factor: float, about: QPoint | None = None) -> None:
        """Zoom in or out, and tell.

        Args:
            factor: Above 1 zooms in.
            about: What is at this place of the viewport stays there; None takes the middle.
        """
        self._zoom_to(self.zoom * factor, about)

    def show_own_pixels(self) -> None:
        """A pixel of the picture on each pixel of the screen, and tell."""
        self._zoom_to(1.0 / self.devicePixelRatioF())

    def show_whole(self) -> None:
        """Show the whole picture, and tell."""
        self.fit()
        self.moved.emit(self.lens)

    def _zoom_to(self, zoom: float, about: QPoint | None = None) -> None:
        whole = self._fitted_zoom()
        wanted = min(max(zoom, whole), max(_CLOSEST, whole))
        if wanted <= whole * 1.001:
            self.show_whole()
            return
        self._fits = False
        middle = self.viewport().rect().center()
        place = about or middle
        stays = self.mapToScene(place)
        self.scale(wanted / self.zoom, wanted / self.zoom)
        self.centerOn(stays - QPointF(place - middle) / wanted)
        self._choose_sharpness()
        self.moved.emit(self.lens)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        if event.angleDelta().y():
            step = _ZOOM_STEP ** (event.angleDelta().y() / 120)  # a touchpad turns a little at a time
            self.zoom_by(step, event.position().toPoint())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move by dragging."""
        super().mouseMoveEvent(event)
        if event.buttons() & Qt.MouseButton.LeftButton and not self._fits:
            self.moved.emit(self.lens)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the whole picture again."""
        self.show_whole()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with + and -, fit with 0, own pixels with 1, move with the arrows once zoomed in."""
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(_ZOOM_STEP)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(1 / _ZOOM_STEP)
        elif key == Qt.Key.Key_0:
            self.show_whole()
        elif key == Qt.Key.Key_1:
            self.show_own_pixels()
        elif self._fits or key not in _ARROWS:
            event.ignore()  # the arrows mean the next picture then
        else:
            super().keyPressEvent(event)
            self.moved.emit(self.lens)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted picture fitted."""
        super().resizeEvent(event)
        if self._fits or self.zoom <= self._fitted_zoom():
            self.fit()

    def _fitted_zoom(self) -> float:
        size, room = self.sceneRect().size(), self.viewport().size()
        if size.isEmpty() or min(room.width(), room.height()) <= 2 * _FRAME:
            return 1.0
        return min((room.width() - 2 * _FRAME) / size.width(), (room.height() - 2 * _FRAME) / size.height())

    def _choose_sharpness(self) -> None:
        mode = Qt.TransformationMode
        self._item.setTransformationMode(mode.SmoothTransformation if self.is_smooth else mode.FastTransformation)

    @property
    def is_smooth(self) -> bool:
        """Whether pixels are blended; from twice their size on they are shown as the squares they are."""
        return self.zoom * self.devicePixelRatioF() < 2


class LinkedPictures(QWidget):
    """Up to a few pictures in a row, framed in the colour of their sensor, zoomed and moved together.

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
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GRID)
        self._panes: list[_Pane] = []

    @property
    def views(self) -> list[PictureView]:
        """The views in use, left to right."""
        return [pane.view for pane in self._panes if not pane.isHidden()]

    def set_pictures(self, pictures: Sequence[Picture]) -> None:
        """Show these pictures; the zoom stays if their shape does."""
        while len(self._panes) < len(pictures):
            pane = _Pane(self._theme)
            pane.view.moved.connect(self._follow)
            self._panes.append(pane)
            self._row.addWidget(pane, 1)
        for pane, picture in zip(self._panes, pictures, strict=False):
            pane.set_picture(picture)
        for number, pane in enumerate(self._panes):
            pane.setVisible(number < len(pictures))

    @property
    def lens(self) -> Lens:
        """What is seen now."""
        return self.views[0].lens if self.views else Lens()

    def look_at(self, lens: Lens) -> None:
        """Show a place at a zoom, without telling anybody."""
        for view in self.views:
            view.look_at(lens)

    def zoom_by(self, factor: float) -> None:
        """Zoom all pictures about their middle."""
        if self.views:
            self.views[0].zoom_by(factor)

    def show_own_pixels(self) -> None:
        """A pixel of the pictures on each pixel of the screen."""
        if self.views:
            self.views[0].show_own_pixels()

    def fit(self) -> None:
        """Show all pictures whole."""
        if self.views:
            self.views[0].show_whole()

    def _follow(self, lens: Lens) -> None:
        for view in self.views:
            if view is not self.sender():
                view.look_at(lens)
        self.moved.emit(lens)


class _Pane(QWidget):
    """A picture with its caption and its frame."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._origin: Origin = "sensor"
        self._caption = QLabel()
        self._caption.setTextFormat(Qt.TextFormat.PlainText)
        self._caption.setProperty("role", "small")
        self.view = PictureView()
        self.view.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self._caption)
        layout.addWidget(self.view, 1)
        theme.changed.connect(self._restyle)

    def set_picture(self, picture: Picture) -> None:
        self._origin = picture.origin
        title = picture.title or ORIGIN_TITLES[picture.origin]
        self._caption.setText(title)
        self.view.setAccessibleName(f"{title} picture")
        self.view.set_image(as_image(picture.pixels))
        self._restyle()

    def _restyle(self) -> None:
        self.view.set_frame(self._theme.colour(ORIGIN_COLOURS[self._origin]))
