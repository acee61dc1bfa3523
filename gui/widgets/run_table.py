"""The runs of a project side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bandbridge.engine.api.catalogue import METHODS
from bandbridge.engine.api.reports import AdaptReport, DistillReport
from bandbridge.engine.api.video_catalogue import VIDEO_METHODS
from bandbridge.gui.project import RunEntry
from bandbridge.gui.quantities import NOTHING, count, duration, percent
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.before_after_table import CELL_STYLE
from PySide6.QtCore import QDateTime, QLocale, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

_COLUMNS = (
    ("Started", ""),
    ("Method", ""),
    ("Ended", ""),
    ("Seed", "Of everything random: runs with other seeds show how much is chance."),
    ("Accuracy", "Of the adapted model on labelled target images."),
    ("Before", "Accuracy of the source model as it is."),
    ("Balanced", "Balanced accuracy of the adapted model: every class counts the same."),
    ("Agreement", "On held-out pairs with the source model on RGB, after adaptation."),
    ("Changed", "Target images whose class changed."),
    ("Time", ""),
)
_WORDS = 3  # so many columns hold words, the others numbers
_ACCURACY = 4
OUTCOMES = {
    "completed": "finished",
    "kept": "stopped and kept",
    "stopped": "stopped",
    "failed": "failed",
    "running": "running",
}


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run of the project, with its report if it has one."""

    entry: RunEntry
    report: AdaptReport | None


def method_title(key: str) -> str:
    """A method's name on the surface; a method this version does not know keeps its key."""
    return next((info.title for info in (*METHODS, *VIDEO_METHODS) if info.key == key), key)


SPENT_SINCE = "Since it went on from a checkpoint; the time before is not known."
"""What the time of a run that was gone on with is."""


def spent(report: AdaptReport | DistillReport) -> str:
    """The time of a run, "> 6 s" where only its last part is known."""
    return ("> " if report.resumed else "") + duration(report.seconds)


def when(started: str) -> str:
    """A start in the user's own notation."""
    moment = QDateTime.fromString(started, Qt.DateFormat.ISODate)
    return str(QLocale().toString(moment, QLocale.FormatType.ShortFormat)) if moment.isValid() else started


class RunTable(QTableWidget):
    """One line a run, sortable by any column; choosing a line shows that run.

    Args:
        theme: Colours.
        parent: Qt parent.

    Signals:
        chosen: Folder of the run to show.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_COLUMNS), parent)
        self._theme = theme
        self._runs: Sequence[ComparedRun] = ()
        self.setAccessibleName("Runs of this project")
        for column, (title, explain) in enumerate(_COLUMNS):
            head = QTableWidgetItem(title)
            head.setToolTip(explain)
            side = Qt.AlignmentFlag.AlignLeft if column < _WORDS else Qt.AlignmentFlag.AlignRight
            head.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, head)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setStyleSheet(CELL_STYLE)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setStretchLastSection(True)
        self.verticalHeader().setDefaultSectionSize(32)
        self.cellActivated.connect(self._tell)
        self.cellClicked.connect(self._tell)
        theme.changed.connect(self._fill)

    def show_runs(self, runs: Sequence[ComparedRun]) -> None:
        """Show these runs, newest first."""
        self._runs = tuple(reversed(runs))
        self._fill()

    def _fill(self) -> None:
        self.setSortingEnabled(False)
        self.setRowCount(len(self._runs))
        reports = [run.report for run in self._runs if run.report is not None]
        best = max((r.after.accuracy for r in reports if r.after is not None), default=None)
        for line, run in enumerate(self._runs):
            for column, (text, key) in enumerate(_cells(run)):
                item = _Item(text, key)
                side = Qt.AlignmentFlag.AlignLeft if column < _WORDS else Qt.AlignmentFlag.AlignRight
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                item.setData(Qt.ItemDataRole.UserRole, run.entry.folder)
                item.setToolTip(run.entry.folder)
                if run.report is None:
                    item.setForeground(self._theme.colour("muted"))
                if column == _ACCURACY and best is not None and key == best:
                    font = item.font()
                    font.setBold(True)
                    item.setFont(font)
                    item.setToolTip("The best of these runs.")
                self.setItem(line, column, item)
        self.setSortingEnabled(True)

    def _tell(self, row: int, column: int) -> None:
        item = self.item(row, column)
        if item is not None:
            self.chosen.emit(str(item.data(Qt.ItemDataRole.UserRole)))


class _Item(QTableWidgetItem):
    """A cell sorted by its value rather than by its text."""

    def __init__(self, text: str, key: float | str) -> None:
        super().__init__(text)
        self._key = key

    def __lt__(self, other: object) -> bool:
        if isinstance(other, _Item) and type(other._key) is type(self._key):
            return self._key < other._key  # type: ignore[operator]
        return NotImplemented


def _cells(run: ComparedRun) -> list[tuple[str, float | str]]:
    entry, report = run.entry, run.report
    cells: list[tuple[str, float | str]] = [
        (when(entry.started), entry.started),
        (method_title(entry.method), method_title(entry.method)),
        (OUTCOMES[entry.outcome], OUTCOMES[entry.outcome]),
        (count(entry.seed), float(entry.seed)),
    ]
    shares = (
        report.after.accuracy if report and report.after else None,
        report.before.accuracy if report and report.before else None,
        report.after.balanced_accuracy if report and report.after else None,
        report.agreement_after if report else None,
    )
    cells += [(NOTHING, -1.0) if share is None else (percent(share), share) for share in shares]
    cells.append((count(report.changed), float(report.changed)) if report else (NOTHING, -1.0))
    cells.append((spent(report), report.seconds) if report else (NOTHING, -1.0))
    return cells
