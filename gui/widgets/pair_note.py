"""One line below two folders of pairs: how they pair up, and the choice between names and a list."""

from __future__ import annotations

from bandbridge.engine.api.reports import PairsReport
from bandbridge.gui.quantities import counted
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget


class PairNote(QWidget):
    """Tells the number of pairs and the rule.

    Signals:
        list_wanted: Look for a list that pairs the files.
        names_wanted: Pair by name again.
    """

    list_wanted = Signal()
    names_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = text_label("", "help")
        self._by_list = QPushButton("Pair by a list…")
        self._by_list.setToolTip("A CSV file with the columns rgb and sensor: file names relative to their folders.")
        self._by_list.clicked.connect(self.list_wanted)
        self._by_name = QPushButton("Pair by name")
        self._by_name.clicked.connect(self.names_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self._words, 1)
        for button in (self._by_list, self._by_name):
            button.setProperty("kind", "quiet")
            row.addWidget(button)
        self.hide()

    @property
    def keyboard_stops(self) -> tuple[QWidget, ...]:
        """What Tab visits, in order."""
        return self._by_list, self._by_name

    def show_report(self, report: PairsReport, left_out: int, by_list: bool) -> None:
        """Show how the folders pair up.

        Args:
            report: Of both folders.
            left_out: Pairs the person left out.
            by_list: Whether a list pairs them.
        """
        parts = [f"{counted(len(report.pairs) - left_out, 'pair')}: {report.rule}".rstrip(".")]
        if alone := len(report.unmatched_rgb) + len(report.unmatched_sensor):
            parts.append(f"{counted(alone, 'image')} without a partner")
        if report.ambiguous:
            parts.append(f"{counted(len(report.ambiguous), 'name')} with several candidates, left out")
        self._words.setText(". ".join(parts) + ".")
        self._by_list.setVisible(not by_list)
        self._by_name.setVisible(by_list)
        self.show()
