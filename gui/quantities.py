"""Numbers as the user's country writes them, with their units."""

from __future__ import annotations

import math

from bandbridge.engine.api.rounding import THIN_SPACE, in_percent, rounded
from PySide6.QtCore import QLocale

NOTHING = "–"
_MINUS = "−"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def count(value: float) -> str:
    """A whole number, e.g. "12,345"."""
    return QLocale().toString(int(rounded(value, 0)))


def number(value: float, digits: int = 3) -> str:
    """A number to some significant digits, e.g. "0.0123"; very large and small ones as powers of ten."""
    if not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size >= 10**6 or 0 < size < 1e-4:
        decimals = max(digits - 2, 0)
        mantissa, _, exponent = f"{value:.{decimals}e}".partition("e")
        text = f"{fixed(float(mantissa), decimals)}×10{str(int(exponent)).translate(_RAISED)}"
    else:
        decimals = max(0, digits - 1 - math.floor(math.log10(size))) if size > 0 else digits - 1
        text = fixed(value, min(decimals, 6))
    return text


def ground(metres: float) -> str:
    """A distance on the ground: "0.25 m", "1,052 m", "12.8 km"."""
    if metres >= 10_000:
        return f"{fixed(metres / 1000, 1)}\u00a0km"
    decimals = 0 if metres >= 100 else 1 if metres >= 10 else 2
    text = fixed(metres, decimals)
    return f"{text.rstrip('0').rstrip(QLocale().decimalPoint()) if decimals else text}\u00a0m"


def tiny(value: float) -> str:
    """A very small number written out, e.g. "0.0000012"."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else NOTHING
    return fixed(value, min(max(1 - math.floor(math.log10(abs(value))), 2), 12))


def fixed(value: float, decimals: int) -> str:
    """A number with a fixed number of decimals, e.g. "2.50"."""
    return _written(rounded(value, decimals), decimals)


def plain(value: float) -> str:
    """A number with no more decimals than it has, two at most, e.g. "8" or "29.97"."""
    text = fixed(value, 2)
    point = QLocale().decimalPoint()
    return text.rstrip("0").removesuffix(point) if point in text else text


def percent(share: float, decimals: int = 0) -> str:
    """A share 0..1 in percent, e.g. "61 %"."""
    return f"{_written(in_percent(share, decimals), decimals)}{THIN_SPACE}%"


def percent_spread(mean: float, deviation: float) -> str:
    """Mean and standard deviation of shares 0..1, e.g. "71.9 ± 2.5 %"."""
    return f"{_written(in_percent(mean), 1)} ± {percent(deviation, 1)}"


def change(value: float, digits: int = 2) -> str:
    """A difference with its sign, e.g. "+0.12"."""
    return ("+" if value > 0 else "") + number(value, digits)


def points(difference: float) -> str:
    """A difference of shares in percentage points, e.g. "+7 points"."""
    decimals = 1 if abs(difference) < 0.0995 else 0
    figure = in_percent(abs(difference), decimals)
    sign = "" if not float(figure) else "+" if difference > 0 else _MINUS
    return f"{sign}{_written(figure, decimals)} points"


def duration(seconds: float) -> str:
    """A length of time in at most two units, e.g. "2 min 10 s"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{count(whole)} s"
    if whole < 3600:
        return f"{count(whole // 60)} min {count(whole % 60)} s"
    return f"{count(whole // 3600)} h {count(whole % 3600 // 60)} min"


def about(seconds: float) -> str:
    """An estimated length of time, as coarse as estimates are, e.g. "about 3 min"."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {count(math.ceil(seconds / 10) * 10)} s"
    if seconds < 5400:
        return f"about {count(seconds / 60)} min"
    return f"about {fixed(seconds / 3600, 1)} h"


def memory(mebibytes: float) -> str:
    """An amount of memory, e.g. "812 MB" or "1.4 GB"."""
    if mebibytes < 1000:
        return f"{count(mebibytes)} MB"
    return f"{fixed(mebibytes / 1024, 1)} GB"


def counted(value: int, one: str, many: str = "") -> str:
    """A number with its noun, e.g. "1 image", "12 images"."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def _written(figure: str, decimals: int) -> str:
    return QLocale().toString(float(figure), "f", decimals).replace("-", _MINUS)
