"""The rail at the window's left: home, and the steps with how far each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bandbridge.gui.project import ProjectKind
from bandbridge.gui.theme import GRID, RADIUS, Theme
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QSizePolicy, QVBoxLayout, QWidget

_MARKS = {
    "empty": ("mark-empty", "muted", "nothing here yet"),
    "ready": ("mark-ready", "good", "ready"),
    "warning": ("mark-warning", "warning", "something to look at"),
    "error": ("mark-error", "error", "something to mend"),
    "busy": ("mark-busy", "accent", "at work"),
    "": ("", "", ""),
}
WIDTH = 26 * GRID

STEPS: Mapping[ProjectKind, tuple[tuple[str, str], ...]] = {
    "images": (
        ("source-model", "Source model"),
        ("images", "Images"),
        ("method", "Method"),
        ("run", "Run"),
        ("results", "Results"),
    ),
    "video": (("clips", "Clips"), ("method", "Method"), ("run", "Run"), ("results", "Results")),
}
"""Kind of project -> (icon, name) of its steps, in order."""


class RailButton(QAbstractButton):
    """One entry of the rail: icon, name, and a mark for its state.

    Args:
        icon: Name of its icon.
        text: Its name.
        theme: Colours and icons.
        parent: Qt parent.
    """

    def __init__(self, icon: str, text: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        self._theme = theme
        self._state = ""
        self._by_keyboard = False
        self.setText(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.set_state("")
        theme.changed.connect(self.update)

    @property
    def state(self) -> str:
        """The state shown."""
        return self._state

    def set_state(self, state: str, in_words: str = "") -> None:
        """Show "empty", "ready", "warning", "error", "busy" or no mark, with the reason as tooltip."""
        self._state = state
        words = in_words or _MARKS[state][2]
        self.setToolTip(in_words)
        self.setAccessibleName(f"{self.text()}: {words}" if words else self.text())
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as the rail; high enough to be hit."""
        return QSize(WIDTH - 2 * GRID, 5 * GRID + GRID // 2)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A ring shows the focus to those who came by keyboard."""
        reasons = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
        self._by_keyboard = event.reason() in reasons
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw icon, name and mark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._theme
        area = self.rect().adjusted(1, 1, -1, -1)
        if self.isChecked() or (self.underMouse() and self.isEnabled()):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("raised"))
            painter.drawRoundedRect(area, RADIUS, RADIUS)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent"))
            painter.drawRoundedRect(QRect(area.left(), area.top() + GRID, 4, area.height() - 2 * GRID), 2, 2)
        if self.hasFocus() and self._by_keyboard:
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area, RADIUS, RADIUS)
        if not self.isEnabled():
            painter.setOpacity(0.45)
        middle = area.center().y()
        colour = "accent" if self.isChecked() else "text"
        icon = theme.icon(self._icon, colour)
        icon.paint(painter, QRect(QPoint(area.left() + 2 * GRID - 2, middle - 10), QSize(20, 20)))
        font = theme.font("body")
        font.setBold(self.isChecked())
        painter.setFont(font)
        painter.setPen(theme.colour("text"))
        words = QRect(area.left() + 5 * GRID + 2, area.top(), area.width() - 9 * GRID, area.height())
        painter.drawText(words, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), self.text())
        mark, mark_colour, _ = _MARKS[self._state]
        if mark:
            place = QRect(area.right() - 3 * GRID - 2, middle - 8, 17, 17)
            theme.icon(mark, mark_colour).paint(painter, place)


class Rail(QFrame):
    """Home, the steps, and the project's name.

    Args:
        steps: (icon, name) of each step, in order.
        theme: Colours and icons.
        parent: Qt parent.

    Signals:
        home_chosen: Home was pressed.
        step_chosen: The step with this index was pressed.
    """

    home_chosen = Signal()
    step_chosen = Signal(int)

    def __init__(self, steps: Sequence[tuple[str, str]], theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "rail")
        self.setFixedWidth(WIDTH)
        self.home = RailButton("home", "Home", theme)
        self.home.clicked.connect(lambda: self.home_chosen.emit())
        self._theme = theme
        self.steps: list[RailButton] = []
        self._group = QButtonGroup(self)
        self._group.addButton(self.home)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, 2 * GRID, GRID, 2 * GRID)
        column.setSpacing(GRID // 2)
        column.addWidget(self.home)
        column.addSpacing(2 * GRID)
        self._column = QVBoxLayout()
        self._column.setSpacing(GRID // 2)
        column.addLayout(self._column)
        self.set_steps(steps)
        column.addStretch(1)
        self.project_name = text_label("", "strong")
        self.activity = text_label("", "small")
        self.activity.setAccessibleName("What the program is doing")
        for label in (self.project_name, self.activity):
            label.setContentsMargins(GRID, 0, GRID, 0)
            column.addWidget(label)
        self.set_project("")

    def set_steps(self, steps: Sequence[tuple[str, str]]) -> None:
        """Show other steps: (icon, name) of each, in order."""
        names = [f"{i}  {name}" for i, (_, name) in enumerate(steps, start=1)]
        if names == [button.text() for button in self.steps]:
            return
        for button in self.steps:
            self._group.removeButton(button)
            self._column.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.steps = [RailButton(icon, name, self._theme) for (icon, _), name in zip(steps, names, strict=True)]
        for index, button in enumerate(self.steps):
            self._group.addButton(button)
            button.clicked.connect(lambda _=False, chosen=index: self.step_chosen.emit(chosen))
            self._column.addWidget(button)

    def show_home(self) -> None:
        """Mark Home as the place we are at."""
        self.home.setChecked(True)

    def show_step(self, index: int) -> None:
        """Mark a step as the place we are at."""
        self.steps[index].setChecked(True)

    def set_project(self, name: str) -> None:
        """Show the project's name; without one the steps cannot be opened."""
        self.project_name.setText(name)
        for button in self.steps:
            button.setEnabled(bool(name))
            if not name:
                button.set_state("")
