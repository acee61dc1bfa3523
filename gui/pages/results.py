"""Step 5: whether the run helped, on which images, and the model to take away."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.engine.api.reports import AdaptReport, Alarm, CompareReport, Finding
from bandbridge.gui.comparison_record import COMPARISON_FILE, COMPARISON_PAGE, read_comparison
from bandbridge.gui.pages.page import Page, PageState
from bandbridge.gui.prediction_filter import PredictionFilter
from bandbridge.gui.project import ComparisonEntry, ProjectModel, RunEntry
from bandbridge.gui.quantities import count, counted, percent
from bandbridge.gui.run_record import REPORT_PAGE, Predictions, RunRecord, read_predictions, read_record, read_report
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.thumbnail_feed import ThumbnailFeed
from bandbridge.gui.verdict import judge, takeover
from bandbridge.gui.widgets.before_after_table import BeforeAfterTable
from bandbridge.gui.widgets.callout import Callout, Severity
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.class_bars import ClassBars, count_bars
from bandbridge.gui.widgets.closer_view import CloserView
from bandbridge.gui.widgets.comparison_panel import ComparisonPanel
from bandbridge.gui.widgets.confusion_matrix import ConfusionMatrix
from bandbridge.gui.widgets.export_panel import ExportPanel
from bandbridge.gui.widgets.fields import ChoiceField
from bandbridge.gui.widgets.filter_bar import FilterBar
from bandbridge.gui.widgets.gallery import PICTURE_PX, Gallery
from bandbridge.gui.widgets.image_viewer import ImageViewer
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.picture_view import Origin
from bandbridge.gui.widgets.run_table import ComparedRun, RunTable, method_title, when
from bandbridge.gui.widgets.trials_card import TrialsCard
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

_CHOICE_WIDTH = 38 * GRID
"""The run shown stands beside the tabs, all of which must be seen in the smallest window; its list may be wider."""
_NO_LABELS = (
    "A confusion matrix needs labels: put target images into folders named like the model's classes, and run again. "
    "Labels are used for measuring only, never for training."
)


class ResultsPage(Page):
    """The results of the project's runs.

    Args:
        project: The open project.
        desk: Reads pictures and exports models.
        theme: Colours and icons.
        parent: Qt parent.
    """

    manual_chapter = "results"

    def __init__(self, project: ProjectModel, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(
            "Results",
            "What the adaptation changed, image by image, and the model to take away.",
            primary="E&xport model",
            scrolls=False,
            parent=parent,
        )
        self._project = project
        self._desk = desk
        self._theme = theme
        self._reports: dict[str, AdaptReport | BandbridgeError] = {}
        self._folder = ""
        self._report: AdaptReport | None = None
        self._record: RunRecord | None = None
        self._predictions: Predictions | None = None
        self.closer: CloserView | None = None
        self._runs_seen: tuple[RunEntry, ...] | None = None

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
        self._overview = self._make_overview()
        self._images = self._make_images(desk)
        self._confusion = self._make_confusion()
        self._runs_page = self._make_runs()
        self.comparison = ComparisonPanel(theme)
        self.comparison.run_chosen.connect(self.open_run)
        self.comparison.comparison_chosen.connect(self._load_comparison)
        self.comparison.page_wanted.connect(self._open_comparison_page)
        self._compared = ""  # folder of the comparison shown
        self._compared_seen: tuple[ComparisonEntry, ...] = ()
        self.export_panel = ExportPanel(desk, theme)
        self.export_panel.busy_changed.connect(self._arrange)
        for widget, title in (
            (self._overview, "Overview"),
            (self._images, "Images"),
            (self._confusion, "Confusion"),
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
        label = text_label("&Run", wrap=False)
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
        self.report_button = QPushButton("Save &report…")
        self.report_button.setToolTip("One file to hand on, with tables and curves; opens in any browser.")
        self.report_button.clicked.connect(self.save_report)
        self.folder_button = QPushButton("&Open run folder")
        self.folder_button.clicked.connect(self.open_folder)
        self.foot.addWidget(self.report_button)
        self.foot.addWidget(self.folder_button)
        project.changed.connect(self._follow)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self._follow()

    # ---- what the window asks ------------------------------------------------------------------------------------

    def state(self) -> PageState:
        """Ready when the run shown helped, a warning when it did not."""
        if self._report is None:
            return "error" if self._folder else "empty"
        doubtful = self._report.alarms or judge(self._report).tone in ("warning", "error")
        return "warning" if doubtful else "ready"

    def state_in_words(self) -> str:
        """Why the mark is what it is."""
        if self._report is None:
            return "The results cannot be read." if self._folder else "No finished run yet."
        judged = judge(self._report)
        if self._report.alarms and judged.tone not in ("warning", "error"):
            return self._report.alarms[0].what
        return judged.headline

    def shown(self) -> None:
        """The page has just come into sight."""
        self._follow()

    def closing(self) -> None:
        """Stop reading and writing."""
        self._feed.stop()
        self.viewer.stop()
        if self.closer is not None:
            self.closer.close()
        self.export_panel.close_down()

    # ---- what a person does --------------------------------------------------------------------------------------

    def show_run(self, folder: str) -> None:
        """Show the results of a run of this project."""
        index = self.run_choice.findData(folder)
        if index >= 0:
            self.run_choice.setCurrentIndex(index)

    def show_images(self, chosen: PredictionFilter) -> None:
        """Show the images that meet these conditions."""
        self.tabs.setCurrentWidget(self._images)
        self.filter_bar.choose(chosen)

    def on_primary(self) -> None:
        """Lead to the export, or do it."""
        if self.tabs.currentWidget() is not self.export_panel:
            self.tabs.setCurrentWidget(self.export_panel)
        else:
            self.export_panel.export()

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

    # ---- the parts -----------------------------------------------------------------------------------------------

    def _make_empty(self) -> QWidget:
        empty = QWidget()
        column = QVBoxLayout(empty)
        column.addStretch(1)
        for text, role in (
            ("No results yet", "section"),
            ("Once a run has finished, its numbers, all images with their classes, and the export are here.", "help"),
        ):
            label = text_label(text, role)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch(2)
        return empty

    def _make_overview(self) -> QWidget:
        page = QWidget()
        self.table = BeforeAfterTable(self._theme)
        self._counts = ClassBars(self._theme)
        self._counts.setAccessibleName("Images of each class")
        self._counts_warning = text_label("", "warning")
        card = Card("Predicted classes")
        card.setToolTip("How many target images the adapted model gives each class. Dark marks: the source model.")
        card.head.addWidget(text_label("Marks: before", "small", wrap=False))
        card.body.addWidget(self._counts_warning)
        card.body.addWidget(self._counts, 1)
        self._facts = text_label("", "small")
        row = QHBoxLayout()
        row.setSpacing(2 * GRID)
        self.trials = TrialsCard()
        beside = QVBoxLayout()
        beside.setSpacing(GRID + GRID // 2)
        beside.addWidget(card, 1)
        beside.addWidget(self.trials)
        row.addWidget(self.table, 3)
        row.addLayout(beside, 2)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, GRID + GRID // 2, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(row, 1)
        column.addWidget(self._facts)
        return page

    def _make_images(self, desk: WorkerThread) -> QWidget:
        page = QWidget()
        self._feed = ThumbnailFeed(desk, 2 * PICTURE_PX, self)
        self.filter_bar = FilterBar()
        self.filter_bar.changed.connect(self._apply_filter)
        self.gallery = Gallery(self._theme, self._feed)
        self.gallery.chosen.connect(self._look_at)
        self.gallery.closer.connect(self.look_closer)
        self._gallery_hint = text_label("", "help")
        self._gallery_hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.viewer = ImageViewer(desk, self._theme)
        self.viewer.step.connect(self.gallery.step)
        self.viewer.closer.connect(lambda: self.look_closer(self.gallery.currentIndex().row()))
        self._gallery_stack = QStackedWidget()
        self._gallery_stack.addWidget(self.gallery)
        self._gallery_stack.addWidget(self._gallery_hint)
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.setChildrenCollapsible(False)
        self._split.setHandleWidth(GRID)
        self._split.addWidget(self._gallery_stack)
        self._split.addWidget(self.viewer)
        self._split.setStretchFactor(0, 1)
        self._split.setStretchFactor(1, 1)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, GRID + GRID // 2, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.filter_bar)
        column.addWidget(self._split, 1)
        return page

    def _make_confusion(self) -> QWidget:
        page = QStackedWidget()
        self._confusion_hint = text_label(_NO_LABELS, "help")
        self._confusion_hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        both = QWidget()
        self.matrix_before = ConfusionMatrix(self._theme, "Before")
        self.matrix_after = ConfusionMatrix(self._theme, "After")
        self.matrix_before.chosen.connect(lambda t, p: self.show_images(PredictionFilter(truth=t, before=p)))
        self.matrix_after.chosen.connect(lambda t, p: self.show_images(PredictionFilter(truth=t, after=p)))
        row = QHBoxLayout()
        row.setSpacing(3 * GRID)
        row.addWidget(self.matrix_before, 1)
        row.addWidget(self.matrix_after, 1)
        note = "Rows: true classes. Columns: what the model says. Press a cell to see its images."
        column = QVBoxLayout(both)
        column.setContentsMargins(0, GRID + GRID // 2, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(text_label(note, "small"))
        column.addLayout(row, 1)
        page.addWidget(self._confusion_hint)
        page.addWidget(both)
        return page

    def _make_runs(self) -> QWidget:
        page = QWidget()
        self.run_table = RunTable(self._theme)
        self.run_table.chosen.connect(self.open_run)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, GRID + GRID // 2, 0, 0)
        column.setSpacing(GRID)
        note = "Every run of this project. Press a heading to sort, a line to see that run."
        column.addWidget(text_label(note, "small"))
        column.addWidget(self.run_table, 1)
        return page

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
        self._compare(runs)
        self._choose_run()

    def _compare(self, runs: tuple[RunEntry, ...]) -> None:
        compared = []
        for run in runs:
            report = self._read(run.folder) if run.outcome in ("completed", "kept") else None
            compared.append(ComparedRun(run, report if isinstance(report, AdaptReport) else None))
        self.run_table.show_runs(compared)

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

    def _read(self, folder: str) -> AdaptReport | BandbridgeError:
        if folder not in self._reports:
            try:
                self._reports[folder] = read_report(Path(folder))
            except BandbridgeError as error:
                self._reports[folder] = error
        return self._reports[folder]

    def open_run(self, folder: str) -> None:
        """Show the results of a run of this project, from their beginning."""
        self._follow()
        self.show_run(folder)
        if folder == self._folder:
            self.tabs.setCurrentWidget(self._overview)

    def _choose_run(self) -> None:
        folder = str(self.run_choice.currentData() or "")
        self.run_choice.setToolTip(self.run_choice.currentText())
        if folder == self._folder and self._report is not None:
            return
        self._folder = folder
        self._report = self._record = self._predictions = None
        self.viewer.clear()
        if self.closer is not None:
            self.closer.close()  # it showed another run
        if folder:
            self._load(folder)
        self._arrange()
        self.state_changed.emit()

    def _load(self, folder: str) -> None:
        report = self._read(folder)
        if isinstance(report, BandbridgeError):
            self.verdict.say("error", report.what, f"{report.why} {report.do}", report.details)
            return
        self._report = report
        judged = judge(report)
        severity: Severity = "note" if judged.tone == "neutral" else judged.tone
        self.verdict.say(severity, judged.headline, judged.explanation)
        self.table.show_report(report)
        self.trials.show_trials(report.trials)
        swallowed = takeover(report.predicted_after)
        name = swallowed.class_name if swallowed else ""
        self._counts.set_bars(count_bars(report.predicted_after, report.predicted_before, name))
        self._counts_warning.setText(swallowed.sentence if swallowed else "")
        self._counts_warning.setVisible(swallowed is not None)
        self._facts.setText(_facts_in_words(report))
        if report.before is not None and report.after is not None:
            self.matrix_before.show_scores(report.before)
            self.matrix_after.show_scores(report.after)
        self.export_panel.set_run(Path(folder), self._target_of(folder))
        self._tab_changed()

    def _target_of(self, folder: str) -> str:
        """Folder of a run's target images; the project's own where the run's record cannot be read."""
        try:
            return read_record(Path(folder)).config.target
        except BandbridgeError:
            return self._project.project.target

    def _arrange(self) -> None:
        there = self._report is not None
        compared = bool(self._compared)
        at_table = self.tabs.currentWidget() is self.comparison
        self.verdict.setVisible(bool(self._folder) and not at_table)
        self._show_alarms(self._report.alarms if self._report is not None and not at_table else ())
        self._empty.setVisible(not self._folder and not compared)
        self.tabs.setVisible(bool(self._folder) or compared)
        was_empty = not self.tabs.isTabEnabled(self.tabs.indexOf(self._overview))
        for index in range(self.tabs.count()):
            widget = self.tabs.widget(index)
            own = compared if widget is self.comparison else there or widget is self._runs_page
            self.tabs.setTabEnabled(index, own)
        if there and was_empty and not at_table:  # while nothing was there, only lists of runs could be open
            self.tabs.setCurrentWidget(self._overview)
        labelled = there and self._report is not None and self._report.after is not None
        if isinstance(self._confusion, QStackedWidget):
            self._confusion.setCurrentIndex(1 if labelled else 0)
        self.primary.setEnabled(there and not self.export_panel.busy)
        for button in (self.report_button, self.folder_button):
            button.setVisible(bool(self._folder) and not at_table)
        self.report_button.setEnabled((Path(self._folder) / REPORT_PAGE).is_file())

    def _show_alarms(self, alarms: tuple[Alarm, ...]) -> None:
        if not alarms:
            self.alarm.hide()
            return
        words = [f"{alarm.what} {alarm.why}" for alarm in alarms[1:]]
        self.alarm.say("warning", alarms[0].what, " ".join((alarms[0].why, *words, alarms[0].do)))

    # ---- images --------------------------------------------------------------------------------------------------

    def _tab_changed(self) -> None:
        """Predictions may be many: they are read when they are first to be seen."""
        at_table = self.tabs.currentWidget() is self.comparison
        self.manual_chapter = "compare" if at_table else "results"
        for widget in (self.verdict, self.report_button, self.folder_button):  # of one run, not of the table
            widget.setVisible(bool(self._folder) and not at_table)
        self._show_alarms(() if at_table or self._report is None else self._report.alarms)
        if self.tabs.currentWidget() is self._images and self._predictions is None and self._report is not None:
            self._load_predictions(Path(self._folder))

    def _load_predictions(self, folder: Path) -> None:
        try:
            self._record = read_record(folder)
            self._predictions = read_predictions(folder)
        except BandbridgeError as error:
            self._show_gallery_hint(str(error))
            self.filter_bar.setEnabled(False)
            return
        self.filter_bar.setEnabled(True)
        self._feed.set_folder(Path(self._record.config.target), self._sensor_bands())
        self.filter_bar.set_predictions(self._predictions)

    def _apply_filter(self) -> None:
        predictions = self._predictions
        if predictions is None:
            return
        rows = self.filter_bar.filter.rows(predictions)
        self.viewer.clear()
        self.gallery.images.show(predictions, rows)
        self.gallery.scrollToTop()
        self.filter_bar.tell_found(len(rows), len(predictions))
        if len(rows):
            self._gallery_stack.setCurrentWidget(self.gallery)
        else:
            self._show_gallery_hint("No image meets these conditions.")

    def _show_gallery_hint(self, text: str) -> None:
        self.gallery.images.show(None, np.empty(0, dtype=np.int64))
        self._gallery_hint.setText(text)
        self._gallery_stack.setCurrentWidget(self._gallery_hint)

    def _look_at(self, row: int) -> None:
        if self._record is None:
            return
        predictions, number = self.gallery.images.prediction(row)
        bands: dict[Origin, tuple[int, ...] | None] = {"sensor": self._sensor_bands()}
        rgb = self._rgb_bands()
        if rgb is not None:
            bands["source"] = rgb
        self.viewer.show_image(predictions, number, Path(self._record.config.target), bands)
        if self.closer is not None and self.closer.isVisible():
            self.closer.show_target(predictions.files[number])

    def look_closer(self, row: int) -> None:
        """Open an image of the gallery in a window of its own, which follows the gallery from there."""
        if self._record is None or not 0 <= row < self.gallery.images.rowCount():
            return
        if self.closer is None:
            self.closer = CloserView(self._desk, self._theme, self)
            self.closer.step.connect(self.gallery.step)
        predictions, number = self.gallery.images.prediction(row)
        self.closer.set_run(self._folder, self._record.config)
        self.closer.show_target(predictions.files[number])
        self.closer.show()
        self.closer.raise_()
        self.closer.activateWindow()

    def _sensor_bands(self) -> tuple[int, ...] | None:
        """The bands a person is shown: three as colours, otherwise the first."""
        bands = self._record.config.sensor_bands if self._record is not None else None
        if bands is None:
            return None
        return bands[:3] if len(bands) >= 3 else bands[:1]

    def _rgb_bands(self) -> tuple[int, ...] | None:
        """The RGB bands of the target files themselves, where one file holds both sensors."""
        if self._record is None:
            return None
        config = self._record.config
        several = config.sensor_bands is not None and config.rgb_bands is not None
        return config.rgb_bands if several and config.rgb_bands != config.sensor_bands else None

    def _paint_icons(self) -> None:
        self.report_button.setIcon(self._theme.icon("export"))
        self.folder_button.setIcon(self._theme.icon("folder"))


def _facts_in_words(report: AdaptReport) -> str:
    facts = [f"{method_title(report.method)}, seed {report.seed}"]
    if report.epochs_done:
        facts.append(counted(report.epochs_done, "epoch"))
    facts.append(counted(report.target_images, "target image"))
    if report.pairs_used or report.pairs_held_out:
        facts.append(
            f"{counted(report.pairs_used, 'pair')} trained on, {counted(report.pairs_held_out, 'pair')} kept aside"
            + (f", {counted(report.pairs_moved, 'pair')} moved into place" if report.pairs_moved else "")
        )
    strangers = [finding for finding in report.set_aside if finding.kind == "class"]
    aside = sum(finding.severity == "warning" and finding.kind != "class" for finding in report.set_aside)
    if aside:
        facts.append(f"{counted(aside, 'file')} set aside")
    if len(report.mixing) > 1:
        facts.append("mixed " + ", ".join(f"{Path(name).name} {percent(w)}" for name, w in report.mixing.items()))
    line = "  ·  ".join([*facts, report.device])
    return "\n".join(part for part in (line, _strangers_in_words(strangers), report.adapter) if part)


def _strangers_in_words(findings: Sequence[Finding]) -> str:
    """Class folders the model does not know, in one sentence."""
    if len(findings) < 2:
        return findings[0].what if findings else ""
    names = [finding.file or "no folder" for finding in findings]
    more = f" and {count(len(names) - 3)} more" if len(names) > 3 else ""
    return f"No class of the model, so not counted in the accuracy: images in {', '.join(names[:3])}{more}."
