"""How a sign of MNF + CSC is spread over the training clips, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from bandbridge.engine.api.events import ClipSignsSeen
from bandbridge.gui.curve import Curve
from bandbridge.gui.measures import stage_measures
from bandbridge.gui.quantities import number
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.chart import Chart
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.measure_tile import MeasureGrid
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

_BANDS = ((0.05, 0.95, 45), (0.25, 0.75, 90))
"""(lowest, highest share of the clips, opacity) of the bands around the middle clip."""

_WIDTH, _HEIGHT = 40 * GRID, 36 * GRID
_LEAST_WIDTH = 9 * GRID
"""Of a chart: three stand side by side in the smallest window."""

Read = Callable[[ClipSignsSeen], NDArray[np.float32] | None]


class SignsChart(QWidget):
    """The middle clip as a line, half of all clips and nine tenths of them as bands around it.

    Args:
        title: Name of the sign.
        explain: What it says.
        read: Takes it from an event.
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, title: str, explain: str, read: Read, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._read = read
        self._name = title
        self._label = text_label(title, "small", wrap=False)
        self._label.setToolTip(explain)
        self._value = text_label("", "small", wrap=False)
        self._value.setMinimumWidth(1)
        self._value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.addWidget(self._label)
        head.addWidget(self._value, 1)
        self.chart = Chart(theme, "Epoch", "")
        self.chart.plot.showAxis("left", True)
        self.chart.setMinimumWidth(_LEAST_WIDTH)
        self.chart.setToolTip(f"{explain}\nLine: the middle clip. Bands: half of the clips, and nine tenths of them.")
        self._edges: list[tuple[Any, Any, Any]] = []
        for _ in _BANDS:
            low, high = pg.PlotCurveItem(), pg.PlotCurveItem()
            fill = pg.FillBetweenItem(low, high)
            for item in (low, high, fill):
                self.chart.plot.addItem(item)
            self._edges.append((low, high, fill))
        self._middle = pg.PlotCurveItem()
        self.chart.plot.addItem(self._middle)
        self.chart.restyled.connect(self._restyle)
        self.chart.setAccessibleName(f"{title} over the epochs")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(head)
        column.addWidget(self.chart, 1)
        self._restyle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the numbers to the axis where there is no room for them."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.width() - self._label.sizeHint().width() - GRID
        self._value.setVisible(self._value.fontMetrics().horizontalAdvance(self._value.text()) <= room)

    def show_signs(self, seen: Sequence[ClipSignsSeen], story: RunStory) -> bool:
        """Show these, oldest first.

        Returns:
            Whether there is anything to show.
        """
        found = [(story.place(float(one.step))[1], values) for one in seen if (values := self._read(one)) is not None]
        if not found:
            return False
        x = np.array([epoch for epoch, _ in found])
        spread = np.array([np.nanquantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)) for _, values in found])  # (n, 5)
        for (low, high, _), (first, last) in zip(self._edges, ((0, 4), (1, 3)), strict=True):
            low.setData(x, spread[:, first])
            high.setData(x, spread[:, last])
        self._middle.setData(x, spread[:, 2])
        self.chart.frame((float(x[0]), float(max(x[-1], x[0] + 1))), (float(spread.min()), float(spread.max())))
        least, most = number(spread[-1, 1], 2), number(spread[-1, 3], 2)
        half = f"{least} to {most}"
        self._value.setText(f"{least}–{most}")  # there is little room
        self._fit()
        self._value.setToolTip(f"Half of the clips lie from {half}.")
        self.chart.setAccessibleDescription(f"{self._name} of half of the clips: {half}")
        return True

    def _restyle(self) -> None:
        accent = self._theme.colour("accent")
        for (low, high, fill), (_, _, opacity) in zip(self._edges, _BANDS, strict=True):
            for edge in (low, high):
                edge.setPen(pg.mkPen(None))
            shade = QColor(accent)
            shade.setAlpha(opacity)
            fill.setBrush(pg.mkBrush(shade))
        self._middle.setPen(pg.mkPen(accent, width=2))


class ClipProgressPanel(QFrame):
    """Card with what the validation clips say, and with the signs where the method has them.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("Validation clips and signs")
        title = text_label("Validation clips", "section", wrap=False)
        title.setToolTip("Labelled clips that are never learned from, looked at after every epoch.")
        self._hint = text_label("Appears with the first look at the validation clips.", "help")
        self._grid = MeasureGrid(theme, stage_measures())
        self._signs_title = text_label("How well picture and sound go together", "section", wrap=False)
        self._signs_title.setToolTip("What MNF + CSC makes of the training clips; nothing but the clips tells it.")
        self.correspondence_chart = SignsChart(
            "Correspondence",
            "How near a clip's sound comes to its picture, by what was learned of the classes: 1 alike, 0 unrelated.",
            lambda seen: seen.correspondence,
            theme,
        )
        self.temperature_chart = SignsChart(
            "Temperature",
            "The higher, the milder picture and sound of a clip are held together.",
            lambda seen: seen.temperature,
            theme,
        )
        self.mask_chart = SignsChart(
            "Mask", "How much of what the teacher says of a clip is kept, 0 to 1.", lambda seen: seen.mask, theme
        )
        self._charts = (self.correspondence_chart, self.temperature_chart, self.mask_chart)
        signs = QHBoxLayout()
        signs.setSpacing(2 * GRID)
        for chart in self._charts:
            signs.addWidget(chart, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        column.setSpacing(GRID)
        column.addWidget(title)
        column.addWidget(self._hint)
        column.addWidget(self._grid, 1)
        column.addWidget(self._signs_title)
        column.addLayout(signs, 2)
        for widget in (self._signs_title, *self._charts):
            widget.hide()

    def sizeHint(self) -> QSize:
        """No higher than the losses beside it want to be."""
        return QSize(_WIDTH, _HEIGHT)

    def show_validation(self, story: RunStory) -> None:
        """Draw the measures of the validation clips."""
        stages = {stage.training.stage: stage for stage in story.stages.values()}
        self._hint.setVisible(not any(stage.measured for stage in stages.values()))

        def find(key: str) -> Curve | None:
            name, _, of = key.partition(":")
            return stages[name].measured.get(of) if name in stages else None

        def place(key: str, step: float) -> tuple[str, float]:
            return "", stages[key.partition(":")[0]].epoch_at(step)

        self._grid.show_curves(find, story, place)

    def show_signs(self, story: RunStory) -> None:
        """Draw the signs."""
        shown = [chart for chart in self._charts if chart.show_signs(story.signs, story)]
        for chart in self._charts:
            chart.setVisible(chart in shown)
        self._signs_title.setVisible(bool(shown))
