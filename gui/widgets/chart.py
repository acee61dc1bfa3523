"""A plot in the window's look: theme colours, named axes, numbers as the user writes them, and a place read out."""

from __future__ import annotations

import math
from typing import Any, Literal

import pyqtgraph as pg
from bandbridge.gui.colours import mixed
from bandbridge.gui.quantities import fixed, number
from bandbridge.gui.theme import Theme
from PySide6.QtCore import QEvent, QObject, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QWheelEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

Range = tuple[float, float]


class LocaleAxis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """An axis whose numbers look as everywhere else in the window."""

    picture: Any  # pyqtgraph's own, forgotten by it whenever the axis changes

    def paint(self, painter: QPainter, option: object, widget: object) -> None:
        """Draw line, ticks and numbers.

        pyqtgraph keeps them as a QPicture, whose text takes 2 ms to play again; drawn directly it takes 0.1 ms.
        """
        if self.picture is None:
            if self.style["tickFont"] is not None:
                painter.setFont(self.style["tickFont"])
            self.picture = self.generateDrawSpecs(painter)
        if self.picture is not None:
            painter.save()
            self.drawPicture(painter, *self.picture)
            painter.restore()

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """Places of the ticks; on a logarithmic axis whole powers of ten alone, while there are two of them."""
        levels: list[tuple[float, list[float]]] = super().tickValues(minVal, maxVal, size)
        return levels[:1] if self.logMode and levels and len(levels[0][1]) > 1 else levels

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Text of the ticks, with just the decimals their spacing needs."""
        if self.logMode:
            return [_power(value) for value in values]
        step = abs(spacing * scale)
        decimals = max(0, math.ceil(-math.log10(step) - 1e-9)) if step > 0 else 0
        if decimals > 4 or step >= 1e5:
            largest = max((abs(value * scale) for value in values), default=0.0)
            digits = math.ceil(math.log10(largest / step)) + 1 if largest > step > 0 else 2
            return [number(value * scale, max(digits, 2)) for value in values]
        return [fixed(value * scale, decimals) for value in values]

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Text of ticks on a logarithmic axis; `values` are already powers of ten."""
        return [number(value, 1) for value in values]


def _power(exponent: float) -> str:
    return number(10**exponent, 1) if abs(exponent - round(exponent)) < 1e-6 else ""


def _settled(old: Range | None, wanted: Range, *, upwards: bool = False) -> Range:
    """The old range while it fits the wanted one well, else a new one with some room to grow into."""
    low, high = wanted
    size = max(high - low, 1e-9)
    if old is not None and old[0] <= low and high <= old[1] and size > 0.6 * (old[1] - old[0]):
        return old
    return (low, high + 0.15 * size) if upwards else (low - 0.06 * size, high + 0.06 * size)


class Chart(QWidget):
    """One plot. Wheel and drag move it only while it has the focus; a double click shows everything again.

    Args:
        theme: Colours; the plot follows its changes live.
        x_title: Name and unit of the horizontal axis; "" hides it.
        y_title: Name and unit of the vertical axis; "" hides it.
        numbers: Whether the axes carry numbers and the plot a grid.
        parent: Qt parent.

    Signals:
        unzoomed: Everything is to be seen again.
        x_zoomed: The person has zoomed or moved.
        pointed: Horizontal position under the pointer, or None when it has left.
        restyled: The theme changed; items must take their new colours.

    Attributes:
        plot: The pyqtgraph plot item; add curves here.
    """

    unzoomed = Signal()
    x_zoomed = Signal()
    pointed = Signal(object)
    restyled = Signal()

    def __init__(
        self, theme: Theme, x_title: str, y_title: str, *, numbers: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._numbers = numbers
        self._follows = True
        self._zoomed = False
        self._frame: tuple[Range, Range] | None = None
        self._titles = {"bottom": x_title, "left": y_title}
        axes = {side: LocaleAxis(side) for side in ("bottom", "left")}
        self._view: Any = pg.PlotWidget(axisItems=axes)
        self._view.setFrameShape(self._view.Shape.NoFrame)
        self._view.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._view.viewport().installEventFilter(self)
        self._view.scene().sigMouseMoved.connect(self._point_at)
        self.setFocusProxy(self._view)
        self.plot: Any = self._view.getPlotItem()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.getViewBox().disableAutoRange()
        self.plot.getViewBox().sigRangeChangedManually.connect(self._zoom)
        for axis in axes.values():
            axis.enableAutoSIPrefix(False)
            axis.setZValue(-1000)  # the grid lies behind the curves
            axis.setStyle(
                tickLength=-4 if numbers else 0,
                tickTextOffset=4,
                maxTickLevel=0 if numbers else -1,
                showValues=numbers,
                tickAlpha=255,
            )
        for side, title in self._titles.items():
            self.plot.showAxis(side, bool(title))
        self.marker: Any = pg.InfiniteLine(angle=90, movable=False)
        self.marker.setVisible(False)
        self.plot.addItem(self.marker, ignoreBounds=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        theme.changed.connect(self._restyle)
        self._restyle()

    def sizeHint(self) -> QSize:
        """Room for a curve to be read."""
        return QSize(320, 200)

    def minimumSizeHint(self) -> QSize:
        """The smallest at which a curve still says something."""
        return QSize(120, 80)

    def set_x_title(self, title: str) -> None:
        """Rename the horizontal axis."""
        if title != self._titles["bottom"]:
            self._titles["bottom"] = title
            self._restyle()
            self.plot.getAxis("bottom").resizeEvent()  # centres the new title

    def set_y(self, title: str, *, numbers: bool) -> None:
        """Rename the vertical axis, with or without its numbers and their grid."""
        axis = self.plot.getAxis("left")
        if (title, numbers) == (self._titles["left"], axis.style["showValues"]):
            return
        self._titles["left"] = title
        axis.setStyle(showValues=numbers, maxTickLevel=0 if numbers else -1)
        self._restyle()
        axis.resizeEvent()  # centres the new title

    def set_log(self, log: bool, side: Literal["left", "bottom"] = "left") -> None:
        """Number an axis for values that are logarithms (base 10); curves bring their own."""
        axis = self.plot.getAxis(side)
        if axis.logMode != log:
            axis.setLogMode(log)
            self._frame = None

    def follow_pointer(self, follow: bool) -> None:
        """Whether a line marks the place under the pointer."""
        self._follows = follow

    @property
    def x_range(self) -> Range:
        """What can be seen of the horizontal axis."""
        low, high = self.plot.getViewBox().viewRange()[0]
        return float(low), float(high)

    @property
    def zoomed(self) -> bool:
        """Whether the person has chosen the horizontal range."""
        return self._zoomed

    def frame(self, x: Range, y: Range) -> None:
        """Follow the data: show these ranges, the horizontal one only while the person has not zoomed.

        The plot stays as it is while they fit well, so that curves and numbers stand still and are cheap to draw.
        """
        x = self.x_range if self._zoomed else _settled(self._frame[0] if self._frame else None, x, upwards=True)
        y = _settled(self._frame[1] if self._frame else None, y)
        if (x, y) != self._frame:
            self._frame = (x, y)
            self.plot.getViewBox().setRange(xRange=x, yRange=y, padding=0.02, disableAutoRange=True)

    def show_all(self) -> None:
        """Undo the person's zoom, and follow the data again."""
        self._zoomed = False
        self._frame = None
        self.unzoomed.emit()

    def _zoom(self) -> None:
        self._zoomed = True
        self.x_zoomed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave the wheel to the page while the plot is unfocused; notice the pointer leaving."""
        if event.type() == QEvent.Type.Wheel and isinstance(event, QWheelEvent) and not self._view.hasFocus():
            event.ignore()
            return True
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self.show_all()
            return True
        if event.type() == QEvent.Type.Leave:
            self.marker.setVisible(False)
            self.pointed.emit(None)
        return super().eventFilter(watched, event)

    def _point_at(self, place: QPointF) -> None:
        box = self.plot.getViewBox()
        if not self._follows:
            return
        if not box.sceneBoundingRect().contains(place):
            self.marker.setVisible(False)
            self.pointed.emit(None)
            return
        x = float(box.mapSceneToView(place).x())
        self.marker.setPos(x)
        self.marker.setVisible(True)
        self.pointed.emit(x)

    def _restyle(self) -> None:
        self._view.setBackground(self._theme.colour("surface"))
        small: QFont = self._theme.font("small")
        line, muted = self._theme.colour("line"), self._theme.colour("muted")
        for side, title in self._titles.items():
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(line))
            axis.setTickPen(pg.mkPen(mixed(line, self._theme.colour("surface"), 0.7)))
            axis.setTextPen(pg.mkPen(muted))
            axis.setTickFont(small)
            if title:
                height = QFontMetrics(small).height()
                if side == "bottom":
                    axis.setHeight((2 if self._numbers else 1) * height + 4)
                axis.setLabel(title, color=muted.name(), **{"font-size": f"{small.pointSizeF():.1f}pt"})
        numbered = self.plot.getAxis("left").style["showValues"]
        self.plot.showGrid(x=False, y=numbered, alpha=1.0)
        self.marker.setPen(pg.mkPen(muted, style=Qt.PenStyle.DashLine))
        self.restyled.emit()
