"""A comparison of methods on the results page: what it says, its table, and what to make of it."""

from __future__ import annotations

from collections.abc import Sequence

from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.engine.api.reports import CompareReport
from bandbridge.gui.quantities import count, counted
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.comparison_table import ComparisonTable, comparison_in_words
from bandbridge.gui.widgets.fields import ChoiceField
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.run_table import method_title
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

_READING = (
    "Mean, below it ± the standard deviation, over the complete runs, one a seed. “best”: the best mean of its column. "
    "“close”: so near that chance may have decided. Press a heading to sort, a method to see its runs, a run to "
    "see its {noun}s."
)
_NO_LABELS = (
    "There are no labels, so accuracy is unknown. Agreement says how often the model gives a sensor image of a pair "
    "kept aside the class the source model gives its RGB image: good as far as that is right and the pairs are like "
    "the target images."
)


_NO_CLIPS = "No labelled clips were kept aside for testing, so nothing says which method is better."


class ComparisonPanel(QWidget):
    """The table with words above and below it, and a choice where there are several.

    Args:
        theme: Colours.
        noun: What runs are about: "image" or "clip".
        parent: Qt parent.

    Signals:
        run_chosen: Folder of the run to show.
        comparison_chosen: Folder of the comparison to show.
        page_wanted: Show the comparison's page in the browser.
    """

    run_chosen = Signal(str)
    comparison_chosen = Signal(str)
    page_wanted = Signal()

    def __init__(self, theme: Theme, noun: str = "image", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._noun = noun
        self.words = text_label("", "strong")
        self.choice = ChoiceField([], "")
        self.choice.setAccessibleName("Comparison shown")
        self.choice.activated.connect(lambda _: self.comparison_chosen.emit(self.choice.value()))
        self.page_button = QPushButton("Open as &page")
        self.page_button.setToolTip("One file to hand on, with every number and a picture; opens in the browser.")
        self.page_button.clicked.connect(self.page_wanted)
        self.table = ComparisonTable(theme)
        self.table.chosen.connect(self.run_chosen)
        self.note = text_label("", "small")
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addWidget(self.words, 1)
        head.addWidget(self.choice)
        head.addWidget(self.page_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID + GRID // 2, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        column.addWidget(self.note)

    def offer(self, comparisons: Sequence[tuple[str, str]], shown: str) -> None:
        """Offer (folder, title) of the project's comparisons, newest first."""
        self.choice.clear()
        for folder, title in comparisons:
            self.choice.addItem(title, folder)
        self.choice.set_value(shown)
        self.choice.setVisible(len(comparisons) > 1)

    def show_report(self, report: CompareReport) -> None:
        """Show a table, complete or so far."""
        complete = sum(run.state == "completed" for run in report.runs)
        done = "" if complete == len(report.runs) else f"{count(complete)} of {counted(len(report.runs), 'run')}. "
        failed = ", ".join(method_title(entry.method) for entry in report.methods if entry.state == "failed")
        self.words.setText(done + comparison_in_words(report) + (f" Failed: {failed}." if failed else ""))
        self.table.show_report(report)
        self.note.setText(f"{_READING.format(noun=self._noun)} {self._on_what(report) if complete else ''}".strip())
        self.page_button.setEnabled(True)

    def _on_what(self, report: CompareReport) -> str:
        if self._noun == "clip":
            return f"Measured on {counted(report.images, 'test clip')}." if report.images else _NO_CLIPS
        return f"Accuracy is measured on {counted(report.images, 'labelled image')}." if report.images else _NO_LABELS

    def show_problem(self, error: BandbridgeError) -> None:
        """Say why there is no table."""
        self.words.setText(error.what)
        self.note.setText(f"{error.why} {error.do}".strip())
        self.table.show_nothing("")
        self.page_button.setEnabled(False)

    def show_beginning(self) -> None:
        """The comparison has just begun: its table is not written yet."""
        self.words.setText("The comparison is starting.")
        self.note.setText("")
        self.table.show_nothing()
        self.page_button.setEnabled(False)
