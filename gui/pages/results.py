"""Step 5: whether the run helped, on which images, and the model to take away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.engine.api.reports import AdaptReport, Alarm, Finding
from bandbridge.gui.pages.run_results import RunResultsPage, tab_of
from bandbridge.gui.prediction_filter import PredictionFilter
from bandbridge.gui.project import ProjectModel, RunEntry
from bandbridge.gui.quantities import count, counted, percent
from bandbridge.gui.run_record import Predictions, RunRecord, read_predictions, read_record, read_report
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.thumbnail_feed import ThumbnailFeed
from bandbridge.gui.verdict import Verdict, judge, takeover
from bandbridge.gui.widgets.before_after_table import BeforeAfterTable
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.class_bars import ClassBars, count_bars
from bandbridge.gui.widgets.closer_view import CloserView
from bandbridge.gui.widgets.confusion_matrix import ConfusionMatrix
from bandbridge.gui.widgets.export_panel import ExportPanel
from bandbridge.gui.widgets.filter_bar import FilterBar
from bandbridge.gui.widgets.gallery import PICTURE_PX, Gallery
from bandbridge.gui.widgets.image_viewer import ImageViewer
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.picture_view import Origin
from bandbridge.gui.widgets.run_table import ComparedRun, RunTable, method_title
from bandbridge.gui.widgets.trials_card import TrialsCard
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

_NO_LABELS = (
    "A confusion matrix needs labels: put target images into folders named like the model's classes, and run again. "
    "Labels are used for measuring only, never for training."
)


class ResultsPage(RunResultsPage):
    """The results of the project's runs.

    Args:
        project: The open project.
        desk: Reads pictures and exports models.
        theme: Colours and icons.
        parent: Qt parent.
    """

    def __init__(self, project: ProjectModel, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        self._reports: dict[str, AdaptReport | BandbridgeError] = {}
        self._report: AdaptReport | None = None
        self._record: RunRecord | None = None
        self._predictions: Predictions | None = None
        self.closer: CloserView | None = None
        super().__init__(
            "What the adaptation changed, image by image, and the model to take away.",
            project,
            desk,
            theme,
            ExportPanel(desk, theme),
            parent,
        )

    def closing(self) -> None:
        """Stop reading and writing."""
        super().closing()
        self._feed.stop()
        self.viewer.stop()
        if self.closer is not None:
            self.closer.close()

    def show_images(self, chosen: PredictionFilter) -> None:
        """Show the images that meet these conditions."""
        self.tabs.setCurrentWidget(self._images)
        self.filter_bar.choose(chosen)

    # ---- the parts -----------------------------------------------------------------------------------------------

    def _make_parts(self) -> Sequence[tuple[QWidget, str]]:
        self._images = self._make_images()
        self._confusion = self._make_confusion()
        return ((self._make_overview(), "Overview"), (self._images, "Images"), (self._confusion, "Confusion"))

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

    def _make_images(self) -> QWidget:
        page = QWidget()
        self._feed = ThumbnailFeed(self._desk, 2 * PICTURE_PX, self)
        self.filter_bar = FilterBar()
        self.filter_bar.changed.connect(self._apply_filter)
        self.gallery = Gallery(self._theme, self._feed)
        self.gallery.chosen.connect(self._look_at)
        self.gallery.closer.connect(self.look_closer)
        self._gallery_hint = text_label("", "help")
        self._gallery_hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.viewer = ImageViewer(self._desk, self._theme)
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

    def _make_confusion(self) -> QStackedWidget:
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
        self.run_table = RunTable(self._theme)
        self.run_table.chosen.connect(self.open_run)
        note = "Every run of this project. Press a heading to sort, a line to see that run."
        return tab_of(text_label(note, "small"), self.run_table)

    # ---- the run shown -------------------------------------------------------------------------------------------

    def _show_runs(self, runs: Sequence[RunEntry]) -> None:
        compared = []
        for run in runs:
            report = self._read(run.folder) if run.outcome in ("completed", "kept") else None
            compared.append(ComparedRun(run, report if isinstance(report, AdaptReport) else None))
        self.run_table.show_runs(compared)

    def _read(self, folder: str) -> AdaptReport | BandbridgeError:
        if folder not in self._reports:
            try:
                self._reports[folder] = read_report(Path(folder))
            except BandbridgeError as error:
                self._reports[folder] = error
        return self._reports[folder]

    def _judged(self) -> Verdict | None:
        return None if self._report is None else judge(self._report)

    def _alarms(self) -> tuple[Alarm, ...]:
        return () if self._report is None else self._report.alarms

    def _forget(self) -> None:
        self._report = self._record = self._predictions = None
        self.viewer.clear()
        if self.closer is not None:
            self.closer.close()  # it showed another run

    def _load(self, folder: str) -> BandbridgeError | None:
        report = self._read(folder)
        if isinstance(report, BandbridgeError):
            return report
        self._report = report
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
        self._confusion.setCurrentIndex(0 if report.after is None else 1)
        self.export_panel.set_run(Path(folder), self._target_of(folder))
        return None

    def _target_of(self, folder: str) -> str:
        """Folder of a run's target images; the project's own where the run's record cannot be read."""
        try:
            return read_record(Path(folder)).config.target
        except BandbridgeError:
            return self._project.project.target

    # ---- images --------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Predictions may be many: they are read when they are first to be seen."""
        if self.tabs.currentWidget() is self._images and self._predictions is None:
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
