"""The clips of a run: what the student says of each, the clip itself, and those most similar to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bandbridge.engine.api.clip_endings import VIDEO_ENDINGS
from bandbridge.engine.api.config import DistillConfig
from bandbridge.engine.api.events import Problem, Progress
from bandbridge.engine.api.jobs import Retrieve
from bandbridge.engine.api.reports import ClipQuery, Report, RetrieveReport
from bandbridge.gui.clip_pictures import ClipPictures
from bandbridge.gui.clip_record import ClipPrediction
from bandbridge.gui.errand import Errand
from bandbridge.gui.quantities import count, counted, fixed, percent
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.clip_counts import SPLITS
from bandbridge.gui.widgets.clip_player import ClipPlayer
from bandbridge.gui.widgets.clip_wall import ClipWall, WallClip
from bandbridge.gui.widgets.fields import ChoiceField
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

_ON_A_PAGE = 24
_FOUND = 10
_BEGINNING = (
    "Press a clip, or choose or drop a film of your own: it plays here, with the training clips below that the student "
    "finds most like it."
)
_BELOW = 44 * GRID
"""Pixels that the controls of the clip shown and a row of similar ones take."""
_ANSWERS = (("", "All answers"), ("right", "Right"), ("wrong", "Wrong"))
_PARTLY = ("partly", "Partly right")


class ClipBrowser(QWidget):
    """Left the clips, filtered; right the one pressed, and the training clips the student finds most alike.

    Args:
        desk: Reads clips, and finds similar ones.
        theme: Colours and icons.
        parent: Qt parent.
    """

    def __init__(self, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._theme = theme
        self._run = ""
        self._folder = Path()
        self._clips: tuple[ClipPrediction, ...] = ()
        self._class_names: frozenset[str] = frozenset()
        self._tags = False
        self._shown: list[ClipPrediction] = []
        self._page = 0
        self._pair: tuple[str, str] | None = None
        self._chosen = ""
        self._query: ClipQuery | None = None
        self._errand: Errand | None = None
        self._pictures = ClipPictures(desk, self)
        self._pictures.loaded.connect(self._draw_wall)
        self._alike = ClipPictures(desk, self)
        self._alike.loaded.connect(self._draw_found)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(2 * GRID)
        split.addWidget(self._make_left())
        split.addWidget(self._make_right())
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID + GRID // 2, 0, 0)
        column.addWidget(split)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()

    def _make_left(self) -> QWidget:
        self.split_choice = ChoiceField([(key, f"{title} clips") for key, title, _ in SPLITS], "test")
        self.split_choice.setAccessibleName("Which clips")
        self.class_choice = ChoiceField([("", "All classes")], "")
        self.class_choice.setAccessibleName("Class")
        self.answer_choice = ChoiceField(_ANSWERS, "")
        self.answer_choice.setAccessibleName("Answers")
        tools = QHBoxLayout()
        tools.setSpacing(GRID)
        for choice in (self.split_choice, self.class_choice, self.answer_choice):
            choice.activated.connect(self._filter_anew)
            choice.setMinimumContentsLength(8)
            tools.addWidget(choice, 1)
        self.wall = ClipWall("Clips with what the student says", self._theme)
        self.wall.set_pressable()
        self.wall.chosen.connect(lambda row: self.look_at(self._on_page()[row].file))
        self.earlier_button, self.later_button = QPushButton("&Back"), QPushButton("&More")
        self.earlier_button.clicked.connect(lambda: self._turn(-1))
        self.later_button.clicked.connect(lambda: self._turn(1))
        self._words = text_label("", "small")
        foot = QHBoxLayout()
        foot.setSpacing(GRID)
        foot.addWidget(self._words, 1)
        foot.addWidget(self.earlier_button)
        foot.addWidget(self.later_button)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(tools)
        column.addWidget(_scrolled(self.wall), 1)
        column.addLayout(foot)
        return left

    def _make_right(self) -> QWidget:
        self._title = text_label("", "section")
        self._said = text_label("")
        self.film_button = QPushButton("&Choose a film…")
        self.film_button.setToolTip("Find the training clips that the student finds most like a film of your own.")
        self.film_button.clicked.connect(self._browse_film)
        film = QWidget()
        row = QHBoxLayout(film)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.film_button)
        row.addStretch(1)
        self.player = ClipPlayer(self._desk, self._theme, (self._title, self._said, film))
        self._found_title = text_label("Most similar training clips", "section")
        self._found_note = text_label("", "small")
        self.found = ClipWall("Most similar training clips", self._theme)
        self.found.set_pressable()
        self.found.chosen.connect(self._follow_found)
        inner = QWidget()
        inner.setProperty("role", "page")
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, GRID, 0)
        column.setSpacing(GRID)
        column.addWidget(self.player)
        column.addWidget(self._found_title)
        column.addWidget(self._found_note)
        column.addWidget(self.found)
        column.addStretch(1)
        self.right_area = _scrolled(inner)
        self.right_area.setMinimumWidth(42 * GRID)
        return self.right_area

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the similar clips in sight below the one shown."""
        super().resizeEvent(event)
        self.player.set_room(event.size().height() - _BELOW)

    # ---- what the page asks --------------------------------------------------------------------------------------

    def set_run(
        self, config: DistillConfig, clips: Sequence[ClipPrediction], class_names: Sequence[str], *, tags: bool
    ) -> None:
        """Show the clips of this run.

        Args:
            config: The run's configuration.
            clips: What the student says of each.
            class_names: The classes or tags it knows.
            tags: Whether a clip may have any number of them.
        """
        self.clear()
        place = Path(config.clips)
        self._run, self._folder = config.run, place if place.is_dir() else place.parent
        self._clips, self._class_names = tuple(clips), frozenset(class_names)
        self._tags = tags
        for pictures in (self._pictures, self._alike):
            pictures.set_source(str(self._folder), config.fps, config.size_px)
        self.class_choice.clear()
        self.class_choice.addItem("All tags" if tags else "All classes", "")
        for name in class_names:
            self.class_choice.addItem(name, name)
        there = {clip.split for clip in clips}
        self.split_choice.set_value(next((key for key in ("test", "validation", "train") if key in there), "test"))
        self.answer_choice.clear()
        for key, title in (*_ANSWERS, *((_PARTLY,) if tags else ())):
            self.answer_choice.addItem(title, key)
        self._filter_anew()

    def clear(self) -> None:
        """Show nothing."""
        self.stop()
        self._clips, self._shown = (), []
        self._chosen, self._query, self._pair = "", None, None
        self.player.clear()
        self._draw_right()

    def stop(self) -> None:
        """Ask nothing more."""
        self._pictures.stop()
        self._alike.stop()
        self.player.stop()
        if self._errand is not None:
            self._errand.cancel()
            self._errand = None

    def show_pair(self, split: str, truth: str, predicted: str) -> None:
        """Show the clips of one class that are taken for another, or rightly for itself."""
        self.split_choice.set_value(split)
        self.class_choice.set_value(truth)
        self.answer_choice.set_value("right" if truth == predicted else "wrong")
        self._filter()
        if truth != predicted:
            self._pair = (truth, predicted)
            self._filter()

    def look_at(self, clip: str) -> None:
        """Show a clip of the run by its name, or one from elsewhere by its path, and find similar ones."""
        own = next((one for one in self._clips if one.file == clip), None)
        path = self._folder / clip if own is not None else Path(clip)
        self._chosen, self._query = clip, None
        self.right_area.verticalScrollBar().setValue(0)
        self.player.show_clip(path)
        if self._errand is not None:
            self._errand.cancel()
        self._errand = Errand(self._desk, Retrieve(run=self._run, query=clip, count=_FOUND), self)
        self._errand.progressed.connect(self._tell_progress)
        self._errand.done.connect(self._take)
        self._errand.failed.connect(self._fail)
        self._errand.ended.connect(self._forget)
        self._found_note.setText("Looking for similar clips…")
        self._draw_wall()
        self._draw_right()

    # ---- left ----------------------------------------------------------------------------------------------------

    def _filter_anew(self) -> None:
        self._pair = None
        self._filter()

    def _filter(self) -> None:
        split, name, answer = self.split_choice.value(), self.class_choice.value(), self.answer_choice.value()
        self._shown = [
            clip
            for clip in self._clips
            if clip.split == split
            and (not name or name in clip.truth)
            and answer in ("", self._mark(clip))
            and (self._pair is None or self._pair[1] in clip.predicted)
        ]
        self._page = 0
        self._show_page()

    def _mark(self, clip: ClipPrediction) -> str:
        """What the answer is worth; "" where nobody said what it is, or no training clip is of its classes."""
        truth = self._class_names.intersection(clip.truth)
        if not truth:
            return ""
        if truth == set(clip.predicted):
            return "right"
        return "wrong" if truth.isdisjoint(clip.predicted) else "partly"

    def _in_words(self, clip: ClipPrediction) -> str:
        """What the student says of a clip, and what it is."""
        said, sure = ", ".join(clip.predicted), percent(clip.confidence)
        if not said:
            words = f"The student gives it no tag; the likeliest has {sure}."
        elif self._tags:
            words = f"The student says {said} (the surest {sure})."
        else:
            words = f"The student says {said} ({sure})."
        if clip.truth:
            words += f" It is {', '.join(clip.truth)}."
        if unknown := [label for label in clip.truth if label not in self._class_names]:
            words += f" No training clip is {', '.join(unknown)}, so this is neither right nor wrong."
        return words

    def _turn(self, step: int) -> None:
        self._page += step
        self._show_page()

    def _on_page(self) -> list[ClipPrediction]:
        return self._shown[self._page * _ON_A_PAGE : (self._page + 1) * _ON_A_PAGE]

    def _show_page(self) -> None:
        page = self._on_page()
        first = self._page * _ON_A_PAGE
        whole = counted(len(self._shown), "clip")
        what = f" taken for {self._pair[1]}" if self._pair is not None else ""
        self._words.setText(
            f"{count(first + 1)} to {count(first + len(page))} of {whole}{what}"
            if len(page) < len(self._shown)
            else f"{whole}{what}"
        )
        self.earlier_button.setVisible(self._page > 0)
        self.later_button.setVisible(first + len(page) < len(self._shown))
        self._pictures.want([clip.file for clip in page])
        self._draw_wall()

    def _draw_wall(self) -> None:
        page = self._on_page()
        if not page:
            self.wall.show_text("No clip meets these conditions.")
            return
        clips = []
        chosen = -1
        for index, clip in enumerate(page):
            if clip.file == self._chosen:
                chosen = index
            said = ", ".join(clip.predicted) or "none"
            mark = self._mark(clip)
            second = percent(clip.confidence) if mark == "right" or not clip.truth else f"is {', '.join(clip.truth)}"
            shown, broken = self._pictures.find(clip.file), self._pictures.is_broken(clip.file)
            clips.append(WallClip(clip.file, (said, second), shown, broken, mark))
        self.wall.show_clips(clips, chosen=chosen)

    # ---- right ---------------------------------------------------------------------------------------------------

    def _browse_film(self) -> None:
        dialog = QFileDialog(self.window(), "Film", str(self._folder), f"Films (*{' *'.join(VIDEO_ENDINGS)})")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setOption(QFileDialog.Option.HideNameFilterDetails)
        dialog.fileSelected.connect(self.look_at)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _tell_progress(self, progress: Progress) -> None:
        self._found_note.setText(f"{progress.title}…")

    def _take(self, report: Report) -> None:
        if isinstance(report, RetrieveReport) and report.queries:
            self._query = report.queries[0]
            self._alike.want([one.file for one in self._query.found])
            self._draw_right()

    def _fail(self, problem: Problem) -> None:
        self._found_note.setText(str(problem))

    def _forget(self) -> None:
        self._errand = None

    def _follow_found(self, row: int) -> None:
        if self._query is not None:
            self.look_at(self._query.found[row].file)

    def _draw_right(self) -> None:
        clip = next((one for one in self._clips if one.file == self._chosen), None)
        self._title.setText(Path(self._chosen).name)
        self._title.setVisible(bool(self._chosen))
        words = _BEGINNING
        if clip is not None:
            words = self._in_words(clip)
        elif self._chosen:
            words = "Not one of the clips of this run."
        self._said.setText(words)
        for widget in (self._found_title, self._found_note, self.found):
            widget.setVisible(bool(self._chosen))
        if self._query is None:
            self.found.show_text("")
            return
        found = self._query.found
        if labels := self._known_labels(self._query):
            alike = "a tag in common with it" if self._tags else "its label"
            hits = sum(not labels.isdisjoint(one.labels) for one in found)
            self._found_note.setText(
                f"{count(hits)} of {count(len(found))} have {alike}. Likeness: −1 to 1; press one to go on from it."
            )
        else:
            self._found_note.setText("Likeness: −1 to 1; press one to go on from it.")
        self._draw_found()

    def _known_labels(self, query: ClipQuery) -> frozenset[str]:
        """Those labels of a clip that a training clip can have too."""
        return self._class_names.intersection(query.labels)

    def _draw_found(self) -> None:
        query = self._query
        if query is None:
            return
        clips = []
        labels = self._known_labels(query)
        for one in query.found:
            mark = "" if not labels else "wrong" if labels.isdisjoint(one.labels) else "right"
            lines = (", ".join(one.labels) or "no label", f"likeness {fixed(one.similarity, 2)}")
            clips.append(WallClip(one.file, lines, self._alike.find(one.file), self._alike.is_broken(one.file), mark))
        self.found.show_clips(clips)

    def _paint_icons(self) -> None:
        self.earlier_button.setIcon(self._theme.icon("chevron-left"))
        self.later_button.setIcon(self._theme.icon("chevron-right"))


def _scrolled(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(widget)
    return area
