"""One clip, large: play, pause, step, and its loudness with the place it is at."""

from __future__ import annotations

from pathlib import Path

from bandbridge.engine.api.events import Problem
from bandbridge.engine.api.jobs import ClipThumbnails
from bandbridge.engine.api.reports import ClipThumbnailsReport, Report
from bandbridge.gui.clip_pictures import MovingPicture
from bandbridge.gui.errand import Errand
from bandbridge.gui.picture import as_pixmap
from bandbridge.gui.quantities import fixed
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.loudness import draw_loudness
from bandbridge.gui.widgets.slider import Slider
from PySide6.QtCore import QRect, QSize, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

_FPS = 12.0
_SIZE_PX = 224
_MOST = 240
_BARS = 120
_SOUND_HEIGHT = 5 * GRID
_SILENT = "Plays without sound, the middle square of the picture, {seconds} s at most. With sound: “Open in a player”."


class _Screen(QWidget):
    """The picture and the loudness beneath."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.shown: MovingPicture | None = None
        self.at = 0
        self.words = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Clip")
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As large as the pictures are."""
        return QSize(_SIZE_PX, _SIZE_PX + _SOUND_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Large enough to tell what happens."""
        return QSize(160, 160 + _SOUND_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture of this moment."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        side = max(1, min(self.width(), self.height() - _SOUND_HEIGHT))
        square = QRect((self.width() - side) // 2, 0, side, side)
        painter.fillRect(square, self._theme.colour("raised"))
        shown = self.shown
        if shown is None or not shown.pictures:
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(square, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self.words)
        else:
            painter.drawPixmap(square, shown.pictures[min(self.at, len(shown.pictures) - 1)])
        if shown is None:
            return
        band = QRect(square.left(), square.bottom() + 1, side, _SOUND_HEIGHT)
        draw_loudness(painter, band, shown, self.at / max(len(shown.pictures), 1), self._theme)


class ClipPlayer(QWidget):
    """Shows one clip; the worker decodes it.

    Args:
        desk: Reads the clip.
        theme: Colours and icons.
        parent: Qt parent.
    """

    def __init__(self, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._theme = theme
        self._errand: Errand | None = None
        self._path = Path()
        self._timer = QTimer(self)
        self._timer.setInterval(round(1000 / _FPS))
        self._timer.timeout.connect(self._tick)
        self.screen_area = _Screen(theme)
        self.play_button = QToolButton()
        self.play_button.setCheckable(True)
        self.play_button.setChecked(True)
        self.play_button.setAccessibleName("Play or pause")
        self.play_button.setToolTip("Play or pause")
        self.play_button.toggled.connect(self._fit)
        self.place = Slider(0, 0)
        self.place.setAccessibleName("Place in the clip")
        self.place.valueChanged.connect(self._go_to)
        self._time = text_label("", "small", wrap=False)
        self.open_button = QPushButton("Open in a &player")
        self.open_button.setToolTip("Opens the file itself, with its sound, in the system's video player.")
        self.open_button.clicked.connect(self._open)
        self._note = text_label("", "small")
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.play_button)
        row.addWidget(self.place, 1)
        row.addWidget(self._time)
        row.addWidget(self.open_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.screen_area, 1)
        column.addLayout(row)
        column.addWidget(self._note)
        theme.changed.connect(self._paint_icons)
        self.clear()
        self._paint_icons()

    @property
    def file(self) -> Path:
        """The clip shown."""
        return self._path

    def show_clip(self, path: Path) -> None:
        """Show this clip from its beginning."""
        self.stop()
        self._path = path
        self.screen_area.shown, self.screen_area.words = None, "…"
        self.screen_area.setAccessibleDescription(path.name)
        job = ClipThumbnails(
            folder=str(path.parent), files=(path.name,), fps=_FPS, size_px=_SIZE_PX, most=_MOST, bars=_BARS
        )
        self._errand = Errand(self._desk, job, self)
        self._errand.done.connect(self._take)
        self._errand.failed.connect(self._fail)
        self._errand.ended.connect(self._forget)
        self._show_controls(True)
        self.screen_area.update()

    def clear(self) -> None:
        """Show nothing."""
        self.stop()
        self._path = Path()
        self.screen_area.shown, self.screen_area.words = None, "Press a clip to see it large."
        self._show_controls(False)
        self.screen_area.update()

    def stop(self) -> None:
        """Ask nothing more and stand still."""
        self._timer.stop()
        if self._errand is not None:
            self._errand.cancel()
            self._errand = None

    def hideEvent(self, event: QHideEvent) -> None:
        """Stand still out of sight."""
        super().hideEvent(event)
        self._timer.stop()

    def showEvent(self, event: QShowEvent) -> None:
        """Go on in sight."""
        super().showEvent(event)
        self._fit()

    def _show_controls(self, there: bool) -> None:
        for widget in (self.play_button, self.place, self._time, self.open_button, self._note):
            widget.setVisible(there)

    def _take(self, report: Report) -> None:
        clip = report.clips[0] if isinstance(report, ClipThumbnailsReport) else None
        if clip is None:
            self.screen_area.words = "This clip cannot be read."
            self.screen_area.update()
            return
        pictures = tuple(as_pixmap(one) for one in clip.pictures)
        self.screen_area.shown = MovingPicture(pictures, clip.loudness, _FPS)
        self.screen_area.words = "" if pictures else "sound alone"
        self.place.blockSignals(True)
        self.place.setRange(0, max(len(pictures) - 1, 0))
        self.place.setValue(0)
        self.place.blockSignals(False)
        self._note.setText(_SILENT.format(seconds=round(_MOST / _FPS)))
        self._go_to(0)
        self._fit()

    def _fail(self, problem: Problem) -> None:
        self.screen_area.words = str(problem)
        self.screen_area.update()

    def _forget(self) -> None:
        self._errand = None

    def _fit(self) -> None:
        shown = self.screen_area.shown
        moving = self.play_button.isChecked() and self.isVisible() and shown is not None and len(shown.pictures) > 1
        if moving:
            self._timer.start()
        else:
            self._timer.stop()
        self._paint_icons()

    def _tick(self) -> None:
        self.place.setValue((self.place.value() + 1) % (self.place.maximum() + 1))

    def _go_to(self, at: int) -> None:
        self.screen_area.at = at
        self._time.setText(f"{fixed(at / _FPS, 1)} of {fixed((self.place.maximum() + 1) / _FPS, 1)} s")
        self.screen_area.update()

    def _open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path)))

    def _paint_icons(self) -> None:
        self.play_button.setIcon(self._theme.icon("pause" if self.play_button.isChecked() else "play"))
        self.open_button.setIcon(self._theme.icon("open"))
