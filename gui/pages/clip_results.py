"""Step 4 of a project for video: what the student has learned, clip by clip, and the model to take away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bandbridge.engine.api.config import DistillConfig
from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.engine.api.events import CLIP_SIGNS
from bandbridge.engine.api.measures import in_order, leading, measure, spread
from bandbridge.engine.api.reports import ClipScores, DistillReport
from bandbridge.gui.clip_record import read_clip_predictions, read_clip_record, read_clip_report
from bandbridge.gui.clip_verdict import chance_of, judge_clips
from bandbridge.gui.pages.run_results import RunResultsPage, tab_of
from bandbridge.gui.project import ProjectModel, RunEntry
from bandbridge.gui.quantities import NOTHING, count, counted, duration, percent, percent_spread
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.verdict import Verdict
from bandbridge.gui.widgets.clip_browser import ClipBrowser
from bandbridge.gui.widgets.clip_run_table import ClipRunTable
from bandbridge.gui.widgets.confusion_matrix import ConfusionMatrix
from bandbridge.gui.widgets.export_panel import ExportPanel, Format
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.plain_table import Cell, PlainTable
from bandbridge.gui.widgets.run_table import method_title
from PySide6.QtWidgets import QHBoxLayout, QWidget

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
_USED_STILL = ("broken", "features")
"""Kinds of warnings about clips that the run did use."""
_NUMBERS = (
    ("Number", ""),
    ("Guessing", "What guessing reaches: the commonest class for accuracy; about any order for tagging."),
    ("Teacher", "Of the network that taught, on the same clips."),
    ("Student", "Of the network you take away."),
    ("All seeds", "Mean and spread over the runs of this project that differ in their seed alone."),
)


_EXPLAINED = {
    "tagging_map": "Tagging mAP: how early the clips of a tag come when all are put in order by it.",
    "recall_at_1": "R@1, R@5, R@10: share of clips with one of their own class or tags among the 1, 5 or 10 most "
    "similar training clips.",
    "retrieval_map": "Retrieval mAP: how early all of those come.",
}
"""What numbers with names of the field mean, below their table."""


class ClipResultsPage(RunResultsPage):
    """The results of the project's runs.

    Args:
        project: The open project.
        desk: Reads clips, finds similar ones and exports models.
        theme: Colours and icons.
        parent: Qt parent.
    """

    chapter = "video"
    noun = "clip"
    nothing_yet = "Once a run has finished, its numbers, its clips, similar clips and the export are here."

    def __init__(self, project: ProjectModel, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        self._report: DistillReport | None = None
        self._config: DistillConfig | None = None
        self._known: dict[str, tuple[DistillConfig, DistillReport] | BandbridgeError] = {}
        self._browsed = ""
        super().__init__(
            "What the student has learned, clip by clip, and the model to take away.",
            project,
            desk,
            theme,
            ExportPanel(
                desk, theme, title="Export the student", formats=_FORMATS, stem="clip_model", checked_on="real window"
            ),
            parent,
        )

    @property
    def can_find(self) -> bool:
        """Whether there is a student to find similar clips with."""
        return self._report is not None

    def find_like(self, file: str) -> None:
        """Find the training clips most similar to a file from anywhere."""
        self.tabs.setCurrentWidget(self.browser)
        self._look()
        self.browser.look_at(file)

    def closing(self) -> None:
        """Stop reading and writing."""
        super().closing()
        self.browser.stop()

    # ---- the parts -----------------------------------------------------------------------------------------------

    def _make_parts(self) -> Sequence[tuple[QWidget, str]]:
        self.browser = ClipBrowser(self._desk, self._theme)
        return ((self._make_overview(), "Overview"), (self._make_classes(), "Classes"), (self.browser, "Clips"))

    def _make_overview(self) -> QWidget:
        self.numbers = PlainTable("Numbers of the run", _NUMBERS, self._theme)
        self._measured_on = text_label("", "help")
        self._explained = text_label("", "small")
        self.signs_note = text_label("")
        self._facts = text_label("", "small")
        parts = (self._measured_on, self.numbers, self._explained, self.signs_note, self._facts)
        return tab_of(*parts, stretch=self.numbers)

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
        self._by_class = tab_of(self._classes_note, both)
        return self._by_class

    def _make_runs(self) -> QWidget:
        self.run_table = ClipRunTable(self._theme)
        self.run_table.run_chosen.connect(self.open_run)
        note = "Every run of this project, newest first. Press a line to see that run."
        return tab_of(text_label(note, "small"), self.run_table)

    # ---- the run shown -------------------------------------------------------------------------------------------

    def _show_runs(self, runs: Sequence[RunEntry]) -> None:
        found = [(run, self._read(run.folder)) for run in runs]
        self.run_table.show_runs([(run, one[1] if isinstance(one, tuple) else None) for run, one in found])

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

    def _judged(self) -> Verdict | None:
        return None if self._report is None else judge_clips(self._report)

    def _forget(self) -> None:
        self._report = self._config = None
        self.browser.clear()
        self._browsed = ""

    def _load(self, folder: str) -> BandbridgeError | None:
        found = self._read(folder)
        if not isinstance(found, tuple):
            return found
        self._config, self._report = found
        self._show_numbers(self._report)
        self._show_classes(self._report)
        self._facts.setText(_facts_in_words(self._report))
        self.signs_note.setText(_signs_in_words(self._report))
        self.signs_note.setVisible(bool(self.signs_note.text()))
        self.export_panel.set_run(Path(folder), self._config.clips)
        return None

    def _shown_again(self) -> None:
        if self._report is not None:
            self._show_numbers(self._report)  # another seed may have been added

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
        words = f"On {counted(student.clips, f'{split} clip')}, which nothing was learned from."
        if unknown := student.clips - student.judged:
            words += (
                f" No training clip shows the class of {count(unknown)} of them: for accuracy they do not count, and "
                "nothing like them can be found."
            )
        self._measured_on.setText(words)
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
        self._explained.setText(" ".join(words for key, words in _EXPLAINED.items() if key in student.measures))

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
        text = percent_spread(over.mean, over.deviation)
        return Cell(text, f"Seeds {', '.join(map(count, sorted(seeds)))}.")

    def _show_classes(self, report: DistillReport) -> None:
        split, student, _ = self._measured(report)
        by_class = student is not None and student.classes is not None
        self.tabs.setTabText(self.tabs.indexOf(self._by_class), "Tags" if report.tags else "Classes")
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
                    [Cell(name), Cell(count(totals[name])), Cell(percent(share, 1) if totals[name] else NOTHING)]
                    for name, share in scores.per_class.items()
                ]
            )
            self.matrix.show_scores(scores)
        elif not report.tags:
            self._classes_note.setText(f"None of the {split} clips is of a class that a training clip shows.")
            self.class_table.show_rows([])
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
            self._look()
            self.browser.show_pair(self._measured(self._report)[0], truth, predicted)

    def _look(self) -> None:
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
        self.browser.set_run(self._config, clips, self._report.class_names, tags=self._report.tags)


def _but_seed(config: DistillConfig) -> DistillConfig:
    return replace(config, run="", seed=0, device="auto")


def _facts_in_words(report: DistillReport) -> str:
    direction = "sound teaches pictures" if report.teacher == "sound" else "pictures teach sound"
    facts = [
        f"{method_title(report.method)}, {direction}, seed {report.seed}",
        counted(report.epochs_done, "epoch"),
        counted(report.clips.get("train", 0), "training clip"),
        duration(report.seconds) + (" since it went on" if report.resumed else ""),
        report.device,
    ]
    aside = sum(one.severity == "warning" and one.kind not in _USED_STILL for one in report.set_aside)
    if aside:
        facts.insert(3, f"{counted(aside, 'clip')} set aside")
    drawn = "\nNobody said which clips are for testing; they were drawn by name." if report.splits_drawn else ""
    return "  ·  ".join(facts) + drawn


def _signs_in_words(report: DistillReport) -> str:
    """How well planted or known wrong sound was found out, where the list of clips tells it."""
    found = [f"by the {name} {percent(report.separation[name], 1)}" for name in CLIP_SIGNS if name in report.separation]
    if not found:
        return ""
    told = " and ".join(filter(None, (", ".join(found[:-1]), found[-1])))
    return (
        f"Wrong sound in the training clips was found out {told} of the time: the chance that a clip with its own "
        "sound ranks above one with wrong, drowned or no sound; 50 % is guessing. Which sounds are wrong was told by "
        "the list, and nothing learned from that."
    )
