"""Colours made of colours."""

from __future__ import annotations

from PySide6.QtGui import QColor


def mixed(colour: QColor, ground: QColor, share: float) -> QColor:
    """A colour as it would look on a ground with this opacity; Qt draws opaque lines twenty times as fast."""
    one, other = (colour.red(), colour.green(), colour.blue()), (ground.red(), ground.green(), ground.blue())
    return QColor(*(round(share * c + (1 - share) * g) for c, g in zip(one, other, strict=True)))
