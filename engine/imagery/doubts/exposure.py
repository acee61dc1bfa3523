"""Images that show nothing: constant, cut off at the ends of their range, or beyond the common stretch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.imagery.doubts.findings import beyond_stretch, clipped, constant_image
from bandbridge.engine.imagery.doubts.glimpse import Glimpse
from bandbridge.engine.imagery.sensors.curve import shares
from bandbridge.engine.imagery.sensors.stretch import Stretch

MOST_CLIPPED = 0.25
"""Share of an image's values at one end of the range that is still taken as natural (clouds, shadow, snow)."""

# In shares of the stretch. Every folder has a darkest and a brightest image, by nature just beyond.
_MARGIN = 0.25
# Full scale of sensors with so many bits; files of 16 bits often hold fewer.
_CEILINGS = frozenset(float(2**bits - 1) for bits in (8, 10, 11, 12, 13, 14, 15, 16, 32))
_FLOORS = frozenset((0.0, *(-float(2 ** (bits - 1)) for bits in (8, 16, 32))))


def exposure_findings(glimpses: Mapping[str, Glimpse], stretch: Stretch | None) -> Iterator[Finding]:
    """At most one finding an image: constant, else clipped, else beyond the stretch.

    Args:
        glimpses: File -> its record; all of one number type and number of bands.
        stretch: Common to the folder, or None.
    """
    for name, one in glimpses.items():
        if one.is_constant:
            yield constant_image(name, float(one.smallest[0]))
            continue
        share, value = _clipped(one)
        if share > MOST_CLIPPED:
            yield clipped(name, share, value)
        elif stretch is not None and len(stretch.low) == len(one.low):
            darkest, brightest = (shares(end, stretch.low, stretch.high, stretch.curve) for end in (one.low, one.high))
            if (darkest >= 1 + _MARGIN).all():
                yield beyond_stretch(name, "white")
            elif (brightest <= -_MARGIN).all():
                yield beyond_stretch(name, "black")


def _clipped(one: Glimpse) -> tuple[float, float]:
    """The larger share of an image's values at one end of its range, mean over its bands, and their value."""
    if np.dtype(one.dtype).kind not in "iu":
        return 0.0, 0.0
    shares: list[tuple[float, float]] = []
    for found, edges, ends in (
        (one.at_largest, one.largest, _CEILINGS),
        (one.at_smallest, one.smallest, _FLOORS),
    ):
        at_end = np.array([float(edge) in ends for edge in edges])
        if at_end.any():
            shares.append((float((found * at_end).mean()), float(edges[at_end][0])))
    return max(shares, default=(0.0, 0.0))
