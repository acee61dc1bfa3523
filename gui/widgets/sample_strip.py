"""A strip of samples that shows, while training, what the model makes of single images."""

from __future__ import annotations

from dataclasses import replace

from bandbridge.engine.api.events import Samples
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.sample_card import SampleCard
from bandbridge.gui.widgets.sample_viewer import SampleViewer
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget


class SampleStrip(QFrame):
    """Card with the samples in a row; pressing one shows it large.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("Samples")
        self._theme = theme
        self._samples: Samples | None = None
        self._cards: list[SampleCard] = []
        self._viewer: SampleViewer | None = None
        title = text_label("Samples", "section", wrap=False)
        title.setToolTip("A few images, the same ones all through the run, with the model's answer before and now.")
        self._hint = text_label("Sample images and what the model says about them appear here.", "help")
        inner = QWidget()
        inner.setProperty("role", "page")
        self._row = QHBoxLayout(inner)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GRID)
        self._row.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(inner)
        self._scroll.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID)
        layout.setSpacing(GRID // 2)
        layout.addWidget(title)
        layout.addWidget(self._hint)
        layout.addWidget(self._scroll)
        layout.addStretch(1)

    @property
    def cards(self) -> list[SampleCard]:
        """The cards shown, left to right."""
        return [card for card in self._cards if not card.isHidden()]

    @property
    def viewer(self) -> SampleViewer | None:
        """The large view, once it was asked for."""
        return self._viewer

    def show_story(self, story: RunStory) -> None:
        """Show the last samples of a run."""
        samples = self._samples = _most_telling_first(story.samples)
        self._hint.setVisible(samples is None)
        self._scroll.setVisible(samples is not None)
        if samples is None:
            return
        while len(self._cards) < len(samples.items):
            card = SampleCard(self._theme)
            card.clicked.connect(self._enlarge)
            self._row.insertWidget(len(self._cards), card)
            self._cards.append(card)
        for number, card in enumerate(self._cards):
            card.setVisible(number < len(samples.items))
        for card, sample in zip(self._cards, samples.items, strict=False):
            card.set_sample(sample, samples.class_names)
        tallest = max((card.sizeHint().height() for card in self.cards), default=0)
        self._scroll.setFixedHeight(tallest + self._scroll.horizontalScrollBar().sizeHint().height())
        if self._viewer is not None and self._viewer.isVisible():
            self._viewer.show_samples(samples)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows lead from card to card."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        here = next((number for number, card in enumerate(self.cards) if card.hasFocus()), None)
        if here is None or event.key() not in steps:
            super().keyPressEvent(event)
            return
        card = self.cards[(here + steps[Qt.Key(event.key())]) % len(self.cards)]
        card.setFocus(Qt.FocusReason.TabFocusReason)
        self._scroll.ensureWidgetVisible(card)

    def _enlarge(self) -> None:
        card = self.sender()
        if self._samples is None or not isinstance(card, SampleCard):
            return
        if self._viewer is None:
            self._viewer = SampleViewer(self._theme, self)
        self._viewer.show_samples(self._samples, self._samples.items[self._cards.index(card)].key)
        self._viewer.show()
        self._viewer.raise_()


def _most_telling_first(samples: Samples | None) -> Samples | None:
    """Where pictures are translated, pairs come first: they show what the translation should look like."""
    if samples is None or all(item.translated is None for item in samples.items):
        return samples
    return replace(samples, items=tuple(sorted(samples.items, key=lambda item: item.kind != "pair")))
