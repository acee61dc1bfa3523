"""One line below two folders of pairs: how they pair up, and the choice between names and a list."""

from __future__ import annotations

from bandbridge.engine.api.reports import PairsReport
from bandbridge.gui.quantities import count, counted
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget


class PairNote(QWidget):
    """Tells how many images are matched, by which rule, and how many pairs are moved into place.

    Signals:
        list_wanted: Look for a list that pairs the files.
        names_wanted: Pair by name again.
        back_wanted: Move all pairs back to where they were.
    """

    list_wanted = Signal()
    names_wanted = Signal()
    back_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = text_label("", "help")
        self._by_list = QPushButton("Pair by a list…")
        self._by_list.setToolTip("A CSV file with the columns rgb and sensor: file names relative to their folders.")
        self._by_list.clicked.connect(self.list_wanted)
        self._by_name = QPushButton("Pair by name")
        self._by_name.clicked.connect(self.names_wanted)
        self.back_button = QPushButton("Move back")
        self.back_button.setToolTip("Use the pairs as they lie, without moving any into place.")
        self.back_button.clicked.connect(self.back_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self._words, 1)
        for button in (self.back_button, self._by_list, self._by_name):
            button.setProperty("kind", "quiet")
            row.addWidget(button)
        self.hide()

    @property
    def keyboard_stops(self) -> tuple[QWidget, ...]:
        """What Tab visits, in order."""
        return self.back_button, self._by_list, self._by_name

    def show_report(
        self, report: PairsReport, left_out: int, moved: int, *, by_list: bool, may_list: bool = True
    ) -> None:
        """Show how the folders pair up.

        Args:
            report: Of both folders.
            left_out: Pairs the person left out.
            moved: Pairs the person moved into place.
            by_list: Whether a list pairs them.
            may_list: Whether one could: the tiles of two scenes are paired by their places.
        """
        alone = len(report.unmatched_rgb) + len(report.unmatched_sensor)
        matched = f"{counted(len(report.pairs) - left_out, 'pair')} matched"
        rule = report.rule[:1].lower() + report.rule[1:]
        parts = [
            f"{matched} ({rule.rstrip('.')})",
            f"{count(alone)} unmatched",
            f"{count(len(report.ambiguous))} ambiguous",
        ]
        if moved:
            parts.append(f"{count(moved)} moved into place")
        self._words.setText("  ·  ".join(parts))
        self._words.setToolTip(
            "Unmatched: images without a partner. Ambiguous: names with several candidates. Both are left out; the "
            "list of doubtful files names each."
        )
        self.back_button.setVisible(bool(moved))
        self._by_list.setVisible(may_list and not by_list)
        self._by_name.setVisible(may_list and by_list)
        self.show()
