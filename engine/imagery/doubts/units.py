"""Images whose values are in other units than the rest, though their number type is the same.

Only combinations known from practice are named: 8-bit pictures saved among raw counts of more bits, decibels among
linear values, a factor of a thousand (metres and millimetres, reflectance as share and as ten thousandths), degrees
Celsius among kelvins. Each asks for evidence on the images' own levels and spreads, since water and land differ a lot
within one unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from bandbridge.engine.imagery.doubts.glimpse import Glimpse
from numpy.typing import NDArray

_Flags = NDArray[np.bool_]

_LEAST_FACTOR = 250.0
# A picture stretched to 8 bits uses them from end to end, which raw counts seldom do by chance.
_EIGHT_BIT_BOTTOM, _EIGHT_BIT_END = 8.0, 247.0
# The others are then raw counts beyond doubt.
_LEAST_RAW = 4 * 255.0
# Most 8-bit pictures use most of their levels: their brightest value and the spread of their middle nine tenths.
_EIGHT_BIT_TOP, _EIGHT_BIT_SPREAD = 200.0, 48.0


@dataclass(frozen=True, slots=True)
class OddUnits:
    """Images in other units than most.

    Attributes:
        names: The fewer ones, in order.
        theirs: What their values look like, in words.
        usual: What the others' look like.
    """

    names: tuple[str, ...]
    theirs: str
    usual: str


def odd_units(glimpses: Mapping[str, Glimpse]) -> OddUnits | None:
    """The images in other units than most, or None if all agree.

    Args:
        glimpses: File -> its record; constant images are not looked at. All of one number type and number of bands.
    """
    kept = {name: one for name, one in glimpses.items() if not one.is_constant}
    if len(kept) < 2:
        return None
    names = tuple(kept)
    records = list(kept.values())
    bands = len(records[0].low)
    for band in range(bands):
        ranges = _Ranges(*(np.array([getattr(one, part)[band] for one in records], np.float64) for part in _PARTS))
        if not np.isfinite(ranges.middle).all():
            continue
        is_integer = np.dtype(records[0].dtype).kind in "iu"
        for rule in (_eight_bit,) if is_integer else (_decibels, _kelvins):
            if (split := rule(ranges)) is not None:
                return _odd(names, *split)
        if (split := _factor(ranges)) is not None:
            return _odd(names, *split)
    return None


_PARTS = ("smallest", "low", "middle", "high", "largest")


@dataclass(frozen=True, slots=True)
class _Ranges:
    """(N,) each: smallest, 5th percentile, median, 95th percentile and largest value of one band of every image."""

    smallest: NDArray[np.float64]
    low: NDArray[np.float64]
    middle: NDArray[np.float64]
    high: NDArray[np.float64]
    largest: NDArray[np.float64]

    @property
    def spread(self) -> NDArray[np.float64]:
        return self.high - self.low


_Split = tuple[_Flags, str, str]
"""(N,) whether an image belongs to the first kind, the first kind in words, the second."""


def _eight_bit(seen: _Ranges) -> _Split | None:
    """8-bit pictures among counts of more bits.

    Either every image is wholly one or the other, or, where some places are dark (water), those stand out that use the
    eight bits from end to end while the brightest values of most others lie far beyond.
    """
    small = seen.largest <= 255
    if not _is_split(small):
        return None
    if not (seen.low[~small] > 255).all():
        ends = (seen.smallest <= _EIGHT_BIT_BOTTOM) & (seen.largest >= _EIGHT_BIT_END)
        small &= ends & (seen.spread >= _EIGHT_BIT_SPREAD)
        if not _is_split(small) or np.median(seen.high[~small]) < _LEAST_RAW:
            return None
        return small, "8-bit pictures (0 to 255)", f"raw counts (about {_median(seen.middle[~small])})"
    if np.median(seen.largest[small]) < _EIGHT_BIT_TOP or np.median(seen.spread[small]) < _EIGHT_BIT_SPREAD:
        return None  # raw counts of something dark, such as water
    return small, "8-bit pictures (0 to 255)", f"raw counts (about {_median(seen.middle[~small])})"


def _decibels(seen: _Ranges) -> _Split | None:
    """Decibels among linear values: negative as a whole, and the same values once turned into linear ones."""
    decibels = seen.high < 0
    if not _is_split(decibels) or not (seen.smallest[~decibels] >= 0).all():
        return None
    turned = float(np.median(10 ** (seen.middle[decibels] / 10)))
    linear = float(np.median(seen.middle[~decibels]))
    if not 0.1 <= turned / max(linear, 1e-12) <= 10:
        return None
    return decibels, f"decibels (about {_median(seen.middle[decibels])})", f"linear values (about {linear:.2g})"


def _kelvins(seen: _Ranges) -> _Split | None:
    """Degrees Celsius among kelvins: the difference is the one of both scales, the spreads are alike."""
    celsius = (seen.low > -90) & (seen.high < 120)
    kelvins = (seen.low > 180) & (seen.high < 400)
    if not _is_split(celsius) or not (celsius | kelvins).all():
        return None
    apart = float(np.median(seen.middle[kelvins]) - np.median(seen.middle[celsius]))
    ratio = float(np.median(seen.spread[kelvins]) / max(np.median(seen.spread[celsius]), 1e-12))
    if not (233 <= apart <= 313 and 0.2 <= ratio <= 5):
        return None
    return celsius, "degrees Celsius", "kelvins"


def _factor(seen: _Ranges) -> _Split | None:
    """A factor of some hundreds or more, in levels and spreads alike, with a gap that no image reaches into."""
    size = np.maximum(np.abs(seen.low), np.abs(seen.high))
    if (size <= 0).any():
        return None
    order = np.argsort(size)
    steps = size[order][1:] / size[order][:-1]
    at = int(steps.argmax())
    edge = float(size[order][at])
    small = size <= edge
    # A gap of ten at least between any two images of the two kinds, and the whole factor between their middles.
    if steps[at] < 10 or not (np.abs(seen.middle[~small]) > edge).all():
        return None
    level = float(np.median(size[~small]) / np.median(size[small]))
    spread = float(np.median(seen.spread[~small]) / max(np.median(seen.spread[small]), 1e-12))
    if level < _LEAST_FACTOR or not level / 8 <= spread <= level * 8:
        return None
    return small, f"values about {_median(seen.middle[small])}", f"values about {_median(seen.middle[~small])}"


def _is_split(flags: _Flags) -> bool:
    return bool(flags.any() and not flags.all())


def _odd(names: tuple[str, ...], first: _Flags, first_words: str, second_words: str) -> OddUnits:
    """The fewer ones are the odd ones; where both are as many, the first kind."""
    if 2 * int(first.sum()) > len(first):
        first, first_words, second_words = ~first, second_words, first_words
    return OddUnits(tuple(name for name, is_odd in zip(names, first, strict=True) if is_odd), first_words, second_words)


def _median(values: NDArray[np.float64]) -> str:
    return f"{float(np.median(values)):.3g}"
