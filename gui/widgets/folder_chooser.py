"""Asks, without interrupting, what a dropped folder holds; our guess is chosen already."""

from __future__ import annotations

from bandbridge.gui.dropped import FolderGuess
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.fields import ChoiceField, RadioChoice
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QRadioButton, QVBoxLayout, QWidget

_ROLES = (
    ("rgb", "&RGB images of pairs"),
    ("sensor", "&Sensor images of pairs"),
    ("target", "Tar&get images"),
    ("several", "Se&veral of these"),
)
_PARTS = (("rgb", "RGB images of pairs"), ("sensor", "Sensor images of pairs"), ("target", "Target images"))


class FolderChooser(QFrame):
    """The question, and three fields if one folder holds several.

    Args:
        guess: What we think.
        parent: Qt parent.

    Signals:
        answered: (dict) role -> folder, for "rgb", "sensor" and "target"; only those chosen.
        dismissed: Neither of these.
    """

    answered = Signal(object)
    dismissed = Signal()

    def __init__(self, guess: FolderGuess, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._guess = guess
        self.setProperty("role", "bar")
        self.setAccessibleName(f"What is in {guess.folder.name}?")
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        question = text_label(f"What is in '{guess.folder.name}'?", "section")
        question.setToolTip(str(guess.folder))
        column.addWidget(question)
        choices = QHBoxLayout()
        choices.setSpacing(3 * GRID)
        self.buttons: dict[str, QRadioButton] = {}
        for role, title in _ROLES:
            button = RadioChoice(title)
            button.setChecked(role == guess.role)
            button.setVisible(role != "several" or bool(guess.inside))
            button.toggled.connect(self._fit)
            self.buttons[role] = button
            choices.addWidget(button)
        choices.addStretch(1)
        column.addLayout(choices)
        self._parts = QWidget()
        grid = QGridLayout(self._parts)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GRID)
        inside = [("", "none"), *((name, name) for name in guess.inside)]
        self.fields: dict[str, ChoiceField] = {}
        for index, (role, title) in enumerate(_PARTS):
            field = ChoiceField(inside, getattr(guess, role))
            field.setAccessibleName(title)
            self.fields[role] = field
            grid.addWidget(text_label(title, "help", wrap=False), 0, index)
            grid.addWidget(field, 1, index)
            grid.setColumnStretch(index, 1)
        column.addWidget(self._parts)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        self.use_button = QPushButton("&Use")
        self.use_button.setProperty("kind", "primary")
        cancel = QPushButton("Ca&ncel")
        row.addWidget(self.use_button)
        row.addWidget(cancel)
        row.addStretch(1)
        column.addLayout(row)
        self.use_button.clicked.connect(self._answer)
        cancel.clicked.connect(self.dismissed)
        self._fit()

    def chosen(self) -> dict[str, str]:
        """Role -> folder as chosen now."""
        role = next((role for role, button in self.buttons.items() if button.isChecked()), "target")
        if role != "several":
            return {role: str(self._guess.folder)}
        parts = {role: field.value() for role, field in self.fields.items()}
        return {role: str(self._guess.folder / name) for role, name in parts.items() if name}

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return uses, Escape dismisses."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._answer()
        elif event.key() == Qt.Key.Key_Escape:
            self.dismissed.emit()
        else:
            super().keyPressEvent(event)

    def _answer(self) -> None:
        if chosen := self.chosen():
            self.answered.emit(chosen)

    def _fit(self) -> None:
        self._parts.setVisible(self.buttons["several"].isChecked())
