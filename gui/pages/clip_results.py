"""Step 4 of a project for video: what the student has learned, clip by clip, and the model to take away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bandbridge.engine.api.config import DistillConfig
from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.engine.api.measures import in_order, leading, measure, spread
from bandbridge.engine.api.reports import ClipScores, DistillReport
from bandbridge.gui.clip_record import read_clip_predictions, read_clip_record, read_clip_report
from bandbridge.gui.clip_verdict import chance_of, judge_clips
from bandbridge.gui.pages.page import Page, PageState
from bandbridge.gui.project import ProjectModel, RunEntry
from bandbridge.gui.quantities import NOTHING, count, counted, duration, percent
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.callout import Callout, Severity
from bandbridge.gui.widgets.clip_browser import ClipBrowser
from bandbridge.gui.widgets.clip_run_table import ClipRunTable
from bandbridge.gui.widgets.confusion_matrix import ConfusionMatrix
from bandbridge.gui.widgets.export_panel import ExportPanel, Format
from bandbridge.gui.widgets.fields import ChoiceField
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.plain_table import Cell, PlainTable
from bandbridge.gui.widgets.run_table import method_title, when
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

_CHOICE_WIDTH = 38 * GRID
_FORMATS: dict[Format, tuple[str, str]] = {
    "onnx": (
        "&ONNX",
        "For other programs. Takes windows of clips as they are in files and gives a probability for every class and "
        "the features to find similar clips by; the manual says how a window is laid out.",
    ),
    "safetensors": (
        "&Bandbridge model",
        "For this program, on any computer: 'bandbridge predict' names clips with it. Holds no code.",
    ),
}
_NUMBERS = (
    ("Number", ""),
    ("Guessing", "What guessing reaches: the commonest class for accuracy; about any order for tagging."),
    ("Teacher", "Of the network that taught, on the same clips."),
    ("Student", "Of the network you take away."),
    ("All seeds", "Mean and spread over the runs of this project that differ in their seed alone."),
)


class ClipResultsPage(Page):
    """The results of the project's runs.

    Args:
        project: The open project.
        desk: Reads clips, finds similar ones and exports models.
        theme: Colours and icons.
        parent: Qt parent.
    """

    manual_chapter = "video"

    def __init__(self, project: ProjectModel, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(
            "Results",
            "What the student has learned, clip by clip, and the model to take away.",
            primary="E&xport model",
            scrolls=False,
            parent=parent,
        )
        self._project = project
        self._theme = theme
        self._folder = ""
        self._report: DistillReport | None = None
        self._config: DistillConfig | None = None
        self._known: dict[str, tuple[DistillConfig, DistillReport] | BandbridgeError] = {}
        self._runs_seen: tuple[RunEntry, ...] | None = None
        self._browsed = ""
        self.run_choice = ChoiceField([], "")
        self.run_choice.setAccessibleName("Run shown")
        self.run_choice.setStyleSheet("QComboBox { min-height: 18px; padding: 2px 8px; }")  # it stands among tabs
        self.run_choice.setMaximumWidth(_CHOICE_WIDTH)
        self.run_choice.currentIndexChanged.connect(self._choose_run)
        self.verdict = Callout(theme)
        self._empty = self._make_empty()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.browser = ClipBrowser(desk, theme)
        self.run_table = ClipRunTable(theme)
        self.run_table.run_chosen.connect(self.open_run)
        self.export_panel = ExportPanel(
            desk, theme, title="Export the student", formats=_FORMATS, stem="clip_model", checked_on="real window"
        )
        self.export_panel.busy_changed.connect(self._arrange)
        self._overview = self._make_overview()
        self._classes = self._make_classes()
        self._runs_page = _page(
            text_label("Every run of this project, newest first. Press a line to see that run.", "small"),
            self.run_table,
        )
        for widget, title in (
            (self._overview, "Overview"),
            (self._classes, "Classes"),
            (self.browser, "Clips"),
            (self._runs_page, "Runs"),
            (self.export_panel, "Export"),
        ):
            self.tabs.addTab(widget, title)
        self.tabs.currentChanged.connect(self._fill_browser)
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
        self.content.addWidget(self._empty, 1)
        self.content.addWidget(self.tabs, 1)
        self.folder_button = QPushButton("&Open run folder")
        self.folder_button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(self._folder)))
        self.foot.addWidget(self.folder_button)
        project.changed.connect(self._follow)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self._follow()

    # ---- what the window asks ------------------------------------------------------------------------------------

    def state(self) -> PageState:
        """Ready when the student learned something, a warning when it did not."""
        if self._report is None:
            return "error" if self._folder else "empty"
        return "warning" if judge_clips(self._report).tone == "warning" else "ready"

    def state_in_words(self) -> str:
        """Why the mark is what it is."""
        if self._report is None:
            return "The results cannot be read." if self._folder else "No finished run yet."
        return judge_clips(self._report).headline

    @property
    def can_find(self) -> bool:
        """Whether there is a student to find similar clips with."""
        return self._report is not None

    def find_like(self, file: str) -> None:
        """Find the training clips most similar to a file from anywhere."""
        self.tabs.setCurrentWidget(self.browser)
        self._fill_browser()
        self.browser.look_at(file)

    def shown(self) -> None:
        """The page has just come into sight."""
        self._follow()

    def closing(self) -> None:
        """Stop reading and writing."""
        self.browser.stop()
        self.export_panel.close_down()

    # ---- what a person does --------------------------------------------------------------------------------------

    def open_run(self, folder: str) -> None:
        """Show the results of a run of this project, from their beginning."""
        self._follow()
        index = self.run_choice.findData(folder)
        if index >= 0:
            self.run_choice.setCurrentIndex(index)
            self.tabs.setCurrentWidget(self._overview)

    def on_primary(self) -> None:
        """Lead to the export, or do it."""
        if self.tabs.currentWidget() is not self.export_panel:
            self.tabs.setCurrentWidget(self.export_panel)
        else:
            self.export_panel.export()

    # ---- the parts -----------------------------------------------------------------------------------------------

    def _make_empty(self) -> QWidget:
        empty = QWidget()
        column = QVBoxLayout(empty)
        column.addStretch(1)
        for text, role in (
            ("No results yet", "section"),
            ("Once a run has finished, its numbers, its clips, similar clips and the export are here.", "help"),
        ):
            label = text_label(text, role)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch(2)
        return empty

    def _make_overview(self) -> QWidget:
        self.numbers = PlainTable("Numbers of the run", _NUMBERS, self._theme)
        self._measured_on = text_label("", "help")
        self.signs_note = text_label("")
        self._facts = text_label("", "small")
        return _page(self._measured_on, self.numbers, self.signs_note, self._facts, stretch=self.numbers)

    def _make_classes(self) -> QWidget:
        columns = (("Class", ""), ("Clips", ""), ("Right", ""))
        self.class_table = PlainTable("Classes", columns, self._theme)
        self.matrix = ConfusionMatrix(self._theme, "Confusion", "clip")
        self.matrix.chosen.connect(self._show_cell)
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3 * GRID)
        row.addWidget(self.class_table, 2)
        row.addWidget(self.matrix, 3)
        self._classes_note = text_label("", "small")
        return _page(self._classes_note, both)

    # ---- following the project -----------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Offer the project's finished runs; a newly finished one is shown at once."""
        runs = self._project.project.runs
        if runs == self._runs_seen:
            return
        self._runs_seen = runs
        finished = [run for run in runs if run.outcome in ("completed", "kept")]
        newest = finished[-1].folder if finished else ""
        known = [self.run_choice.itemData(index) for index in range(self.run_choice.count())]
        stays = self._folder in [run.folder for run in finished] and newest in known
        self.run_choice.blockSignals(True)
        self.run_choice.clear()
        for run in reversed(finished):
            self.run_choice.addItem(f"{method_title(run.method)}, seed {run.seed}, {when(run.started)}", run.folder)
        self.run_choice.set_value(self._folder if stays else newest)
        self.run_choice.view().setMinimumWidth(self.run_choice.view().sizeHintForColumn(0) + 3 * GRID)
        self.run_choice.blockSignals(False)
        found = [(run, self._read(run.folder)) for run in runs]
        self.run_table.show_runs([(run, one[1] if isinstance(one, tuple) else None) for run, one in found])
        self._choose_run()

    def _read(self, folder: str) -> tuple[DistillConfig, DistillReport] | BandbridgeError | None:
        """A finished run, why it cannot be read, or None if it is not finished."""
        entry = next((run for run in self._project.project.runs if run.folder == folder), None)
        if entry is None or entry.outcome not in ("completed", "kept"):
            return None
        if folder not in self._known:
            try:
                self._known[folder] = read_clip_record(Path(folder)).config, read_clip_report(Path(folder))
            except BandbridgeError as error:
                self._known[folder] = error
        return self._known[folder]

    def _choose_run(self) -> None:
        folder = str(self.run_choice.currentData() or "")
        self.run_choice.setToolTip(self.run_choice.currentText())
        if folder != self._folder or self._report is None:
            self._folder = folder
            self._report = self._config = None
            self.browser.clear()
            self._browsed = ""
            if folder:
                self._load(folder)
        elif self._report is not None:
            self._show_numbers(self._report)  # another seed may have been added
        self._arrange()
        self.state_changed.emit()

    def _load(self, folder: str) -> None:
        found = self._read(folder)
        if isinstance(found, BandbridgeError):
            self.verdict.say("error", found.what, f"{found.why} {found.do}", found.details)
        if not isinstance(found, tuple):
            return
        self._config, self._report = found
        judged = judge_clips(self._report)
        severity: Severity = "note" if judged.tone == "neutral" else judged.tone
        self.verdict.say(severity, judged.headline, judged.explanation)
        self._show_numbers(self._report)
        self._show_classes(self._report)
        self._facts.setText(_facts_in_words(self._report))
        self.signs_note.setText(_signs_in_words(self._report))
        self.signs_note.setVisible(bool(self.signs_note.text()))
        self.export_panel.set_run(Path(folder), self._config.clips)
        self._fill_browser()

    def _arrange(self) -> None:
        there = self._report is not None
        self.verdict.setVisible(bool(self._folder))
        self._empty.setVisible(not self._folder)
        self.tabs.setVisible(bool(self._folder))
        for index in range(self.tabs.count()):
            self.tabs.setTabEnabled(index, there or self.tabs.widget(index) is self._runs_page)
        self.primary.setEnabled(there and not self.export_panel.busy)
        self.folder_button.setVisible(bool(self._folder))

    # ---- numbers -------------------------------------------------------------------------------------------------

    def _measured(self, report: DistillReport) -> tuple[str, ClipScores | None, ClipScores | None]:
        """The split shown, and on it the scores of student and teacher."""
        if report.test is not None:
            return "test", report.test, report.teacher_test
        return "validation", report.validation, report.teacher_validation

    def _show_numbers(self, report: DistillReport) -> None:
        split, student, teacher = self._measured(report)
        if student is None:
            self._measured_on.setText("Nothing was measured: no labelled clips were kept aside.")
            self.numbers.show_rows([])
            return
        self._measured_on.setText(f"On {counted(student.clips, f'{split} clip')}, which nothing was learned from.")
        main = leading(student.measures)
        chance = chance_of(report, split)
        rows = []
        for key in in_order(student.measures):
            known = measure(key)
            taught = teacher.measures.get(key) if teacher is not None else None
            guess = chance if key == main else None
            rows.append(
                [
                    Cell(known.title, known.explain, strong=key == main),
                    Cell(NOTHING if guess is None else percent(guess, 1)),
                    Cell(NOTHING if taught is None else percent(taught, 1)),
                    Cell(percent(student.measures[key], 1), known.explain, strong=key == main),
                    self._over_seeds(split, key),
                ]
            )
        self.numbers.show_rows(rows)

    def _over_seeds(self, split: str, key: str) -> Cell:
        """Mean and spread over the runs that differ from the one shown in their seed alone."""
        assert self._config is not None
        wanted = _but_seed(self._config)
        seeds: dict[int, float] = {}
        for run in self._project.project.runs:
            found = self._read(run.folder)
            if isinstance(found, tuple) and _but_seed(found[0]) == wanted:
                scores = self._measured(found[1])
                if scores[0] == split and scores[1] is not None and key in scores[1].measures:
                    seeds[found[0].seed] = scores[1].measures[key]
        over = spread(list(seeds.values()))
        if over is None or over.deviation is None:
            return Cell(NOTHING, "Run again with another seed (Method, Advanced) to see how much is chance.")
        text = f"{percent(over.mean, 1)} ± {percent(over.deviation, 1)}"
        return Cell(text, f"Seeds {', '.join(map(count, sorted(seeds)))}.")

    def _show_classes(self, report: DistillReport) -> None:
        split, student, _ = self._measured(report)
        by_class = student is not None and student.classes is not None
        self.matrix.setVisible(by_class)
        if student is None:
            self._classes_note.setText("Nothing was measured: no labelled clips were kept aside.")
            self.class_table.show_rows([])
            return
        if student.classes is not None:
            scores = student.classes
            self._classes_note.setText(
                f"{split.capitalize()} clips. Rows of the matrix: true classes; columns: what the student says. Press "
                "a cell to see its clips."
            )
            self.class_table.set_columns((("Class", ""), ("Clips", ""), ("Right", "Share of its clips.")))
            totals = dict(zip(scores.class_names, scores.confusion.sum(axis=1).tolist(), strict=True))
            self.class_table.show_rows(
                [
                    [Cell(name), Cell(count(totals[name])), Cell(percent(share) if totals[name] else NOTHING)]
                    for name, share in scores.per_class.items()
                ]
            )
            self.matrix.show_scores(scores)
        else:
            self._classes_note.setText(f"{split.capitalize()} clips; a clip may have several tags.")
            explain = "How early the clips that have the tag come when all are put in order by it."
            self.class_table.set_columns((("Tag", ""), ("", ""), ("Average precision", explain)))
            self.class_table.show_rows(
                [[Cell(name), Cell(""), Cell(percent(value, 1))] for name, value in student.tagging.items()]
            )

    def _show_cell(self, truth: str, predicted: str) -> None:
        if self._report is not None:
            self.tabs.setCurrentWidget(self.browser)
            self._fill_browser()
            self.browser.show_pair(self._measured(self._report)[0], truth, predicted)

    def _fill_browser(self) -> None:
        """Clips may be many: they are read when they are first to be seen."""
        fits = self.tabs.currentWidget() is self.browser and self._browsed != self._folder
        if not fits or self._config is None or self._report is None:
            return
        self._browsed = self._folder
        try:
            clips = read_clip_predictions(Path(self._folder))
        except BandbridgeError as error:
            self.told.emit("error", str(error), error.details)
            return
        self.browser.set_run(self._config, clips, self._report.class_names)

    def _paint_icons(self) -> None:
        self.folder_button.setIcon(self._theme.icon("folder"))


def _but_seed(config: DistillConfig) -> DistillConfig:
    return replace(config, run="", seed=0, device="auto")


def _facts_in_words(report: DistillReport) -> str:
    direction = "sound teaches pictures" if report.teacher == "sound" else "pictures teach sound"
    facts = [
        f"{method_title(report.method)}, {direction}, seed {report.seed}",
        counted(report.epochs_done, "epoch"),
        counted(report.clips.get("train", 0), "training clip"),
        duration(report.seconds),
        report.device,
    ]
    aside = sum(finding.severity == "warning" for finding in report.set_aside)
    if aside:
        facts.insert(3, f"{counted(aside, 'clip')} set aside")
    drawn = "\nNobody said which clips are for testing; they were drawn by name." if report.splits_drawn else ""
    return "  ·  ".join(facts) + drawn


def _signs_in_words(report: DistillReport) -> str:
    """How well planted or known wrong sound was found out, where the list of clips tells it."""
    found = [
        f"by the {name} {percent(report.separation[name])}"
        for name in ("temperature", "mask")
        if name in report.separation
    ]
    if not found:
        return ""
    return (
        f"Wrong sound in the training clips was found out {' and '.join(found)} of the time: the chance that a clip "
        "with its own sound ranks above one with wrong, drowned or no sound. 50 % is guessing. Nothing learns from it."
    )


def _page(*widgets: QWidget, stretch: QWidget | None = None) -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, GRID + GRID // 2, 0, 0)
    column.setSpacing(GRID)
    for widget in widgets:
        column.addWidget(widget, 1 if widget is (stretch or widgets[-1]) else 0)
    return page
