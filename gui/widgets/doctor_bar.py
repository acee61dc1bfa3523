"""Whether the images were checked, with the button that does it."""

from __future__ import annotations

from bandbridge.gui.image_check import ImageCheck
from bandbridge.gui.quantities import counted, duration
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.card import restyle
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.work_row import WorkRow
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

_ICON_PX = 20


class DoctorBar(QFrame):
    """One line: what is known, and the button; while the check runs, how far it is, and Stop.

    Args:
        check: The check.
        theme: Colours and icons.
        parent: Qt parent.
    """

    def __init__(self, check: ImageCheck, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._check = check
        self._theme = theme
        self._mark = ("mark-note", "muted")
        self.setProperty("role", "bar")
        self.setAccessibleName("Check of the images")
        self._icon = QLabel()
        self._icon.setFixedSize(QSize(_ICON_PX, _ICON_PX))
        self._words = text_label("")
        self.button = QPushButton()
        self.button.setToolTip("Reads every image once. Nothing is changed.")
        self.button.clicked.connect(check.start)
        self.work = WorkRow("Checking the images")
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID + 4, GRID // 2, GRID // 2, GRID // 2)
        row.setSpacing(GRID + 4)
        row.addWidget(self._icon)
        row.addWidget(self._words, 1)
        row.addWidget(self.work, 1)
        row.addWidget(self.button)
        check.started.connect(lambda errand: self.work.follow(errand, "Checking the images…"))
        theme.changed.connect(self._paint_icon)

    @property
    def words(self) -> str:
        """What it says."""
        return self._words.text()

    def refresh(self, open_doubts: int) -> None:
        """Say what is known now.

        Args:
            open_doubts: Findings that nothing has been done about.
        """
        check = self._check
        self.setVisible(check.possible)
        for widget in (self._icon, self._words, self.button):
            widget.setVisible(not check.busy)
        report, problem = check.report, check.problem
        self.button.setText("Chec&k again" if report is not None else "Chec&k the images")
        if problem is not None:
            self._say("mark-error", "error", "error", str(problem))
        elif report is None:
            self._say(
                "mark-note",
                "muted",
                "note",
                "Before you train: look for shifted pairs, repeated, clipped and constant images, other units, and "
                "target images among the pairs.",
            )
        else:
            looked = f"{counted(report.images, 'image')} checked in {duration(max(report.seconds, 1))}"
            if open_doubts:
                self._say(
                    "mark-warning", "warning", "warning", f"{looked}: {counted(open_doubts, 'finding')} to look at."
                )
            else:
                self._say("mark-ready", "good", "good", f"{looked}: nothing left to look at.")

    def _say(self, icon: str, colour: str, severity: str, text: str) -> None:
        self._mark = (icon, colour)
        self._words.setText(text)
        restyle(self, "severity", severity)
        self._paint_icon()

    def _paint_icon(self) -> None:
        icon = self._theme.icon(*self._mark)
        self._icon.setPixmap(icon.pixmap(QSize(_ICON_PX, _ICON_PX), self.devicePixelRatioF()))
