"""The modality gap while training: the map and the measures, side by side where there is room."""

from __future__ import annotations

from bandbridge.gui.curve import Curve
from bandbridge.gui.measures import AGREEMENT, CONFIDENCE, gap_measures
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.gap_map import GapMap
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.measure_tile import MeasureGrid
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

_WIDE_PX = 760


class GapPanel(QFrame):
    """Card with the map and the measures.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("Modality gap")
        title = text_label("Modality gap", "section", wrap=False)
        title.setToolTip(
            "How differently the model sees RGB and sensor images of the same scenes, measured on pairs that are "
            "never trained on."
        )
        self._has_map = False
        self._has_measures = False
        self._map = GapMap(theme)
        self._grid = MeasureGrid(theme, {"agreement": AGREEMENT, **gap_measures(), "confidence": CONFIDENCE})
        self._hint = text_label(
            "Appears with the first measurement. It needs pairs: without them only the confidence is followed.", "help"
        )
        self._hint.setAlignment(Qt.AlignmentFlag.AlignTop)

        self.map_button = QToolButton()
        self.map_button.setText("Ma&p")
        self.measures_button = QToolButton()
        self.measures_button.setText("M&easures")
        self._choice = QButtonGroup(self)
        for button in (self.map_button, self.measures_button):
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self._choice.addButton(button)
        self.map_button.setChecked(True)
        self.map_button.toggled.connect(self._arrange)

        head = QHBoxLayout()
        head.setSpacing(GRID // 2)
        head.addStrut(4 * GRID)
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self.map_button)
        head.addWidget(self.measures_button)
        body = QHBoxLayout()
        body.setSpacing(3 * GRID)
        body.addWidget(self._map, 1)
        body.addWidget(self._grid, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID // 2, 2 * GRID, GRID)
        layout.setSpacing(GRID // 2)
        layout.addLayout(head)
        layout.addWidget(self._hint, 1)
        layout.addLayout(body, 4)
        self._arrange()

    def show_story(self, story: RunStory) -> None:
        """Draw what a run has told so far."""
        curves: dict[str, Curve] = {**story.measures, "agreement": story.agreement, "confidence": story.confidence}
        steps_per_epoch = story.training.steps_per_epoch if story.training else 1
        self._has_map = any(len(gap.rgb_points) or len(gap.target_points) for gap in story.snapshots[-1:])
        self._has_measures = any(len(curve) for curve in curves.values())
        self._arrange()
        self._grid.show_curves(curves.get, steps_per_epoch)
        self._map.show_story(story)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Both side by side, or one at a time."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        wide = self.width() >= _WIDE_PX
        both = self._has_map and self._has_measures
        for button in (self.map_button, self.measures_button):
            button.setVisible(both and not wide)
        map_chosen = self.map_button.isChecked()
        self._map.setVisible(self._has_map and (wide or map_chosen or not self._has_measures))
        self._grid.setVisible(self._has_measures and (wide or not map_chosen or not self._has_map))
        self._hint.setVisible(not self._has_map and not self._has_measures)
