"""The modality gap as a map: every image a point, RGB and sensor in the same fixed directions."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from bandbridge.engine.api.events import Gap
from bandbridge.gui.colours import mixed
from bandbridge.gui.quantities import count
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.chart import Chart
from bandbridge.gui.widgets.legend_chip import LegendChip
from bandbridge.gui.widgets.slider import Slider
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

_MOST_POINTS = 1500
_EXPLAIN = (
    "Every point is an image as the model sees it; images it takes for alike lie close together. The two directions "
    "are those in which the images differ most. They stay the same during the run: what moves is the model. "
    "Adaptation is meant to bring each orange square to its blue partner."
)


class GapMap(QWidget):
    """RGB partners, sensor images and target images in two fixed directions, now or at any earlier moment.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._story: RunStory | None = None
        self._bounds: tuple[float, float, float, float] | None = None
        self.setAccessibleName("Map of the modality gap")
        self.setToolTip(_EXPLAIN)

        self._chart = Chart(theme, "First direction", "Second direction", numbers=False)
        box = self._chart.plot.getViewBox()
        box.disableAutoRange()
        self._chart.follow_pointer(False)
        self._target = pg.ScatterPlotItem(symbol="o", size=3, pen=None, pxMode=True)
        self._lines = pg.PlotDataItem(connect="pairs")
        self._rgb = pg.ScatterPlotItem(symbol="o", size=7, pxMode=True)
        self._sensor = pg.ScatterPlotItem(symbol="s", size=7, pxMode=True)
        for item in (self._target, self._lines, self._rgb, self._sensor):
            self._chart.plot.addItem(item)

        self.chips = {
            "rgb": LegendChip(theme, "RGB partners", "disc"),
            "sensor": LegendChip(theme, "Sensor", "square"),
            "target": LegendChip(theme, "Target images", "dot"),
            "lines": LegendChip(theme, "Partners joined", "line"),
        }
        self.chips["lines"].setChecked(False)
        legend = QVBoxLayout()
        legend.setSpacing(0)
        for chip in self.chips.values():
            chip.toggled.connect(self._redraw)
            legend.addWidget(chip)
        legend.addStretch(1)

        self.moment = Slider(0, 0)
        self.moment.setAccessibleName("Moment shown")
        self.moment.setToolTip("Go back to any earlier moment of the run.")
        self.moment.valueChanged.connect(self._redraw)
        self._when = QLabel()
        self._when.setProperty("role", "small")
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.moment, 1)
        row.addWidget(self._when)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        body = QHBoxLayout()
        body.setSpacing(GRID)
        body.addWidget(self._chart, 1)
        body.addLayout(legend)
        layout.addLayout(body, 1)
        layout.addLayout(row)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_story(self, story: RunStory) -> None:
        """Draw the features of a run; stays at the present unless an earlier moment is chosen."""
        if story is not self._story:
            self._story, self._bounds = story, None
        at_present = self.moment.value() == self.moment.maximum()
        last = max(len(story.snapshots) - 1, 0)
        self.moment.blockSignals(True)
        self.moment.setRange(0, last)
        if at_present:
            self.moment.setValue(last)
        self.moment.blockSignals(False)
        self.moment.setEnabled(last > 0)
        if story.snapshots:
            self._widen(story.snapshots[0])
            self._widen(story.snapshots[-1])
        self._redraw()

    def _widen(self, gap: Gap) -> None:
        """Make room for all points; the axes only ever grow, so that movement can be judged by eye."""
        points = np.concatenate((gap.rgb_points, gap.sensor_points, gap.target_points))
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            return
        low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        old = self._bounds or (low[0], high[0], low[1], high[1])
        new = (min(old[0], low[0]), max(old[1], high[0]), min(old[2], low[1]), max(old[3], high[1]))
        if new != self._bounds:
            self._bounds = new
            box = self._chart.plot.getViewBox()
            box.setRange(xRange=new[:2], yRange=new[2:], padding=0.04, disableAutoRange=True)

    def _redraw(self) -> None:
        if self._story is None or not self._story.snapshots:
            return
        gap = self._story.snapshots[self.moment.value()]
        stage, epochs = self._story.place(gap.step)
        if epochs == 0:
            words = f"before {stage or 'training'}"
        else:
            words = f"after epoch {count(epochs)}" if not stage else f"{stage}, after epoch {count(epochs)}"
        self._when.setText(words)
        self._place(self._rgb, gap.rgb_points, self.chips["rgb"])
        self._place(self._sensor, gap.sensor_points, self.chips["sensor"])
        self._place(self._target, gap.target_points, self.chips["target"])
        self.chips["target"].setVisible(len(gap.target_points) > 0)
        joined = self.chips["lines"].isChecked() and len(gap.rgb_points) == len(gap.sensor_points)
        self._lines.setVisible(joined)
        if joined:
            ends = np.stack((_thinned(gap.rgb_points), _thinned(gap.sensor_points)), axis=1).reshape(-1, 2)
            self._lines.setData(ends[:, 0], ends[:, 1])

    def _place(self, item: pg.ScatterPlotItem, points: NDArray[np.float32], chip: LegendChip) -> None:
        item.setVisible(chip.isChecked())
        if chip.isChecked():
            item.setData(pos=_thinned(points))

    def _restyle(self) -> None:
        surface = self._theme.colour("surface")
        for item, name in ((self._rgb, "source"), (self._sensor, "sensor")):
            item.setBrush(pg.mkBrush(self._theme.colour(name)))
            item.setPen(pg.mkPen(surface, width=1))
            self.chips["rgb" if name == "source" else "sensor"].set_look(self._theme.colour(name))
        faint = QColor(self._theme.colour("sensor"))
        faint.setAlphaF(0.45)
        self._target.setBrush(pg.mkBrush(faint))
        self.chips["target"].set_look(faint)
        joining = mixed(self._theme.colour("muted"), surface, 0.5)
        self._lines.setPen(pg.mkPen(joining, width=1))
        self.chips["lines"].set_look(joining)


def _thinned(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Few enough points to draw at once; the same rows of both sensors, so that partners stay partners."""
    return points[:: -(-len(points) // _MOST_POINTS)] if len(points) > _MOST_POINTS else points
