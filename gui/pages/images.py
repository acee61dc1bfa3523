"""Step 2: the pairs, the target images, and how their values are read."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bandbridge.engine.api.config import PairFolders, StretchRule
from bandbridge.engine.api.events import Problem, Progress
from bandbridge.engine.api.jobs import ScanFolder, ScanPairs, Thumbnails
from bandbridge.engine.api.reports import BandHistogram, Finding, FolderReport, PairsReport, Report, ThumbnailsReport
from bandbridge.gui.errand import Errand
from bandbridge.gui.pages.page import Page, PageState
from bandbridge.gui.picture import as_pixmap
from bandbridge.gui.project import THUMBNAIL_FILE, Project, ProjectModel
from bandbridge.gui.quantities import count, counted
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.doubtful_table import Doubt, DoubtfulTable
from bandbridge.gui.widgets.fields import BandsField, NumberField, TextField
from bandbridge.gui.widgets.image_slot import ImageSlot
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.pair_wall import SIDE, PairWall, WallItem
from PySide6.QtCore import QLocale, QTimer
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from bandbridge.gui.widgets.histogram import HistogramPanel

_ON_THE_WALL = 12
_SCAN_DELAY_MS = 250
_WALL, _VALUES, _DOUBTS = range(3)

Scan = ScanFolder | ScanPairs
_Answer = FolderReport | PairsReport | Problem


@dataclass(frozen=True, slots=True)
class _Side:
    """One folder of the project with what is known about it."""

    title: str
    colour: str
    folder: str
    report: FolderReport


class ImagesPage(Page):
    """The three places for images, and everything that helps to see whether they are right.

    Args:
        project: The open project.
        desk: Scans folders and makes thumbnails.
        theme: Colours and icons.
        parent: Qt parent.
    """

    manual_chapter = "images"

    def __init__(self, project: ProjectModel, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(
            "Images",
            "Pairs show the same scenes by both sensors, of anything. Target images show what is to be recognised, by "
            "the new sensor.",
            parent=parent,
        )
        self._project = project
        self._desk = desk
        self._theme = theme
        self._answers: dict[Scan, _Answer] = {}
        self._errands: dict[Scan, Errand] = {}
        self._wall_errands: list[Errand] = []
        self._wall_for: object = None
        self._seed = 0
        self._drawn: object = None
        self._histogram: HistogramPanel | None = None

        self._slots = QGridLayout()
        self._slots.setHorizontalSpacing(2 * GRID)
        self._slots.setVerticalSpacing(GRID)
        for column in range(3):
            self._slots.setColumnStretch(column, 1)
        self.content.addLayout(self._slots)
        self.pair_slots: list[tuple[ImageSlot, ImageSlot]] = []
        self._pair_notes: list[QWidget] = []
        self.target_slot = self._make_slot(
            "Target images", "Images by the new sensor of what is to be recognised. No labels are needed.", "sensor"
        )
        self.target_slot.browse_wanted.connect(lambda: self._browse_folder("Target images", self.set_target))
        self.target_slot.cleared.connect(lambda: self.set_target(""))
        self.target_slot.folder_dropped.connect(self.set_target)
        self._slots.addWidget(self.target_slot, 0, 2)
        self.content.addWidget(self._make_reading())
        self.tabs = QTabWidget()
        self.tabs.setMinimumHeight(40 * GRID)
        self.tabs.addTab(self._make_wall(), "Seen together")
        self._histogram_holder = QWidget()
        QVBoxLayout(self._histogram_holder).setContentsMargins(0, 2 * GRID, 0, 0)
        self.tabs.addTab(self._histogram_holder, "Values")
        doubts = QWidget()
        column_layout = QVBoxLayout(doubts)
        column_layout.setContentsMargins(0, 2 * GRID, 0, 0)
        self.doubts = DoubtfulTable(theme)
        self.doubts.left_out.connect(self.leave_out)
        column_layout.addWidget(self.doubts)
        self.tabs.addTab(doubts, "Doubtful files")
        self.tabs.currentChanged.connect(self._tab_opened)
        self.content.addWidget(self.tabs, 1)

        self.add_pairs_button = QPushButton("Add &more pairs")
        self.add_pairs_button.setProperty("kind", "quiet")
        self.add_pairs_button.setToolTip("Another two folders with images of the same scenes.")
        self.add_pairs_button.clicked.connect(self._add_pairs)
        self.again_button = QPushButton("&Look again")
        self.again_button.setProperty("kind", "quiet")
        self.again_button.setToolTip("Look through all folders once more, after files were changed.")
        self.again_button.clicked.connect(self.look_again)
        self.foot.addWidget(self.add_pairs_button)
        self.foot.addWidget(self.again_button)
        self._scan_timer = QTimer(self)
        self._scan_timer.setSingleShot(True)
        self._scan_timer.setInterval(_SCAN_DELAY_MS)
        self._scan_timer.timeout.connect(self._scan)
        project.changed.connect(self._follow)
        self._follow()

    # ---- what the rail asks --------------------------------------------------------------------------------------

    def state(self) -> PageState:
        """Ready when the target can be used and nothing is doubtful."""
        project = self._project.project
        if not project.target and not project.pairs:
            return "empty"
        answers = [self._answers.get(job) for job in self._jobs()]
        if any(isinstance(answer, Problem) for answer in answers):
            return "error"
        if not project.target or any(answer is None for answer in answers):
            return "empty"
        severities = {doubt.finding.severity for doubt in self._doubts()}
        target = self._target_report()
        if "error" in severities or target is None or not target.files or self._half_chosen():
            return "error"
        return "warning" if "warning" in severities else "ready"

    def state_in_words(self) -> str:
        """Why the mark is what it is."""
        if self._errands or self._scan_timer.isActive():
            return "The images are being looked through."
        if not self._project.project.target:
            return "No target images yet."
        if self._half_chosen():
            return "A pair of folders lacks one side."
        doubtful = len([doubt for doubt in self._doubts() if doubt.finding.severity != "note"])
        if self.state() == "error":
            return "A folder cannot be used as it is."
        return f"{counted(doubtful, 'doubtful file')} to look at." if doubtful else "Ready."

    # ---- what a person does --------------------------------------------------------------------------------------

    def set_target(self, folder: str) -> None:
        """Choose the folder of target images; "" takes it away."""
        self._project.update(target=folder)

    def set_pair(self, index: int, side: str, folder: str) -> None:
        """Choose one side ("rgb" or "sensor") of the pair folders with this index; "" takes it away."""
        pairs = list(self._project.project.pairs)
        while len(pairs) <= index:
            pairs.append(PairFolders(rgb="", sensor=""))
        pairs[index] = replace(pairs[index], **{side: folder})
        if not pairs[index].rgb and not pairs[index].sensor:
            del pairs[index]
        self._project.update(pairs=tuple(pairs))

    def set_pair_table(self, index: int, table: str | None) -> None:
        """Pair by a list in a CSV file, or by name again."""
        pairs = list(self._project.project.pairs)
        pairs[index] = replace(pairs[index], table=table)
        self._project.update(pairs=tuple(pairs))

    def free_pair(self, side: str) -> int:
        """Index of the first pair folders that lack this side."""
        pairs = self._project.project.pairs
        return next((i for i, pair in enumerate(pairs) if not getattr(pair, side)), len(pairs))

    def leave_out(self, file: str, out: bool) -> None:
        """Leave a file out of everything, or take it in again."""
        others = tuple(name for name in self._project.project.exclude if name != file)
        self._project.update(exclude=(*others, file) if out else others)

    def look_again(self) -> None:
        """Forget what was found and look through all folders anew."""
        self.closing()
        self._answers.clear()
        self._wall_for = None
        self._follow()

    def shown(self) -> None:
        """Fill the wall if it waits."""
        self._draw_wall()

    def closing(self) -> None:
        """Ask nothing more."""
        self._scan_timer.stop()
        for errand in (*self._errands.values(), *self._wall_errands):
            errand.cancel()
        self._errands.clear()
        self._wall_errands.clear()

    # ---- slots ---------------------------------------------------------------------------------------------------

    def _make_slot(self, title: str, hint: str, colour: str) -> ImageSlot:
        return ImageSlot(title, hint, colour, self._theme)

    def _fit_slots(self) -> None:
        """As many rows of slots as the project has pair folders, at least one."""
        wanted = max(1, len(self._project.project.pairs))
        while len(self.pair_slots) < wanted:
            index = len(self.pair_slots)
            more = f" {index + 1}" if index else ""
            row = (
                self._make_slot(f"Pairs{more}: RGB", "RGB images of scenes the new sensor has seen too.", "source"),
                self._make_slot(
                    f"Pairs{more}: sensor",
                    "Images of the same scenes by the new sensor. Names tell who belongs to whom.",
                    "sensor",
                ),
            )
            for column, (side, slot) in enumerate(zip(("rgb", "sensor"), row, strict=True)):
                slot.browse_wanted.connect(self._pair_browser(index, side))
                slot.cleared.connect(lambda index=index, side=side: self.set_pair(index, side, ""))
                slot.folder_dropped.connect(lambda folder, index=index, side=side: self.set_pair(index, side, folder))
                self._slots.addWidget(slot, 2 * index, column)
            self.pair_slots.append(row)
            note = self._make_pair_note(index)
            self._slots.addWidget(note, 2 * index + 1, 0, 1, 2)
            self._pair_notes.append(note)
        while len(self.pair_slots) > wanted:
            for widget in (*self.pair_slots.pop(), self._pair_notes.pop()):
                self._slots.removeWidget(widget)
                widget.hide()
                widget.deleteLater()

    def _make_pair_note(self, index: int) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        words = text_label("", "help")
        words.setObjectName("words")
        row.addWidget(words, 1)
        by_list = QPushButton("Pair by a list…")
        by_list.setObjectName("list")
        by_list.setProperty("kind", "quiet")
        by_list.setToolTip("A CSV file with the columns rgb and sensor: file names relative to their folders.")
        by_list.clicked.connect(lambda: self._browse_table(index))
        by_name = QPushButton("Pair by name")
        by_name.setObjectName("name")
        by_name.setProperty("kind", "quiet")
        by_name.clicked.connect(lambda: self.set_pair_table(index, None))
        row.addWidget(by_list)
        row.addWidget(by_name)
        holder.hide()
        return holder

    def _pair_browser(self, index: int, side: str) -> Callable[[], None]:
        title = {"rgb": "Pairs: RGB images", "sensor": "Pairs: sensor images"}[side]
        return lambda: self._browse_folder(title, lambda folder: self.set_pair(index, side, folder))

    def _add_pairs(self) -> None:
        title = "More pairs: RGB images"
        self._browse_folder(title, lambda folder: self.set_pair(self.free_pair("rgb"), "rgb", folder))

    def _browse_folder(self, title: str, then: Callable[[str], None]) -> None:
        dialog = QFileDialog(self.window(), title, str(self._project.folder))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.fileSelected.connect(then)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _browse_table(self, index: int) -> None:
        dialog = QFileDialog(self.window(), "List of pairs", str(self._project.folder), "Lists (*.csv)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda file: self.set_pair_table(index, file))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # ---- how values are read -------------------------------------------------------------------------------------

    def _make_reading(self) -> Card:
        card = Card()
        card.setAccessibleName("How the values are read")
        card.body.setContentsMargins(2 * GRID, GRID + GRID // 2, 2 * GRID, 2 * GRID)
        self.rgb_bands = BandsField("first three", exactly=3)
        self.rgb_bands.setToolTip("Bands that are red, green and blue, counted from 1, such as 4, 3, 2.")
        self.sensor_bands = BandsField("all")
        self.sensor_bands.setToolTip("Bands of the new sensor, counted from 1, such as 8 or 11-13.")
        self.low = NumberField(0.0, 49.0, 2.0, decimals=1, step=0.5)
        self.low.setSuffix(" %")
        self.low.setToolTip("This share of the values, the darkest, becomes black.")
        self.high = NumberField(51.0, 100.0, 98.0, decimals=1, step=0.5)
        self.high.setSuffix(" %")
        self.high.setToolTip("Values above this share become white.")
        self.no_data = TextField("none")
        self.no_data.setToolTip(
            "A raw value that means that nothing was seen there. What files say themselves counts too."
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        fields = (
            ("RGB bands", self.rgb_bands),
            ("Sensor bands", self.sensor_bands),
            ("Black below", self.low),
            ("White above", self.high),
            ("No-data value", self.no_data),
        )
        for column, (title, field) in enumerate(fields):
            label = text_label(title, "help", wrap=False)
            label.setBuddy(field)
            field.setAccessibleName(title)
            grid.addWidget(label, 0, column)
            grid.addWidget(field, 1, column)
            grid.setColumnStretch(column, 1)
        card.body.addLayout(grid)
        self.rgb_bands.chosen.connect(lambda: self._project.update(rgb_bands=self.rgb_bands.bands))
        self.sensor_bands.chosen.connect(lambda: self._project.update(sensor_bands=self.sensor_bands.bands))
        for field in (self.low, self.high):
            field.valueChanged.connect(self._stretch_edited)
        self.no_data.textEdited.connect(lambda _: self.no_data.set_wrong(self._no_data_entered()[1]))
        self.no_data.editingFinished.connect(self._no_data_edited)
        return card

    def _stretch_edited(self) -> None:
        rule = StretchRule(low_percent=self.low.value(), high_percent=self.high.value())
        self._project.update(stretch=rule)

    def _no_data_entered(self) -> tuple[float | None, bool]:
        """The value, and whether the text is wrong."""
        text = self.no_data.text().strip()
        if not text:
            return None, False
        value, understood = QLocale().toDouble(text)
        if not understood:
            value, understood = QLocale.c().toDouble(text)
        return (value, False) if understood else (None, True)

    def _no_data_edited(self) -> None:
        value, wrong = self._no_data_entered()
        if not wrong:
            self._project.update(no_data=value)

    # ---- scanning ------------------------------------------------------------------------------------------------

    def _jobs(self) -> list[Scan]:
        """What is to be scanned now: pair folders in order (None-free), then the target."""
        project = self._project.project
        jobs: list[Scan] = [job for pair in project.pairs if (job := self._pair_job(project, pair)) is not None]
        return [*jobs, self._target_job(project)] if project.target else jobs

    def _pair_job(self, project: Project, pair: PairFolders) -> Scan | None:
        if pair.rgb and pair.sensor:
            return ScanPairs(
                folders=pair,
                rgb_bands=project.rgb_bands,
                sensor_bands=project.sensor_bands,
                stretch=project.stretch,
                no_data=project.no_data,
            )
        if pair.rgb:
            return self._folder_job(project, pair.rgb, project.rgb_bands)
        return self._folder_job(project, pair.sensor, project.sensor_bands) if pair.sensor else None

    def _target_job(self, project: Project) -> ScanFolder:
        return self._folder_job(project, project.target, project.sensor_bands)

    def _folder_job(self, project: Project, folder: str, bands: tuple[int, ...] | None) -> ScanFolder:
        return ScanFolder(folder=folder, bands=bands, stretch=project.stretch, no_data=project.no_data)

    def _scan(self) -> None:
        wanted = self._jobs()
        for job in [job for job in self._errands if job not in wanted]:
            self._errands.pop(job).cancel()
        for job in wanted:
            if job not in self._answers and job not in self._errands:
                self._start(job)
        self._draw()

    def _start(self, job: Scan) -> None:
        errand = Errand(self._desk, job, self)
        self._errands[job] = errand

        def keep(answer: object) -> None:
            if isinstance(answer, FolderReport | PairsReport | Problem):
                self._answers[job] = answer

        def ended() -> None:
            self._errands.pop(job, None)
            self._draw()

        errand.progressed.connect(lambda progress: self._show_progress(job, progress))
        errand.done.connect(keep)
        errand.failed.connect(keep)
        errand.ended.connect(ended)

    def _show_progress(self, job: Scan, progress: Progress) -> None:
        for slots, slot_job in self._slots_with_jobs():
            if slot_job == job:
                for slot in slots:
                    slot.show_progress(progress)

    def _slots_with_jobs(self) -> Iterator[tuple[tuple[ImageSlot, ...], Scan]]:
        project = self._project.project
        for pair, (rgb, sensor) in zip(project.pairs, self.pair_slots, strict=False):
            if (job := self._pair_job(project, pair)) is not None:
                slots = {(True, True): (rgb, sensor), (True, False): (rgb,), (False, True): (sensor,)}
                yield slots[(bool(pair.rgb), bool(pair.sensor))], job
        if project.target:
            yield (self.target_slot,), self._target_job(project)

    # ---- following the project -----------------------------------------------------------------------------------

    def _follow(self) -> None:
        project = self._project.project
        self._fit_slots()
        self.rgb_bands.set_bands(project.rgb_bands)
        self.sensor_bands.set_bands(project.sensor_bands)
        for field, value in ((self.low, project.stretch.low_percent), (self.high, project.stretch.high_percent)):
            blocked = field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(blocked)
        if self._no_data_entered()[0] != project.no_data:
            self.no_data.setText("" if project.no_data is None else QLocale().toString(project.no_data, "g", 12))
        if any(job not in self._answers and job not in self._errands for job in self._jobs()):
            self._scan_timer.start()
        self._draw()

    def _draw(self) -> None:
        project = self._project.project
        known = tuple((job, id(self._answers.get(job)), job in self._errands) for job in self._jobs())
        facts = (project.pairs, project.target, project.exclude, known)
        if facts == self._drawn:
            return
        self._drawn = facts
        self._draw_slots(project)
        self.doubts.show_doubts(self._doubts(), project.exclude)
        doubtful = len([doubt for doubt in self._doubts() if doubt.finding.severity != "note"])
        self.tabs.setTabText(_DOUBTS, f"Doubtful files ({count(doubtful)})" if doubtful else "Doubtful files")
        self._draw_histogram()
        self._draw_wall()
        self.add_pairs_button.setEnabled(bool(project.pairs) and not self._half_chosen())
        self.again_button.setEnabled(bool(self._answers))
        self.state_changed.emit()

    def _draw_slots(self, project: Project) -> None:
        pairs = project.pairs or (PairFolders(rgb="", sensor=""),)
        for pair, (rgb, sensor), note in zip(pairs, self.pair_slots, self._pair_notes, strict=True):
            rgb.show_folder(pair.rgb)
            sensor.show_folder(pair.sensor)
            job = self._pair_job(project, pair)
            answer = self._answers.get(job) if job is not None else None
            note.setVisible(isinstance(answer, PairsReport))
            if isinstance(answer, PairsReport):
                self._draw_report(rgb, answer.rgb)
                self._draw_report(sensor, answer.sensor)
                self._draw_pair_note(note, pair, answer)
            elif isinstance(answer, FolderReport):
                self._draw_report(rgb if pair.rgb else sensor, answer)
            else:
                for slot, folder in ((rgb, pair.rgb), (sensor, pair.sensor)):
                    if folder and isinstance(answer, Problem):
                        slot.show_problem(answer)
                    elif folder:
                        slot.show_waiting()
        self.target_slot.show_folder(project.target)
        if project.target:
            answer = self._answers.get(self._target_job(project))
            if isinstance(answer, FolderReport):
                self._draw_report(self.target_slot, answer)
            elif isinstance(answer, Problem):
                self.target_slot.show_problem(answer)
            else:
                self.target_slot.show_waiting()

    def _draw_report(self, slot: ImageSlot, report: FolderReport) -> None:
        excluded = set(self._project.project.exclude)
        slot.show_report(report, sum(file in excluded for file in report.files))

    def _draw_pair_note(self, note: QWidget, pair: PairFolders, report: PairsReport) -> None:
        parts = [f"{counted(len(self._pairs_of(report)), 'pair')}: {report.rule}"]
        alone = len(report.unmatched_rgb) + len(report.unmatched_sensor)
        if alone:
            parts.append(f"{counted(alone, 'image')} without a partner.")
        if report.ambiguous:
            parts.append(f"{counted(len(report.ambiguous), 'name')} with several candidates, left out.")
        words = note.findChild(QWidget, "words")
        if words is not None:
            words.setProperty("text", " ".join(part if part.endswith(".") else f"{part}." for part in parts))
        for name, visible in (("list", not pair.table), ("name", bool(pair.table))):
            button = note.findChild(QPushButton, name)
            if button is not None:
                button.setVisible(visible)

    def _pairs_of(self, report: PairsReport) -> list[tuple[str, str, str]]:
        excluded = set(self._project.project.exclude)
        return [pair for pair in report.pairs if pair[1] not in excluded and pair[2] not in excluded]

    # ---- what was found ------------------------------------------------------------------------------------------

    def _half_chosen(self) -> bool:
        return any(bool(pair.rgb) != bool(pair.sensor) for pair in self._project.project.pairs)

    def _target_report(self) -> FolderReport | None:
        project = self._project.project
        answer = self._answers.get(self._target_job(project)) if project.target else None
        return answer if isinstance(answer, FolderReport) else None

    def _pairs_reports(self) -> list[tuple[PairFolders, PairsReport]]:
        project = self._project.project
        found = ((pair, self._pair_job(project, pair)) for pair in project.pairs)
        answers = ((pair, self._answers.get(job)) for pair, job in found if job is not None)
        return [(pair, answer) for pair, answer in answers if isinstance(answer, PairsReport)]

    def _sides(self) -> list[_Side]:
        sides: list[_Side] = []
        reports = self._pairs_reports()
        for index, (pair, report) in enumerate(reports, start=1):
            more = f" {index}" if len(reports) > 1 else ""
            sides.append(_Side(f"Pairs{more}: RGB", "source", pair.rgb, report.rgb))
            sides.append(_Side(f"Pairs{more}: sensor", "sensor", pair.sensor, report.sensor))
        if (target := self._target_report()) is not None:
            sides.append(_Side("Target images", "sensor", target.folder, target))
        return sides

    def _doubts(self) -> list[Doubt]:
        doubts = [Doubt("Pairs", finding, False) for _, r in self._pairs_reports() for finding in r.findings]
        for side in self._sides():
            doubts += [
                Doubt(side.title, finding, finding.file not in ("", ".", side.folder))
                for finding in side.report.findings
            ]
        listed = {doubt.finding.file for doubt in doubts if doubt.is_file}
        for file in self._project.project.exclude:
            if file not in listed:
                finding = Finding(severity="note", kind="left out", file=file, what="Left out by you.")
                doubts.append(Doubt("", finding, True))
        return doubts

    # ---- histogram -----------------------------------------------------------------------------------------------

    def _tab_opened(self, index: int) -> None:
        if index == _VALUES and self._histogram is None:
            # pyqtgraph takes a while to import: with the first look at a histogram, not with the window
            from bandbridge.gui.widgets.histogram import HistogramPanel

            self._histogram = HistogramPanel(self._theme)
            layout = self._histogram_holder.layout()
            if layout is not None:
                layout.addWidget(self._histogram)
            self._draw_histogram()
        elif index == _WALL:
            self._draw_wall()

    def _draw_histogram(self) -> None:
        if self._histogram is not None:
            sides = self._sides()
            self._histogram.show_folders({side.title: (side.colour, side.report.histograms) for side in sides})

    # ---- the wall ------------------------------------------------------------------------------------------------

    def _make_wall(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 2 * GRID, 0, 0)
        column.setSpacing(GRID)
        row = QHBoxLayout()
        self._wall_words = text_label("Do the two images of each pair show the same scene?", "help", wrap=False)
        row.addWidget(self._wall_words, 1)
        self.others_button = QPushButton("Show &others")
        self.others_button.clicked.connect(self._show_others)
        row.addWidget(self.others_button)
        column.addLayout(row)
        self.wall = PairWall(self._theme)
        column.addWidget(self.wall)
        column.addStretch(1)
        return holder

    def _show_others(self) -> None:
        self._seed += 1
        self._draw_wall()

    def _draw_wall(self) -> None:
        """Show random pairs, or random target images while there are no pairs."""
        reports = self._pairs_reports()
        target = self._target_report()
        wanted = (self._seed, tuple(id(report) for _, report in reports), id(target), self._project.project.exclude)
        self.others_button.setVisible(bool(reports) or target is not None)
        self._wall_words.setVisible(bool(reports) or target is not None)
        if not reports and target is None:
            self.wall.show_text("Pairs appear here side by side, to see at a glance whether they belong together.")
            return
        if not self.isVisible() or wanted == self._wall_for:
            return
        self._wall_for = wanted
        for errand in self._wall_errands:
            errand.cancel()
        self._wall_errands = []
        chance = random.Random(self._seed)
        if reports:
            self._wall_words.setText("Do the two images of each pair show the same scene?")
            entries = [(pair, report, found) for pair, report in reports for found in self._pairs_of(report)]
            chosen = chance.sample(entries, min(_ON_THE_WALL, len(entries)))
            self._fill_wall(
                [name for _, _, (name, _, _) in chosen],
                [str(Path(pair.rgb) / rgb) for pair, _, (_, rgb, _) in chosen],
                [str(Path(pair.sensor) / sensor) for pair, _, (_, _, sensor) in chosen],
                reports[0][1].rgb,
                reports[0][1].sensor,
            )
        elif target is not None:
            self._wall_words.setText("Target images at random")
            names = chance.sample(target.files, min(2 * _ON_THE_WALL, len(target.files)))
            self._fill_wall(names, [], [str(Path(target.folder) / name) for name in names], None, target)

    def _fill_wall(
        self,
        names: Sequence[str],
        rgb_files: Sequence[str],
        sensor_files: Sequence[str],
        rgb_report: FolderReport | None,
        sensor_report: FolderReport,
    ) -> None:
        pictures: dict[str, list[QPixmap | None]] = {"rgb": [None] * len(names), "sensor": [None] * len(names)}

        def show() -> None:
            items = zip(names, pictures["rgb"], pictures["sensor"], strict=True)
            self.wall.show_items([WallItem(name, rgb, sensor) for name, rgb, sensor in items])

        def take(side: str, report: Report) -> None:
            if isinstance(report, ThumbnailsReport):
                pictures[side] = [None if array is None else as_pixmap(array) for array in report.pictures]
                show()
                self._keep_thumbnail(pictures["rgb"], pictures["sensor"])

        show()
        for side, files, report in (("rgb", rgb_files, rgb_report), ("sensor", sensor_files, sensor_report)):
            if files and report is not None:
                errand = Errand(self._desk, _thumbnails_job(files, report), self)
                errand.done.connect(lambda answer, side=side: take(side, answer))
                self._wall_errands.append(errand)

    def _keep_thumbnail(self, rgb: Sequence[QPixmap | None], sensor: Sequence[QPixmap | None]) -> None:
        """The project's picture among the recent ones: a few of its scenes by both sensors."""
        found = [picture for pair in zip(rgb, sensor, strict=True) for picture in pair if picture is not None][:4]
        if len(found) < min(4, len(rgb)):
            return
        side = SIDE
        strip = QPixmap(4 * side, 2 * side)
        strip.fill(self._theme.colour("raised"))
        painter = QPainter(strip)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for index, picture in enumerate(found[:2]):
            edge = min(picture.width(), picture.height())
            painter.drawPixmap(2 * index * side, 0, 2 * side, 2 * side, picture, 0, 0, edge, edge)
        painter.end()
        with contextlib.suppress(OSError):
            if self._project.folder.is_dir():
                strip.save(str(self._project.folder / THUMBNAIL_FILE))


def _thumbnails_job(files: Sequence[str], report: FolderReport) -> Thumbnails:
    """Small pictures with one stretch for the folder; the same for all three colours, to keep their balance."""
    bands: tuple[BandHistogram, ...] = report.histograms
    if len(bands) not in (1, 3):
        bands = bands[:1]
    if not bands:
        return Thumbnails(paths=tuple(files), bands=None, size_px=2 * SIDE)
    low, high = min(band.low for band in bands), max(band.high for band in bands)
    if len(bands) == 3 and set(report.depths) == {"uint8"}:
        low, high = 0.0, 255.0
    return Thumbnails(
        paths=tuple(files),
        bands=tuple(band.band for band in bands),
        low=(low,) * len(bands),
        high=(high,) * len(bands),
        size_px=2 * SIDE,
    )
