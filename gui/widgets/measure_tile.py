"""A small chart of one measure: its title, where it started, where it is, and the way between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from bandbridge.gui.curve import Curve
from bandbridge.gui.measures import Measure
from bandbridge.gui.quantities import NOTHING, count
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import GRID, Theme
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

_LEAST_WIDTH = 124
_LEAST_HEIGHT = 54


class MeasureTile(QWidget):
    """One measure over the epochs.

    Args:
        theme: Colours.
        measure: What is shown.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, measure: Measure, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._measure = measure
        self._curve: Curve | None = None
        self._place: Callable[[float], tuple[str, float]] = lambda moment: ("", moment)
        self._boundaries: list[float] = []
        self._pointed: float | None = None
        self.setMouseTracking(True)
        self.setToolTip(f"<b>{measure.title}</b><br>{measure.explain}")
        self.setAccessibleName(measure.title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Room for the words and a curve."""
        return QSize(150, 88)

    def minimumSizeHint(self) -> QSize:
        """The smallest at which the curve can be read."""
        return QSize(_LEAST_WIDTH, _LEAST_HEIGHT)

    def set_curve(
        self,
        curve: Curve | None,
        place: Callable[[float], tuple[str, float]],
        boundaries: Sequence[float] = (),
    ) -> None:
        """Show a curve, or none.

        Args:
            curve: Over the moments of a run.
            place: Moment -> stage ("" where there is one alone) and epoch.
            boundaries: Moments between stages.
        """
        self._curve, self._place, self._boundaries = curve, place, list(boundaries)
        words = self._words()
        self.setAccessibleDescription(f"{words[0]} {words[1]}")
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read out the value under the pointer."""
        self._pointed = event.position().x()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Back to start and present."""
        self._pointed = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw title, values and curve."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font("small"))
        line_height = painter.fontMetrics().height()
        width = self.width()
        painter.setPen(self._theme.colour("muted"))
        title = painter.fontMetrics().elidedText(self._measure.title, Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRectF(0, 0, width, line_height), Qt.AlignmentFlag.AlignLeft, title)
        plot = QRectF(3, 2 * line_height + 6, width - 8, self.height() - 2 * line_height - 10)
        nearest = self._nearest(plot)
        values, judgement, role = self._words() if nearest is None else self._words_at(nearest)
        painter.setPen(self._theme.colour("text"))
        second = QRectF(0, line_height + 1, width, line_height)
        painter.drawText(second, Qt.AlignmentFlag.AlignLeft, values)
        painter.setPen(self._theme.colour(role))
        if painter.fontMetrics().horizontalAdvance(f"{values}  {judgement}") <= width:
            painter.drawText(second, Qt.AlignmentFlag.AlignRight, judgement)
        self._paint_curve(painter, plot, nearest)
        painter.end()

    def _points(self, plot: QRectF) -> list[QPointF]:
        curve = self._curve
        if curve is None or not len(curve):
            return []
        steps, values = curve.steps, curve.means
        low, high = float(values.min()), float(values.max())
        # A curve that hardly moves must not look like a cliff.
        least = 0.02 if self._measure.is_share else 0.02 * max(abs(low), abs(high), 1e-9)
        if high - low < least:
            middle = (low + high) / 2
            low, high = middle - least / 2, middle + least / 2
        first, last = float(steps[0]), max(float(steps[-1]), float(steps[0]) + 1)
        xs = plot.left() + (steps - first) / (last - first) * plot.width()
        ys = plot.bottom() - (values - low) / (high - low) * plot.height()
        return [QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]

    def _nearest(self, plot: QRectF) -> int | None:
        points = self._points(plot)
        if self._pointed is None or not points:
            return None
        return int(np.abs(np.array([point.x() for point in points]) - self._pointed).argmin())

    def _paint_curve(self, painter: QPainter, plot: QRectF, nearest: int | None) -> None:
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.drawLine(plot.bottomLeft() + QPointF(-3, 3.5), plot.bottomRight() + QPointF(3, 3.5))
        points = self._points(plot)
        if not points:
            return
        assert self._curve is not None
        painter.setPen(QPen(self._theme.colour("accent"), 1.5))
        starts = np.searchsorted(self._curve.steps, self._boundaries).tolist()  # another model is looked at from there
        for start, stop in pairwise([0, *starts, len(points)]):
            painter.drawPolyline(QPolygonF(points[start:stop]))
        painter.setPen(QPen(self._theme.colour("muted"), 1, Qt.PenStyle.DotLine))
        for start in starts:
            if 0 < start < len(points):
                x = (points[start - 1].x() + points[start].x()) / 2
                painter.drawLine(QPointF(x, plot.top() - 3), QPointF(x, plot.bottom() + 3))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("accent"))
        painter.drawEllipse(points[-1 if nearest is None else nearest], 3.0, 3.0)

    def _words(self) -> tuple[str, str, str]:
        curve = self._curve
        if curve is None or not len(curve):
            return NOTHING, "", "muted"
        first, last = curve.first, curve.latest
        if len(curve) < 2:
            return self._measure.text(last), "", "muted"
        values = f"{self._measure.text(first)} → {self._measure.text(last)}"
        if not self._measure.better or self._measure.text(first) == self._measure.text(last):
            return values, "", "muted"
        good = (last < first) == (self._measure.better == "down")
        return values, "better" if good else "worse", "good" if good else "warning"

    def _words_at(self, index: int) -> tuple[str, str, str]:
        assert self._curve is not None
        stage, epoch = self._place(float(self._curve.steps[index]))
        words = f"epoch {count(epoch)}" if not stage else f"{stage} {count(epoch)}"
        return self._measure.text(float(self._curve.means[index])), words, "muted"


class MeasureGrid(QWidget):
    """Tiles side by side, as many in a row as the width allows.

    Args:
        theme: Colours.
        measures: Key -> measure, in the order shown.
        chosen: Keys of those shown; all if None.
        parent: Qt parent.
    """

    def __init__(
        self,
        theme: Theme,
        measures: dict[str, Measure],
        chosen: Collection[str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._tiles = {key: MeasureTile(theme, measure, self) for key, measure in measures.items()}
        self._chosen = set(measures if chosen is None else chosen)
        self._known: set[str] = set()

    def choose(self, key: str, shown: bool) -> None:
        """Show or hide a measure."""
        (self._chosen.add if shown else self._chosen.discard)(key)
        self._tiles[key].setVisible(shown and key in self._known)
        self._place()

    def show_curves(
        self,
        find: Callable[[str], Curve | None],
        story: RunStory,
        place: Callable[[str, float], tuple[str, float]] | None = None,
    ) -> None:
        """Show the curve of every measure; tiles without one are hidden.

        Args:
            find: Key -> its curve, or None.
            story: Of the run, to write moments as epochs.
            place: Of measures of one stage each, whose curves are over steps: key and step -> "" and epoch.
        """
        for key, tile in self._tiles.items():
            curve = find(key)
            if place is None:
                tile.set_curve(curve, story.place, story.boundaries)
            else:
                tile.set_curve(curve, partial(place, key))
            if curve is not None and len(curve) > 0:
                self._known.add(key)
            else:
                self._known.discard(key)
            tile.setVisible(key in self._known & self._chosen)
        self._place()

    def resizeEvent(self, event: object) -> None:
        """Lay the tiles out anew."""
        self._place()

    def minimumSizeHint(self) -> QSize:
        """A few tiles at their smallest."""
        return QSize(2 * _LEAST_WIDTH + 2 * GRID, 3 * _LEAST_HEIGHT + 2 * GRID)

    def _place(self) -> None:
        shown = [tile for tile in self._tiles.values() if not tile.isHidden()]
        if not shown:
            self.setMinimumHeight(0)
            return
        gap = 2 * GRID
        columns = max(1, min(len(shown), (self.width() + gap) // (140 + gap)))
        while columns > 1 and -(-len(shown) // columns) == -(-len(shown) // (columns - 1)):
            columns -= 1  # as many rows with fewer columns: wider tiles
        rows = -(-len(shown) // columns)
        self.setMinimumHeight(rows * (_LEAST_HEIGHT + GRID) - GRID)
        width = (self.width() - gap * (columns - 1)) / columns
        height = min((self.height() - GRID * (rows - 1)) / rows, 180.0)
        for index, tile in enumerate(shown):
            row, column = divmod(index, columns)
            left, top = round(column * (width + gap)), round(row * (height + GRID))
            tile.setGeometry(left, top, round(width), round(height))
