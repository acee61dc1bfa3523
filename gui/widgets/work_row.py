"""How far an errand is, and a button to stop it."""

from __future__ import annotations

from bandbridge.engine.api.events import Progress
from bandbridge.gui.errand import Errand
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

_FINE = 1000


class WorkRow(QWidget):
    """What is being done, a bar, and Stop; hidden while nothing is.

    Args:
        name: Of the bar, for screen readers.
        parent: Qt parent.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._errand: Errand | None = None
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(name)
        self._doing = text_label("", "help", wrap=False)
        self.stop_button = QPushButton("Sto&p")
        self.stop_button.clicked.connect(self._stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self._doing)
        row.addWidget(self._bar, 1)
        row.addWidget(self.stop_button)
        self.hide()

    @property
    def words(self) -> str:
        """What is being done."""
        return self._doing.text()

    def follow(self, errand: Errand, words: str) -> None:
        """Show how far an errand is until it has ended.

        Args:
            errand: Just given to a worker.
            words: What is being done, until the worker says it.
        """
        self._errand = errand
        errand.progressed.connect(self._show)
        errand.ended.connect(self._end)
        self._doing.setText(words)
        self._bar.setRange(0, 0)
        self.show()

    def _show(self, progress: Progress) -> None:
        self._doing.setText(progress.title)
        if progress.fraction is not None:
            self._bar.setRange(0, _FINE)
            self._bar.setValue(round(_FINE * progress.fraction))

    def _end(self) -> None:
        self._errand = None
        self.hide()

    def _stop(self) -> None:
        if self._errand is not None:
            self._doing.setText("Stopping…")
            self._errand.stop()
