"""The classes of a model: their numbers and their names, to be edited."""

from __future__ import annotations

from collections.abc import Sequence

from bandbridge.gui.theme import GRID
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

_Index = QModelIndex | QPersistentModelIndex


class _Names(QAbstractTableModel):
    def __init__(self, table: ClassTable) -> None:
        super().__init__(table)
        self._table = table
        self.names: list[str] = []

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.names)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 1

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return self.names[index.row()]
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return "Name" if orientation == Qt.Orientation.Horizontal else str(section)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        name = str(value).strip()
        if not name or name == self.names[index.row()]:
            return False
        self.names[index.row()] = name
        self.dataChanged.emit(index, index)
        self._table.edited.emit(tuple(self.names))
        return True


class ClassTable(QTableView):
    """Names of classes in the order of a model's outputs; a double click or F2 edits one.

    Signals:
        edited: (tuple of names) the person changed one.
    """

    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = _Names(self)
        self.setModel(self._names)
        self.setAccessibleName("Class names")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setProperty("cells", "padded")
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setHighlightSections(False)
        self.verticalHeader().setDefaultSectionSize(4 * GRID)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setMinimumHeight(20 * GRID)

    def names(self) -> tuple[str, ...]:
        """The names now."""
        return tuple(self._names.names)

    def set_names(self, names: Sequence[str]) -> None:
        """Show these names."""
        if list(names) != self._names.names:
            self._names.beginResetModel()
            self._names.names = list(names)
            self._names.endResetModel()
