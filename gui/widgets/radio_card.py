"""A card with a radio button, that can be pressed anywhere."""

from __future__ import annotations

from bandbridge.gui.widgets.card import Card, restyle
from bandbridge.gui.widgets.fields import RadioChoice
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget


class RadioCard(Card):
    """One choice of several.

    Args:
        title: Beside the button.
        explain: Below it.
        parent: Qt parent.
    """

    def __init__(self, title: str, explain: str, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.button = RadioChoice(title)
        self.button.setProperty("role", "section")
        self.button.setAccessibleDescription(explain)
        self.body.addWidget(self.button)
        self.body.addWidget(text_label(explain), 1, Qt.AlignmentFlag.AlignTop)

    def set_chosen(self, chosen: bool) -> None:
        """Mark it as the one chosen."""
        self.button.setChecked(chosen)
        restyle(self, "chosen", chosen)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Press the button."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.button.setFocus()
            self.button.click()
