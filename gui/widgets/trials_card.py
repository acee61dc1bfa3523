"""What the method that chooses by itself has tried, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from bandbridge.engine.api.events import LABEL_FREE, RELIABILITY
from bandbridge.engine.api.reports import Trial
from bandbridge.gui.quantities import NOTHING, fixed, percent
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_RULE = "The highest reliability figure is kept, unless the pairs speak against it."
_RULED_OUT = "Agrees less with RGB on held-out pairs than the untouched model does, class by class."


class TrialsCard(Card):
    """A line a candidate: its reliability figure, and whether it was kept; hidden where nothing was tried.

    Args:
        parent: Qt parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What was tried", parent)
        self.body.setSpacing(GRID // 2)
        self._rows = QWidget()
        self.body.addWidget(self._rows)
        self.body.addWidget(text_label(_RULE, "small"))
        self.hide()

    def show_trials(self, trials: Sequence[Trial]) -> None:
        """Show these candidates."""
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID + GRID // 2)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        title, what, _ = LABEL_FREE[RELIABILITY]
        heading = text_label("Figure", "small", wrap=False)
        heading.setToolTip(f"<b>{title}</b><br>{what}")
        heading.setAlignment(_RIGHT)
        grid.addWidget(heading, 0, 1)
        for row, trial in enumerate(trials, start=1):
            role = "strong" if trial.chosen else "help" if trial.ruled_out else ""
            outcome = "kept" if trial.chosen else "ruled out" if trial.ruled_out else "not kept"
            for column, text in enumerate((trial.name, fixed(trial.reliability, 2), outcome)):
                label = text_label(text, role, wrap=False)
                label.setToolTip(_explained(trial))
                if column:
                    label.setAlignment(_RIGHT)
                grid.addWidget(label, row, column)
        self.body.replaceWidget(self._rows, fresh)
        self._rows.hide()
        self._rows.deleteLater()
        self._rows = fresh
        self.setVisible(bool(trials))


def _explained(trial: Trial) -> str:
    title, what, _ = LABEL_FREE[RELIABILITY]
    agreed = NOTHING if trial.balanced_agreement is None else percent(trial.balanced_agreement)
    lines = [
        f"<b>{trial.name}</b>",
        f"{title} {fixed(trial.reliability, 3)}: {what}",
        f"{LABEL_FREE['balanced_agreement'][0]} on held-out pairs: {agreed}",
    ]
    return "<br>".join([*lines, _RULED_OUT] if trial.ruled_out else lines)
