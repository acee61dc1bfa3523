"""Which stage of a run is looked at: the one at work, unless the person has chosen another."""

from __future__ import annotations

from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import GRID
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

_ROUND_TEXT = 2 * GRID
_ENOUGH = 24 * GRID


class StageChoice(QWidget):
    """A button a stage, side by side; hidden where there is one stage alone.

    Where names do not fit, the stages not shown go by their numbers, and the one shown shortens its name.

    Args:
        parent: Qt parent.

    Signals:
        chosen: Another stage is to be shown.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._story: RunStory | None = None
        self._picked: int | None = None  # None follows the stage at work
        self._names: tuple[str, ...] = ()
        self.buttons: list[QToolButton] = []
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self._pick)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GRID // 2)
        self.hide()

    @property
    def number(self) -> int:
        """The stage to show."""
        if self._picked is not None:
            return self._picked
        return max(self._story.stages, default=0) if self._story is not None else 0

    def show_story(self, story: RunStory) -> None:
        """Offer the stages a run has gone through so far."""
        if story is not self._story:
            self._story, self._picked = story, None
        names = story.training.stages if story.training is not None else ()
        if names != self._names:
            self._rebuild(names)
        self.setVisible(len(names) > 1)
        if self._picked is not None and self._picked not in story.stages:
            self._picked = None  # the run was taken up again at an earlier stage
        at_work = max(story.stages, default=0)
        for number, button in enumerate(self.buttons):
            button.setEnabled(number in story.stages)
            if number in story.stages:
                state = "at work" if number == at_work and story.running else "done"
            else:
                state = "not begun" if number > at_work else "done before the run was taken up again"
            button.setToolTip(f"Stage {number + 1} of {len(names)}, {names[number]}: {state}")
            button.setChecked(number == self.number)
        self._fit()

    def sizeHint(self) -> QSize:
        """Room for all names."""
        return QSize(sum(map(self._full_width, range(len(self._names)))) + self._gaps, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Room for short names."""
        return QSize(min(self.sizeHint().width(), _ENOUGH), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Write names as far as they fit."""
        super().resizeEvent(event)
        self._fit()

    @property
    def _gaps(self) -> int:
        return self._row.spacing() * max(len(self._names) - 1, 0)

    def _width(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text) + _ROUND_TEXT

    def _full_width(self, number: int) -> int:
        return self._width(f"{number + 1} {self._names[number]}")

    def _fit(self) -> None:
        """Give every button its text and width; the widths never depend on the texts of the moment."""
        whole = self.width() >= self.sizeHint().width()
        left = self.width() - self._gaps - sum(self._width(str(n + 1)) for n in range(len(self.buttons)))
        for number, (name, button) in enumerate(zip(self._names, self.buttons, strict=True)):
            text, width = f"{number + 1} {name}", self._full_width(number)
            if not whole and number != self.number:
                text, width = str(number + 1), self._width(str(number + 1))
            elif not whole:
                width = min(width, max(left, 0) + self._width(str(number + 1)))
                text = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width - _ROUND_TEXT)
            button.setText(text)
            button.setFixedWidth(width)

    def _rebuild(self, names: tuple[str, ...]) -> None:
        for button in self.buttons:
            self._group.removeButton(button)
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._names, self.buttons = names, []
        for number, name in enumerate(names):
            button = QToolButton()
            button.setAccessibleName(f"Show the losses of stage {number + 1}, {name}")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self._group.addButton(button, number)
            self._row.addWidget(button)
            self.buttons.append(button)
        self.updateGeometry()

    def _pick(self, number: int) -> None:
        assert self._story is not None
        self._picked = None if number == max(self._story.stages) else number
        self._fit()
        self.chosen.emit()
