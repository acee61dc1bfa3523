"""What all pages share: a title, a line of help, the content, and one button that leads on."""

from __future__ import annotations

from typing import Literal

from bandbridge.gui.theme import GRID
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

PageState = Literal["empty", "ready", "warning", "error"]


class Page(QWidget):
    """One step of the window.

    A page fills `content` (a vertical layout; it scrolls unless `scrolls` is False), may put further buttons into
    `foot` (bottom, left of the primary one), and says through `state` how far it is. The rail asks again whenever
    `state_changed` is emitted.

    Args:
        title: In sentence case.
        help_text: One line: what this page is for.
        primary: Text of the one primary button, with its mnemonic.
        scrolls: Whether the content scrolls as a whole; pages that fill the height with charts say False.
        parent: Qt parent.

    Signals:
        state_changed: `state()` may be different now.
        forward: Lead on to the next page (the primary button, unless a page gives it another meaning).
        told: (severity "note" | "good" | "warning" | "error", text, details): show a message in the window's bar.

    Attributes:
        manual_chapter: Where F1 opens the manual.
    """

    state_changed = Signal()
    forward = Signal()
    told = Signal(str, str, str)

    manual_chapter = "index"

    def __init__(
        self,
        title: str,
        help_text: str,
        *,
        primary: str = "&Continue",
        scrolls: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.title_label = QLabel(title)
        self.title_label.setProperty("role", "title")
        self.help_label = QLabel(help_text)
        self.help_label.setProperty("role", "help")
        self.help_label.setWordWrap(True)

        inner = QWidget()
        inner.setProperty("role", "page")
        self.content = QVBoxLayout(inner)
        self.content.setContentsMargins(3 * GRID, GRID, 3 * GRID, 2 * GRID)
        self.content.setSpacing(2 * GRID)

        self.primary = QPushButton(primary)
        self.primary.setProperty("kind", "primary")
        self.primary.setMinimumSize(QSize(15 * GRID, 4 * GRID))
        self.primary.clicked.connect(self.on_primary)
        self.foot = QHBoxLayout()
        self.foot.setSpacing(GRID)

        head = QVBoxLayout()
        head.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, GRID)
        head.setSpacing(GRID // 2)
        head.addWidget(self.title_label)
        head.addWidget(self.help_label)
        bottom = QHBoxLayout()
        bottom.setContentsMargins(3 * GRID, GRID + GRID // 2, 3 * GRID, GRID + GRID // 2)
        bottom.setSpacing(GRID)
        bottom.addLayout(self.foot)
        bottom.addStretch(1)
        bottom.addWidget(self.primary)
        line = QFrame()
        line.setProperty("role", "line")
        line.setFixedHeight(1)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        if scrolls:
            self.scroll_area = QScrollArea()
            self.scroll_area.setWidgetResizable(True)
            self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.scroll_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.scroll_area.setWidget(inner)
            layout.addWidget(self.scroll_area, 1)
        else:
            layout.addWidget(inner, 1)
        layout.addWidget(line)
        layout.addLayout(bottom)

    def state(self) -> PageState:
        """How far this step is."""
        return "empty"

    def state_in_words(self) -> str:
        """One sentence for the rail's tooltip and for screen readers."""
        return {
            "empty": "Nothing here yet.",
            "ready": "Ready.",
            "warning": "Ready, with something to look at.",
            "error": "Something must be mended here.",
        }[self.state()]

    def on_primary(self) -> None:
        """The primary button was pressed; leads on unless a page does more."""
        self.forward.emit()

    def shown(self) -> None:
        """The page has just come into sight."""

    def closing(self) -> None:
        """The project is being closed: stop timers and errands."""
