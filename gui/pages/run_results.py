"""What the results of images and clips have in common: the run shown, its verdict, tabs, runs, comparisons, report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.engine.api.reports import Alarm, CompareReport
from bandbridge.engine.api.run_files import REPORT_PAGE
from bandbridge.gui.comparison_record import COMPARISON_FILE, COMPARISON_PAGE, read_comparison
from bandbridge.gui.pages.page import Page, PageState
from bandbridge.gui.project import ComparisonEntry, ProjectModel, RunEntry
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.verdict import Verdict
from bandbridge.gui.widgets.callout import Callout, Severity
from bandbridge.gui.widgets.comparison_panel import ComparisonPanel
from bandbridge.gui.widgets.export_panel import ExportPanel
from bandbridge.gui.widgets.fields import ChoiceField
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.run_table import method_title, when
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

_CHOICE_WIDTH = 38 * GRID
"""The run shown stands beside the tabs, all of which must be seen in the smallest window; its list may be wider."""

_OPEN_TIP = "Shows the report of this run in the browser."
_SAVE_TIP = "One file to hand on, with tables and curves; opens in any browser."
_NO_PAGE = "The folder of this run holds no report."


class RunResultsPage(Page):
    """The results of the project's runs; what belongs to one kind of project is in its two descendants.

    Args:
        help_text: One line: what this page is for.
        project: The open project.
        desk: Reads what is shown.
        theme: Colours and icons.
        export_panel: Of this kind of model.
        parent: Qt parent.
    """

    chapter = "results"
    """Of the manual, while a run is shown."""
    noun = "image"
    """What a run is about."""
    nothing_yet = "Once a run has finished, its numbers, all images with their classes, and the export are here."

    def __init__(
        self,
        help_text: str,
        project: ProjectModel,
        desk: WorkerThread,
        theme: Theme,
        export_panel: ExportPanel,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Results", help_text, primary="E&xport model", scrolls=False, parent=parent)
        self._project = project
        self._desk = desk
        self._theme = theme
        self._folder = ""
        self._runs_seen: tuple[RunEntry, ...] | None = None
        self._compared = ""  # folder of the comparison shown
        self._compared_seen: tuple[ComparisonEntry, ...] = ()

        self.run_choice = ChoiceField([], "")
        self.run_choice.setAccessibleName("Run shown")
        self.run_choice.setStyleSheet("QComboBox { min-height: 18px; padding: 2px 8px; }")  # it stands among tabs
        self.run_choice.setMaximumWidth(_CHOICE_WIDTH)
        self.run_choice.currentIndexChanged.connect(self._choose_run)
        self.verdict = Callout(theme)
        self.alarm = Callout(theme)
        self._empty = self._make_empty()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Parts of the results")
        parts = self._make_parts()
        self._overview = parts[0][0]
        self._runs_page = self._make_runs()
        self.comparison = ComparisonPanel(theme, self.noun)
        self.comparison.run_chosen.connect(self.open_run)
        self.comparison.comparison_chosen.connect(self._load_comparison)
        self.comparison.page_wanted.connect(self._open_comparison_page)
        self.export_panel = export_panel
        self.export_panel.busy_changed.connect(self._arrange)
        for widget, title in (
            *parts,
            (self._runs_page, "Runs"),
            (self.comparison, "Comparison"),
            (self.export_panel, "Export"),
        ):
            self.tabs.addTab(widget, title)
        self.tabs.currentChanged.connect(self._tab_changed)

        self.tabs.tabBar().setDrawBase(False)
        chooser = QWidget()
        row = QHBoxLayout(chooser)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        label = text_label("R&un", wrap=False)
        label.setTextFormat(Qt.TextFormat.AutoText)
        label.setBuddy(self.run_choice)
        row.addWidget(label)
        row.addWidget(self.run_choice)
        self.tabs.setCornerWidget(chooser, Qt.Corner.TopRightCorner)
        self.content.setSpacing(GRID + GRID // 2)
        self.content.addWidget(self.verdict)
        self.content.addWidget(self.alarm)
        self.content.addWidget(self._empty, 1)
        self.content.addWidget(self.tabs, 1)
        self.open_button = QPushButton("Open re&port")
        self.open_button.clicked.connect(self.open_report)
        self.report_button = QPushButton("&Save report…")
        self.report_button.clicked.connect(self.save_report)
        self.folder_button = QPushButton("&Open run folder")
        self.folder_button.clicked.connect(self.open_folder)
        self.foot.addWidget(self.open_button)
        self.foot.addWidget(self.report_button)
        self.foot.addWidget(self.folder_button)
        project.changed.connect(self._follow)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self._follow()

    # ---- what belongs to the kind of project ---------------------------------------------------------------------

    def _make_parts(self) -> Sequence[tuple[QWidget, str]]:
        """(widget, title) of the tabs before those all have; the overview first."""
        raise NotImplementedError

    def _make_runs(self) -> QWidget:
        """All runs side by side."""
        raise NotImplementedError

    def _show_runs(self, runs: Sequence[RunEntry]) -> None:
        raise NotImplementedError

    def _load(self, folder: str) -> BandbridgeError | None:
        """Read a run and show it; says why it cannot be read."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Show no run any more."""
        raise NotImplementedError

    def _shown_again(self) -> None:
        """The run shown stays, but other runs may have come."""

    def _judged(self) -> Verdict | None:
        """What to say of the run shown, None where none is."""
        raise NotImplementedError

    def _alarms(self) -> tuple[Alarm, ...]:
        """Those that hold of the run shown."""
        return ()

    def _look(self) -> None:
        """Another tab is in sight."""

    # ---- what the window asks ------------------------------------------------------------------------------------

    def state(self) -> PageState:
        """Ready when the run shown helped, a warning when it did not."""
        judged = self._judged()
        if judged is None:
            return "error" if self._folder else "empty"
        return "warning" if self._alarms() or judged.tone in ("warning", "error") else "ready"

    def state_in_words(self) -> str:
        """Why the mark is what it is."""
        judged = self._judged()
        if judged is None:
            return "The results cannot be read." if self._folder else "No finished run yet."
        if self._alarms() and judged.tone not in ("warning", "error"):
            return self._alarms()[0].what
        return judged.headline

    def shown(self) -> None:
        """The page has just come into sight."""
        self._follow()

    def closing(self) -> None:
        """Stop reading and writing."""
        self.export_panel.close_down()

    # ---- what a person does --------------------------------------------------------------------------------------

    def open_run(self, folder: str) -> None:
        """Show the results of a run of this project, from their beginning."""
        self._follow()
        self.show_run(folder)
        if folder == self._folder:
            self.tabs.setCurrentWidget(self._overview)

    def show_run(self, folder: str) -> None:
        """Show the results of a run of this project."""
        index = self.run_choice.findData(folder)
        if index >= 0:
            self.run_choice.setCurrentIndex(index)

    def on_primary(self) -> None:
        """Lead to the export, or do it."""
        if self.tabs.currentWidget() is not self.export_panel:
            self.tabs.setCurrentWidget(self.export_panel)
        else:
            self.export_panel.export()

    def open_report(self) -> None:
        """Show the run's report in the browser."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._folder) / REPORT_PAGE)))

    def save_report(self) -> None:
        """Copy the run's report to a place of the person's choice."""
        source = Path(self._folder) / REPORT_PAGE
        name, _ = QFileDialog.getSaveFileName(
            self, "Save report", str(self._project.folder / f"{source.parent.name}.html"), "Report (*.html)"
        )
        if name:
            self.save_report_to(Path(name))

    def save_report_to(self, target: Path) -> None:
        """Copy the run's report to this file."""
        try:
            shutil.copyfile(Path(self._folder) / REPORT_PAGE, target)
        except OSError as error:
            self.told.emit(
                "error", f"The report could not be saved to “{target}”: {error.strerror or error}.", repr(error)
            )
        else:
            self.told.emit("good", f"The report was saved to “{target}”.", "")

    def open_folder(self) -> None:
        """Show the run folder in the system's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._folder))

    def _make_empty(self) -> QWidget:
        empty = QWidget()
        column = QVBoxLayout(empty)
        column.addStretch(1)
        for text, role in (("No results yet", "section"), (self.nothing_yet, "help")):
            label = text_label(text, role)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch(2)
        return empty

    # ---- following the project -----------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Offer the project's finished runs; a newly finished one is shown at once."""
        self._follow_comparisons()
        runs = self._project.project.runs
        if runs == self._runs_seen:
            return
        self._runs_seen = runs
        finished = [run for run in runs if run.outcome in ("completed", "kept")]
        self.run_choice.blockSignals(True)
        newest = finished[-1].folder if finished else ""
        known = [self.run_choice.itemData(index) for index in range(self.run_choice.count())]
        of_comparison = bool(finished) and any(c.holds(finished[-1]) for c in self._project.project.comparisons)
        looking = self.isVisible() and self.tabs.currentWidget() not in (self.comparison, self._runs_page)
        stays = self._folder in [run.folder for run in finished] and (newest in known or (of_comparison and looking))
        shown = self._folder if stays else newest
        self.run_choice.clear()
        for run in reversed(finished):
            title = f"{method_title(run.method)}, seed {run.seed}, {when(run.started)}"
            self.run_choice.addItem(title, run.folder)
        self.run_choice.set_value(shown)
        self.run_choice.view().setMinimumWidth(self.run_choice.view().sizeHintForColumn(0) + 3 * GRID)
        self.run_choice.blockSignals(False)
        self._show_runs(runs)
        self._choose_run()

    def _choose_run(self) -> None:
        folder = str(self.run_choice.currentData() or "")
        self.run_choice.setToolTip(self.run_choice.currentText())
        if folder == self._folder and self._judged() is not None:
            self._shown_again()
            return
        self._folder = folder
        self._forget()
        error = self._load(folder) if folder else None
        judged = self._judged()
        if error is not None:
            self.verdict.say("error", error.what, f"{error.why} {error.do}", error.details)
        elif judged is not None:
            severity: Severity = "note" if judged.tone == "neutral" else judged.tone
            self.verdict.say(severity, judged.headline, judged.explanation)
            self._look()
        self._arrange()
        self.state_changed.emit()

    def _arrange(self) -> None:
        there = self._judged() is not None
        compared = bool(self._compared)
        self._empty.setVisible(not self._folder and not compared)
        self.tabs.setVisible(bool(self._folder) or compared)
        was_empty = not self.tabs.isTabEnabled(self.tabs.indexOf(self._overview))
        for index in range(self.tabs.count()):
            widget = self.tabs.widget(index)
            own = compared if widget is self.comparison else there or widget is self._runs_page
            self.tabs.setTabEnabled(index, own)
        if there and was_empty and self.tabs.currentWidget() is not self.comparison:
            self.tabs.setCurrentWidget(self._overview)  # while nothing was there, only lists of runs could be open
        self.primary.setEnabled(there and not self.export_panel.busy)
        has_page = (Path(self._folder) / REPORT_PAGE).is_file()
        for button, tip in ((self.open_button, _OPEN_TIP), (self.report_button, _SAVE_TIP)):
            button.setEnabled(has_page)
            button.setToolTip(tip if has_page else _NO_PAGE)
        self._fit_to_tab()

    def _tab_changed(self) -> None:
        self._fit_to_tab()
        if self._judged() is not None:
            self._look()

    def _fit_to_tab(self) -> None:
        """What is of one run does not stand beside the table of many."""
        at_table = self.tabs.currentWidget() is self.comparison
        self.manual_chapter = "compare" if at_table else self.chapter
        for widget in (self.verdict, self.open_button, self.report_button, self.folder_button):
            widget.setVisible(bool(self._folder) and not at_table)
        alarms = () if at_table else self._alarms()
        self.alarm.setVisible(bool(alarms))
        if alarms:
            words = [f"{alarm.what} {alarm.why}" for alarm in alarms[1:]]
            self.alarm.say("warning", alarms[0].what, " ".join((alarms[0].why, *words, alarms[0].do)))

    # ---- comparisons ---------------------------------------------------------------------------------------------

    def show_comparison(self, report: CompareReport) -> None:
        """Show a table that grows while its comparison is at work; the first sight of it comes to the front."""
        self._follow_comparisons()
        if self._compared == report.folder:
            self.comparison.show_report(report)
        self._arrange()

    def _follow_comparisons(self) -> None:
        entries = self._project.project.comparisons
        if entries == self._compared_seen:
            return
        new = {one.folder for one in entries} - {one.folder for one in self._compared_seen}
        first_look, self._compared_seen = not self._compared_seen, entries
        newest = entries[-1].folder if entries else ""
        titles = [(one.folder, when(one.started)) for one in reversed(entries)]
        self.comparison.offer(titles, newest if new else self._compared)
        self._load_comparison(newest if new else self._compared)
        self._arrange()
        begun = newest in new and entries[-1].outcome == "running"
        if begun or (first_look and self._project.project.latest_comparison() is not None):
            self.tabs.setCurrentWidget(self.comparison)

    def _load_comparison(self, folder: str) -> None:
        self._compared = folder
        if not folder:
            return
        at_work = any(one.folder == folder and one.outcome == "running" for one in self._compared_seen)
        if at_work and not (Path(folder) / COMPARISON_FILE).exists():
            self.comparison.show_beginning()
            return
        try:
            self.comparison.show_report(read_comparison(Path(folder)).report)
        except BandbridgeError as error:
            self.comparison.show_problem(error)

    def _open_comparison_page(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._compared) / COMPARISON_PAGE)))

    def _paint_icons(self) -> None:
        self.open_button.setIcon(self._theme.icon("open"))
        self.report_button.setIcon(self._theme.icon("export"))
        self.folder_button.setIcon(self._theme.icon("folder"))


def tab_of(*widgets: QWidget, stretch: QWidget | None = None) -> QWidget:
    """A tab with these below each other; one of them, the last unless told, takes the room there is."""
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, GRID + GRID // 2, 0, 0)
    column.setSpacing(GRID)
    for widget in widgets:
        column.addWidget(widget, 1 if widget is (stretch or widgets[-1]) else 0)
    return page
