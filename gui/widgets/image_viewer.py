"""One target image seen large beside its RGB view, with what the models say about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bandbridge.engine.api.jobs import Thumbnails
from bandbridge.engine.api.reports import ThumbnailsReport
from bandbridge.gui.errand import Errand
from bandbridge.gui.quantities import percent
from bandbridge.gui.run_record import Predictions
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.labels import PathLabel, text_label
from bandbridge.gui.widgets.picture_view import LinkedPictures, Origin, Picture
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

_LARGE_PX = 1024


class ImageViewer(QWidget):
    """Pictures of an image side by side, zoomed and moved together.

    Args:
        desk: Reads the images.
        theme: Colours and icons.
        parent: Qt parent.

    Signals:
        step: Show the next (1) or the previous (-1) image.
        closer: Look at this image closely.
    """

    step = Signal(int)
    closer = Signal()

    def __init__(self, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._theme = theme
        self._errands: list[Errand] = []
        self._pictures: dict[Origin, Picture] = {}
        self._file = PathLabel()
        self._file.setProperty("role", "section")
        self._words = text_label("", wrap=True)
        self._words.setTextFormat(Qt.TextFormat.RichText)
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._hint = text_label(
            "Choose an image to see it large. Wheel or + and − zoom, dragging moves. Enter looks closer.", "help"
        )
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pictures = LinkedPictures(theme)
        self.previous_button = self._button("chevron-left", "Previous image", lambda: self.step.emit(-1))
        self.next_button = self._button("chevron-right", "Next image", lambda: self.step.emit(1))
        self.closer_button = self._button("add", "Zoom in (+)", lambda: self.pictures.zoom_by(1.5))
        self.whole_button = self._button("search", "Show the whole picture (0)", self.pictures.fit)
        self.look_closer_button = QToolButton()
        self.look_closer_button.setText("Look &closer")
        self.look_closer_button.setToolTip(
            "In a window of its own: the translated picture and the RGB picture where there are any, swipe, blink and "
            "difference (Enter, or a double click in the gallery)."
        )
        self.look_closer_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.look_closer_button.clicked.connect(self.closer)
        head = QHBoxLayout()
        head.setSpacing(GRID // 2)
        head.addWidget(self._file, 1)
        head.addWidget(self.look_closer_button)
        for button in (self.closer_button, self.whole_button, self.previous_button, self.next_button):
            head.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(head)
        layout.addWidget(self._words)
        layout.addWidget(self._hint, 1)
        layout.addWidget(self.pictures, 1)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        self.stop()
        self._file.setText("")
        self._words.hide()
        self.pictures.hide()
        self._hint.show()
        self._enable(False)

    def show_image(
        self,
        predictions: Predictions,
        number: int,
        folder: Path,
        bands: dict[Origin, tuple[int, ...] | None],
    ) -> None:
        """Show an image.

        Args:
            predictions: All of the run.
            number: Which of them.
            folder: The target folder.
            bands: What is to be seen of the file, and with which bands.
        """
        self.stop()
        file = predictions.files[number]
        self._file.set_path(file)
        self._file.setToolTip(str(folder / file))
        self._words.setText(_in_words(predictions, number, self._theme))
        self._words.show()
        self._hint.hide()
        self._enable(True)
        self._pictures = {}
        for origin, chosen in bands.items():
            job = Thumbnails(paths=(str(folder / file),), bands=chosen, size_px=_LARGE_PX)
            errand = Errand(self._desk, job, self)
            errand.done.connect(lambda report, origin=origin: self._take(origin, report, list(bands)))
            self._errands.append(errand)

    def stop(self) -> None:
        """Wait for nothing more."""
        for errand in self._errands:
            if not errand.over:
                errand.cancel()
        self._errands = []

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right lead on."""
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.step.emit(1 if event.key() == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)

    def _take(self, origin: Origin, report: ThumbnailsReport, order: Sequence[Origin]) -> None:
        pixels = report.pictures[0]
        if pixels is not None:
            self._pictures[origin] = Picture(origin, pixels)
        elif origin == "sensor":
            self._words.setText(f"{self._words.text()}<br>The file cannot be read any more.")
        self.pictures.set_pictures([self._pictures[key] for key in order if key in self._pictures])
        self.pictures.setVisible(bool(self._pictures))

    def _button(self, icon: str, title: str, act: object) -> QToolButton:
        button = QToolButton()
        button.setToolTip(title)
        button.setAccessibleName(title)
        button.setProperty("icon_name", icon)
        button.clicked.connect(act)
        return button

    def _enable(self, there: bool) -> None:
        self.look_closer_button.setVisible(there)
        for button in (self.closer_button, self.whole_button, self.previous_button, self.next_button):
            button.setVisible(there)

    def _paint_icons(self) -> None:
        for button in (self.closer_button, self.whole_button, self.previous_button, self.next_button):
            button.setIcon(self._theme.icon(str(button.property("icon_name"))))


def _in_words(p: Predictions, i: int, theme: Theme) -> str:
    muted = theme.colour("muted").name()
    before = f"{_escaped(p.class_names[p.before[i]])}, {percent(float(p.before_confidence[i]))}"
    after = f"{_escaped(p.class_names[p.after[i]])}, {percent(float(p.after_confidence[i]))}"
    text = f'<span style="color:{muted}">Before</span> {before} &nbsp; '
    text += f'<span style="color:{muted}">Now</span> <b>{after}</b>'
    if p.truth[i] >= 0:
        right = p.truth[i] == p.after[i]
        colour = theme.colour("good" if right else "error").name()
        verdict = "✓ right" if right else f"✗ really {_escaped(p.class_names[p.truth[i]])}"
        text += f' &nbsp; <span style="color:{colour}">{verdict}</span>'
    return text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
