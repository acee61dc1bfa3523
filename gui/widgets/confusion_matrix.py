"""Which classes are taken for which: true in rows, predicted in columns, every cell a door to its images."""

from __future__ import annotations

from typing import Any

import numpy as np
from bandbridge.engine.api.reports import Scores
from bandbridge.gui.colours import mixed, readable
from bandbridge.gui.quantities import count, counted, percent
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.labels import text_label
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

Index = QModelIndex | QPersistentModelIndex
_LEAST_CELL = 26
_LARGEST_CELL = 64
_LONGEST_NAME = 130


class _Model(QAbstractTableModel):
    def __init__(self, parent: QWidget, noun: str) -> None:
        super().__init__(parent)
        self._noun = noun
        self.counts: NDArray[np.int64] = np.empty((0, 0), dtype=np.int64)
        self.names: tuple[str, ...] = ()

    def show(self, scores: Scores) -> None:
        self.beginResetModel()
        self.counts, self.names = scores.confusion, scores.class_names
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's own signature
        return 0 if parent.isValid() else len(self.names)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.names)

    def share(self, row: int, column: int) -> float:
        total = int(self.counts[row].sum())
        return float(self.counts[row, column] / total) if total else 0.0

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = index.row(), index.column()
        number = int(self.counts[row, column])
        if role == Qt.ItemDataRole.DisplayRole:
            return count(number) if number else ""
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            kind = "right" if row == column else f"called {self.names[column]}"
            found = f"{counted(number, self._noun)} of {self.names[row]} {kind}"
            return f"{found}: {percent(self.share(row, column))} of the class."
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self.names[section]
        return None


class _Delegate(QStyledItemDelegate):
    def __init__(self, theme: Theme, model: _Model, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._model = model

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        share = self._model.share(index.row(), index.column())
        right = index.row() == index.column()
        colour = self._theme.colour("accent" if right else "warning")
        surface = self._theme.colour("surface")
        ground = mixed(colour, surface, 0.08 + 0.8 * share if share > 0 else 0.0)
        rect = QRectF(option.rect)
        painter.save()
        painter.fillRect(rect, surface)
        painter.fillRect(rect.adjusted(0, 0, -1, -1), ground)
        painter.setPen(readable(ground))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, str(index.data()))
        if option.state & QStyle.StateFlag.State_HasFocus or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(self._theme.colour("text"), 2))
            painter.drawRect(rect.adjusted(1, 1, -2, -2))
        painter.restore()


class _UprightHeader(QHeaderView):
    """Column names read from bottom to top, so that cells can be narrow."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme

    def sizeHint(self) -> QSize:
        if self.model() is None:
            return QSize(0, 40)
        metrics = self.fontMetrics()
        names = [str(self.model().headerData(i, Qt.Orientation.Horizontal)) for i in range(self.count())]
        longest = max((metrics.horizontalAdvance(name) for name in names), default=0)
        return QSize(0, min(longest, _LONGEST_NAME) + 2 * GRID)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        name = str(self.model().headerData(logicalIndex, Qt.Orientation.Horizontal))
        painter.save()
        painter.fillRect(rect, self._theme.colour("surface"))
        painter.setPen(self._theme.colour("muted"))
        painter.translate(QPointF(rect.left(), rect.bottom() - GRID // 2))
        painter.rotate(-90)
        room = rect.height() - GRID
        text = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(0, 0, room, rect.width()), Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()


class ConfusionMatrix(QWidget):
    """One matrix with its title.

    Args:
        theme: Colours.
        title: E.g. "Before".
        noun: What is counted.
        parent: Qt parent.

    Signals:
        chosen: (true class, predicted class): a cell was pressed.
    """

    chosen = Signal(str, str)

    def __init__(self, theme: Theme, title: str, noun: str = "image", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._heading = text_label(title, "section", wrap=False)
        self._heading.setMinimumWidth(1)
        self.view = QTableView()
        self._model = _Model(self.view, noun)
        self.view.setModel(self._model)
        self.view.setItemDelegate(_Delegate(theme, self._model, self.view))
        self.view.setHorizontalHeader(_UprightHeader(theme, self.view))
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setShowGrid(False)
        self.view.setMouseTracking(True)
        self.view.setAccessibleName(f"Confusion matrix, {title.lower()}: true classes in rows, predicted in columns")
        self.view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        for header in (self.view.horizontalHeader(), self.view.verticalHeader()):
            header.setMinimumSectionSize(_LEAST_CELL)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setFont(theme.font("small"))
            header.setHighlightSections(False)
        self.view.clicked.connect(self._choose)
        self.view.activated.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self._heading)
        layout.addWidget(self.view, 1)
        theme.changed.connect(self.view.viewport().update)

    def show_scores(self, scores: Scores) -> None:
        """Show these counts."""
        self._model.show(scores)
        self._heading.setText(f"{self._title}: {percent(scores.accuracy, 1)} right")
        self._fit()

    def cell(self, row: int, column: int) -> str:
        """The text of a cell."""
        return str(self._model.index(row, column).data())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cells as large as the room allows."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        classes = len(self._model.names)
        if not classes:
            return
        metrics = self.view.verticalHeader().fontMetrics()
        longest = max(metrics.horizontalAdvance(name) for name in self._model.names)
        self.view.verticalHeader().setFixedWidth(min(longest, _LONGEST_NAME) + 3 * GRID)
        wide = self.view.width() - self.view.verticalHeader().width() - 4
        high = self.view.height() - self.view.horizontalHeader().sizeHint().height() - 4
        digits = metrics.horizontalAdvance(count(int(self._model.counts.max(initial=0)))) + GRID
        self.view.horizontalHeader().setDefaultSectionSize(
            min(max(wide // classes, _LEAST_CELL, digits), _LARGEST_CELL)
        )
        self.view.verticalHeader().setDefaultSectionSize(min(max(high // classes, _LEAST_CELL), _LARGEST_CELL))

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(self._model.names[index.row()], self._model.names[index.column()])
