"""One method to choose from, or to tick among others: what it does, where it is from, what it needs."""

from __future__ import annotations

from bandbridge.engine.api.catalogue import MethodInfo
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.card import Card, restyle
from bandbridge.gui.widgets.fields import RadioChoice, TickBox
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QLabel, QWidget


def needs_in_words(info: MethodInfo) -> str:
    """What a method needs, and what it goes through."""
    needs = "pairs and target images" if info.needs_pairs else "target images only"
    if info.welcomes_pairs:
        needs = "target images, and does better with pairs"
    sources = "one or several source models" if info.several_sources else "one source model"
    time = "" if info.trains else " Takes one look at the images: seconds to minutes."
    *first, last = info.stages
    stages = f" Stages: {', '.join(first)}, then {last}." if first else ""
    return f"Needs {needs}; {sources}.{stages}{time}"


class MethodCard(Card):
    """A method as a card with a radio button, or a box to tick where several are chosen; it can be pressed anywhere.

    Args:
        info: The catalogue's entry.
        parent: Qt parent.
        needs: What it needs, in words; None finds them for a method for images.

    Signals:
        chosen: The person chose it.
        ticked: The person ticked it (True) or took the tick away, where several are chosen.
    """

    chosen = Signal()
    ticked = Signal(bool)

    def __init__(self, info: MethodInfo, parent: QWidget | None = None, *, needs: str | None = None) -> None:
        super().__init__(parent=parent)
        self.info = info
        self._plain_needs = needs_in_words(info) if needs is None else needs
        self.body.setSpacing(GRID // 2)
        self.button = RadioChoice(info.title)
        self.button.setProperty("role", "section")
        self.button.setAccessibleDescription(f"{info.sentence} {self._plain_needs}")
        self.button.clicked.connect(self.chosen)
        self.box = TickBox(info.title)
        self.box.setProperty("role", "section")
        self.box.setAccessibleDescription(self.button.accessibleDescription())
        self.box.clicked.connect(self.ticked)
        self.box.hide()
        self.body.addWidget(self.button)
        self.body.addWidget(self.box)
        self.body.addWidget(text_label(info.sentence))
        self._needs = text_label(self._plain_needs, "small")
        self.body.addWidget(self._needs)
        if info.citation:
            citation = text_label(info.citation, "small")
            citation.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.body.addWidget(citation)
        self.body.addStretch(1)

    def set_several(self, several: bool) -> None:
        """Whether several methods are chosen, by ticking, or one."""
        self.button.setVisible(not several)
        self.box.setVisible(several)

    def set_chosen(self, chosen: bool) -> None:
        """Mark it as the one chosen, or as one of those."""
        (self.box if self.button.isHidden() else self.button).setChecked(chosen)
        restyle(self, "chosen", chosen)

    def set_obstacle(self, reason: str) -> None:
        """Grey it with this reason, or free it with ""."""
        self.button.setEnabled(not reason)
        self.box.setEnabled(not reason)
        self._needs.setText(reason or self._plain_needs)
        restyle(self._needs, "role", "warning" if reason else "small")
        if self.property("off") != bool(reason):
            restyle(self, "off", bool(reason))
            for label in self.findChildren(QLabel):  # the style of a card alone does not reach what it holds
                label.style().unpolish(label)
                label.style().polish(label)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose."""
        inside = self.rect().contains(event.position().toPoint())
        if not self.button.isEnabled() or event.button() != Qt.MouseButton.LeftButton or not inside:
            return
        if self.button.isHidden():
            self.box.setFocus()
            self.ticked.emit(not self.box.isChecked())
        else:
            self.button.setFocus()
            self.chosen.emit()
