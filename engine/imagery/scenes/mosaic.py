"""Working on images of any size piece by piece, without seams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from bandbridge.engine.imagery.formats.band_files import Extent
from numpy.typing import NDArray

_LEAST_RAMP = 8

Work = Callable[[Extent, Extent], tuple[NDArray[np.float32], NDArray[np.bool_]]]
"""Rows and columns -> result (C, h, w), and (h, w) where there is data at all."""


@dataclass(frozen=True, slots=True)
class Span:
    """The extent of a row or column of windows.

    Attributes:
        start: First pixel.
        stop: The pixel after the last.
        weights: (stop - start,) share of each pixel in the result, 0..1; those of all spans sum to 1 everywhere.
    """

    start: int
    stop: int
    weights: NDArray[np.float32]

    @property
    def extent(self) -> Extent:
        """Start and stop."""
        return self.start, self.stop


def spans(length: int, tile: int, overlap: int, reach: int) -> tuple[Span, ...]:
    """Cut a length into overlapping spans, the last one shorter.

    Where two spans overlap, their weights pass from one to the other along half a cosine wave. The outermost `reach`
    pixels of a span, which depend on what lies outside it, get no weight as far as the overlap leaves room: with
    an overlap of at least 2 reach + 8 the result is that of the whole.

    Args:
        length: Pixels.
        tile: Length of a span.
        overlap: Of neighbouring spans, at most half a tile.
        reach: Pixels from the edge that depend on what lies beyond it.

    Raises:
        ValueError: The overlap is negative or more than half a tile.
    """
    if not 0 <= 2 * overlap <= tile:
        raise ValueError(f"an overlap of {overlap} in tiles of {tile}")
    step = tile - overlap
    starts = [0]
    while starts[-1] + tile < length:
        starts.append(starts[-1] + step)
    rise = _rise(overlap, reach)
    found = []
    for number, start in enumerate(starts):
        stop = min(start + tile, length)
        weights = np.ones(stop - start, np.float32)
        if overlap and number > 0:
            weights[:overlap] = rise
        if overlap and number < len(starts) - 1:
            weights[-overlap:] = 1 - rise
        found.append(Span(start, stop, weights))
    return tuple(found)


def mosaic(
    height: int, width: int, work: Work, *, tile: int, overlap: int, reach: int
) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.bool_]]]:
    """Apply work to overlapping windows and join the results, a strip of rows at a time.

    In memory are a strip of the result and a window, never the whole.

    Args:
        height: Of the image.
        width: Of the image.
        work: What is done with a window.
        tile: Side of a window.
        overlap: Of neighbouring windows, at most half a tile.
        reach: Pixels from a window's edge whose result depends on what lies beyond it.

    Yields:
        First row, result (C, rows, W) and (rows, W) where there is data; strips follow one another without gaps.
    """
    bands, columns = spans(height, tile, overlap, reach), spans(width, tile, overlap, reach)
    carried: NDArray[np.float32] | None = None
    for number, band in enumerate(bands):
        strip: NDArray[np.float32] | None = None
        present = np.zeros((band.stop - band.start, width), np.bool_)
        for column in columns:
            result, there = work(band.extent, column.extent)
            if strip is None:
                strip = np.zeros((len(result), *present.shape), np.float32)
            strip[:, :, slice(*column.extent)] += result * column.weights
            present[:, slice(*column.extent)] = there
        assert strip is not None
        if len(bands) > 1:
            strip *= band.weights[:, None]
        if carried is not None:
            strip[:, : carried.shape[1]] += carried
        following = bands[number + 1].start if number + 1 < len(bands) else band.stop
        ready = following - band.start
        carried = strip[:, ready:].copy()
        yield band.start, strip[:, :ready], present[:ready]


def _rise(overlap: int, reach: int) -> NDArray[np.float32]:
    """(overlap,) weights from 0 to 1; mirrored they are one minus themselves."""
    still = min(max((overlap - _LEAST_RAMP) // 2, 0), reach)
    ramp = overlap - 2 * still
    wave = 0.5 - 0.5 * np.cos(np.pi * (np.arange(ramp) + 0.5) / max(ramp, 1))
    return np.concatenate([np.zeros(still), wave, np.ones(still)]).astype(np.float32)
