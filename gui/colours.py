"""Colours made of colours."""

from __future__ import annotations

from PySide6.QtGui import QColor


def mixed(colour: QColor, ground: QColor, share: float) -> QColor:
    """A colour as it would look on a ground with this opacity; Qt draws opaque lines twenty times as fast."""
    one, other = (colour.red(), colour.green(), colour.blue()), (ground.red(), ground.green(), ground.blue())
    return QColor(*(round(share * c + (1 - share) * g) for c, g in zip(one, other, strict=True)))


def contrast(one: QColor, other: QColor) -> float:
    """How far two opaque colours stand apart, 1 to 21, by their relative luminance (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable(ground: QColor) -> QColor:
    """Black or white, whichever stands out more on a ground: a contrast of 4.58 at least."""
    return max((QColor("black"), QColor("white")), key=lambda ink: contrast(ink, ground))


def _luminance(colour: QColor) -> float:
    """Relative luminance of an sRGB colour, 0..1."""
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
