"""Bars of classes: how many images each holds, or how probable each is, now and before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bandbridge.gui.quantities import count
from bandbridge.gui.theme import GRID, Theme
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

_BAR = 6


@dataclass(frozen=True, slots=True)
class ClassBar:
    """One class.

    Attributes:
        name: Of the class.
        value: Length of its bar.
        text: Written behind it.
        before: Length of the pale bar behind it, None for none.
        emphasised: Drawn as something to look at.
    """

    name: str
    value: float
    text: str
    before: float | None = None
    emphasised: bool = False


class ClassBars(QWidget):
    """A bar a class, as many as fit; the others are counted in the last line.

    Args:
        theme: Colours.
        colour: Role of the bars' colour.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, colour: str = "accent", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._colour = colour
        self._bars: list[ClassBar] = []
        self._scale = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def set_bars(self, bars: list[ClassBar], longest: float | None = None) -> None:
        """Show these classes in this order.

        Args:
            bars: One a class.
            longest: The value of a full bar; None takes the largest.
        """
        self._bars = bars
        values = [max(bar.value, bar.before or 0.0) for bar in bars]
        self._scale = longest if longest is not None else max(values, default=1.0)
        self._scale = self._scale or 1.0
        self.setAccessibleDescription(", ".join(f"{bar.name} {bar.text}" for bar in bars))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Room for all bars, up to a dozen."""
        return QSize(200, max(1, min(len(self._bars), 12)) * self._row_height())

    def minimumSizeHint(self) -> QSize:
        """Room for three."""
        return QSize(140, 3 * self._row_height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw names, values and bars."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font("small"))
        metrics = painter.fontMetrics()
        fits = max(1, self.height() // (metrics.height() + _BAR + 2))
        shown = self._bars if len(self._bars) <= fits else self._bars[: fits - 1]
        # A taller widget spreads its rows, a little; a low one draws them together.
        rows = len(shown) + (len(shown) < len(self._bars))
        height = min(self.height() / max(rows, 1), self._row_height() * 1.5)
        for number, bar in enumerate(shown):
            top = number * height
            line = QRectF(0, top, self.width(), metrics.height())
            room = self.width() - metrics.horizontalAdvance(bar.text) - GRID
            painter.setPen(self._theme.colour("warning" if bar.emphasised else "text"))
            painter.drawText(line, metrics.elidedText(bar.name, Qt.TextElideMode.ElideRight, room))
            painter.drawText(line, Qt.AlignmentFlag.AlignRight, bar.text)
            self._paint_bar(painter, QRectF(0, line.bottom() + 1, self.width(), _BAR), bar)
        if len(shown) < len(self._bars):
            rest = QRectF(0, len(shown) * height, self.width(), metrics.height())
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(rest, f"and {len(self._bars) - len(shown)} more classes")
        painter.end()

    def _paint_bar(self, painter: QPainter, box: QRectF, bar: ClassBar) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("raised"))
        painter.drawRoundedRect(box, _BAR / 2, _BAR / 2)
        painter.setBrush(self._theme.colour("warning" if bar.emphasised else self._colour))
        if bar.value > 0:
            length = max(box.width() * bar.value / self._scale, _BAR)
            painter.drawRoundedRect(QRectF(box.left(), box.top(), length, _BAR), _BAR / 2, _BAR / 2)
        if bar.before is not None:
            place = min(box.left() + box.width() * bar.before / self._scale, box.right() - 1)
            painter.fillRect(QRectF(place - 1, box.top() - 2, 2, _BAR + 4), self._theme.colour("text"))

    def _row_height(self) -> int:
        return self.fontMetrics().height() + _BAR + GRID - 2


def count_bars(counts: Mapping[str, int], before: Mapping[str, int], taken_over: str = "") -> list[ClassBar]:
    """Bars of images a class, the largest first.

    Args:
        counts: Class name -> images now.
        before: Class name -> images before, empty if unknown.
        taken_over: Class to emphasise, or "".
    """
    order = sorted(counts, key=lambda name: (-counts[name], name))
    return [
        ClassBar(
            name,
            counts[name],
            count(counts[name]),
            before.get(name) if before else None,
            emphasised=name == taken_over,
        )
        for name in order
    ]
