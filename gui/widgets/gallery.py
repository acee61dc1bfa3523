"""All target images as small pictures with what the models say; only those in sight are ever read."""

from __future__ import annotations

from typing import Any

import numpy as np
from bandbridge.gui.quantities import percent
from bandbridge.gui.run_record import Predictions
from bandbridge.gui.theme import GRID, RADIUS, Theme
from bandbridge.gui.thumbnail_feed import ThumbnailFeed
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

Index = QModelIndex | QPersistentModelIndex
PICTURE_PX = 112
_CELL_WIDTH = PICTURE_PX + 3 * GRID


class GalleryModel(QAbstractListModel):
    """Some of a run's predictions, in some order."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._predictions: Predictions | None = None
        self._rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def show(self, predictions: Predictions | None, rows: NDArray[np.int64]) -> None:
        """Show these images.

        Args:
            predictions: All of a run.
            rows: (M,) indices into them, in the order to show.
        """
        self.beginResetModel()
        self._predictions, self._rows = predictions, rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        """Number of images shown."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """File name, and everything in words for tooltips and screen readers."""
        if not index.isValid() or self._predictions is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.file(index.row())
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.in_words(index.row())
        return None

    def file(self, row: int) -> str:
        """The file shown in a row, relative to the target folder."""
        assert self._predictions is not None
        return self._predictions.files[int(self._rows[row])]

    def prediction(self, row: int) -> tuple[Predictions, int]:
        """The predictions and the index that a row shows."""
        assert self._predictions is not None
        return self._predictions, int(self._rows[row])

    def in_words(self, row: int) -> str:
        """What both models say about an image."""
        p, i = self.prediction(row)
        words = [
            p.files[i],
            f"Now {p.class_names[p.after[i]]}, {percent(float(p.after_confidence[i]))}",
            f"Before {p.class_names[p.before[i]]}, {percent(float(p.before_confidence[i]))}",
        ]
        if p.truth[i] >= 0:
            words.append(f"True class: {p.class_names[p.truth[i]]}")
        return "\n".join(words)


class _Delegate(QStyledItemDelegate):
    """Paints a picture with its words."""

    def __init__(self, theme: Theme, feed: ThumbnailFeed, model: GalleryModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._feed = feed
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        metrics = option.fontMetrics
        return QSize(_CELL_WIDTH, PICTURE_PX + 2 * metrics.height() + 3 * GRID)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        predictions, number = self._model.prediction(index.row())
        rect = QRectF(option.rect)
        state = option.state
        box = rect.adjusted(2, 2, -2, -2)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.setBrush(self._theme.colour("raised"))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), RADIUS, RADIUS)
        place = QRectF(box.center().x() - PICTURE_PX / 2, box.top() + GRID, PICTURE_PX, PICTURE_PX)
        self._paint_picture(painter, place, self._feed.find(predictions.files[number]), predictions.files[number])
        self._paint_words(painter, QRectF(place.left(), place.bottom() + 4, PICTURE_PX, 0), predictions, number)
        painter.restore()

    def _paint_picture(self, painter: QPainter, box: QRectF, pixmap: QPixmap | None, file: str) -> None:
        if pixmap is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("raised"))
            painter.drawRoundedRect(box, 2, 2)
            if self._feed.is_broken(file):
                painter.setFont(self._theme.font("small"))
                painter.setPen(self._theme.colour("muted"))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, "cannot be read")
            return
        ratio = min(box.width() / pixmap.width(), box.height() / pixmap.height())
        width, height = pixmap.width() * ratio, pixmap.height() * ratio
        middle = box.center()
        target = QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)
        painter.drawPixmap(target, pixmap, QRectF(pixmap.rect()))

    def _paint_words(self, painter: QPainter, line: QRectF, p: Predictions, i: int) -> None:
        painter.setFont(self._theme.font("small"))
        metrics = painter.fontMetrics()
        line.setHeight(metrics.height())
        share = percent(float(p.after_confidence[i]))
        room = int(line.width()) - metrics.horizontalAdvance(share) - 4
        name = p.class_names[p.after[i]]
        role = "text"
        if p.truth[i] >= 0:
            right = p.after[i] == p.truth[i]
            role = "good" if right else "error"
            name = ("✓ " if right else "✗ ") + name
        painter.setPen(self._theme.colour(role))
        painter.drawText(line, metrics.elidedText(name, Qt.TextElideMode.ElideRight, room))
        painter.setPen(self._theme.colour("text"))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, share)
        if p.changed[i]:
            line.translate(0, metrics.height())
            painter.setPen(self._theme.colour("muted"))
            was = f"was {p.class_names[p.before[i]]}"
            painter.drawText(line, metrics.elidedText(was, Qt.TextElideMode.ElideRight, int(line.width())))


class Gallery(QListView):
    """The pictures in rows; arrows lead from one to the next.

    Args:
        theme: Colours.
        feed: Fetches the pictures.
        parent: Qt parent.

    Signals:
        chosen: Row of the image to look at.
        closer: Row of the image to look at closely: a double click, or Enter.
    """

    chosen = Signal(int)
    closer = Signal(int)

    def __init__(self, theme: Theme, feed: ThumbnailFeed, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = GalleryModel(self)
        self.setModel(self.images)
        self.setItemDelegate(_Delegate(theme, feed, self.images, self))
        # A list that wraps lays 100,000 items out in a fifth of a second, in batches; icon mode would take seconds.
        self.setViewMode(QListView.ViewMode.ListMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(5000)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAccessibleName("Target images")
        self.setMinimumWidth(2 * _CELL_WIDTH + 3 * GRID)
        self.verticalScrollBar().setSingleStep(PICTURE_PX // 2)
        self.selectionModel().currentChanged.connect(self._tell)
        self.doubleClicked.connect(lambda index: self.closer.emit(index.row()))
        feed.loaded.connect(self.viewport().update)
        theme.changed.connect(self.viewport().update)

    def step(self, by: int) -> None:
        """Choose a neighbouring image."""
        row = self.currentIndex().row() + by
        if 0 <= row < self.images.rowCount():
            self.setCurrentIndex(self.images.index(row))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter looks closer."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.closer.emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def _tell(self, current: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(current.row())
