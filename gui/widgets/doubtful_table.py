"""Everything doubtful about the images: the file, what was found, why it matters, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from bandbridge.gui.doubt import KIND_TITLES, Doubt, Moved
from bandbridge.gui.quantities import count, counted
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.fields import ChoiceField
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QPushButton, QTableView, QVBoxLayout, QWidget

_Index = QModelIndex | QPersistentModelIndex
_COLUMNS = ("Leave out", "Where", "File", "What was found", "What to do")
_WHERE = 1
_ICONS = {
    "note": ("mark-note", "muted"),
    "warning": ("mark-warning", "warning"),
    "error": ("mark-error", "error"),
}
_SETTLED = ("mark-ready", "good")
_ORDER = {"error": 0, "warning": 1, "note": 2}


class _Doubts(QAbstractTableModel):
    def __init__(self, table: DoubtfulTable, theme: Theme) -> None:
        super().__init__(table)
        self._table = table
        self._theme = theme
        self.rows: list[Doubt] = []
        self.excluded: set[str] = set()
        self.moved: Moved = frozenset()

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
            do = "Moved into place." if doubt.is_moved(self.moved) else finding.do
            return (doubt.where, file, f"{doubt.kind}: {finding.what} {finding.why}".strip(), do)[index.column() - 1]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 3:
            settled = doubt.is_settled(self.excluded, self.moved)
            return self._theme.icon(*(_SETTLED if settled else _ICONS[finding.severity]))
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
    """The list of doubtful files, all or of one kind; the one chosen, at first the worst, is told in full above.

    Args:
        theme: Colours and icons.
        parent: Qt parent.

    Signals:
        left_out: (file, bool) leave this file out, or take it in again.
        moved: (list of `Doubt`, bool) move these pairs into place, or back.
        save_wanted: Write the list to a file.
    """

    left_out = Signal(str, bool)
    moved = Signal(object, bool)
    save_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._doubts: list[Doubt] = []
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
        self.view.setMinimumHeight(24 * GRID)
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
        self.move_button = QPushButton()
        self.move_button.clicked.connect(self._move_chosen)
        self._nothing = text_label("Nothing doubtful was found.", "help")
        told = QHBoxLayout()
        told.setSpacing(2 * GRID)
        told.addWidget(self._whole, 1)
        told.addWidget(self.move_button, 0, Qt.AlignmentFlag.AlignTop)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(0, 0, 0, 0)
        column_layout.setSpacing(GRID)
        column_layout.addWidget(self._nothing, 0, Qt.AlignmentFlag.AlignTop)
        column_layout.addWidget(self._make_tools())
        column_layout.addLayout(told)
        column_layout.addWidget(self.view, 1)
        column_layout.addStretch(0)
        self.view.selectionModel().currentRowChanged.connect(self._tell)
        theme.changed.connect(self.view.viewport().update)
        self.show_doubts((), (), frozenset())

    def _make_tools(self) -> QWidget:
        self._tools = QWidget()
        self.kind = ChoiceField([("", "All kinds")], "")
        self.kind.setAccessibleName("Kind of finding")
        self.kind.currentIndexChanged.connect(self._filter)
        self.move_all_button = QPushButton()
        self.move_all_button.setToolTip(
            "Both images of each pair are cut to the ground they have in common. The files stay as they are."
        )
        self.move_all_button.clicked.connect(lambda: self.moved.emit(self._to_move(), True))
        self.save_button = QPushButton("Save as CS&V…")
        self.save_button.setToolTip("The list as a table for a spreadsheet: file, what, why, what to do.")
        self.save_button.clicked.connect(self.save_wanted)
        row = QHBoxLayout(self._tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.kind)
        row.addStretch(1)
        row.addWidget(self.move_all_button)
        row.addWidget(self.save_button)
        return self._tools

    def show_doubts(self, doubts: Sequence[Doubt], excluded: Sequence[str], moved: Moved) -> None:
        """Show these, the worst first.

        Args:
            doubts: All of them.
            excluded: Files left out.
            moved: Pairs moved into place.
        """
        ordered = sorted(doubts, key=lambda d: _ORDER[d.finding.severity])
        if ordered != self._doubts:
            self._doubts = ordered
            self._offer_kinds()
            self._filter()
        if set(excluded) != self.model.excluded or moved != self.model.moved:
            self.model.excluded, self.model.moved = set(excluded), moved
            if rows := len(self.model.rows):
                self.model.dataChanged.emit(self.model.index(0, 0), self.model.index(rows - 1, len(_COLUMNS) - 1))
        for widget in (self.view, self._whole, self._tools):
            widget.setVisible(bool(ordered))
        self.view.setColumnHidden(_WHERE, len({doubt.where for doubt in ordered}) < 2)  # says nothing then
        self._nothing.setVisible(not ordered)
        waiting = len(self._to_move())
        self.move_all_button.setText(f"Move {counted(waiting, 'pair')} into &place")
        self.move_all_button.setVisible(waiting > 0)
        self._tell(self.view.currentIndex())

    def _offer_kinds(self) -> None:
        counts: dict[str, int] = {}
        for doubt in self._doubts:
            counts[doubt.finding.kind] = counts.get(doubt.finding.kind, 0) + 1
        chosen = self.kind.value()
        self.kind.blockSignals(True)
        self.kind.clear()
        self.kind.addItem(f"All kinds ({count(len(self._doubts))})", "")
        for key, number in counts.items():
            self.kind.addItem(f"{KIND_TITLES.get(key, key.capitalize())} ({count(number)})", key)
        self.kind.set_value(chosen if chosen in counts else "")
        self.kind.blockSignals(False)

    def _filter(self) -> None:
        kind = self.kind.value()
        rows = [doubt for doubt in self._doubts if kind in ("", doubt.finding.kind)]
        if rows != self.model.rows:
            self.model.beginResetModel()
            self.model.rows = rows
            self.model.endResetModel()
            self._whole.setText("")
            if rows:
                self.view.selectRow(0)

    def _to_move(self) -> list[Doubt]:
        """Shifted pairs about which nothing has been done."""
        excluded, moved = self.model.excluded, self.model.moved
        return [one for one in self._doubts if one.shift is not None and not one.is_settled(excluded, moved)]

    def _move_chosen(self) -> None:
        doubt = self.model.rows[self.view.currentIndex().row()]
        self.moved.emit([doubt], not doubt.is_moved(self.model.moved))

    def _tell(self, index: QModelIndex) -> None:
        doubt = self.model.rows[index.row()] if index.isValid() else None
        if doubt is not None:
            finding = doubt.finding
            self._whole.setText(" ".join(part for part in (finding.what, finding.why, finding.do) if part))
            self.move_button.setText("Move back" if doubt.is_moved(self.model.moved) else "Move &into place")
        self.move_button.setVisible(doubt is not None and doubt.shift is not None)
