"""What a run changed, number by number: before, after, and whether that is better."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bandbridge.engine.api.reports import AdaptReport
from bandbridge.gui.measures import (
    ACCURACY,
    AGREEMENT,
    BALANCED,
    CONFIDENCE,
    Measure,
    gap_measures,
    label_free_measures,
)
from bandbridge.gui.quantities import NOTHING, change, count, duration, number, percent, points
from bandbridge.gui.theme import Theme
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

_OF_TRANSLATOR = {"ssim", "psnr"}
CELL_STYLE = "QTableView::item { padding: 0 5px; }"
"""Cells as wide of the edge as the headings above them, with the 3 pixels they have by themselves."""
_NO_LABELS = (
    "needs labels: put target images into folders named like the model's classes and run again; labels are used for "
    "measuring only, never for training."
)
_NO_PAIRS = "needs pairs: images of the same scenes from both sensors."


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        title: Name of the number.
        before: Text before the run.
        after: Text after it.
        change: Text of the difference, or what is needed to have one.
        verdict: "better", "worse" or "".
        explain: What the number means, or why there is none.
    """

    title: str
    before: str
    after: str
    change: str
    verdict: str
    explain: str


def rows_of(report: AdaptReport) -> list[Row]:
    """All lines for a report, most important first."""
    before, after = report.before, report.after
    labelled = before is not None and after is not None
    rows = [
        _row(ACCURACY, before.accuracy if before else None, after.accuracy if after else None, _NO_LABELS),
        _row(
            BALANCED,
            before.balanced_accuracy if before else None,
            after.balanced_accuracy if after else None,
            _NO_LABELS,
        ),
        _row(AGREEMENT, report.agreement_before, report.agreement_after, _NO_PAIRS),
        _row(CONFIDENCE, report.mean_confidence_before, report.mean_confidence_after, ""),
    ]
    share = report.changed / report.target_images if report.target_images else 0.0
    changed = Row(
        "Images with another class",
        NOTHING,
        f"{count(report.changed)} of {count(report.target_images)}",
        percent(share),
        "",
        "Target images the adapted model gives another class than the source model did."
        + ("" if labelled else " Look through them in the gallery."),
    )
    gaps = [_row(m, report.gap_before.get(k), report.gap_after.get(k), _NO_PAIRS) for k, m in gap_measures().items()]
    signs = _label_free_rows(report)
    rows = [*rows[:3], *signs[:1], *rows[3:], changed, *gaps, *signs[1:]]
    speed = f", {number(report.images_per_second)} images/s" if report.images_per_second > 0 else ""
    rows.append(
        Row("Time", NOTHING, duration(report.seconds), "", "", f"The whole run without pauses{speed}, {report.device}.")
    )
    return rows


def _label_free_rows(report: AdaptReport) -> list[Row]:
    """What needs no labels, but for agreement and the images changed, which have their lines; older reports: none."""
    if not report.label_free_after:
        return []
    missing = _NO_PAIRS if report.agreement_after is None else ""
    return [
        _row(measure, report.label_free_before.get(key), report.label_free_after.get(key), missing)
        for key, measure in label_free_measures().items()
        if key not in ("agreement", "changed", *(_OF_TRANSLATOR - report.label_free_after.keys()))
    ]


def _row(measure: Measure, before: float | None, after: float | None, missing: str) -> Row:
    if before is None or after is None or math.isnan(before) or math.isnan(after):
        return Row(measure.title, NOTHING, NOTHING, missing.partition(":")[0], "", f"{measure.explain} {missing}")
    difference = after - before
    texts = measure.text(before), measure.text(after)
    verdict = ""
    if measure.better and texts[0] != texts[1]:
        verdict = "better" if (difference > 0) == (measure.better == "up") else "worse"
    gained = points(difference) if measure.is_share else change(difference)
    return Row(measure.title, *texts, gained if texts[0] != texts[1] else "", verdict, measure.explain)


def _side(column: int) -> Qt.AlignmentFlag:
    """Words to the left, numbers to the right."""
    return (Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight) | Qt.AlignmentFlag.AlignVCenter


class BeforeAfterTable(QTableWidget):
    """The table; every line's tooltip says what the number means.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self._theme = theme
        self._rows: list[Row] = []
        self.setAccessibleName("Before and after")
        for column, title in enumerate(("", "Before", "After", "Change")):
            head = QTableWidgetItem(title)
            head.setTextAlignment(_side(column))
            self.setHorizontalHeaderItem(column, head)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setStyleSheet(CELL_STYLE)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionsClickable(False)
        self.verticalHeader().setDefaultSectionSize(28)
        self.setWordWrap(False)
        theme.changed.connect(self._fill)

    def show_report(self, report: AdaptReport) -> None:
        """Show this run."""
        self._rows = rows_of(report)
        self._fill()

    def text(self, title: str) -> tuple[str, str, str]:
        """Before, after and change of a line."""
        row = next(row for row in self._rows if row.title == title)
        return row.before, row.after, row.change

    def _fill(self) -> None:
        self.setRowCount(len(self._rows))
        for line, row in enumerate(self._rows):
            gained = f"{row.change}  {row.verdict}".strip()
            for column, text in enumerate((row.title, row.before, row.after, gained)):
                item = QTableWidgetItem(text)
                item.setToolTip(f"<b>{row.title}</b><br>{row.explain}")
                item.setTextAlignment(_side(column))
                if column == 1:
                    item.setForeground(self._theme.colour("muted"))
                if column == 3:
                    role = {"better": "good", "worse": "error"}.get(row.verdict, "muted")
                    item.setForeground(self._theme.colour(role))
                self.setItem(line, column, item)
        # Names before and after stay whole in a small window; what stands beside the table gives way.
        widths = (max(self.sizeHintForColumn(c), self.horizontalHeader().sectionSizeHint(c)) for c in range(4))
        self.setMinimumWidth(sum(widths) + self.verticalScrollBar().sizeHint().width())
