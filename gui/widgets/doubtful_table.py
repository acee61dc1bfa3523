"""Everything doubtful about the images: the file, what was found, why it matters, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bandbridge.engine.api.reports import Finding
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QVBoxLayout, QWidget

_Index = QModelIndex | QPersistentModelIndex
_COLUMNS = ("Leave out", "Where", "File", "What was found", "What to do")
_ICONS = {
    "note": ("mark-note", "muted"),
    "warning": ("mark-warning", "warning"),
    "error": ("mark-error", "error"),
}
_ORDER = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class Doubt:
    """A finding, and which folder it is about.

    Attributes:
        where: E.g. "Target".
        finding: The finding.
        is_file: Whether it is about one file, that may be left out.
    """

    where: str
    finding: Finding
    is_file: bool


class _Doubts(QAbstractTableModel):
    def __init__(self, table: DoubtfulTable, theme: Theme) -> None:
        super().__init__(table)
        self._table = table
        self._theme = theme
        self.rows: list[Doubt] = []
        self.excluded: set[str] = set()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return _COLUMNS[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        doubt = self.rows[index.row()]
        finding = doubt.finding
        if index.column() == 0:
            if role == Qt.ItemDataRole.CheckStateRole and doubt.is_file:
                return Qt.CheckState.Checked if finding.file in self.excluded else Qt.CheckState.Unchecked
            if role == Qt.ItemDataRole.AccessibleTextRole:
                return f"Leave out {finding.file}"
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            file = finding.file if doubt.is_file or role == Qt.ItemDataRole.ToolTipRole else "the whole folder"
            return (doubt.where, file, f"{finding.what} {finding.why}".strip(), finding.do)[index.column() - 1]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 3:
            return self._theme.icon(*_ICONS[finding.severity])
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() == 0 and self.rows[index.row()].is_file:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != 0:
            return False
        self._table.left_out.emit(self.rows[index.row()].finding.file, Qt.CheckState(value) == Qt.CheckState.Checked)
        return True


class DoubtfulTable(QWidget):
    """The list of doubtful files; the one chosen, at first the worst, is told in full above.

    Args:
        theme: Colours and icons.
        parent: Qt parent.

    Signals:
        left_out: (file, bool) leave this file out, or take it in again.
    """

    left_out = Signal(str, bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = _Doubts(self, theme)
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setAccessibleName("Doubtful files")
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setShowGrid(False)
        self.view.setProperty("cells", "padded")
        self.view.setWordWrap(False)
        self.view.setTabKeyNavigation(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(4 * GRID)
        header = self.view.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate((12, 14, 22, 36)):
            self.view.setColumnWidth(column, width * GRID)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(4, QHeaderView.ResizeMode.Stretch)
        self._whole = text_label("")
        self._whole.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._whole.setMinimumHeight(2 * self._whole.fontMetrics().lineSpacing())  # the table does not jump
        self._whole.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._nothing = text_label("Nothing doubtful was found.", "help")
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(0, 0, 0, 0)
        column_layout.setSpacing(GRID)
        column_layout.addWidget(self._nothing, 0, Qt.AlignmentFlag.AlignTop)
        column_layout.addWidget(self._whole)
        column_layout.addWidget(self.view, 1)
        column_layout.addStretch(0)
        self.view.selectionModel().currentRowChanged.connect(self._tell)
        theme.changed.connect(self.view.viewport().update)
        self.show_doubts((), ())

    def show_doubts(self, doubts: Sequence[Doubt], excluded: Sequence[str]) -> None:
        """Show these, the worst first, with the files left out marked."""
        ordered = sorted(doubts, key=lambda d: _ORDER[d.finding.severity])
        if ordered != self.model.rows:
            self.model.beginResetModel()
            self.model.rows = ordered
            self.model.endResetModel()
            self._whole.setText("")
            if ordered:
                self.view.selectRow(0)
        if set(excluded) != self.model.excluded:
            self.model.excluded = set(excluded)
            if ordered:
                last = len(ordered) - 1
                self.model.dataChanged.emit(self.model.index(0, 0), self.model.index(last, 0))
        self.view.setVisible(bool(ordered))
        self._whole.setVisible(bool(ordered))
        self._nothing.setVisible(not ordered)

    def _tell(self, index: QModelIndex) -> None:
        if index.isValid():
            finding = self.model.rows[index.row()].finding
            self._whole.setText(" ".join(part for part in (finding.what, finding.why, finding.do) if part))
