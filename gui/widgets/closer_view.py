"""One image of a run looked at closely: its pictures beside, over or after each other, and what the models say."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Literal

from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.errors import StorageError
from bandbridge.engine.api.events import Problem
from bandbridge.engine.api.jobs import LookCloser, ScanPairs
from bandbridge.engine.api.reports import PicturesReport
from bandbridge.engine.api.storage import replacing
from bandbridge.gui.errand import Errand
from bandbridge.gui.picture import as_image
from bandbridge.gui.quantities import count, counted, fixed
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.answers import AnswerLines, answers
from bandbridge.gui.widgets.difference import DifferenceLegend, as_colours
from bandbridge.gui.widgets.fields import ChoiceField
from bandbridge.gui.widgets.labels import PathLabel, text_label
from bandbridge.gui.widgets.picture_view import ORIGIN_TITLES, Lens, LinkedPictures, Origin, Picture, PictureView
from bandbridge.gui.widgets.slider import Slider
from bandbridge.gui.widgets.two_pictures import TwoPictures
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

Mode = Literal["side", "swipe", "blink", "difference"]
Kind = Literal["target", "pair"]
_MODES: Mapping[Mode, tuple[str, str]] = {
    "side": ("Side b&y side", "All pictures in a row, zoomed and moved together."),
    "swipe": ("S&wipe", "One picture over another, with a line to drag between them (Ctrl+Left, Ctrl+Right)."),
    "blink": ("&Blink", "Two pictures in turn, in the same place: what differs jumps to the eye (Space stops)."),
    "difference": ("&Difference", "Where the translated picture and the RGB picture differ."),
}
_MISSING: Mapping[Mode, str] = {
    "swipe": "Needs two pictures; this image has one.",
    "blink": "Needs two pictures; this image has one.",
    "difference": "Needs a translated picture and an RGB picture of the same scene.",
}
_COMPARED: tuple[Origin, ...] = ("translated", "source", "difference")
_TENTHS = (5, 20)


class CloserView(QDialog):
    """Stays open beside the gallery and follows it; leads through the run's pairs as well.

    Args:
        desk: Reads the images and asks the models.
        theme: Colours and icons.
        parent: Qt parent.

    Signals:
        step: Show the next (1) or the previous (-1) target image.
    """

    step = Signal(int)

    def __init__(self, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._theme = theme
        self._errand: Errand | None = None
        self._report: PicturesReport | None = None
        self._pictures: dict[Origin, Picture] = {}
        self._mode: Mode = "side"
        self._chosen: tuple[str, str] | None = None
        self._run = ""
        self._config: RunConfig | None = None
        self._kind: Kind = "target"
        self._target_file = ""
        self._pair_keys: list[str] | None = None  # None until they were asked for
        self._place = 0
        self._lens = Lens()
        self.setWindowTitle("Look closer")
        self.resize(1040, 600)

        self._file = PathLabel()
        self._file.setProperty("role", "section")
        self.mode_buttons: dict[Mode, QToolButton] = {}
        self._modes = QButtonGroup(self)
        head = QHBoxLayout()
        head.setSpacing(GRID // 2)
        head.addWidget(self._file, 1)
        for mode, (title, tip) in _MODES.items():
            button = QToolButton()
            button.setText(title)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(lambda _=False, chosen=mode: self.show_mode(chosen))
            self._modes.addButton(button)
            self.mode_buttons[mode] = button
            head.addWidget(button)
        self.mode_buttons["side"].setChecked(True)

        self.row = LinkedPictures(theme)
        self.two = TwoPictures(theme)
        for widget in (self.row, self.two):
            widget.moved.connect(self._look)
        self._hint = text_label("", "help")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._tools = self._make_tools()
        main = QVBoxLayout()
        main.setSpacing(GRID)
        main.addLayout(head)
        main.addWidget(self._tools)
        main.addWidget(self._hint, 1)
        main.addWidget(self.row, 1)
        main.addWidget(self.two, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID + GRID // 2, 2 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addLayout(main, 1)
        layout.addWidget(self._make_side())
        for key, act in (
            (Qt.Key.Key_PageDown, lambda: self.go(1)),
            (Qt.Key.Key_PageUp, lambda: self.go(-1)),
            (Qt.Key.Key_Plus, lambda: self._views.zoom_by(1.5)),
            (Qt.Key.Key_Minus, lambda: self._views.zoom_by(1 / 1.5)),
            (Qt.Key.Key_1, lambda: self._views.show_own_pixels()),
            (Qt.Key.Key_0, self.show_whole),
        ):
            QShortcut(QKeySequence(key), self, act)
        self._arrange()

    def _make_tools(self) -> QWidget:
        tools = QWidget()
        self.first = ChoiceField([], "")
        self.second = ChoiceField([], "")
        for field, name in ((self.first, "First picture"), (self.second, "Second picture")):
            field.setAccessibleName(name)
            field.setToolTip(name)
            field.activated.connect(self._choose_two)
        self.blink_button = QPushButton()
        self.blink_button.setAutoDefault(False)
        self.blink_button.setToolTip("Space")
        self.blink_button.clicked.connect(self.toggle_blinking)
        self.speed = Slider(*_TENTHS)
        self.speed.setValue(10)
        self.speed.setFixedWidth(12 * GRID)
        self.speed.setAccessibleName("Seconds for each picture")
        self.speed.setToolTip("How long each picture is shown.")
        self.speed.valueChanged.connect(self._change_speed)
        self._seconds = text_label("", "small", wrap=False)
        self._swipe_hint = text_label("Drag the line, or press Ctrl and an arrow.", "small", wrap=False)
        self.legend = DifferenceLegend(self._theme)
        self._with = text_label("and", "small", wrap=False)
        row = QHBoxLayout(tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        parts: tuple[QWidget, ...] = (self.first, self._with, self.second, self.blink_button, self.speed, self._seconds)
        for widget in (*parts, self._swipe_hint, self.legend):
            row.addWidget(widget)
        row.addStretch(1)
        return tools

    def _make_side(self) -> QWidget:
        side = QFrame()
        side.setProperty("role", "card")
        side.setFixedWidth(30 * GRID)
        self.answers = AnswerLines(self._theme)
        self._truth = text_label("", "help")
        self._likeness = text_label("")
        self._likeness.setToolTip(
            "Structural similarity (SSIM) of the translated picture and the RGB picture of the same scene: 1 = the "
            "same, 0 = nothing in common."
        )
        self._facts = text_label("", "small")
        self._zoom = text_label("", "small", wrap=False)
        zoom = QHBoxLayout()
        self._zoom_buttons: list[QToolButton] = []
        zoom.setSpacing(GRID // 2)
        for text, tip, act in (
            ("−", "Zoom out (−)", lambda: self._views.zoom_by(1 / 1.5)),
            ("+", "Zoom in (+)", lambda: self._views.zoom_by(1.5)),
            ("1:1", "A pixel of the picture on each pixel of the screen (1)", lambda: self._views.show_own_pixels()),
            ("Whole", "Show the whole picture (0)", self.show_whole),
        ):
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setAccessibleName(tip)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(act)
            zoom.addWidget(button)
            self._zoom_buttons.append(button)
        zoom.addStretch(1)
        self.save_button = QPushButton("&Save pictures…")
        self.save_button.setToolTip("Each picture as a PNG file, in its own pixels.")
        self.save_button.clicked.connect(self.save)
        self._saved = text_label("", "small")
        self.previous_button = QPushButton("&Previous")
        self.previous_button.setToolTip("Page up")
        self.previous_button.clicked.connect(lambda: self.go(-1))
        self.next_button = QPushButton("&Next")
        self.next_button.setToolTip("Page down")
        self.next_button.clicked.connect(lambda: self.go(1))
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        for push in (self.save_button, self.previous_button, self.next_button):
            push.setAutoDefault(False)
        buttons.addWidget(self.previous_button, 1)
        buttons.addWidget(self.next_button, 1)
        column = QVBoxLayout(side)
        column.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        self.kind = ChoiceField([("target", "Target images"), ("pair", "Pairs")], "target")
        self.kind.setAccessibleName("Images shown")
        self.kind.setToolTip(
            "Of pairs the RGB image is known. Most of them were trained on: how well kept aside ones are translated "
            "stands in the overview."
        )
        self.kind.activated.connect(self._change_kind)
        column.addWidget(self.kind)
        for part in (text_label("What the models say", "section", wrap=False), self.answers, self._truth):
            column.addWidget(part)
        column.addSpacing(GRID)
        column.addWidget(self._likeness)
        column.addStretch(1)
        column.addWidget(self._facts)
        column.addWidget(self._zoom)
        column.addLayout(zoom)
        column.addSpacing(GRID)
        column.addWidget(self._saved)
        column.addWidget(self.save_button)
        column.addLayout(buttons)
        return side

    # ---- what is shown -------------------------------------------------------------------------------------------

    @property
    def mode(self) -> Mode:
        """How the pictures are compared."""
        return self._mode

    @property
    def report(self) -> PicturesReport | None:
        """What is shown, None before it has come."""
        return self._report

    @property
    def _views(self) -> LinkedPictures | PictureView:
        return self.row if self._possible_mode() in ("side", "difference") else self.two.view

    def set_run(self, run: str, config: RunConfig) -> None:
        """Show images of this run.

        Args:
            run: Its folder.
            config: What it was asked to do.
        """
        if run != self._run:
            self._pair_keys, self._place = None, 0
        self._run, self._config = run, config
        self.kind.setVisible(bool(config.pairs))

    def show_target(self, file: str) -> None:
        """Show a target image.

        Args:
            file: Relative to the target folder.
        """
        self._target_file = file
        self._show_kind("target")
        self._fetch(file)

    def go(self, by: int) -> None:
        """Show a neighbouring image."""
        if self._kind == "target":
            self.step.emit(by)
        elif self._pair_keys and 0 <= self._place + by < len(self._pair_keys):
            self._place += by
            self._fetch(self._pair_keys[self._place])

    def _change_kind(self) -> None:
        kind = self.kind.value()
        if kind == self._kind:
            return
        self._show_kind("pair" if kind == "pair" else "target")
        if self._kind == "target":
            self._fetch(self._target_file)
        elif self._pair_keys:
            self._fetch(self._pair_keys[self._place])
        else:
            self._look_for_pairs([], 0)

    def _show_kind(self, kind: Kind) -> None:
        self._kind = kind
        self.kind.set_value(kind)
        self.previous_button.setToolTip(f"Previous {'pair' if kind == 'pair' else 'image'} (page up)")
        self.next_button.setToolTip(f"Next {'pair' if kind == 'pair' else 'image'} (page down)")

    def _look_for_pairs(self, found: list[str], number: int) -> None:
        """Ask for the keys of one folder after the other."""
        assert self._config is not None
        config = self._config
        self.stop()
        if number < len(config.pairs):
            self.show_problem("Looking through the pairs…")
            job = ScanPairs(
                folders=config.pairs[number],
                rgb_bands=config.rgb_bands,
                sensor_bands=config.sensor_bands,
                profile=config.sensor_profile,
                stretch=config.stretch,
                no_data=config.no_data,
                exclude=config.exclude,
            )
            self._errand = Errand(self._desk, job, self)
            self._errand.done.connect(
                lambda report: self._look_for_pairs([*found, *(pair[0] for pair in report.pairs)], number + 1)
            )
            self._errand.failed.connect(self._fail)
            return
        self._pair_keys, self._place = found, 0
        if found:
            self._fetch(found[0])
        else:
            self.show_problem("No pairs can be found any more: their files were moved or deleted.")

    def _fetch(self, file: str) -> None:
        """Ask for an image; the one before stays until it is there."""
        self.stop()
        self._file.set_path(file)
        self._saved.setText("")
        self._errand = Errand(self._desk, LookCloser(run=self._run, file=file, kind=self._kind), self)
        self._errand.done.connect(self.show_report)
        self._errand.failed.connect(self._fail)
        if self._report is None:
            self._say("Reading the image…")

    def show_report(self, report: PicturesReport) -> None:
        """Show these pictures."""
        self._errand = None
        former, self._report = self._report, report
        self._pictures = {"sensor": Picture("sensor", report.sensor)}
        if report.translated is not None:
            self._pictures["translated"] = Picture("translated", report.translated)
        if report.rgb is not None:
            self._pictures["source"] = Picture("source", report.rgb)
        if report.difference is not None:
            self._pictures["difference"] = Picture("difference", as_colours(report.difference))
        if former is None or former.sensor.shape != report.sensor.shape:
            self._lens = Lens()
        self._file.set_path(report.file)
        self._tell(report)
        self._offer_two()
        self._draw()
        self._arrange()
        self._order_tabs()
        if former is None:
            self._focus_pictures()

    def show_problem(self, problem: str) -> None:
        """Say in the place of the pictures why there are none."""
        self._report, self._pictures = None, {}
        self._say(problem)

    def show_mode(self, mode: Mode) -> None:
        """Compare the pictures in another way."""
        self._mode = mode
        self._draw()
        self._arrange()
        self._focus_pictures()

    def toggle_blinking(self) -> None:
        """Stop taking turns, or go on."""
        self.two.set_blinking(not self.two.blinking)
        self._arrange()

    def show_whole(self) -> None:
        """Show the pictures whole."""
        self._lens = Lens()
        self._apply_lens()

    def stop(self) -> None:
        """Wait for nothing more."""
        if self._errand is not None and not self._errand.over:
            self._errand.cancel()
        self._errand = None

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask for nothing any more."""
        self.stop()
        super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space starts and stops blinking, arrows lead to the next image where they do not move the pictures."""
        if event.key() == Qt.Key.Key_Space and self._mode == "blink":
            self.toggle_blinking()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.go(1 if event.key() == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)

    # ---- saving --------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Ask for a folder, and write the pictures into it."""
        folder = QFileDialog.getExistingDirectory(self, "Save pictures", "")
        if folder:
            self.save_into(Path(folder))

    def save_into(self, folder: Path) -> None:
        """Write every picture as a PNG file; what stands in the folder under other names stays."""
        if self._report is None:
            return
        stem = Path(self._report.file).with_suffix("").as_posix().replace("/", "_")
        try:
            for origin, picture in self._pictures.items():
                target = folder / f"{stem}_{'rgb' if origin == 'source' else origin}.png"
                with replacing(target) as temporary:
                    if not as_image(picture.pixels).save(str(temporary), "PNG"):  # type: ignore[call-overload]
                        raise OSError(f"Qt could not write '{temporary}'")
        except (OSError, StorageError) as error:
            self._saved.setText(str(error))
            self._saved.setProperty("role", "error")
        else:
            self._saved.setText(f"{counted(len(self._pictures), 'picture')} saved in “{folder}”.")
            self._saved.setProperty("role", "good")
        self._saved.style().unpolish(self._saved)
        self._saved.style().polish(self._saved)

    # ---- the parts -----------------------------------------------------------------------------------------------

    def _fail(self, problem: Problem) -> None:
        self.show_problem(str(problem))

    def _say(self, text: str) -> None:
        self._hint.setText(text)
        self.answers.show_answers([])
        for label in (self._truth, self._likeness, self._facts):
            label.setText("")
        self._arrange()

    def _tell(self, report: PicturesReport) -> None:
        names = report.class_names
        truth = names.index(report.truth) if report.truth in names else None
        shown = answers(names, report.source_on_sensor, report.source_on_translated, report.adapted, truth)
        self.answers.show_answers(shown)
        self._truth.setText(f"True class: {report.truth}" if report.truth else "")
        self._truth.setVisible(bool(report.truth))
        if report.ssim is not None:
            words = f"Likeness {fixed(report.ssim, 2)} (1 = the same)"
        elif report.translated is not None:
            words = "No RGB picture of this scene is known, so the likeness cannot be measured."
        else:
            words = "This run has no translator."
        self._likeness.setText(words)
        height, width = report.sensor.shape[:2]
        facts = f"{count(report.width)} × {count(report.height)} pixels"
        if (width, height) != (report.width, report.height):
            facts += f", shown with {count(width)} × {count(height)}"
        missing = (
            "" if report.source_on_sensor is not None else "\nThe source model is no longer where the run found it."
        )
        self._facts.setText(facts + missing)

    def _offer_two(self) -> None:
        """What there is to compare; the person's own choice where it still exists."""
        there = [origin for origin in self._pictures if origin != "difference"]
        usual = ("sensor", "translated") if "source" not in there else ("translated", "source")
        usual = usual if all(one in there for one in usual) else (there[0], there[-1])
        if self._chosen is not None and all(one in there for one in self._chosen):
            usual = self._chosen
        for field, value in zip((self.first, self.second), usual, strict=True):
            field.clear()
            for origin in there:
                field.addItem(ORIGIN_TITLES[origin], origin)
            field.set_value(value)

    def _choose_two(self) -> None:
        """A picture is not compared with itself: the other one makes room."""
        changed, other = (self.first, self.second) if self.sender() is self.first else (self.second, self.first)
        if changed.value() == other.value():
            other.setCurrentIndex((other.currentIndex() + 1) % other.count())
        self._chosen = (self.first.value(), self.second.value())
        self._draw()

    def _draw(self) -> None:
        if not self._pictures:
            return
        mode = self._possible_mode()
        if mode == "side":
            self.row.set_pictures([p for origin, p in self._pictures.items() if origin != "difference"])
        elif mode == "difference":
            self.row.set_pictures([self._pictures[origin] for origin in _COMPARED])
        else:
            first, second = (self._pictures[field.value()] for field in (self.first, self.second))  # type: ignore[index]
            self.two.set_pictures(first, second)
            self.two.compare_by(mode)

    def _possible_mode(self) -> Mode:
        """The mode chosen, where this image has the pictures for it."""
        return "side" if self._lacks(self._mode) else self._mode

    def _lacks(self, mode: Mode) -> str:
        comparable = len([origin for origin in self._pictures if origin != "difference"])
        lacks = {"side": False, "difference": "difference" not in self._pictures}.get(mode, comparable < 2)
        return _MISSING[mode] if lacks and self._pictures else ""

    def _arrange(self) -> None:
        there, mode = bool(self._pictures), self._possible_mode()
        two = mode in ("swipe", "blink")
        seen: dict[QWidget, bool] = {
            self._hint: not there,
            self.row: there and not two,
            self.two: there and two,
            **dict.fromkeys((self.first, self._with, self.second), two),
            **dict.fromkeys((self.blink_button, self.speed, self._seconds), mode == "blink"),
            self._swipe_hint: mode == "swipe",
            self.legend: mode == "difference",
            self._tools: there and mode != "side",
        }
        for widget in sorted(seen, key=seen.__getitem__):  # hidden first: all at once might not fit the window
            widget.setVisible(seen[widget])
        self.blink_button.setText("&Stop blinking" if self.two.blinking else "&Go on blinking")
        self._seconds.setText(f"{fixed(self.speed.value() / 10, 1)} s each")
        for key, button in self.mode_buttons.items():
            lacking = self._lacks(key)
            button.setEnabled(there and not lacking)
            button.setToolTip(lacking or _MODES[key][1])
            button.setChecked(key == mode)
        self.save_button.setEnabled(there)
        self._apply_lens()

    def _focus_pictures(self) -> None:
        views = self.row.views if self._possible_mode() in ("side", "difference") else [self.two.view]
        if views:
            views[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _order_tabs(self) -> None:
        """Top to bottom; the views come when they are first needed, after everything else."""
        head = [*self.mode_buttons.values(), self.first, self.second, self.blink_button, self.speed]
        side = [self.kind, *self._zoom_buttons, self.save_button, self.previous_button, self.next_button]
        for before, after in pairwise([*head, *self.row.views, self.two.view, *side]):
            QWidget.setTabOrder(before, after)

    def _change_speed(self) -> None:
        self.two.set_interval(self.speed.value() / 10)
        self._arrange()

    def _look(self, lens: Lens) -> None:
        self._lens = lens
        self._write_zoom()

    def _apply_lens(self) -> None:
        """What was looked at stays in sight in the other mode too."""
        layout = self.layout()
        if layout is not None:
            layout.activate()  # the views have the size of the new mode from here
        for widget in (self.row, self.two):
            widget.look_at(self._lens)
        self._write_zoom()

    def _write_zoom(self) -> None:
        views = self.row.views if self._possible_mode() in ("side", "difference") else [self.two.view]
        zoom = views[0].zoom * self.devicePixelRatioF() if views and self._pictures else 0.0
        self._zoom.setText(f"Zoom {count(100 * zoom)}\u202f%" if zoom else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The zoom of whole pictures follows the window."""
        super().resizeEvent(event)
        self._write_zoom()
