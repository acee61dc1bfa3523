"""One picture shown to a model: the picture, and the five classes it finds most likely."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bandbridge.engine.api.events import Problem
from bandbridge.engine.api.jobs import Predict, Thumbnails
from bandbridge.engine.api.reports import PredictReport, Report, ThumbnailsReport
from bandbridge.gui.errand import Errand
from bandbridge.gui.picture import as_pixmap
from bandbridge.gui.quantities import percent
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.labels import PathLabel, text_label
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

_ROW_PX = 26
_PICTURE_PX = 17 * GRID


class ConfidenceRows(QWidget):
    """Classes with their probability as text and as a bar.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: list[tuple[str, float]] = []
        self.setMinimumWidth(18 * GRID)
        theme.changed.connect(self.update)

    def show_rows(self, rows: Sequence[tuple[str, float]]) -> None:
        """Show (class name, probability 0..1), most likely first."""
        self._rows = list(rows)
        self.setAccessibleName(", ".join(f"{name} {percent(share)}" for name, share in rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """A line a class."""
        return QSize(24 * GRID, max(1, len(self._rows)) * _ROW_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw names, numbers and bars."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        numbers = metrics.horizontalAdvance(percent(1.0)) + GRID
        for index, (name, share) in enumerate(self._rows):
            top = index * _ROW_PX
            painter.setPen(self._theme.colour("text" if index == 0 else "muted"))
            width = self.width() - numbers
            words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, width)
            line = QRectF(0, top, self.width(), _ROW_PX - 7)
            painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), words)
            right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(line, right, percent(share))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("raised"))
            painter.drawRoundedRect(QRectF(0, top + _ROW_PX - 6, self.width(), 3), 1.5, 1.5)
            painter.setBrush(self._theme.colour("source"))
            painter.drawRoundedRect(QRectF(0, top + _ROW_PX - 6, max(3.0, self.width() * share), 3), 1.5, 1.5)


class TopFive(Card):
    """Shows what a source model makes of one RGB picture.

    Args:
        desk: Predicts.
        theme: Colours.
        parent: Qt parent.

    Signals:
        browse_wanted: Look for a picture.
    """

    browse_wanted = Signal()

    def __init__(self, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Is this the model you think it is?", parent)
        self._desk = desk
        self._theme = theme
        self._errands: list[Errand] = []
        self._model = ""
        self._names: tuple[str, ...] = ()
        self._bands: tuple[int, ...] | None = None
        self._report: PredictReport | None = None
        self.file = ""
        self._hint = text_label(
            "Drop one RGB picture here, or browse for it, to see which classes the model finds most likely.", "help"
        )
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._path = PathLabel()
        self._rows = ConfidenceRows(theme)
        self._message = text_label("", "small")
        browse = QPushButton("Choose a &picture…")
        browse.clicked.connect(self.browse_wanted)
        self.body.addWidget(self._hint)
        row = QHBoxLayout()
        row.setSpacing(2 * GRID)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(GRID)
        column.addWidget(self._path)
        column.addWidget(self._rows)
        column.addStretch(1)
        row.addLayout(column, 1)
        self.body.addLayout(row)
        self.body.addWidget(self._message)
        self.body.addWidget(browse, 0, Qt.AlignmentFlag.AlignLeft)
        for widget in (self._picture, self._path, self._rows, self._message):
            widget.hide()

    def set_model(self, model: str, names: tuple[str, ...], bands: tuple[int, ...] | None) -> None:
        """Use this model file from now on, with these class names and RGB bands."""
        again = self.file and (model, bands) != (self._model, self._bands)
        self._model, self._names, self._bands = model, names, bands
        if again:
            self.show_file(self.file)
        elif self._report is not None:
            self._show_report(self._report)

    def show_file(self, file: str) -> None:
        """Show what the model makes of this picture."""
        self.stop()
        self.file = file
        self._report = None
        self._hint.hide()
        self._picture.hide()
        self._rows.hide()
        self._path.set_path(Path(file).name)
        self._path.setToolTip(file)
        self._path.show()
        self._say("Asking the model…", "small")
        thumbnail = Errand(self._desk, Thumbnails(paths=(file,), bands=self._bands, size_px=2 * _PICTURE_PX), self)
        thumbnail.done.connect(self._show_picture)
        prediction = Errand(self._desk, Predict(model=self._model, paths=(file,), bands=self._bands), self)
        prediction.done.connect(self._show_report)
        prediction.failed.connect(self._show_problem)
        self._errands = [thumbnail, prediction]

    def stop(self) -> None:
        """Ask nothing more."""
        for errand in self._errands:
            errand.cancel()
        self._errands = []

    def _show_picture(self, report: Report) -> None:
        if isinstance(report, ThumbnailsReport) and report.pictures and report.pictures[0] is not None:
            pixmap = as_pixmap(report.pictures[0])
            ratio = self.devicePixelRatioF()
            side = round(_PICTURE_PX * ratio)
            scaled = pixmap.scaled(
                side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            scaled.setDevicePixelRatio(ratio)
            self._picture.setPixmap(scaled)
            self._picture.show()

    def _show_report(self, report: Report) -> None:
        if not isinstance(report, PredictReport):
            return
        self._report = report
        if not report.predictions:
            finding = report.set_aside[0] if report.set_aside else None
            self._say(f"{finding.what} {finding.do}" if finding else "The picture could not be read.", "error")
            return
        probabilities = np.asarray(report.predictions[0].probabilities)
        names = self._names if len(self._names) == len(probabilities) else report.class_names
        best = np.argsort(-probabilities, kind="stable")[:5]
        self._rows.show_rows([(names[index], float(probabilities[index])) for index in best])
        self._rows.show()
        self._message.hide()
        if report.set_aside:  # it was classified, but there is something to know
            finding = report.set_aside[0]
            self._say(f"{finding.what} {finding.why} {finding.do}", "warning")

    def _show_problem(self, problem: Problem) -> None:
        self._say(str(problem).replace(self.file, Path(self.file).name), "error")

    def _say(self, text: str, role: str) -> None:
        self._message.setText(text)
        self._message.setProperty("role", role)
        self._message.style().polish(self._message)
        self._message.show()
