"""How the raw values of a band are spread, and which of them become black and white."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyqtgraph as pg
from bandbridge.engine.api.config import Curve, StretchRule
from bandbridge.engine.api.reports import BandHistogram, FolderReport
from bandbridge.gui.quantities import counted, number
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.chart import Chart
from bandbridge.gui.widgets.fields import ChoiceField
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget


class HistogramPanel(QWidget):
    """One band at a time of one folder at a time; the ends of the stretch can be dragged.

    Args:
        theme: Colours.
        parent: Qt parent.

    Signals:
        end_moved: ("low" or "high", raw value, percent of the values below it) an end was dragged there.
    """

    end_moved = Signal(str, float, float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._data: dict[str, tuple[str, FolderReport]] = {}
        self._rule: StretchRule | None = None
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
        self._limits = [pg.InfiniteLine(angle=90, movable=True) for _ in range(2)]
        for end, line in zip(("low", "high"), self._limits, strict=True):
            line.sigPositionChangeFinished.connect(lambda line, end=end: self._tell_moved(end, line))
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

    def show_folders(self, folders: Mapping[str, tuple[str, FolderReport]], rule: StretchRule | None = None) -> None:
        """Show these folders: title -> (colour role, report).

        Args:
            folders: What was found.
            rule: The stretch in force for the sensor's images, shown at once though it may not be measured yet.
        """
        self._data = {title: entry for title, entry in folders.items() if entry[1].histograms}
        self._rule = rule
        chosen = self.side.value()
        self.side.clear()
        for title in self._data:
            self.side.addItem(title, title)
        if chosen in self._data:
            self.side.set_value(chosen)
        else:
            self.side.setCurrentIndex(self.side.count() - 1)  # the target's, if there is one: they decide the stretch
        self._choose_side()

    def _choose_side(self) -> None:
        chosen = self.band.currentIndex()
        self.band.clear()
        _, report = self._data.get(self.side.value(), ("", FolderReport(folder="")))
        bands = report.histograms
        for histogram in bands:
            name = f" ({report.band_names[histogram.band - 1]})" if report.band_names else ""
            self.band.addItem(f"Band {histogram.band}{name}", histogram.band)
        self.band.setCurrentIndex(chosen if 0 <= chosen < len(bands) else 0 if bands else -1)
        self.band.setVisible(len(bands) > 1)
        self._draw()

    def _draw(self) -> None:
        colour, report = self._data.get(self.side.value(), ("sensor", FolderReport(folder="")))
        bands = report.histograms
        index = self.band.currentIndex()
        shown = bool(bands) and index >= 0
        for widget in (self.chart, self.side):
            widget.setVisible(shown)
        if not shown:
            self.words.setText("Choose a folder of images to see how its values are spread.")
            return
        histogram = bands[index]
        total = max(1, int(histogram.counts.sum()))
        low, high, curve = self._ends(colour, report, histogram)
        is_log = curve == "log"
        edges = np.log10(np.maximum(histogram.edges, _least(histogram))) if is_log else histogram.edges
        unit = f" ({report.sensor.unit})" if report.sensor and report.sensor.unit else ""
        self.chart.set_log(is_log, "bottom")
        self.chart.set_x_title(f"Raw value{unit}")
        self._bars.setData(edges, 100 * histogram.counts / total)
        fill = QColor(self._theme.colour(colour))
        self._bars.setPen(pg.mkPen(fill, width=1))
        fill.setAlphaF(0.45)
        self._bars.setBrush(pg.mkBrush(fill))
        places = [float(np.log10(end)) if is_log else end for end in (low, high)]
        for line, place in zip(self._limits, places, strict=True):
            with QSignalBlocker(line):
                line.setPos(place)
        self.chart.plot.setXRange(min(float(edges[0]), places[0]), max(float(edges[-1]), places[1]), padding=0.02)
        self.chart.plot.setYRange(0.0, max(1e-6, 100 * float(histogram.counts.max()) / total), padding=0.05)
        centres = (histogram.edges[:-1] + histogram.edges[1:]) / 2
        outside = np.array([histogram.counts[centres < low].sum(), histogram.counts[centres > high].sum()])
        below, above = (100 * outside / total).tolist()
        self.words.setText(
            f"{number(low)} becomes black and {number(high)} white (the dashed lines, which can be dragged); "
            f"about {number(below, 2)} % of {counted(total, 'value')} lie below and {number(above, 2)} % above."
        )

    def _ends(self, colour: str, report: FolderReport, histogram: BandHistogram) -> tuple[float, float, Curve]:
        """What becomes black and white: by the rule in force, as far as it can be told without measuring anew."""
        rule, percentiles = self._rule, histogram.percentiles
        measured = (float(histogram.low), float(histogram.high), histogram.curve)
        if colour != "sensor" or rule is None or rule == report.stretch:
            return measured
        if rule.kind == "range" and rule.low_value is not None and rule.high_value is not None:
            return float(rule.low_value), float(rule.high_value), "linear"
        above = percentiles[percentiles > 0] if rule.kind == "log" else percentiles
        if not above.size:
            return measured
        low, high = np.interp((rule.low_percent, rule.high_percent), np.linspace(0, 100, above.size), above)
        return (float(low), float(high), rule.curve) if low < high else measured

    def _tell_moved(self, end: str, line: Any) -> None:
        colour, report = self._data.get(self.side.value(), ("", FolderReport(folder="")))
        if colour != "sensor" or not 0 <= self.band.currentIndex() < len(report.histograms):
            self._draw()  # RGB images follow their own rule
            return
        histogram = report.histograms[self.band.currentIndex()]
        is_log = self._ends(colour, report, histogram)[2] == "log"
        raw = float(10 ** line.value() if is_log else line.value())
        known = histogram.percentiles[histogram.percentiles > 0] if is_log else histogram.percentiles
        percent = float(np.interp(raw, known, np.linspace(0, 100, known.size))) if known.size else 0.0
        self.end_moved.emit(end, raw, round(percent, 1))
        self._draw()

    def _restyle(self) -> None:
        pen = pg.mkPen(self._theme.colour("text"), width=1, style=Qt.PenStyle.DashLine)
        for line in self._limits:
            line.setPen(pen)
            line.setHoverPen(pg.mkPen(self._theme.colour("accent"), width=2))


def _least(histogram: BandHistogram) -> float:
    """The least value above zero that is worth a place on a logarithmic axis."""
    above = histogram.percentiles[histogram.percentiles > 0]
    return float(above[0]) if above.size else 1.0
