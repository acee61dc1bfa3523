"""Pictures side by side, looked at together: zooming or moving one zooms and moves all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from bandbridge.gui.picture import as_image
from bandbridge.gui.theme import GRID, Theme
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QHBoxLayout, QLabel, QVBoxLayout, QWidget

Origin = Literal["sensor", "source", "translated"]
"""What a picture shows; also the theme's colour of its frame. "source" stands for RGB."""
ORIGIN_TITLES: dict[Origin, str] = {"sensor": "Sensor", "source": "RGB", "translated": "Translated"}
_ZOOM_STEP = 1.25
_CLOSEST = 64.0


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


class PictureView(QGraphicsView):
    """One picture to zoom (wheel, + and -) and to move (drag, arrow keys); 0 or a double click fits it again.

    Signals:
        moved: The person zoomed or moved: (zoom, where the middle of the view lies as shares of width and height).
        fitted: The person asked to see the whole picture.
    """

    moved = Signal(float, QPointF)
    fitted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self._item = self.scene().addPixmap(QPixmap())
        self._fits = True
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setDragMode(QGraphicsView.DragMode.ScrollHandDrag)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setBackgroundBrush(Qt.BrushStyle.NoBrush)
        self.setStyleSheet("background: transparent;")

    def sizeHint(self) -> QSize:
        """Room to see something."""
        return QSize(320, 320)

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

    def fit(self) -> None:
        """Show the whole picture."""
        self._fits = True
        self.fitInView(self.sceneRect(), Qt.AspectRatioMode.KeepAspectRatio)
        self._choose_sharpness()

    def look_at(self, zoom: float, centre: QPointF) -> None:
        """Show a place at a zoom, without telling anybody.

        Args:
            zoom: Relative to the fitted picture.
            centre: Shares of the picture's width and height.
        """
        self._fits = False
        whole = self._fitted_zoom()
        self.resetTransform()
        self.scale(zoom * whole, zoom * whole)
        size = self.sceneRect().size()
        self.centerOn(centre.x() * size.width(), centre.y() * size.height())
        self._choose_sharpness()

    def zoom_by(self, factor: float) -> None:
        """Zoom in or out, and tell."""
        whole = self._fitted_zoom()
        wanted = min(max(self.zoom * factor, whole), max(_CLOSEST, whole))
        if wanted <= whole * 1.001:
            self.fit()
            self.fitted.emit()
            return
        self._fits = False
        self.scale(wanted / self.zoom, wanted / self.zoom)
        self._choose_sharpness()
        self._tell()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        self.zoom_by(_ZOOM_STEP if event.angleDelta().y() > 0 else 1 / _ZOOM_STEP)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move by dragging."""
        super().mouseMoveEvent(event)
        if event.buttons() & Qt.MouseButton.LeftButton and not self._fits:
            self._tell()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the whole picture again."""
        self.fit()
        self.fitted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with + and -, fit with 0, move with the arrows once zoomed in."""
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(_ZOOM_STEP)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(1 / _ZOOM_STEP)
        elif key == Qt.Key.Key_0:
            self.fit()
            self.fitted.emit()
        elif self._fits:
            event.ignore()  # the arrows mean the next picture then
        else:
            super().keyPressEvent(event)
            self._tell()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted picture fitted."""
        super().resizeEvent(event)
        if self._fits:
            self.fit()

    def _fitted_zoom(self) -> float:
        size, room = self.sceneRect().size(), self.viewport().size()
        if size.isEmpty():
            return 1.0
        return min(room.width() / size.width(), room.height() / size.height())

    def _choose_sharpness(self) -> None:
        mode = Qt.TransformationMode
        smooth = self.zoom * self.devicePixelRatioF() < 2
        self._item.setTransformationMode(mode.SmoothTransformation if smooth else mode.FastTransformation)

    def _tell(self) -> None:
        centre = self.mapToScene(self.viewport().rect().center())
        size = self.sceneRect().size()
        if not size.isEmpty():
            place = QPointF(centre.x() / size.width(), centre.y() / size.height())
            self.moved.emit(self.zoom / self._fitted_zoom(), place)


class LinkedPictures(QWidget):
    """Up to a few pictures in a row, framed in the colour of their sensor, zoomed and moved together.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

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
            pane.view.fitted.connect(self._fit)
            self._panes.append(pane)
            self._row.addWidget(pane, 1)
        for pane, picture in zip(self._panes, pictures, strict=False):
            pane.set_picture(picture)
        for number, pane in enumerate(self._panes):
            pane.setVisible(number < len(pictures))

    def zoom_by(self, factor: float) -> None:
        """Zoom all pictures about their middle."""
        if self.views:
            self.views[0].zoom_by(factor)

    def fit(self) -> None:
        """Show all pictures whole."""
        for view in self.views:
            view.fit()

    def _follow(self, zoom: float, centre: QPointF) -> None:
        for view in self.views:
            if view is not self.sender():
                view.look_at(zoom, centre)

    def _fit(self) -> None:
        for view in self.views:
            if view is not self.sender():
                view.fit()


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
        self.view.installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3, 3, 3, 3)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self._caption)
        layout.addWidget(self.view, 1)
        theme.changed.connect(self.update)

    def set_picture(self, picture: Picture) -> None:
        self._origin = picture.origin
        title = picture.title or ORIGIN_TITLES[picture.origin]
        self._caption.setText(title)
        self.view.setAccessibleName(f"{title} picture")
        self.view.set_image(as_image(picture.pixels))
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        colour = QColor(self._theme.colour(self._origin))
        painter.setPen(QPen(colour, 2.0 if self.view.hasFocus() else 1.0))
        painter.drawLine(
            4, self._caption.geometry().bottom() + 2, self.width() - 5, self._caption.geometry().bottom() + 2
        )
        painter.end()
