"""How a run goes where labels are missing: the modality gap as map and measures, and the signs that need no labels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from bandbridge.engine.api.events import RELIABILITY
from bandbridge.gui.curve import Curve
from bandbridge.gui.measures import AGREEMENT, CONFIDENCE, Measure, gap_measures, label_free_measures
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.gap_map import GapMap
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.measure_tile import MeasureGrid
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

_WIDE_PX = 760
_GAP = (
    "Modality gap",
    "How differently the model sees RGB and sensor images of the same scenes, measured on pairs that are never "
    "trained on.",
)
_SIGNS = (
    "Signs without labels",
    "What can be measured without labels, against the untouched model. None of it is accuracy; the manual says of "
    "each where it fails.",
)
_SHOWN_FIRST = (RELIABILITY, "agreement", "information", "classes_used", "largest_share", "changed")


class GapPanel(QFrame):
    """Card with the map and the measures of the gap, or the signs without labels: as the person chooses.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._title = text_label("", "section", wrap=False)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # it gives way
        self._has_map = False
        self._has_measures = False
        self._has_signs = False
        self._map_set_aside = False
        self._map = GapMap(theme)
        self._grid = MeasureGrid(theme, {"agreement": AGREEMENT, **gap_measures(), "confidence": CONFIDENCE})
        signs = {**label_free_measures(), "confidence": CONFIDENCE}
        self._signs = MeasureGrid(theme, signs, _SHOWN_FIRST)
        self._hint = text_label("Appears with the first measurement. The modality gap needs pairs.", "help")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignTop)

        self.map_button = QToolButton()
        self.map_button.setText("Ma&p")
        self.measures_button = QToolButton()
        self.measures_button.setText("M&easures")
        self.signs_button = QToolButton()
        self.signs_button.setText("&Signs")
        self.signs_button.setToolTip(_SIGNS[1])
        self.choose_button = QToolButton()
        self.choose_button.setText("Ch&oose…")
        self.choose_button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.choose_button.setToolTip("Which signs are shown.")
        self.choose_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.choose_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.choose_button.setMenu(self._make_menu(signs))
        self._choice = QButtonGroup(self)
        for button in (self.map_button, self.measures_button, self.signs_button):
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self._choice.addButton(button)
        self.map_button.setChecked(True)
        self._choice.buttonClicked.connect(self._arrange)

        head = QHBoxLayout()
        head.setSpacing(GRID // 2)
        head.addStrut(4 * GRID)
        head.addWidget(self._title, 1)
        head.addWidget(self.map_button)
        head.addWidget(self.measures_button)
        head.addWidget(self.signs_button)
        head.addWidget(self.choose_button)
        body = QHBoxLayout()
        body.setSpacing(3 * GRID)
        body.addWidget(self._map, 1)
        body.addWidget(self._grid, 1)
        body.addWidget(self._signs, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID // 2, 2 * GRID, GRID)
        layout.setSpacing(GRID // 2)
        layout.addLayout(head)
        layout.addWidget(self._hint, 1)
        layout.addLayout(body, 4)
        self._arrange()

    def _make_menu(self, signs: Mapping[str, Measure]) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for key, measure in signs.items():
            action = menu.addAction(measure.title)
            action.setToolTip(measure.explain)
            action.setCheckable(True)
            action.setChecked(key in _SHOWN_FIRST)
            action.toggled.connect(partial(self._signs.choose, key))
        return menu

    def show_story(self, story: RunStory) -> None:
        """Draw what a run has told so far."""
        curves: dict[str, Curve] = {**story.measures, "agreement": story.agreement, "confidence": story.confidence}
        signs = {**story.label_free, "confidence": story.confidence}
        self._has_map = any(len(gap.rgb_points) or len(gap.target_points) for gap in story.snapshots[-1:])
        self._has_measures = any(len(curve) for curve in story.measures.values())
        self._has_signs = any(len(curve) for curve in signs.values())
        self._arrange()
        self._grid.show_curves(curves.get, story)
        self._signs.show_curves(signs.get, story)
        self._map.show_story(story)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Both side by side, or one at a time."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        wide = self.width() >= _WIDE_PX and self._has_map
        there = {
            self.map_button: self._has_map,
            self.measures_button: self._has_measures,
            self.signs_button: self._has_signs,
        }
        if wide and self.map_button.isChecked():  # the map is there anyway: the choice is what stands beside it
            self._map_set_aside = True
            self.measures_button.setChecked(True)
        elif not wide and self._map_set_aside:
            self._map_set_aside = False
            if self.measures_button.isChecked():
                self.map_button.setChecked(True)
        for button, has in there.items():
            button.setVisible(has and sum(there.values()) > 1 and not (wide and button is self.map_button))
        chosen = next((button for button, has in there.items() if has and button.isChecked()), None)
        chosen = chosen or next((button for button, has in there.items() if has), None)
        self._map.setVisible(wide or chosen is self.map_button)
        self._grid.setVisible(chosen is self.measures_button)
        self._signs.setVisible(chosen is self.signs_button)
        self.choose_button.setVisible(chosen is self.signs_button)
        self._hint.setVisible(chosen is None)
        title, explain = _SIGNS if chosen is self.signs_button and not wide else _GAP
        self._title.setText(title if self._has_room_for(title) else "")  # the button pressed says it too
        self._title.setToolTip(explain)
        self.setAccessibleName(title)

    def _has_room_for(self, title: str) -> bool:
        """Whether a title is not cut beside the buttons shown."""
        buttons = (self.map_button, self.measures_button, self.signs_button, self.choose_button)
        taken = sum(button.sizeHint().width() + GRID // 2 for button in buttons if not button.isHidden())
        return self._title.fontMetrics().horizontalAdvance(title) <= self.width() - 4 * GRID - taken
