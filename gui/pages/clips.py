"""Step 1 of a project for video: the clips, and everything that helps to see whether they are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bandbridge.engine.api.errors import StorageError
from bandbridge.engine.api.events import Progress
from bandbridge.engine.api.finding_table import finding_table
from bandbridge.engine.api.reports import ClipsReport, Finding, SeenClip
from bandbridge.engine.api.storage import write_text
from bandbridge.engine.api.untaught import KIND as UNTAUGHT
from bandbridge.engine.api.untaught import untaught
from bandbridge.gui.clip_scan import ClipScan
from bandbridge.gui.doubt import Doubt, as_parts
from bandbridge.gui.pages.page import Page, PageState
from bandbridge.gui.project import ProjectModel
from bandbridge.gui.quantities import count, counted, plain
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.callout import Callout
from bandbridge.gui.widgets.clip_counts import SPLITS, ClipCountTable
from bandbridge.gui.widgets.clip_wall_panel import ClipWallPanel
from bandbridge.gui.widgets.doubtful_table import DoubtfulTable
from bandbridge.gui.widgets.image_slot import ImageSlot
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtWidgets import QFileDialog, QPushButton, QTabWidget, QVBoxLayout, QWidget

_WALL, _CLASSES, _DOUBTS = range(3)
_MOST_NAMED = 2
_DRAWN = (
    "Nobody said which clips are for testing, so a fifth of every class is kept aside for validation and a fifth for "
    "testing, by their names: every run keeps the same ones aside. Classes of one or two clips are learned from alone."
)


class ClipsPage(Page):
    """The place for clips.

    Args:
        project: The open project.
        desk: Looks through them.
        theme: Colours and icons.
        parent: Qt parent.
    """

    manual_chapter = "video"

    def __init__(self, project: ProjectModel, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(
            "Clips",
            "Short videos with sound, in a folder for every class, or with a list that says what each clip shows.",
            parent=parent,
        )
        self._project = project
        self._theme = theme
        self._drawn: object = None
        self.scan = ClipScan(desk, self)
        self.scan.changed.connect(self._draw)
        self.scan.progressed.connect(self._show_progress)
        self.slot = ImageSlot(
            "Clips",
            "Drop a folder of videos here, or a list (CSV, JSON) with the columns file, label and, if you like, split.",
            "accent",
            theme,
            noun="clips",
        )
        self.list_button = self.slot.browse_scene
        self.list_button.setText("List…")
        self.list_button.setAccessibleName("Browse for a list of clips")
        self.list_button.setToolTip("Choose a list that names clips, what they show and which are for testing.")
        self.slot.scene_wanted.connect(self._browse_list)
        self.slot.browse_wanted.connect(self._browse_folder)
        self.slot.cleared.connect(lambda: self.set_clips(""))
        self.slot.folder_dropped.connect(self.set_clips)
        self.content.addWidget(self.slot)
        self.problem = Callout(theme)
        self.content.addWidget(self.problem)
        self.tabs = QTabWidget()
        self.tabs.setMinimumHeight(40 * GRID)
        self.wall = ClipWallPanel(project, self.scan, desk, theme)
        self.tabs.addTab(self.wall, "Seen and heard")
        self.counts = ClipCountTable(theme)
        self._split_note = text_label("", "help")
        self.tabs.addTab(_holder(self._split_note, self.counts), "Classes")
        self.doubts = DoubtfulTable(theme)
        self.doubts.left_out.connect(self.leave_out)
        self.doubts.save_wanted.connect(self._browse_csv)
        self.tabs.addTab(_holder(self.doubts), "Doubtful clips")
        self.content.addWidget(self.tabs, 1)
        self.again_button = QPushButton("Look a&gain")
        self.again_button.setProperty("kind", "quiet")
        self.again_button.setToolTip("Look through the clips once more, after files were changed.")
        self.again_button.clicked.connect(self.scan.look_again)
        self.foot.addWidget(self.again_button)
        project.changed.connect(self._follow)
        self._follow()

    # ---- what the rail asks --------------------------------------------------------------------------------------

    def state(self) -> PageState:
        """Ready once clips of two classes can be learned from."""
        if not self._project.project.video.clips:
            return "empty"
        if self.scan.problem is not None or self._lack():
            return "error"
        if self.scan.report is None:
            return "empty"
        return "warning" if self._doubtful() else "ready"

    def state_in_words(self) -> str:
        """What is there, or what is the matter."""
        if not self._project.project.video.clips:
            return "No clips yet."
        if self.scan.problem is not None:
            return self.scan.problem.what
        report = self.scan.report
        if report is None:
            return "The clips are being looked through."
        noun = ("tag", "tags") if self._tags(report) else ("class", "classes")
        words = f"{counted(len(self._used(report)), 'clip')} of {counted(len(report.class_names), *noun)}"
        doubtful = self._doubtful()
        clips = sum(doubt.is_file for doubt in doubtful)
        more = f", {counted(clips, 'doubtful clip')}" if clips else ""
        if classes := len(doubtful) - clips:
            more += f", {counted(classes, *noun)} without a training clip"
        return self._lack() or f"{words}{more}."

    def closing(self) -> None:
        """Ask nothing more."""
        self.scan.stop()
        self.wall.stop()

    # ---- what a person does --------------------------------------------------------------------------------------

    def set_clips(self, place: str) -> None:
        """Use this folder or list."""
        self._project.update_video(clips=place, exclude=())

    def leave_out(self, file: str, out: bool) -> None:
        """Leave a clip out, or take it in again."""
        kept = tuple(one for one in self._project.project.video.exclude if one != file)
        self._project.update_video(exclude=(*kept, file) if out else kept)

    def save_csv(self, file: Path) -> None:
        """Write the list of doubtful clips."""
        try:
            write_text(file, finding_table(as_parts(self._doubts())))
        except StorageError as error:
            self.told.emit("error", str(error), error.details)
        else:
            self.told.emit("good", f"The list of doubtful clips was saved to {file}.", "")

    def _browse_folder(self) -> None:
        dialog = QFileDialog(self.window(), "Clips", str(self._project.folder))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        self._ask(dialog)

    def _browse_list(self) -> None:
        dialog = QFileDialog(self.window(), "List of clips", str(self._project.folder), "Lists (*.csv *.json)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._ask(dialog)

    def _ask(self, dialog: QFileDialog) -> None:
        dialog.fileSelected.connect(self.set_clips)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _browse_csv(self) -> None:
        place = str(self._project.folder / "doubtful.csv")
        dialog = QFileDialog(self.window(), "Save the list", place, "Tables (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda file: self.save_csv(Path(file)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # ---- following the project -----------------------------------------------------------------------------------

    def _follow(self) -> None:
        self.scan.follow(self._project.project.video)
        self._draw()

    def _show_progress(self, progress: Progress) -> None:
        self.slot.show_progress(progress)

    def _draw(self) -> None:
        video = self._project.project.video
        report, problem = self.scan.report, self.scan.problem
        facts = (video, id(report), id(problem), self.scan.busy)
        if facts == self._drawn:
            return
        self._drawn = facts
        self.slot.show_folder(video.clips)
        if problem is not None:
            self.slot.show_problem(problem)
        elif report is not None:
            words = clips_in_words(report, video.exclude, tags=self._tags(report))
            self.slot.show_found(words, usable=bool(report.clips))
        if video.clips and report is None and problem is None:
            self.slot.show_waiting(anew=False)
        lack = self._lack()
        self.problem.setVisible(bool(lack))
        if lack:
            self.problem.say("error", lack, "Add clips, write the splits into a list, or take clips in again.")
        self.doubts.show_doubts(self._doubts(), video.exclude, frozenset())
        doubtful = len(self._doubtful())
        self.tabs.setTabText(_DOUBTS, f"Doubtful clips ({count(doubtful)})" if doubtful else "Doubtful clips")
        if report is not None:
            tags = self._tags(report)
            self.counts.show_report(report, video.exclude, tags=tags)
            self.tabs.setTabText(_CLASSES, "Tags" if tags else "Classes")
            self._split_note.setText(
                (_DRAWN if report.drawn else _split_words()) + (" A clip counts for each of its tags." if tags else "")
            )
        for index in (_CLASSES, _DOUBTS):
            self.tabs.setTabEnabled(index, report is not None)
        self.wall.refresh()
        self.again_button.setEnabled(bool(video.clips))
        self.state_changed.emit()

    def _used(self, report: ClipsReport) -> list[SeenClip]:
        excluded = set(self._project.project.video.exclude)
        return [clip for clip in report.clips if clip.file not in excluded]

    def _tags(self, report: ClipsReport) -> bool:
        """Whether the clips have tags, not classes."""
        several = any(len(clip.labels) > 1 for clip in self._used(report))
        return self._project.project.video.task == "tags" or several

    def _lack(self) -> str:
        """Why nothing could be learned from these clips, or ""."""
        report = self.scan.report
        if report is None:
            return ""
        training = [clip for clip in self._used(report) if clip.split == "train" and clip.labels]
        classes = {label for clip in training for label in clip.labels}
        if len(training) < 2:
            return "There are fewer than two labelled clips to learn from."
        if len(classes) < (1 if self._tags(report) else 2):
            return f"All clips to learn from show the same: {next(iter(classes))}. Two classes at least are needed."
        return ""

    def _doubts(self) -> list[Doubt]:
        report = self.scan.report
        if report is None:
            return []
        findings = [one for one in report.findings if one.kind != UNTAUGHT]
        findings += untaught(self._used(report), report.folder)  # anew: clips may have been left out since
        doubts = [Doubt("Clips", one, one.file != report.folder, "target", report.folder) for one in findings]
        known = {doubt.finding.file for doubt in doubts}
        for file in self._project.project.video.exclude:
            if file not in known:
                out = Finding(severity="note", kind="left out", file=file, what="Left out by you.")
                doubts.append(Doubt("Clips", out, True))
        return doubts

    def _doubtful(self) -> list[Doubt]:
        """What wants a person's eye."""
        excluded = frozenset(self._project.project.video.exclude)
        open_doubts = [doubt for doubt in self._doubts() if not doubt.is_settled(excluded, frozenset())]
        return [doubt for doubt in open_doubts if doubt.finding.severity != "note"]


def clips_in_words(report: ClipsReport, excluded: Sequence[str], *, tags: bool = False) -> list[str]:
    """What a folder or list of clips holds, in a few short lines."""
    clips = [clip for clip in report.clips if clip.file not in excluded]
    if not clips:
        return ["No clip can be used."]
    splits = Counter(clip.split for clip in clips)
    named = [f"{title.lower()} {count(splits[key])}" for key, title, _ in SPLITS if splits[key]]
    out = len(report.clips) - len(clips)
    classes = counted(len(report.class_names), *(("tag", "tags") if tags else ("class", "classes")))
    lines = [f"{counted(len(clips), 'clip')}, {classes}" + (f", {count(out)} left out" if out else "")]
    lines.append(" · ".join(named))
    seconds = sorted(clip.seconds for clip in clips)
    length = f"{plain(round(seconds[0], 1))} to {plain(round(seconds[-1], 1))} s"
    if seconds[-1] - seconds[0] < 0.1:
        length = f"{plain(round(seconds[-1], 1))} s each"
    sizes = Counter(f"{clip.width_px} × {clip.height_px} px" for clip in clips if clip.has_pictures)
    rates = Counter(f"{plain(clip.rate_hz)} pictures/s" for clip in clips if clip.has_pictures)
    lines.append(" · ".join(part for part in (length, _commonest(rates), _commonest(sizes)) if part))
    sounds = Counter(clip.sound for clip in clips)
    heard = [
        f"{words} {count(sounds[key])}"  # type: ignore[index]
        for key, words in (("heard", "with sound"), ("silent", "silent track"), ("none", "without sound"))
        if sounds[key]  # type: ignore[index]
    ]
    lines.append(" · ".join(heard))
    return lines


def _commonest(counts: Counter[str]) -> str:
    """The commonest first; how many of each only if there are several."""
    ordered = counts.most_common()
    if len(ordered) < 2:
        return ordered[0][0] if ordered else ""
    more = f" and {count(len(ordered) - _MOST_NAMED)} more" if len(ordered) > _MOST_NAMED else ""
    return ", ".join(f"{name} ({count(found)})" for name, found in ordered[:_MOST_NAMED]) + more


def _split_words() -> str:
    return " ".join(f"{title}: {tip[0].lower()}{tip[1:]}" for _, title, tip in SPLITS)


def _holder(*widgets: QWidget) -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 2 * GRID, 0, 0)
    column.setSpacing(GRID)
    for widget in widgets:
        column.addWidget(widget, 1 if widget is widgets[-1] else 0)
    return page
