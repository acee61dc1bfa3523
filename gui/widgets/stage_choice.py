"""Which stage of a run is looked at: the one at work, unless the person has chosen another."""

from __future__ import annotations

from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import GRID
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget


class StageChoice(QWidget):
    """A button a stage, side by side; hidden where there is one stage alone.

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
            button.setToolTip(f"Stage {number + 1} of {len(names)}, {state}")
            button.setChecked(number == self.number)

    def _rebuild(self, names: tuple[str, ...]) -> None:
        for button in self.buttons:
            self._group.removeButton(button)
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._names, self.buttons = names, []
        for number, name in enumerate(names):
            button = QToolButton()
            button.setText(f"{number + 1} {name}")
            button.setAccessibleName(f"Show the losses of stage {number + 1}, {name}")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self._group.addButton(button, number)
            self._row.addWidget(button)
            self.buttons.append(button)

    def _pick(self, number: int) -> None:
        assert self._story is not None
        self._picked = None if number == max(self._story.stages) else number
        self.chosen.emit()
