"""How numbers are rounded for people: alike in window, reports and on the command line.

Halves go away from zero, and what is rounded is the shortest decimal figure of a number, as people would write it: 9 of
16 are 56.3 %. Python's own formatting rounds exact halves to even digits, Qt's does not.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

THIN_SPACE = "\u202f"
_WIDE = Context(prec=400)  # holds every float written out


def rounded(value: float, decimals: int) -> str:
    """A number with so many decimals, a point before them and no sign before zero, e.g. "0.56"."""
    return _text(value, decimals, 0)


def in_percent(share: float, decimals: int = 1) -> str:
    """A share 0..1 in percent without the sign, e.g. "56.3"."""
    return _text(share, decimals, 2)


def percent(share: float, decimals: int = 1) -> str:
    """A share 0..1 in percent, e.g. "56.3 %"."""
    return f"{in_percent(share, decimals)}{THIN_SPACE}%"


def _text(value: float, decimals: int, power: int) -> str:
    if not math.isfinite(value):
        return str(float(value))
    exact = Decimal(repr(float(value))).scaleb(power, _WIDE)
    near = exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _WIDE)
    return f"{near if near else abs(near):f}"
