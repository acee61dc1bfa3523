"""One doubtful image or pair seen large, with what can be done about it."""

from __future__ import annotations

from typing import Literal

from bandbridge.engine.api.reports import CheckedRole
from bandbridge.gui.case_pictures import CasePictures, Pixels, Wanted, wanted_of
from bandbridge.gui.doubt import Doubt, Moved
from bandbridge.gui.image_scans import ImageScans
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.picture_view import LinkedPictures, Origin, Picture
from bandbridge.gui.widgets.two_pictures import TwoPictures, Way
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

Looks = Literal["blink", "swipe", "side"]
_LARGE_PX = 1024
_BLINK_S = 0.6
_LOOKS: dict[Looks, tuple[str, str]] = {
    "blink": ("&Blink", "Both images in turn, in the same place: what is shifted jumps."),
    "swipe": ("S&wipe", "One over the other, with a line to drag between them (Ctrl+Left, Ctrl+Right)."),
    "side": ("Side b&y side", "Beside each other, zoomed and moved together."),
}
_ORIGINS: dict[CheckedRole, Origin] = {"rgb": "source", "sensor": "sensor", "target": "sensor", "pairs": "sensor"}


class CaseView(QWidget):
    """The pictures of one case; shifted pairs over each other, as they lie or moved into place.

    Args:
        scans: What the folders hold.
        desk: Reads the images.
        theme: Colours and icons.
        parent: Qt parent.

    Signals:
        back: Show all cases again.
        step: Show the next (1) or the previous (-1) case.
        left_out: (file, bool) leave this file out, or take it in again.
        moved: (list of `Doubt`, bool) move this pair into place, or back.
    """

    back = Signal()
    step = Signal(int)
    left_out = Signal(str, bool)
    moved = Signal(object, bool)

    def __init__(self, scans: ImageScans, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scans = scans
        self._theme = theme
        self._fetching = CasePictures(desk, self)
        self._doubt: Doubt | None = None
        self._is_moved = False
        self._looks: Looks = "blink"
        self._pixels: dict[tuple[bool, int], Pixels] = {}
        self.setMinimumHeight(60 * GRID)
        self.back_button = QPushButton("&All cases")
        self.back_button.setIcon(theme.icon("chevron-left"))
        self.back_button.clicked.connect(self.back)
        self._title = text_label("", "section", wrap=False)
        self.previous_button = QPushButton("&Previous")
        self.previous_button.clicked.connect(lambda: self.step.emit(-1))
        self.next_button = QPushButton("&Next")
        self.next_button.clicked.connect(lambda: self.step.emit(1))
        self._words = text_label("")
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.two = TwoPictures(theme)
        self.two.set_interval(_BLINK_S)
        self.row = LinkedPictures(theme)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addWidget(self.back_button)
        head.addWidget(self._title, 1)
        head.addWidget(self.previous_button)
        head.addWidget(self.next_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(head)
        column.addWidget(self._words)
        column.addLayout(self._make_tools())
        column.addWidget(self.two, 1)
        column.addWidget(self.row, 1)
        theme.changed.connect(lambda: self.back_button.setIcon(theme.icon("chevron-left")))

    def _make_tools(self) -> QHBoxLayout:
        self.lies_button = _choice("As it lie&s", "The images of the pair as their files have them.")
        self.moved_button = _choice("Mo&ved", "Both cut to the ground they have in common by the shift measured.")
        self.lies_button.setChecked(True)
        self._places = QButtonGroup(self)
        for button in (self.lies_button, self.moved_button):
            self._places.addButton(button)
            button.clicked.connect(self._arrange)
        self._ways = QButtonGroup(self)
        self.look_buttons: dict[Looks, QToolButton] = {}
        for looks, (title, tip) in _LOOKS.items():
            button = self.look_buttons[looks] = _choice(title, tip)
            button.clicked.connect(lambda _=False, looks=looks: self._look(looks))
            self._ways.addButton(button)
        self.look_buttons["blink"].setChecked(True)
        self.move_button = QPushButton()
        self.move_button.clicked.connect(self._move)
        self.leave_button = QPushButton()
        self.leave_button.clicked.connect(self._leave_out)
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        for button in (self.lies_button, self.moved_button):
            row.addWidget(button)
        row.addSpacing(2 * GRID)
        for button in self.look_buttons.values():
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.move_button)
        row.addSpacing(GRID // 2)
        row.addWidget(self.leave_button)
        return row

    @property
    def doubt(self) -> Doubt | None:
        """What is shown."""
        return self._doubt

    def show_case(self, doubt: Doubt, place: str, excluded: frozenset[str], moved: Moved) -> None:
        """Show a case.

        Args:
            doubt: The case.
            place: E.g. "2 of 14".
            excluded: Files left out.
            moved: Pairs moved into place.
        """
        if doubt != self._doubt:
            self._doubt = doubt
            self._pixels = {}
            self.lies_button.setChecked(True)
            wanted = wanted_of(0, doubt, self._scans)
            if doubt.shift is not None:
                wanted += wanted_of(1, doubt, self._scans, moved=True)
            self._fetching.fetch(wanted, _LARGE_PX, self._take)
        finding = doubt.finding
        self._title.setText(f"{doubt.kind}: {finding.file} ({place})")
        self._words.setText(" ".join(part for part in (finding.what, finding.why, finding.do) if part))
        self._is_moved = doubt.is_moved(moved)
        self.move_button.setText("Move back" if self._is_moved else "Move &into place")
        self.leave_button.setText("&Take in again" if finding.file in excluded else "Leave o&ut")
        self._arrange()

    def stop(self) -> None:
        """Wait for nothing more."""
        self._fetching.stop()

    def hideEvent(self, event: QHideEvent) -> None:
        """Ask anew when it is seen again."""
        super().hideEvent(event)
        self._fetching.stop()
        self._doubt = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right lead on, Escape back."""
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.step.emit(1 if event.key() == Qt.Key.Key_Right else -1)
        elif event.key() == Qt.Key.Key_Escape:
            self.back.emit()
        else:
            super().keyPressEvent(event)

    def _look(self, looks: Looks) -> None:
        self._looks = looks
        self._arrange()

    def _take(self, one: Wanted, pixels: Pixels) -> None:
        self._pixels[bool(one.case), one.place] = pixels
        self._arrange()

    def _arrange(self) -> None:
        doubt = self._doubt
        if doubt is None:
            return
        is_shift = doubt.shift is not None
        for button in (self.lies_button, self.moved_button, *self.look_buttons.values()):
            button.setVisible(is_shift)
        self.move_button.setVisible(is_shift)
        self.leave_button.setVisible(doubt.is_file)
        in_place = is_shift and self.moved_button.isChecked()
        pictures = []
        for place, (role, file) in enumerate(doubt.pictures()):
            pixels = self._pixels.get((in_place, place))
            if pixels is not None:
                pictures.append(Picture(_ORIGINS[role], pixels, "" if is_shift else file))
        over = is_shift and self._looks != "side" and len(pictures) == 2
        if over:
            way: Way = "swipe" if self._looks == "swipe" else "blink"
            self.two.set_pictures(*pictures)
            self.two.compare_by(way)
        else:
            self.row.set_pictures(pictures)
        self.two.setVisible(over)
        self.row.setVisible(not over)

    def _move(self) -> None:
        if self._doubt is not None:
            self.moved.emit([self._doubt], not self._is_moved)

    def _leave_out(self) -> None:
        if self._doubt is not None:
            self.left_out.emit(self._doubt.finding.file, self.leave_button.text() == "Leave o&ut")


def _choice(title: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(title)
    button.setToolTip(tip)
    button.setCheckable(True)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button
