"""Step 2: the pairs, the target images, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.errors import StorageError
from bandbridge.engine.api.events import Problem, Progress
from bandbridge.engine.api.finding_table import finding_table
from bandbridge.engine.api.reports import FolderReport, PairsReport
from bandbridge.engine.api.shift_table import Move
from bandbridge.engine.api.storage import write_text
from bandbridge.gui.doubt import Doubt, as_parts, collect_doubts, moved_in
from bandbridge.gui.image_check import ImageCheck
from bandbridge.gui.image_scans import SCENE_SUFFIXES, Answer, ImageScans, Scan
from bandbridge.gui.moved_pairs import fault_of, moves_of, with_moves
from bandbridge.gui.pages.page import Page, PageState
from bandbridge.gui.project import Project, ProjectModel
from bandbridge.gui.quantities import count, counted
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.callout import Callout
from bandbridge.gui.widgets.doctor_bar import DoctorBar
from bandbridge.gui.widgets.doubtful_table import DoubtfulTable
from bandbridge.gui.widgets.image_slot import ImageSlot
from bandbridge.gui.widgets.pair_note import PairNote
from bandbridge.gui.widgets.reading_card import ReadingCard
from bandbridge.gui.widgets.tiles_card import TilesCard
from bandbridge.gui.widgets.wall_panel import WallPanel
from bandbridge.gui.widgets.worst_cases import WorstCases
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QGridLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from bandbridge.gui.widgets.histogram import HistogramPanel

_VALUES, _DOUBTS, _WORST = 1, 2, 3


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
        self._theme = theme
        self.scans = ImageScans(desk, self)
        self.scans.changed.connect(self._draw)
        self.scans.progressed.connect(self._show_progress)
        self.check = ImageCheck(desk, self)
        self.check.changed.connect(self._draw)
        self._drawn: object = None
        self._found = _Found(Project(), (), (), [], [])
        self._histogram: HistogramPanel | None = None

        self._slots = QGridLayout()
        self._slots.setHorizontalSpacing(2 * GRID)
        self._slots.setVerticalSpacing(GRID)
        for column in range(3):
            self._slots.setColumnStretch(column, 1)
        self.content.addLayout(self._slots)
        self.pair_slots: list[tuple[ImageSlot, ImageSlot]] = []
        self._pair_notes: list[PairNote] = []
        self.target_slot = self._make_slot(
            "Target images", "Images by the new sensor of what is to be recognised. No labels are needed.", "sensor"
        )
        self.target_slot.browse_wanted.connect(lambda: self._browse_folder("Target images", self.set_target))
        self.target_slot.scene_wanted.connect(lambda: self._browse_scene("Target scene", self.set_target))
        self.target_slot.cleared.connect(lambda: self.set_target(""))
        self.target_slot.folder_dropped.connect(self.set_target)
        self._slots.addWidget(self.target_slot, 0, 2)
        self.problem = Callout(theme)
        show_list = QPushButton("Show the l&ist")
        show_list.clicked.connect(self._show_doubts)
        self.problem.buttons.addWidget(show_list)
        self.content.addWidget(self.problem)
        self.reading = ReadingCard(project)
        self.content.addWidget(self.reading)
        self.tiles = TilesCard(project)
        self.content.addWidget(self.tiles)
        self.doctor = DoctorBar(self.check, theme)
        self.content.addWidget(self.doctor)
        self.tabs = QTabWidget()
        self.tabs.setMinimumHeight(40 * GRID)
        self.wall = WallPanel(project, self.scans, desk, theme)
        self.tabs.addTab(self.wall, "Seen together")
        self._histogram_holder = QWidget()
        QVBoxLayout(self._histogram_holder).setContentsMargins(0, 2 * GRID, 0, 0)
        self.tabs.addTab(self._histogram_holder, "Values")
        doubts = QWidget()
        column_layout = QVBoxLayout(doubts)
        column_layout.setContentsMargins(0, 2 * GRID, 0, 0)
        self.doubts = DoubtfulTable(theme)
        self.doubts.left_out.connect(self.leave_out)
        self.doubts.moved.connect(self.move_pairs)
        self.doubts.save_wanted.connect(self._browse_csv)
        column_layout.addWidget(self.doubts)
        self.tabs.addTab(doubts, "Doubtful files")
        worst = QWidget()
        worst_layout = QVBoxLayout(worst)
        worst_layout.setContentsMargins(0, 2 * GRID, 0, 0)
        self.worst = WorstCases(self.scans, desk, theme)
        self.worst.left_out.connect(self.leave_out)
        self.worst.moved.connect(self.move_pairs)
        self.worst.opened.connect(self._see_tabs_whole)
        worst_layout.addWidget(self.worst)
        self.tabs.addTab(worst, "Worst cases")
        self.tabs.currentChanged.connect(self._tab_opened)
        self._tab_opened(0)
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
        project.changed.connect(self._follow)
        self._follow()

    # ---- what the rail asks --------------------------------------------------------------------------------------

    def state(self) -> PageState:
        """Ready when the target can be used and nothing is doubtful."""
        project = self._project.project
        answers = [self.scans.answer(scan) for scan in self.scans.wanted()]
        if any(isinstance(answer, Problem) for answer in answers):
            return "error"
        if not project.target or any(answer is None for answer in answers):
            return "empty"
        severities = {doubt.finding.severity for doubt in self._open_doubts()}
        target = self.scans.target_report()
        if "error" in severities or target is None or not target.files or self._half_chosen():
            return "error"
        return "warning" if "warning" in severities else "ready"

    def state_in_words(self) -> str:
        """Why the mark is what it is."""
        if self.scans.busy or self.check.busy:
            return "The images are being looked through."
        if not self._project.project.target:
            return "No target images yet."
        if self._half_chosen():
            return "A pair of folders lacks one side."
        if self.state() == "error":
            return "A folder cannot be used as it is."
        doubtful = self._count_doubtful()
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

    def move_pairs(self, doubts: Sequence[Doubt], into_place: bool) -> None:
        """Move shifted pairs into place, or back."""
        pairs = list(self._project.project.pairs)
        for index in {doubt.pair for doubt in doubts if doubt.shift is not None}:
            moves = dict(moves_of(pairs[index]))
            for doubt in doubts:
                if doubt.pair == index and (shift := doubt.shift) is not None:
                    files = (shift.rgb, shift.sensor)
                    if into_place:
                        moves[files] = Move(shift.right_px, shift.down_px)
                    else:
                        moves.pop(files, None)
            try:
                pairs[index] = with_moves(pairs[index], moves, self._project.folder)
            except StorageError as error:
                self.told.emit("error", str(error), error.details)
                return
        self._project.update(pairs=tuple(pairs))

    def move_back(self, index: int) -> None:
        """Use the pairs of these folders as they lie."""
        pairs = list(self._project.project.pairs)
        pairs[index] = replace(pairs[index], shifts=None)
        self._project.update(pairs=tuple(pairs))

    def save_csv(self, file: Path) -> None:
        """Write the list of doubtful files."""
        try:
            write_text(file, finding_table(as_parts(self._doubts())))
        except StorageError as error:
            self.told.emit("error", str(error), error.details)
        else:
            self.told.emit("good", f"The list of doubtful files was saved to {file}.", "")

    def look_again(self) -> None:
        """Forget what was found and look through all folders anew."""
        self.check.forget()
        self.scans.look_again()

    def closing(self) -> None:
        """Ask nothing more."""
        self.scans.stop()
        self.check.stop()
        self.wall.stop()
        self.worst.stop()

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
                slot.scene_wanted.connect(self._pair_scene_browser(index, side))
                slot.cleared.connect(lambda index=index, side=side: self.set_pair(index, side, ""))
                slot.folder_dropped.connect(lambda folder, index=index, side=side: self.set_pair(index, side, folder))
                self._slots.addWidget(slot, 2 * index, column)
            self.pair_slots.append(row)
            note = self._make_pair_note(index)
            self._slots.addWidget(note, 2 * index + 1, 0, 1, 2)
            self._pair_notes.append(note)
            self._put_before_target(*(stop for part in (*row, note) for stop in part.keyboard_stops))
        while len(self.pair_slots) > wanted:
            for widget in (*self.pair_slots.pop(), self._pair_notes.pop()):
                self._slots.removeWidget(widget)
                widget.hide()
                widget.deleteLater()

    def _put_before_target(self, *stops: QWidget) -> None:
        """Let Tab visit what was made later where it is seen: before the target's slot."""
        earlier = self.target_slot.previousInFocusChain() or self
        for stop in stops:
            QWidget.setTabOrder(earlier, stop)
            earlier = stop

    def _make_pair_note(self, index: int) -> PairNote:
        note = PairNote()
        note.list_wanted.connect(lambda: self._browse_table(index))
        note.names_wanted.connect(lambda: self.set_pair_table(index, None))
        note.back_wanted.connect(lambda: self.move_back(index))
        return note

    def _pair_browser(self, index: int, side: str) -> Callable[[], None]:
        title = {"rgb": "Pairs: RGB images", "sensor": "Pairs: sensor images"}[side]
        return lambda: self._browse_folder(title, lambda folder: self.set_pair(index, side, folder))

    def _pair_scene_browser(self, index: int, side: str) -> Callable[[], None]:
        title = {"rgb": "Pairs: RGB scene", "sensor": "Pairs: sensor scene"}[side]
        return lambda: self._browse_scene(title, lambda file: self.set_pair(index, side, file))

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

    def _browse_scene(self, title: str, then: Callable[[str], None]) -> None:
        kinds = " ".join(f"*{suffix}" for suffix in SCENE_SUFFIXES)
        dialog = QFileDialog(self.window(), title, str(self._project.folder), f"Scenes ({kinds})")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(then)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _browse_table(self, index: int) -> None:
        dialog = QFileDialog(self.window(), "List of pairs", str(self._project.folder), "Lists (*.csv *.json)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda file: self.set_pair_table(index, file))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _browse_csv(self) -> None:
        dialog = QFileDialog(
            self.window(), "Save the list", str(self._project.folder / "doubtful.csv"), "Tables (*.csv)"
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda file: self.save_csv(Path(file)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # ---- progress ------------------------------------------------------------------------------------------------

    def _show_progress(self, scan: Scan, progress: Progress) -> None:
        for slots, slot_scan in self._slots_with_scans():
            if slot_scan == scan:
                for slot in slots:
                    slot.show_progress(progress)

    def _slots_with_scans(self) -> Iterator[tuple[tuple[ImageSlot, ...], Scan]]:
        project = self._project.project
        for pair, (rgb, sensor) in zip(project.pairs, self.pair_slots, strict=False):
            if (scan := self.scans.pair_scan(pair)) is not None:
                yield tuple(slot for slot, folder in ((rgb, pair.rgb), (sensor, pair.sensor)) if folder), scan
        if project.target:
            yield (self.target_slot,), self.scans.target_scan()

    # ---- following the project -----------------------------------------------------------------------------------

    def _follow(self) -> None:
        project = self._project.project
        self._fit_slots()
        self.scans.follow(project)
        self.check.follow(project)
        self._draw()
        self._draw_histogram()  # the ends of the stretch move at once

    def _draw(self) -> None:
        project = self._project.project
        known = [(scan, self.scans.answer(scan), self.scans.is_current(scan)) for scan in self.scans.wanted()]
        scenes = self.scans.scenes()
        self.tiles.show_scenes(scenes, wanted=self.scans.has_scenes())
        scanned = [(scan, id(answer), current) for scan, answer, current in known]
        checked = (self.check.busy, id(self.check.report), id(self.check.problem), self.check.possible)
        shown = [id(scene) for scene in scenes]
        facts = (project.pairs, project.target, project.exclude, scanned, checked, shown)
        if facts == self._drawn:
            return
        self._drawn = facts
        pairs = self.scans.pairs_reports()
        sensor = self.scans.target_report() or (pairs[0][1].sensor if pairs else None)
        self.reading.show_reports(sensor, pairs[0][1].rgb if pairs else None)
        self._draw_slots(project)
        doubts = self._doubts()
        moved = moved_in(project)
        self.doubts.show_doubts(doubts, project.exclude, moved)
        self.worst.show_doubts(doubts, project.exclude, moved, checked=self.check.report is not None)
        self._draw_problem(doubts)
        doubtful = self._count_doubtful()
        self.doctor.refresh(doubtful)
        self.tabs.setTabText(_DOUBTS, f"Doubtful files ({count(doubtful)})" if doubtful else "Doubtful files")
        self._draw_histogram()
        self.wall.refresh()
        self.add_pairs_button.setEnabled(bool(project.pairs) and not self._half_chosen())
        self.again_button.setEnabled(bool(known))
        self.state_changed.emit()

    def _draw_problem(self, doubts: list[Doubt]) -> None:
        """Say in sight why a folder cannot be used."""
        faults = [doubt.finding for doubt in doubts if doubt.finding.severity == "error"]
        self.problem.setVisible(bool(faults))
        if faults:
            fault = faults[0]
            self.problem.say("error", fault.what, f"{fault.why} {fault.do}".strip())

    def _show_doubts(self) -> None:
        self.tabs.setCurrentIndex(_DOUBTS)

    def _draw_slots(self, project: Project) -> None:
        pairs = project.pairs or (PairFolders(rgb="", sensor=""),)
        for pair, (rgb, sensor), note in zip(pairs, self.pair_slots, self._pair_notes, strict=True):
            self._draw_choice(rgb, pair.rgb)
            self._draw_choice(sensor, pair.sensor)
            answer = self.scans.answer(self.scans.pair_scan(pair))
            note.setVisible(isinstance(answer, PairsReport))
            if isinstance(answer, PairsReport):
                self._draw_report(rgb, answer.rgb)
                self._draw_report(sensor, answer.sensor)
                left_out = _count_of(project.exclude, (files for _, *files in answer.pairs))
                note.show_report(
                    answer,
                    left_out,
                    len(moves_of(pair)),
                    by_list=bool(pair.table),
                    may_list=self.scans.scene(pair.sensor) is None,
                )
            else:
                for slot, folder in ((rgb, pair.rgb), (sensor, pair.sensor)):
                    self._draw_answer(slot, folder, answer)
        self._draw_choice(self.target_slot, project.target)
        self._draw_answer(self.target_slot, project.target, self.scans.answer(self.scans.target_scan()))
        for slots, scan in self._slots_with_scans():
            if not self.scans.is_current(scan):
                for slot in slots:
                    slot.show_waiting(anew=self.scans.answer(scan) is not None)

    def _draw_choice(self, slot: ImageSlot, folder: str) -> None:
        slot.show_folder(folder)
        if (scene := self.scans.scene(folder)) is not None:
            slot.show_scene(scene)

    def _draw_answer(self, slot: ImageSlot, folder: str, answer: Answer | None) -> None:
        if folder and isinstance(answer, FolderReport):
            self._draw_report(slot, answer)
        elif folder and isinstance(answer, Problem):
            slot.show_problem(answer)

    def _draw_report(self, slot: ImageSlot, report: FolderReport) -> None:
        slot.show_report(report, _count_of(self._project.project.exclude, ((file,) for file in report.files)))

    # ---- what was found ------------------------------------------------------------------------------------------

    def _half_chosen(self) -> bool:
        return any(bool(pair.rgb) != bool(pair.sensor) for pair in self._project.project.pairs)

    def _count_doubtful(self) -> int:
        return sum(doubt.finding.severity != "note" for doubt in self._open_doubts())

    def _open_doubts(self) -> list[Doubt]:
        """Those that nothing has been done about."""
        self._doubts()
        return self._found.open

    def _doubts(self) -> list[Doubt]:
        """All of them, gathered anew only when there is something new: there may be a hundred thousand."""
        project = self._project.project
        told = [*(self.scans.answer(scan) for scan in self.scans.wanted()), self.check.report]
        faults = [str(fault_of(pair)) for pair in project.pairs]
        if not self._found.is_of(project, told, faults):
            self._found = _Found.of(project, told, faults, collect_doubts(self.scans, self.check.report, project))
        return self._found.all

    # ---- histogram -----------------------------------------------------------------------------------------------

    def _see_tabs_whole(self) -> None:
        """Scroll down to the tabs, once they are as high as what is now in them."""
        QTimer.singleShot(0, self, lambda: self.scroll_area.verticalScrollBar().setValue(self.tabs.y()))

    def _tab_opened(self, index: int) -> None:
        self.worst.setVisible(index == _WORST)  # or the other tabs would be as high as its wall
        if index == _VALUES and self._histogram is None:
            # pyqtgraph takes a while to import: with the first look at a histogram, not with the window
            from bandbridge.gui.widgets.histogram import HistogramPanel

            self._histogram = HistogramPanel(self._theme)
            self._histogram.end_moved.connect(self.reading.move_end)
            layout = self._histogram_holder.layout()
            if layout is not None:
                layout.addWidget(self._histogram)
            self._draw_histogram()

    def _draw_histogram(self) -> None:
        if self._histogram is not None:
            sides = list(self.scans.sides())
            self._histogram.show_folders({side.title: (side.colour, side.report) for side in sides}, self.reading.rule)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is doubtful, and what it was gathered from."""

    project: Project
    told: Sequence[object]
    faults: Sequence[str]
    all: list[Doubt]
    open: list[Doubt]

    @classmethod
    def of(cls, project: Project, told: Sequence[object], faults: Sequence[str], doubts: list[Doubt]) -> _Found:
        excluded, moved = frozenset(project.exclude), moved_in(project)
        if not excluded and not moved:
            return cls(project, told, faults, doubts, doubts)
        unsettled = [doubt for doubt in doubts if not doubt.is_settled(excluded, moved)]
        return cls(project, told, faults, doubts, unsettled)

    def is_of(self, project: Project, told: Sequence[object], faults: Sequence[str]) -> bool:
        """Whether nothing that matters has changed since: reports are told apart as objects, being large."""
        same = (
            faults == self.faults
            and len(told) == len(self.told)
            and all(one is other for one, other in zip(told, self.told, strict=True))
        )
        return same and (project.pairs, project.exclude) == (self.project.pairs, self.project.exclude)


def _count_of(excluded: Sequence[str], entries: Iterable[Sequence[str]]) -> int:
    """How many entries name a file that is left out."""
    out = frozenset(excluded)
    return sum(not out.isdisjoint(files) for files in entries) if out else 0
