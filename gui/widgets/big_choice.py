"""A row of large buttons of which one is pressed, each with a title and a line of its own."""

from __future__ import annotations

from collections.abc import Mapping

from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget


class BigChoice(Card):
    """A card with such a row.

    Args:
        title: Heading of the card.
        choices: Key -> title of each button.
        parent: Qt parent.

    Signals:
        chosen: (str) key of the button pressed.
    """

    chosen = Signal(str)

    def __init__(self, title: str, choices: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._titles = dict(choices)
        self._note = text_label("", "help", wrap=False)
        self.head.addWidget(self._note)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout()
        row.setSpacing(GRID)
        for key, words in choices.items():
            button = QPushButton(words)
            button.setCheckable(True)
            button.setMinimumHeight(6 * GRID)
            button.clicked.connect(lambda _=False, key=key: self.chosen.emit(key))
            self._group.addButton(button)
            self.buttons[key] = button
            row.addWidget(button, 1)
        self.body.addLayout(row)

    def show_choice(self, key: str, lines: Mapping[str, str], note: str = "") -> None:
        """Press the button of this key; none for another.

        Args:
            key: Of the choice.
            lines: Key -> the second line of each button.
            note: Beside the heading.
        """
        self._group.setExclusive(False)
        for name, button in self.buttons.items():
            button.setText(f"{self._titles[name]}\n{lines[name]}")
            button.setAccessibleName(f"{self._titles[name]}, {lines[name]}")
            button.setChecked(name == key)
        self._group.setExclusive(True)
        self._note.setText(note)
