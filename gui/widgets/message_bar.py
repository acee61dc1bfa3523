"""Messages that do not interrupt: what happened, why, what to do, and the rest to copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.engine.api.events import Problem
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

_MARKS = {"note": ("mark-note", "muted"), "good": ("mark-ready", "good")}
_MARKS |= {"warning": ("mark-warning", "warning"), "error": ("mark-error", "error")}
_SHOWN_MS = 8000


class MessageBar(QFrame):
    """One message with its actions.

    Args:
        severity: "note", "good", "warning" or "error".
        text: The sentences to read.
        theme: Colours and icons.
        details: For "Copy details"; without it the button is left out.
        actions: (text, what it does) buttons; using one closes the bar.
        parent: Qt parent.
    """

    def __init__(
        self,
        severity: str,
        text: str,
        theme: Theme,
        *,
        details: str = "",
        actions: Sequence[tuple[str, Callable[[], object]]] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._severity = severity
        self.text = text
        self.details = details
        self.setProperty("role", "bar")
        self.setProperty("severity", severity)
        self.setAccessibleName(text)
        self._mark = QLabel()
        self._mark.setFixedWidth(3 * GRID)
        label = text_label(text)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID + GRID // 2, GRID, GRID, GRID)
        row.setSpacing(GRID)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(label, 1)
        for title, act in actions:
            button = QPushButton(title)
            button.clicked.connect(self._acting(act))
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        if details:
            copy = QPushButton("Copy details")
            copy.setProperty("kind", "quiet")
            copy.clicked.connect(self._copy)
            row.addWidget(copy, 0, Qt.AlignmentFlag.AlignVCenter)
        self._close = QToolButton()
        self._close.setAccessibleName("Close this message")
        self._close.setToolTip("Close")
        self._close.clicked.connect(self.dismiss)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignVCenter)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()

    def dismiss(self) -> None:
        """Take the message away."""
        self.hide()
        self.deleteLater()

    def _acting(self, act: Callable[[], object]) -> Callable[[], None]:
        def acting() -> None:
            self.dismiss()
            act()

        return acting

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.text}\n\n{self.details}".strip())

    def _paint_icons(self) -> None:
        name, colour = _MARKS[self._severity]
        self._mark.setPixmap(self._theme.icon(name, colour).pixmap(20, 20))
        self._close.setIcon(self._theme.icon("close", "muted"))


class MessageStack(QWidget):
    """The window's messages, newest on top; at most three, the oldest gives way.

    Args:
        theme: Colours and icons.
        parent: Qt parent.
    """

    _MOST = 3

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GRID)
        self.hide()

    def bars(self) -> list[MessageBar]:
        """The messages in sight, newest first."""
        items = (self._column.itemAt(index) for index in range(self._column.count()))
        widgets = (item.widget() for item in items if item is not None)
        return [bar for bar in widgets if isinstance(bar, MessageBar) and not bar.isHidden()]

    def show_message(
        self,
        severity: str,
        text: str,
        details: str = "",
        actions: Sequence[tuple[str, Callable[[], object]]] = (),
    ) -> MessageBar:
        """Show a message; "note" and "good" go by themselves after a while unless there is something to do."""
        for bar in self.bars():
            if bar.text == text:
                bar.dismiss()
        bar = MessageBar(severity, text, self._theme, details=details, actions=actions, parent=self)
        bar.destroyed.connect(self._fit)
        self._column.insertWidget(0, bar)
        bar.show()  # at once: a layout in sight would do so later, and the stack would seem to be empty
        for old in self.bars()[self._MOST :]:
            old.dismiss()
        if severity in ("note", "good") and not actions:
            timer = QTimer(bar)
            timer.setSingleShot(True)
            timer.timeout.connect(bar.dismiss)
            timer.start(_SHOWN_MS)
        self.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 0)
        self.show()
        return bar

    def show_problem(self, problem: Problem | BandbridgeError) -> MessageBar:
        """Show a failure."""
        return self.show_message("error", str(problem), problem.details)

    def clear(self) -> None:
        """Take all messages away."""
        for bar in self.bars():
            bar.dismiss()

    def _fit(self) -> None:
        if not self.bars():
            self.hide()
