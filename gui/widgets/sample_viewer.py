"""A sample of the run seen large: its pictures side by side, and every class's probability before and now."""

from __future__ import annotations

from bandbridge.engine.api.events import Samples
from bandbridge.gui.quantities import percent
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.answers import AnswerLines, answers
from bandbridge.gui.widgets.class_bars import ClassBar, ClassBars
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.picture_view import LinkedPictures
from bandbridge.gui.widgets.sample_card import pictures_of
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget


class SampleViewer(QDialog):
    """Stays open beside the run and follows it; arrows lead from sample to sample.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._samples: Samples | None = None
        self._key = ""
        self.setWindowTitle("Sample")
        self.resize(900, 520)
        self.pictures = LinkedPictures(theme)
        self._file = text_label("", "section")
        self._truth = text_label("", "help")
        self.answers = AnswerLines(theme)
        self._bars = ClassBars(theme)
        self._bars.setAccessibleName("Probabilities")
        note = text_label("Bars: now. Dark marks: before adaptation.", "small")
        self.previous_button = QPushButton("&Previous")
        self.next_button = QPushButton("&Next")
        self.previous_button.clicked.connect(lambda: self.step(-1))
        self.next_button.clicked.connect(lambda: self.step(1))
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.previous_button)
        buttons.addWidget(self.next_button)
        buttons.addStretch(1)
        side = QVBoxLayout()
        side.setSpacing(GRID)
        side.addWidget(self._file)
        side.addWidget(self._truth)
        side.addWidget(self.answers)
        side.addSpacing(GRID)
        side.addWidget(self._bars, 1)
        side.addWidget(note)
        side.addLayout(buttons)
        panel = QWidget()
        panel.setLayout(side)
        panel.setFixedWidth(30 * GRID)
        side.setContentsMargins(0, 0, 0, 0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addWidget(self.pictures, 1)
        layout.addWidget(panel)

    def show_samples(self, samples: Samples, key: str | None = None) -> None:
        """Show newer predictions of the same sample, or another sample.

        Args:
            samples: The strip.
            key: The sample to show; None stays with the present one.
        """
        self._samples = samples
        if key is not None:
            self._key = key
        sample = next((item for item in samples.items if item.key == self._key), None)
        if sample is None:
            return
        self.pictures.set_pictures(pictures_of(sample))
        self._file.setText(sample.key)
        names = samples.class_names
        self._truth.setText("" if sample.truth is None else f"True class: {names[sample.truth]}")
        self._truth.setVisible(sample.truth is not None)
        self.answers.show_answers(answers(names, sample.before, sample.bridged, sample.after, sample.truth))
        order = sorted(range(len(names)), key=lambda index: -float(sample.after[index]))
        self._bars.set_bars(
            [
                ClassBar(
                    names[index],
                    float(sample.after[index]),
                    f"{percent(float(sample.before[index]))} → {percent(float(sample.after[index]))}",
                    float(sample.before[index]),
                )
                for index in order
            ],
            longest=1.0,
        )

    def step(self, by: int) -> None:
        """Go to a neighbouring sample, round the ends."""
        if self._samples is None or not self._samples.items:
            return
        keys = [item.key for item in self._samples.items]
        here = keys.index(self._key) if self._key in keys else 0
        self.show_samples(self._samples, keys[(here + by) % len(keys)])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right lead on."""
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.step(1 if event.key() == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)
