"""How the raw values of a band are spread, and which of them become black and white."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from bandbridge.engine.api.reports import BandHistogram
from bandbridge.gui.quantities import counted, number
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.chart import Chart
from bandbridge.gui.widgets.fields import ChoiceField
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget


class HistogramPanel(QWidget):
    """One band at a time of one folder at a time.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._data: dict[str, tuple[str, Sequence[BandHistogram]]] = {}
        self.side = ChoiceField((), "")
        self.side.setAccessibleName("Folder")
        self.band = ChoiceField((), "")
        self.band.setAccessibleName("Band")
        self.side.activated.connect(self._choose_side)
        self.band.activated.connect(self._draw)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.side)
        row.addWidget(self.band)
        row.addStretch(1)
        self.chart = Chart(theme, "Raw value", "Share of values (%)")
        self.chart.setMinimumHeight(22 * GRID)
        self._bars: Any = pg.PlotDataItem(stepMode="center", fillLevel=0)
        self._limits = [pg.InfiniteLine(angle=90, movable=False) for _ in range(2)]
        for item in (self._bars, *self._limits):
            self.chart.plot.addItem(item)
        self.words = text_label("", "help")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(row)
        column.addWidget(self.chart, 1)
        column.addWidget(self.words)
        self.chart.restyled.connect(self._restyle)
        self._restyle()

    def show_folders(self, folders: Mapping[str, tuple[str, Sequence[BandHistogram]]]) -> None:
        """Show these folders: title -> (colour role, histogram of each band)."""
        self._data = {title: entry for title, entry in folders.items() if entry[1]}
        chosen = self.side.value()
        self.side.clear()
        for title in self._data:
            self.side.addItem(title, title)
        self.side.set_value(chosen)
        self._choose_side()

    def _choose_side(self) -> None:
        chosen = self.band.currentIndex()
        self.band.clear()
        _, bands = self._data.get(self.side.value(), ("", ()))
        for histogram in bands:
            self.band.addItem(f"Band {histogram.band}", histogram.band)
        self.band.setCurrentIndex(chosen if 0 <= chosen < len(bands) else 0 if bands else -1)
        self.band.setVisible(len(bands) > 1)
        self._draw()

    def _draw(self) -> None:
        colour, bands = self._data.get(self.side.value(), ("sensor", ()))
        index = self.band.currentIndex()
        shown = bool(bands) and index >= 0
        for widget in (self.chart, self.side):
            widget.setVisible(shown)
        if not shown:
            self.words.setText("Choose a folder of images to see how its values are spread.")
            return
        histogram = bands[index]
        total = max(1, int(histogram.counts.sum()))
        is_log = histogram.curve == "log"
        edges = np.log10(histogram.edges) if is_log else histogram.edges
        self.chart.set_log(is_log, "bottom")
        self._bars.setData(edges, 100 * histogram.counts / total)
        fill = QColor(self._theme.colour(colour))
        self._bars.setPen(pg.mkPen(fill, width=1))
        fill.setAlphaF(0.45)
        self._bars.setBrush(pg.mkBrush(fill))
        for line, value in zip(self._limits, (histogram.low, histogram.high), strict=True):
            line.setPos(float(np.log10(value)) if is_log else value)
        self.chart.plot.setXRange(float(edges[0]), float(edges[-1]), padding=0.02)
        self.chart.plot.setYRange(0.0, max(1e-6, 100 * float(histogram.counts.max()) / total), padding=0.05)
        centres = (histogram.edges[:-1] + histogram.edges[1:]) / 2
        outside = np.array(
            [histogram.counts[centres < histogram.low].sum(), histogram.counts[centres > histogram.high].sum()]
        )
        below, above = (100 * outside / total).tolist()
        self.words.setText(
            f"{number(float(histogram.low))} becomes black and {number(float(histogram.high))} white (dashed lines); "
            f"about {number(below, 2)} % of {counted(total, 'value')} lie below and {number(above, 2)} % above."
        )

    def _restyle(self) -> None:
        pen = pg.mkPen(self._theme.colour("text"), width=1, style=Qt.PenStyle.DashLine)
        for line in self._limits:
            line.setPen(pen)
