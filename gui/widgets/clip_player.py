"""One clip, large: play with its sound, pause, step, and its loudness with the place it is at."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bandbridge.engine.api.events import Problem
from bandbridge.engine.api.jobs import ClipThumbnails
from bandbridge.engine.api.reports import ClipThumbnailsReport, Report
from bandbridge.gui.clip_pictures import MovingPicture
from bandbridge.gui.errand import Errand
from bandbridge.gui.picture import as_pixmap
from bandbridge.gui.quantities import fixed
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.speaker import Speaker
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.loudness import draw_loudness
from bandbridge.gui.widgets.slider import Slider
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

_FPS = 12.0
_SIZE_PX = 224
_SMALLEST_PX = 128
_MOST = 240
_BARS = 120
_SOUND_HEIGHT = 5 * GRID
_LISTEN_HZ = 48_000
_TICK_MS = 25
_SETTLE_MS = 200
_PATIENCE_S = 2.0
_NOTE = "Shows the middle square of the picture, {seconds}\u00a0s at most."


class _Screen(QWidget):
    """The picture and the loudness beneath."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.shown: MovingPicture | None = None
        self.at = 0
        self.moments = 1
        self.words = ""
        self.setAccessibleName("Clip")
        self.set_side(_SIZE_PX)
        theme.changed.connect(self.update)

    def set_side(self, side: int) -> None:
        """Show the square picture with this side, in pixels of the screen."""
        self.setFixedSize(side, side + _SOUND_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture of this moment."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        side = self.width()
        square = QRect(0, 0, side, side)
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
        draw_loudness(painter, band, shown, self.at / max(self.moments, 1), self._theme)


class ClipPlayer(QWidget):
    """Shows one clip; the worker decodes it.

    Args:
        desk: Reads the clip.
        theme: Colours and icons.
        beside: Stand right of the picture, from its top.
        parent: Qt parent.
    """

    def __init__(
        self, desk: WorkerThread, theme: Theme, beside: Sequence[QWidget] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._theme = theme
        self._errand: Errand | None = None
        self._path = Path()
        self._wave: NDArray[np.float32] | None = None
        self._speaker = Speaker()
        self._began = (0.0, 0.0)  # by the machine's clock, and where in the clip
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._settle = QTimer(self)  # a slider that is dragged does not stutter
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._fit)
        self.screen_area = _Screen(theme)
        self.play_button = QToolButton()
        self.play_button.setCheckable(True)
        self.play_button.setAccessibleName("Play or pause")
        self.play_button.setToolTip("Play or pause")
        self.play_button.toggled.connect(self._fit)
        self.place = Slider(0, 0)
        self.place.setAccessibleName("Place in the clip")
        self.place.valueChanged.connect(self._jump)
        self.mute_button = QToolButton()
        self.mute_button.setCheckable(True)
        self.mute_button.setAccessibleName("Mute")
        self.mute_button.toggled.connect(self._mute)
        self._time = text_label("", "small", wrap=False)
        self.open_button = QPushButton("Open in a p&layer")
        self.open_button.setToolTip("Opens the file itself, the whole of it, in the system's video player.")
        self.open_button.clicked.connect(self._open)
        self._note = text_label("", "small")
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.play_button)
        row.addWidget(self.place, 1)
        row.addWidget(self._time)
        row.addWidget(self.mute_button)
        row.addWidget(self.open_button)
        words = QVBoxLayout()
        words.setSpacing(GRID)
        for widget in beside:
            words.addWidget(widget)
        words.addStretch(1)
        words.addWidget(self._note)
        top = QHBoxLayout()
        top.setSpacing(2 * GRID)
        top.addWidget(self.screen_area, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addLayout(row)
        theme.changed.connect(self._paint_icons)
        self.clear()
        self._paint_icons()

    @property
    def file(self) -> Path:
        """The clip shown."""
        return self._path

    def set_room(self, height: int) -> None:
        """Make the picture as large as a height allows, in pixels of the screen, but not larger than it is."""
        self.screen_area.set_side(min(max(height, _SMALLEST_PX), _SIZE_PX))

    def show_clip(self, path: Path) -> None:
        """Play this clip from its beginning."""
        self.stop()
        self._path, self._wave = path, None
        self.screen_area.shown, self.screen_area.words = None, "…"
        self.screen_area.setAccessibleDescription(path.name)
        job = ClipThumbnails(
            folder=str(path.parent),
            files=(path.name,),
            fps=_FPS,
            size_px=_SIZE_PX,
            most=_MOST,
            bars=_BARS,
            listen_hz=_LISTEN_HZ,
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
        self._path, self._wave = Path(), None
        self.screen_area.shown, self.screen_area.words = None, ""
        self._show_controls(False)
        self.screen_area.update()

    def stop(self) -> None:
        """Ask nothing more, stand still and be silent."""
        self._halt()
        if self._errand is not None:
            self._errand.cancel()
            self._errand = None

    def hideEvent(self, event: QHideEvent) -> None:
        """Stand still out of sight, silently."""
        super().hideEvent(event)
        self._halt()

    def showEvent(self, event: QShowEvent) -> None:
        """Back in sight it waits to be played."""
        super().showEvent(event)
        if self.screen_area.shown is not None:
            self.play_button.setChecked(False)

    def _show_controls(self, there: bool) -> None:
        for widget in (self.play_button, self.place, self._time, self.mute_button, self.open_button, self._note):
            widget.setVisible(there)

    # ---- what the worker answers ---------------------------------------------------------------------------------

    def _take(self, report: Report) -> None:
        clip = report.clips[0] if isinstance(report, ClipThumbnailsReport) else None
        if clip is None:
            self.screen_area.words = "This clip cannot be read."
            self.screen_area.update()
            return
        pictures = tuple(as_pixmap(one) for one in clip.pictures)
        self._wave = clip.wave
        self.screen_area.shown = MovingPicture(pictures, clip.loudness, _FPS)
        self.screen_area.words = "" if pictures else "sound alone"
        moments = len(pictures) or (0 if clip.wave is None else round(len(clip.wave) / _LISTEN_HZ * _FPS))
        blocked = self.place.blockSignals(True)
        self.place.setRange(0, max(moments - 1, 0))
        self.place.setValue(0)
        self.place.blockSignals(blocked)
        self.screen_area.moments = moments
        self._tell_sound()
        self._go_to(0)
        if self.play_button.isChecked():
            self._fit()
        else:
            self.play_button.setChecked(True)

    def _fail(self, problem: Problem) -> None:
        self.screen_area.words = str(problem)
        self.screen_area.update()

    def _forget(self) -> None:
        self._errand = None

    # ---- playing -------------------------------------------------------------------------------------------------

    def _fit(self) -> None:
        """Play from the place shown, or stand still."""
        self._halt()
        shown = self.screen_area.shown
        if self.play_button.isChecked() and self.isVisible() and shown is not None and self.place.maximum():
            if self.place.value() == self.place.maximum():
                self._move_to(0)
            self._began = (time.monotonic(), self.place.value() / _FPS)
            if self._wave is not None:
                self._speaker.play(self._wave, _LISTEN_HZ, self._began[1])
            self._timer.start()
        self._paint_icons()

    def _halt(self) -> None:
        self._timer.stop()
        self._settle.stop()
        self._speaker.stop()

    def _now_s(self) -> float:
        """The moment of the clip to be seen: the one that is heard, where there is sound."""
        moment, from_s = self._began
        passed_s = time.monotonic() - moment
        if self._wave is None or self._speaker.missing:
            return from_s + passed_s
        heard_s = self._speaker.heard_s()
        if heard_s is None:  # the output is being opened
            return from_s + max(0.0, passed_s - _PATIENCE_S)
        return min(max(from_s, heard_s), from_s + passed_s)  # an output that swallows all at once plays nothing

    def _tick(self) -> None:
        if self._wave is not None and self._speaker.missing and self.mute_button.isEnabled():
            self._began = (time.monotonic(), self.place.value() / _FPS)  # it goes on by the clock from here
            self._tell_sound()
        at = int(self._now_s() * _FPS + 1e-6)
        if at > self.place.maximum():
            self._move_to(self.place.maximum())
            self.play_button.setChecked(False)
        else:
            self._move_to(max(at, self.place.value()))

    def _move_to(self, at: int) -> None:
        """Go on by itself."""
        blocked = self.place.blockSignals(True)
        self.place.setValue(at)
        self.place.blockSignals(blocked)
        self._go_to(at)

    def _jump(self, at: int) -> None:
        """A person has moved the slider."""
        self._halt()
        self._go_to(at)
        if self.play_button.isChecked():
            self._settle.start()

    def _go_to(self, at: int) -> None:
        self.screen_area.at = at
        self._time.setText(f"{fixed(at / _FPS, 1)} of {fixed((self.place.maximum() + 1) / _FPS, 1)} s")
        self.screen_area.update()

    def _mute(self, muted: bool) -> None:
        self._speaker.muted = muted
        self._paint_icons()

    def _tell_sound(self) -> None:
        """Say what is heard, and if nothing is, why."""
        why = "This clip has no sound." if self._wave is None else self._speaker.missing
        note = _NOTE.format(seconds=round(_MOST / _FPS))
        self._note.setText(f"{note} {why}".strip())
        self.mute_button.setEnabled(not why)
        self.mute_button.setToolTip(why or "Mute")

    def _open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path)))

    def _paint_icons(self) -> None:
        self.play_button.setIcon(self._theme.icon("pause" if self.play_button.isChecked() else "play"))
        self.mute_button.setIcon(self._theme.icon("muted" if self.mute_button.isChecked() else "sound"))
        self.open_button.setIcon(self._theme.icon("open"))
