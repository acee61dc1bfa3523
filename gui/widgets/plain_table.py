"""A table to be read: words left, numbers right, a line to be pressed where that leads somewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.before_after_table import CELL_STYLE
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

_LEAST_WIDTH = 11 * GRID


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        text: What is read.
        tip: Its tooltip.
        warns: Whether a mark shows that something is the matter.
        strong: Whether it is written bold.
    """

    text: str
    tip: str = ""
    warns: bool = False
    strong: bool = False


class PlainTable(QTableWidget):
    """Such a table.

    Args:
        name: For screen readers.
        columns: (title, tooltip) of each.
        theme: Colours and icons.
        words: So many columns hold words, the others numbers.
        pressable: Whether lines can be pressed.
        parent: Qt parent.

    Signals:
        chosen: (int) a line was pressed.
    """

    chosen = Signal(int)

    def __init__(
        self,
        name: str,
        columns: Sequence[tuple[str, str]],
        theme: Theme,
        *,
        words: int = 1,
        pressable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(0, len(columns), parent)
        self._theme = theme
        self._words = words
        self._rows: tuple[tuple[Cell, ...], ...] = ()
        self.setAccessibleName(name)
        self.setStyleSheet(CELL_STYLE)
        self.setShowGrid(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        selection = QAbstractItemView.SelectionMode
        self.setSelectionMode(selection.SingleSelection if pressable else selection.NoSelection)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(32)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(_LEAST_WIDTH)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.set_columns(columns)
        if pressable:
            self.cellClicked.connect(lambda row, _: self.chosen.emit(row))
            self.cellActivated.connect(lambda row, _: self.chosen.emit(row))
        theme.changed.connect(self._fill)

    def set_columns(self, columns: Sequence[tuple[str, str]]) -> None:
        """Rename the columns, as many as there are."""
        for column, (title, tip) in enumerate(columns):
            item = QTableWidgetItem(title)
            item.setToolTip(tip)
            item.setTextAlignment(self._side(column))
            self.setHorizontalHeaderItem(column, item)

    def show_rows(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Show these lines."""
        self._rows = tuple(map(tuple, rows))
        self._fill()

    @property
    def texts(self) -> list[list[str]]:
        """What is read, line by line."""
        return [[cell.text for cell in row] for row in self._rows]

    def _side(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignLeft if column < self._words else Qt.AlignmentFlag.AlignRight
        return side | Qt.AlignmentFlag.AlignVCenter

    def _fill(self) -> None:
        self.setRowCount(len(self._rows))
        for line, row in enumerate(self._rows):
            for column, cell in enumerate(row):
                item = QTableWidgetItem(cell.text)
                item.setToolTip(cell.tip)
                item.setTextAlignment(self._side(column))
                if cell.warns:
                    item.setIcon(self._theme.icon("mark-warning", "warning"))
                if cell.strong:
                    font = item.font()
                    font.setBold(True)
                    item.setFont(font)
                self.setItem(line, column, item)
