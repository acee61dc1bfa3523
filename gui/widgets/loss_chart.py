"""The losses while training: a curve per term, raw and smoothed, with the values under the pointer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from bandbridge.engine.api.events import LOSS_TERMS
from bandbridge.gui.colours import mixed
from bandbridge.gui.curve import Curve, FloatArray
from bandbridge.gui.quantities import count, number
from bandbridge.gui.run_story import RunStory, StageStory
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.chart import Chart
from bandbridge.gui.widgets.fields import ChoiceField
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.legend_chip import LegendChip
from bandbridge.gui.widgets.slider import Slider
from bandbridge.gui.widgets.stage_choice import StageChoice
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

TOTAL = "total"
# (light, dark); none of them near the blue, orange and green that mean RGB, sensor and translated.
_TERM_COLOURS = (
    ("#b5347a", "#ee8fc0"),
    ("#5a4db3", "#a99cf5"),
    ("#77701a", "#cfc65c"),
    ("#8a5a3a", "#cf9f7e"),
    ("#4d6b76", "#9dbfcc"),
)
_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
_SCALES = (("same", "One scale"), ("log", "Log scale"), ("own", "Own scales"))
_SCALE_TIP = (
    "One scale shows all curves by their values, the log scale small ones as clearly as large ones (none at or below "
    "zero). Own scales draw each curve from its lowest to its highest value, for terms of a method can be of very "
    "different size."
)
_APART, _TOGETHER = 30.0, 10.0
"""How many times larger than another a curve must be for each to get its own scale, and not to need it any more."""
_SMOOTHEST = 0.25
_LEAST_HEIGHT = 21 * GRID
_SMOOTH_POINTS = 400


@dataclass(slots=True)
class _Term:
    chip: LegendChip
    raw: Any
    smooth: Any
    position: int


class LossChart(QFrame):
    """Curves of all loss terms over epochs; of a run with several stages those of one stage.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("Loss curves")
        self._theme = theme
        self._story: RunStory | None = None
        self._stage: StageStory | None = None
        self._terms: dict[str, _Term] = {}
        self._switched_off: set[str] = set()
        self._pointed: float | None = None

        self._title = text_label("Loss", "section", wrap=False)
        self._title.setToolTip("What training makes smaller, step by step. Each curve is one aim of the method.")
        self.stages = StageChoice()
        self.stages.chosen.connect(self._show_stage)
        self._place = text_label("", "small")
        self._place.setMinimumWidth(1)
        self._place.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.scale = ChoiceField(_SCALES, "same")
        self.scale.setAccessibleName("Scale of the curves")
        self.scale.setToolTip(_SCALE_TIP)
        self.scale.setStyleSheet("QComboBox { min-height: 18px; padding: 2px 8px; }")
        self.scale.activated.connect(self._choose_scale)
        self._scale_chosen = False
        self.smoothing = Slider(0, 100)
        self.smoothing.setValue(40)
        self.smoothing.setFixedWidth(10 * GRID)
        self.smoothing.setAccessibleName("Smoothing")
        self.smoothing.setToolTip("How far neighbouring steps are averaged. The pale line behind is not averaged.")
        self.smoothing.valueChanged.connect(self._smooth)
        smoothing_label = QLabel("S&moothing")
        smoothing_label.setBuddy(self.smoothing)

        self._chart = Chart(theme, "Epoch", "Loss")
        self._chart.plot.getViewBox().setMouseEnabled(x=True, y=False)
        self._chart.pointed.connect(self._point_at)
        self._chart.unzoomed.connect(self._redraw)
        self._chart.x_zoomed.connect(self._redraw)
        self._chart.restyled.connect(self._restyle)
        self._checkpoints = pg.VTickGroup(yrange=(0.0, 0.05))
        self._chart.plot.addItem(self._checkpoints, ignoreBounds=True)

        self._hint = text_label("Curves appear with the first training step.", "help")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignTop)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addStrut(4 * GRID)
        head.addWidget(self._title)
        head.addWidget(self.stages)
        head.addStretch(1)
        head.addWidget(self.scale)
        head.addSpacing(GRID)
        head.addWidget(smoothing_label)
        head.addWidget(self.smoothing)
        self._chips = QVBoxLayout()
        self._chips.setSpacing(0)
        self._chips.addStretch(1)
        self._chips.addWidget(self._place)
        body = QHBoxLayout()
        body.setSpacing(GRID)
        body.addStrut(_LEAST_HEIGHT)
        body.addWidget(self._hint, 1)
        body.addWidget(self._chart, 1)
        body.addLayout(self._chips)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID // 2, 2 * GRID, GRID)
        layout.setSpacing(GRID // 2)
        layout.addLayout(head)
        layout.addLayout(body, 1)
        self._chart.hide()
        self._restyle()

    def show_story(self, story: RunStory) -> None:
        """Draw what a run has told so far."""
        self._story = story
        self.stages.show_story(story)
        self._title.setHidden(not self.stages.isHidden())  # the axis says it too, and there is little room
        self._show_stage()

    def _show_stage(self) -> None:
        assert self._story is not None
        former, self._stage = self._stage, self._story.stages.get(self.stages.number)
        curves = self._stage.curves if self._stage is not None else {}
        self._match_terms(curves)
        self._hint.setVisible(not curves)
        self._chart.setVisible(bool(curves))
        if former is not None and self._stage is not former:
            self._chart.show_all()  # another time, another height; draws
        else:
            self._redraw()

    def _match_terms(self, curves: Mapping[str, Curve]) -> None:
        if list(self._terms) == list(curves):
            return
        for name, term in self._terms.items():
            (self._switched_off.discard if term.chip.isChecked() else self._switched_off.add)(name)
            self._chart.plot.removeItem(term.raw)
            self._chart.plot.removeItem(term.smooth)
            self._chips.removeWidget(term.chip)
            term.chip.hide()
            term.chip.deleteLater()
        self._terms = {}
        others = [name for name in curves if name != TOTAL]
        for name in curves:
            title, explain = LOSS_TERMS.get(name, (name[:1].upper() + name[1:], ""))
            chip = LegendChip(self._theme, title, parent=self)
            chip.setToolTip(explain)
            chip.setChecked(name not in self._switched_off)
            chip.toggled.connect(self._redraw)
            self._chips.insertWidget(self._chips.count() - 2, chip)
            chip.show()
            # Plain curve items: the story has already thinned its data, to two points a pixel below.
            raw, smooth = pg.PlotCurveItem(), pg.PlotCurveItem(antialias=True)
            smooth.setZValue(1)  # above the pale lines of all terms
            for item in (raw, smooth):
                self._chart.plot.addItem(item, ignoreBounds=True)
            self._terms[name] = _Term(chip, raw, smooth, others.index(name) if name in others else -1)
        self._restyle()

    def _redraw(self) -> None:
        if self._story is None or self._stage is None:
            return
        stage, curves = self._stage, self._stage.curves
        if not self._scale_chosen:
            self.scale.set_value(self._fitting_scale(curves))
        own, log = self.scale.value() == "own", self.scale.value() == "log"
        self._chart.set_log(log)
        self._chart.set_y("Loss, each curve by itself" if own else "Loss", numbers=not own)
        share = self._share()
        seen = [stage.step_at(x) for x in self._chart.x_range] if self._chart.zoomed else [-np.inf, np.inf]
        drawn: list[tuple[FloatArray, FloatArray]] = []
        for name, term in self._terms.items():
            curve = curves.get(name)
            shown = curve is not None and term.chip.isChecked()
            term.raw.setVisible(shown)
            term.smooth.setVisible(shown and share > 0)
            if curve is None or not shown:
                continue
            smooth = curve.smoothed(share)
            extent = _extent(*smooth, seen) if own else (0.0, 1.0)
            envelope = curve.envelope(seen[0], seen[1], most=max(self._chart.width(), 100))
            drawn.append(self._scaled(*envelope, extent, log=log))
            _set(term.raw, *drawn[-1], gaps=log)
            if share > 0:
                _set(term.smooth, *self._scaled(*_thinned(*smooth), extent, log=log), gaps=log)
        self._frame(drawn, (0.0, 1.0) if own else None)
        saved = [stage.epoch_at(step) for step in self._story.checkpoints if stage.holds(step)]
        self._checkpoints.setXVals(saved)
        marks = "Epoch (marks: checkpoints)" if saved else "Epoch"
        self._chart.set_x_title(marks)
        self._write_values()

    def _choose_scale(self) -> None:
        self._scale_chosen = True
        self._redraw()

    def _fitting_scale(self, curves: Mapping[str, Curve]) -> str:
        """One scale while all curves can be read on it, until a person has chosen."""
        shown = [curve for name, curve in curves.items() if self._terms[name].chip.isChecked() and len(curve)]
        sizes = [float(np.median(np.abs(curve.means))) for curve in shown]
        sizes = [size for size in sizes if size > 0]
        apart = max(sizes) / min(sizes) if sizes else 1.0
        return "own" if apart > (_TOGETHER if self.scale.value() == "own" else _APART) else "same"

    def _scaled(
        self, steps: FloatArray, values: FloatArray, extent: tuple[float, float], *, log: bool
    ) -> tuple[FloatArray, FloatArray]:
        assert self._stage is not None
        if log:
            values = np.log10(np.where(values > 0, values, np.nan))
        low, high = extent
        return self._stage.epoch_at(steps), (values - low) / (high - low)

    def _share(self) -> float:
        """Width of the averaging window; the slider is finer where it is narrow."""
        return float(_SMOOTHEST * (self.smoothing.value() / 100) ** 2)

    def _smooth(self) -> None:
        self._restyle()
        self._redraw()

    def _frame(self, drawn: list[tuple[FloatArray, FloatArray]], height: tuple[float, float] | None) -> None:
        """Show the whole run so far, or the part the person zoomed to, with this height or the one its values need."""
        if not drawn:
            return
        first = min(epochs[0] for epochs, _ in drawn)
        # One epoch at least: the axis has no numbers for a range of nothing.
        last = max(first + 1.0, *(epochs[-1] for epochs, _ in drawn))
        if height is not None:
            self._chart.frame((first, last), height)
            return
        left, right = self._chart.x_range if self._chart.zoomed else (first, last)
        seen = np.concatenate([values[(epochs >= left) & (epochs <= right)] for epochs, values in drawn])
        seen = seen[np.isfinite(seen)]
        if not len(seen):
            return
        self._chart.frame((first, last), (float(seen.min()), float(seen.max())))

    def _point_at(self, epoch: float | None) -> None:
        self._pointed = epoch
        self._write_values()

    def _write_values(self) -> None:
        if self._stage is None:
            return
        share = self._share()
        if self._pointed is None:
            self._place.setText("")
        for name, term in self._terms.items():
            curve = self._stage.curves.get(name)
            if curve is None or not len(curve):
                continue
            if self._pointed is None:
                term.chip.set_value(number(float(curve.means[-1])))
                continue
            steps, values = curve.smoothed(share)
            nearest = int(np.abs(steps - self._stage.step_at(self._pointed)).argmin())
            term.chip.set_value(number(float(values[nearest])))
            epoch = number(float(self._stage.epoch_at(steps[nearest])), 3)
            self._place.setText(f"at epoch {epoch}, step {count(steps[nearest])}")

    def _restyle(self) -> None:
        broad = max(2.0, 1.5 * self.devicePixelRatioF())  # pyqtgraph's pens count the screen's own pixels
        for term in self._terms.values():
            colour, dash = self._look(term.position)
            pale = mixed(colour, self._theme.colour("surface"), 0.3)
            term.raw.setPen(pg.mkPen(pale if self._share() > 0 else colour, width=1))
            term.smooth.setPen(pg.mkPen(colour, width=broad, style=dash))
            term.chip.set_look(colour, dash)
        self._checkpoints.setPen(pg.mkPen(self._theme.colour("muted"), width=2))

    def _look(self, position: int) -> tuple[QColor, Qt.PenStyle]:
        if position < 0:
            return self._theme.colour("text"), Qt.PenStyle.SolidLine
        colour = _TERM_COLOURS[position % len(_TERM_COLOURS)][self._theme.is_dark]
        return QColor(colour), _DASHES[position // len(_TERM_COLOURS) % len(_DASHES)]


def _set(item: Any, x: FloatArray, y: FloatArray, *, gaps: bool) -> None:
    item.setData(x, y, connect="finite" if gaps else "all", skipFiniteCheck=not gaps)


def _extent(steps: FloatArray, values: FloatArray, seen: list[float]) -> tuple[float, float]:
    """Lowest and highest value between two steps; a curve that hardly moves must not look like a cliff."""
    inside = values[(steps >= seen[0]) & (steps <= seen[1])]
    if not len(inside):
        return 0.0, 1.0
    low, high = float(inside.min()), float(inside.max())
    least = max(0.02 * max(abs(low), abs(high)), 1e-9)
    middle, half = (low + high) / 2, max(high - low, least) / 2
    return middle - half, middle + half


def _thinned(steps: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """As many points as a broad, smooth line needs; many more would make it slow to draw."""
    stride = -(-len(steps) // _SMOOTH_POINTS)
    return (steps, values) if stride <= 1 else (steps[::-stride][::-1], values[::-stride][::-1])
