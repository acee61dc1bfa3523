"""Clips side by side that play, their loudness beneath with a line where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bandbridge.gui.clip_pictures import MovingPicture
from bandbridge.gui.theme import GRID, RADIUS, Theme
from bandbridge.gui.widgets.loudness import draw_loudness
from PySide6.QtCore import QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

SIDE = 112
"""Side of a picture at least; a little more where the row has room."""
_GAP = 2 * GRID
_SOUND_HEIGHT = 3 * GRID
_INSET = 5
"""Of words, from the frame of the clip chosen."""
_MOST_STRETCH = 1.5
_TICK_MS = 50
_MARKS = {
    "right": ("mark-ready", "good", "right"),
    "partly": ("mark-warning", "warning", "partly right"),
    "wrong": ("mark-error", "error", "wrong"),
}


@dataclass(frozen=True, slots=True)
class WallClip:
    """One clip on the wall.

    Attributes:
        file: Its name.
        lines: Up to two short lines below it.
        shown: What is to be seen and heard of it, None while that is fetched.
        broken: Whether it cannot be read.
        mark: "right", "partly", "wrong", or "" for none.
    """

    file: str
    lines: tuple[str, ...] = ()
    shown: MovingPicture | None = None
    broken: bool = False
    mark: str = ""


class ClipWall(QWidget):
    """Clips that play in a loop while they can be seen.

    Args:
        name: For screen readers.
        theme: Colours.
        parent: Qt parent.

    Signals:
        chosen: (int) a clip was pressed, or Return on it.
    """

    chosen = Signal(int)

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._clips: tuple[WallClip, ...] = ()
        self._empty = ""
        self._current = 0
        self._chosen = -1
        self._time_s = 0.0
        self._playing = True
        self._pressable = False
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(name)
        theme.changed.connect(self.update)

    @property
    def clips(self) -> tuple[WallClip, ...]:
        """Those shown."""
        return self._clips

    @property
    def playing(self) -> bool:
        """Whether they move while they can be seen."""
        return self._playing

    @property
    def columns(self) -> int:
        """How many clips have room side by side."""
        return self._columns(self.width())

    def set_pressable(self) -> None:
        """Let clips be chosen, with mouse or arrow keys and Return."""
        self._pressable = True
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_playing(self, playing: bool) -> None:
        """Play or stand still."""
        self._playing = playing
        self._fit_timer()

    def show_clips(self, clips: Sequence[WallClip], *, chosen: int = -1) -> None:
        """Show these, one of them marked as chosen."""
        self._clips = tuple(clips)
        self._chosen = chosen
        self._current = max(0, min(self._current, len(clips) - 1)) if chosen < 0 else chosen
        self._describe()
        self._fit_timer()
        self._fit()

    def show_text(self, text: str) -> None:
        """Show a sentence instead."""
        self._clips, self._empty = (), text
        self._describe()
        self._fit_timer()
        self._fit()

    def heightForWidth(self, width: int) -> int:
        """Rows that the clips need."""
        rows = -(-len(self._clips) // self._columns(width))
        return max(8 * GRID, rows * self._cell_height(width) + 2)

    def sizeHint(self) -> QSize:
        """For the width at hand."""
        return QSize(4 * (SIDE + _GAP), self.heightForWidth(max(self.width(), SIDE + _GAP)))

    def minimumSizeHint(self) -> QSize:
        """One clip."""
        return QSize(SIDE + _GAP, 8 * GRID)

    # ---- playing -------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Play while in sight."""
        super().showEvent(event)
        self._fit_timer()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stand still out of sight."""
        super().hideEvent(event)
        self._timer.stop()

    def _fit_timer(self) -> None:
        moving = any(clip.shown is not None for clip in self._clips)
        if self._playing and moving and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()

    def _tick(self) -> None:
        self._time_s += _TICK_MS / 1000
        if self.isVisible() and not self.visibleRegion().isEmpty():
            self.update()

    # ---- where things are ----------------------------------------------------------------------------------------

    def _fit(self) -> None:
        self.setMinimumHeight(self.heightForWidth(max(self.width(), SIDE + _GAP)))
        self.updateGeometry()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the rows anew."""
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _columns(self, width: int) -> int:
        return max(1, (width + _GAP) // (SIDE + _GAP))

    def _side(self, width: int) -> int:
        room = (width + _GAP) // self._columns(width) - _GAP
        return max(SIDE, min(room, round(_MOST_STRETCH * SIDE)))

    def _lines(self) -> int:
        return max((len(clip.lines) for clip in self._clips), default=0)

    def _cell_height(self, width: int) -> int:
        words = self._lines() * self._line_height()
        return self._side(width) + _SOUND_HEIGHT + words + GRID // 2 + _GAP

    def _line_height(self) -> int:
        return self.fontMetrics().height() + 1

    def _place(self, index: int) -> QRect:
        row, column = divmod(index, self._columns(self.width()))
        side, height = self._side(self.width()), self._cell_height(self.width())
        return QRect(column * (side + _GAP) + 1, row * height + 1, side, height - _GAP)

    def _index_at(self, place: QPoint) -> int:
        return next((index for index in range(len(self._clips)) if self._place(index).contains(place)), -1)

    # ---- drawing -------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the clips as they are at this moment."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(self._theme.font("small"))
        if not self._clips:
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._empty)
            return
        for index, clip in enumerate(self._clips):
            place = self._place(index)
            if place.intersects(event.rect()):
                self._draw(painter, place, clip, index)

    def _draw(self, painter: QPainter, place: QRect, clip: WallClip, index: int) -> None:
        side = place.width()
        square = QRect(place.topLeft(), QSize(side, side))
        sound = QRect(place.left(), place.top() + side, side, _SOUND_HEIGHT)
        painter.fillRect(square, self._theme.colour("raised"))
        shown = clip.shown
        share = 0.0
        if shown is not None and shown.pictures:
            length_s = len(shown.pictures) / shown.fps
            share = (self._time_s % length_s) / length_s
            painter.drawPixmap(square, shown.pictures[int(share * len(shown.pictures)) % len(shown.pictures)])
        else:
            painter.setPen(self._theme.colour("muted"))
            words = "cannot be read" if clip.broken else "…" if shown is None else "sound alone"
            painter.drawText(square, int(Qt.AlignmentFlag.AlignCenter), words)
        painter.fillRect(sound, self._theme.colour("surface"))
        if shown is not None:
            draw_loudness(painter, sound, shown, share, self._theme)
        if index == self._chosen or (self._pressable and self.hasFocus() and index == self._current):
            colour = "accent" if index == self._chosen else "muted"
            painter.setPen(QPen(self._theme.colour(colour), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(place.adjusted(0, 0, -1, -1), RADIUS / 2, RADIUS / 2)
        if clip.mark:
            icon, colour, _ = _MARKS[clip.mark]
            badge = QRect(square.right() - 25, square.top() + 4, 22, 22)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("surface"))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawEllipse(badge)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            self._theme.icon(icon, colour).paint(painter, badge.adjusted(2, 2, -2, -2))
        top = sound.bottom() + GRID // 2
        for number, line in enumerate(clip.lines):
            painter.setPen(self._theme.colour("text" if number == 0 else "muted"))
            line_height = self._line_height()
            words_place = QRect(place.left() + _INSET, top + number * line_height, side - 2 * _INSET, line_height)
            text = painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideMiddle, words_place.width())
            painter.drawText(words_place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)

    # ---- hands ---------------------------------------------------------------------------------------------------

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose a clip."""
        index = self._index_at(event.position().toPoint())
        if self._pressable and event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._current = index
            self.chosen.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk along the clips, Return chooses one."""
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self._columns(self.width()),
            Qt.Key.Key_Down: self._columns(self.width()),
        }
        step = steps.get(Qt.Key(event.key()))
        if not self._pressable or not self._clips:
            super().keyPressEvent(event)
        elif step is not None and 0 <= self._current + step < len(self._clips):
            self._current += step
            self._describe()
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self._current)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show which clip the keys act on."""
        super().focusInEvent(event)
        self._describe()
        self.update()

    def _describe(self) -> None:
        """For screen readers: the clip the keys act on, or all of them."""
        if not self._clips:
            self.setAccessibleDescription(self._empty)
            return

        def words(clip: WallClip) -> str:
            return ", ".join((*clip.lines, *((_MARKS[clip.mark][2],) if clip.mark else ())))

        if self._pressable:
            self.setAccessibleDescription(words(self._clips[self._current]))
        else:
            self.setAccessibleDescription("; ".join(map(words, self._clips)))

    def event(self, event: object) -> bool:
        """The whole name and lines as a tooltip."""
        if isinstance(event, QHelpEvent) and (index := self._index_at(event.pos())) >= 0:
            clip = self._clips[index]
            QToolTip.showText(event.globalPos(), "\n".join(dict.fromkeys((clip.file, *clip.lines))), self)
            return True
        return super().event(event)  # type: ignore[arg-type]
