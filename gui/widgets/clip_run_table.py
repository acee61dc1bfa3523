"""The runs of a project for video side by side."""

from __future__ import annotations

from collections.abc import Sequence

from bandbridge.engine.api.measures import leading, measure
from bandbridge.engine.api.reports import DistillReport
from bandbridge.gui.project import RunEntry
from bandbridge.gui.quantities import NOTHING, count, percent
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.plain_table import Cell, PlainTable
from bandbridge.gui.widgets.run_table import OUTCOMES, SPENT_SINCE, method_title, spent, when
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

_WORDS = 4


class ClipRunTable(PlainTable):
    """One line a run, newest first.

    Args:
        theme: Colours.
        parent: Qt parent.

    Signals:
        run_chosen: Folder of the run to show.
    """

    run_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        columns = (
            ("Started", ""),
            ("Method", ""),
            ("Direction", "Who teaches whom."),
            ("Ended", ""),
            ("Seed", "Of everything random: runs with other seeds show how much is chance."),
            ("Test", "Accuracy on the test clips; for tags, tagging mAP."),
            ("R@1", measure("recall_at_1").explain),
            ("Time", ""),
        )
        super().__init__("Runs of this project", columns, theme, words=_WORDS, pressable=True, parent=parent)
        self._folders: list[str] = []
        self.chosen.connect(lambda row: self.run_chosen.emit(self._folders[row]))

    def show_runs(self, runs: Sequence[tuple[RunEntry, DistillReport | None]]) -> None:
        """Show these runs, the oldest first in `runs`."""
        ordered = list(reversed(runs))
        self._folders = [entry.folder for entry, _ in ordered]
        best = max((value for _, report in runs if (value := _main(report)) is not None), default=None)
        rows = []
        for entry, report in ordered:
            value = _main(report)
            found = report.test.measures.get("recall_at_1") if report is not None and report.test is not None else None
            direction = NOTHING
            if report is not None:
                direction = "Sound teaches pictures" if report.teacher == "sound" else "Pictures teach sound"
            rows.append(
                [
                    Cell(when(entry.started), entry.folder),
                    Cell(method_title(entry.method)),
                    Cell(direction),
                    Cell(OUTCOMES[entry.outcome]),
                    Cell(count(entry.seed)),
                    Cell(NOTHING if value is None else percent(value, 1), strong=value is not None and value == best),
                    Cell(NOTHING if found is None else percent(found, 1)),
                    Cell(NOTHING) if report is None else Cell(spent(report), SPENT_SINCE if report.resumed else ""),
                ]
            )
        self.show_rows(rows)


def _main(report: DistillReport | None) -> float | None:
    if report is None or report.test is None:
        return None
    return report.test.measures.get(leading(report.test.measures))
