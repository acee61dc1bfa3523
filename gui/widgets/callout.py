"""A coloured box that says what happened and offers what to do."""

from __future__ import annotations

from typing import Literal

from bandbridge.engine.api.events import Problem
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.card import restyle
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

Severity = Literal["note", "good", "warning", "error"]
_ICONS: dict[Severity, tuple[str, str]] = {
    "note": ("mark-note", "muted"),
    "good": ("mark-ready", "good"),
    "warning": ("mark-warning", "warning"),
    "error": ("mark-error", "error"),
}
_ICON_PX = 20


class Callout(QFrame):
    """A message in place; hidden until something is said.

    Args:
        theme: Colours and icons.
        parent: Qt parent.

    Attributes:
        buttons: Row for buttons; those added stay, show and hide them as needed.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._severity: Severity = "note"
        self._details = ""
        self.setProperty("role", "bar")
        self._icon = QLabel()
        self._icon.setFixedSize(QSize(_ICON_PX, _ICON_PX))
        self._headline = text_label("", "strong")
        self._text = text_label("")
        for label in (self._headline, self._text):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy_button = QPushButton("&Copy details")
        self.copy_button.setToolTip("Copies the message and its technical details, for a report.")
        self.copy_button.clicked.connect(self._copy)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(GRID)
        self.buttons.addWidget(self.copy_button)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._headline)
        words.addWidget(self._text)
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID + 4, GRID, GRID + 4, GRID)
        row.setSpacing(GRID + 4)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addLayout(self.buttons)
        theme.changed.connect(self._restyle)
        self.hide()

    @property
    def severity(self) -> Severity:
        """Its colour and mark."""
        return self._severity

    @property
    def headline(self) -> str:
        """What it says first."""
        return self._headline.text()

    @property
    def text(self) -> str:
        """What it says below."""
        return self._text.text()

    def say(self, severity: Severity, headline: str, text: str = "", details: str = "") -> None:
        """Show a message.

        Args:
            severity: Its colour and mark.
            headline: One sentence.
            text: More, or "".
            details: Technical text for "Copy details"; "" leaves the button out.
        """
        self._severity, self._details = severity, details
        self._headline.setText(headline)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.copy_button.setVisible(bool(details))
        self.setAccessibleName(f"{headline} {text}")
        self._restyle()
        self.show()

    def say_problem(self, problem: Problem) -> None:
        """Show a failure: what happened, why, what to do."""
        text = " ".join(part for part in (problem.why, problem.do) if part)
        self.say("error", problem.what, text, problem.details or str(problem))

    def _restyle(self) -> None:
        name, colour = _ICONS[self._severity]
        self._icon.setPixmap(self._theme.icon(name, colour).pixmap(QSize(_ICON_PX, _ICON_PX), self.devicePixelRatioF()))
        restyle(self, "severity", self._severity)

    def _copy(self) -> None:
        parts = (self._headline.text(), self._text.text(), self._details)
        QGuiApplication.clipboard().setText("\n".join(part for part in parts if part))
