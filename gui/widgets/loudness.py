"""Drawing how loud a clip is, moment by moment, with the place it is at."""

from __future__ import annotations

from bandbridge.gui.clip_pictures import MovingPicture
from bandbridge.gui.theme import Theme
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

_MARGIN = 2


def draw_loudness(painter: QPainter, place: QRect, shown: MovingPicture, share: float, theme: Theme) -> None:
    """Draw bars about a middle line, as a waveform has them, or say that there is no sound.

    Args:
        painter: At work.
        place: Where.
        shown: The clip.
        share: The place it is at, 0..1.
        theme: Colours.
    """
    if shown.loudness is None:
        painter.setPen(theme.colour("muted"))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), "no sound")
        return
    middle = place.center().y() + 0.5
    width = place.width() / len(shown.loudness)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("accent"))
    for number, level in enumerate(shown.loudness.tolist()):
        high = max(1.0, level * (place.height() - 2 * _MARGIN))
        painter.drawRect(QRectF(place.left() + number * width, middle - high / 2, max(width - 1.0, 1.0), high))
    x = place.left() + round(share * (place.width() - 1))
    painter.setPen(QPen(theme.colour("text"), 1))
    painter.drawLine(x, place.top() + 1, x, place.bottom() - 1)
