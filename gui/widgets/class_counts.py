"""How the target images spread over the classes while training, and a warning when one class swallows them."""

from __future__ import annotations

from bandbridge.engine.api.reports import AdaptReport
from bandbridge.gui.quantities import percent
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.verdict import takeover
from bandbridge.gui.widgets.class_bars import ClassBars, count_bars
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget


class ClassCounts(QFrame):
    """Card with a bar a class.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("Predicted classes")
        self._title = text_label("Predicted classes", "section", wrap=False)
        self._title.setToolTip(
            "How many target images the model gives each class, counted anew every epoch. Marks: before training."
        )
        self._hint = text_label("Counts appear here.", "help")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.warning = text_label("", "warning")
        self.warning.hide()
        self._bars = ClassBars(theme)
        self._bars.setAccessibleName("Images of each class")
        self._bars.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self._title)
        layout.addWidget(self._hint, 1)
        layout.addWidget(self.warning)
        layout.addWidget(self._bars, 1)

    def show_story(self, story: RunStory) -> None:
        """Show the last count of a run; once it is finished, that of the model kept."""
        end = story.epoch_end
        self._hint.setVisible(end is None)
        self._bars.setVisible(end is not None)
        if end is None:
            self.warning.hide()
            return
        report = story.finished.result if story.finished is not None else None
        counts = report.predicted_after if isinstance(report, AdaptReport) else end.predicted_counts
        swallowed = takeover(counts)
        name = swallowed.class_name if swallowed else ""
        self._bars.set_bars(count_bars(counts, story.first_counts, name))
        self.warning.setVisible(swallowed is not None)
        if swallowed is not None:
            self.warning.setText(f"⚠ {percent(swallowed.share)} of the images are now “{name}”.")
            self.warning.setToolTip(swallowed.sentence)
