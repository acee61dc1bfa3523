"""Depth maps stored as 16-bit pictures: 0 means "nothing measured", and SUN RGB-D turns the bits of every value.

SUN RGB-D stores a depth d of millimetres as its 16 bits turned left by three, so that small depths use the upper bits:
stored = d << 3 | d >> 13. Undone, depths rise in steps of one millimetre again; as stored, what lies beyond 8.19 m
would look nearer than everything else.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from bandbridge.engine.imagery.formats.header import ImageHeader, StoredPixels
from bandbridge.engine.imagery.names.sensor_words import sensors_named
from numpy.typing import NDArray

_BITS = 3
# Fewer levels say nothing about how they are spaced: a wall at 800 mm is a multiple of 8 by chance.
_FEWEST_LEVELS = 32
# Of true millimetres an eighth are multiples of 8. Turned ones have d >> 13 in the lowest bits: 0 below 8.19 m, 1 up to
# 16.38 m; and half of those below are no multiples of 16, unlike 8-bit depths blown up to 16 bits.
_TURNED_SHARE = 0.99
_FARTHEST_MM = 20_000


def is_depth_map(header: ImageHeader) -> bool:
    """Whether a file is a depth map by its name, one of the two folders it lies in, and its number type."""
    if header.bands != 1 or header.dtype != "uint16":
        return False
    # The nearest name that speaks of a sensor counts: `depth study/nir/1.png` is no depth map.
    folder = header.path.parent
    names = (header.path.stem, folder.name, folder.parent.name)
    return "depth" in next(filter(None, map(sensors_named, names)), ())


def with_zero_missing(header: ImageHeader) -> ImageHeader:
    """The header with 0 declared as missing, where the file is a depth map and declares nothing itself."""
    if header.no_data is None and is_depth_map(header):
        return replace(header, no_data=0.0, zero_is_missing=True)
    return header


def turned_back(stored: StoredPixels) -> StoredPixels:
    """A depth map with the turning of its bits undone, where its values show it; anything else as it is."""
    if not is_depth_map(stored.header):
        return stored
    header = with_zero_missing(stored.header)
    if not is_turned(stored.values):
        return replace(stored, header=header)
    turned = stored.values.astype(np.uint16)
    values = turned >> _BITS | turned << (16 - _BITS)
    return replace(stored, header=replace(header, bits_turned=True), values=values)


def is_turned(values: NDArray[np.generic]) -> bool:
    """Whether 16-bit depths are stored turned as SUN RGB-D does it, by the histogram of their values.

    Args:
        values: Of any shape, uint16, 0 where nothing was measured.
    """
    counts = np.bincount(values.ravel(), minlength=1 << 16)
    counts[0] = 0
    levels = np.flatnonzero(counts)
    if levels.size < _FEWEST_LEVELS:
        return False
    counts = counts[levels]
    total = counts.sum()
    lowest = levels % 8
    depths = levels >> _BITS | (levels << (16 - _BITS)) & 0xFFFF
    is_fit = (lowest <= 1) & (depths <= _FARTHEST_MM)
    is_odd = depths % 2 == 1
    share, odd = counts[is_fit].sum() / total, counts[is_fit & is_odd].sum() / total
    return bool(share >= _TURNED_SHARE and 0.2 <= odd <= 0.8)
