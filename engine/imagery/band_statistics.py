"""Which values the bands of a data set take, gathered in one pass and in bounded memory."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_SIZE = 1 << 18
"""Values kept of each band that cannot be counted; percentiles are then right to about 0.03 percent points."""


class BandStatistics:
    """The values of every band over many images of one number type.

    Integers of up to 16 bits are counted level by level, so all percentiles are exact; of other numbers a uniform
    random sample with a fixed seed is kept.

    Args:
        dtype: Number type of the files.
        bands: Number of bands.

    Attributes:
        values: Values seen so far.
        missing: Of these, values without data.
    """

    def __init__(self, dtype: str, bands: int) -> None:
        kind = np.dtype(dtype)
        countable = kind.kind in "iub" and kind.itemsize <= 2
        self._bands: list[_Levels] = [_Counts(kind) if countable else _Sample(seed) for seed in range(bands)]
        self.is_integer = kind.kind in "iub"
        self.values = 0
        self.missing = 0

    def add(self, image: NDArray[np.float32]) -> None:
        """Take in one image (C, H, W); NaN is left out."""
        for levels, band in zip(self._bands, image, strict=True):
            flat = band.ravel()
            valid = ~np.isnan(flat)
            count = int(np.count_nonzero(valid))
            self.values += flat.size
            self.missing += flat.size - count
            levels.add(flat if count == flat.size else flat[valid])

    def levels(self, band: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(L,) values of a band in rising order and (L,) how often each occurs (scaled up where sampled).

        Args:
            band: Index of the band, from 0.
        """
        return self._bands[band].levels()


def percentile(levels: NDArray[np.float64], counts: NDArray[np.float64], percent: float) -> float:
    """Percentile of values given by their levels and counts; equals `numpy.percentile` of the values themselves."""
    up_to = np.cumsum(counts)
    position = percent / 100 * (up_to[-1] - 1)
    below, above = np.searchsorted(up_to, (np.floor(position), np.ceil(position)), side="right")
    low, high = levels[min(below, len(levels) - 1)], levels[min(above, len(levels) - 1)]
    return float(low + (position - np.floor(position)) * (high - low))


class _Levels(Protocol):
    def add(self, values: NDArray[np.float32]) -> None: ...

    def levels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...


class _Counts:
    """How often each level of an integer type occurs."""

    def __init__(self, dtype: np.dtype[np.generic]) -> None:
        smallest, largest = (
            (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype.name).min), int(np.iinfo(dtype.name).max))
        )
        self._smallest = smallest
        self._counts = np.zeros(largest - smallest + 1, np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        found = np.bincount(values.astype(np.int32) - self._smallest)
        self._counts[: len(found)] += found

    def levels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        present = np.flatnonzero(self._counts)
        return (present + self._smallest).astype(np.float64), self._counts[present].astype(np.float64)


class _Sample:
    """A uniform random sample: every value draws a number, those with the smallest numbers stay."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._kept: list[tuple[NDArray[np.float64], NDArray[np.float32]]] = []
        self._kept_count = 0
        self._largest_draw = 1.0
        self._seen = 0

    def add(self, values: NDArray[np.float32]) -> None:
        self._seen += values.size
        draws = self._random.random(values.size)
        stay = np.flatnonzero(draws < self._largest_draw)
        self._kept.append((draws[stay], values[stay]))
        self._kept_count += stay.size
        if self._kept_count > 2 * SAMPLE_SIZE:
            self._thin_out()

    def levels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        values = np.sort(self._thin_out()).astype(np.float64)
        return values, np.full(values.size, self._seen / max(values.size, 1))

    def _thin_out(self) -> NDArray[np.float32]:
        draws = np.concatenate([np.empty(0), *(draws for draws, _ in self._kept)])
        values = np.concatenate([np.empty(0, np.float32), *(values for _, values in self._kept)])
        if values.size > SAMPLE_SIZE:
            smallest = np.argpartition(draws, SAMPLE_SIZE)[:SAMPLE_SIZE]
            draws, values = draws[smallest], values[smallest]
            self._largest_draw = float(draws.max())
        self._kept, self._kept_count = [(draws, values)], values.size
        return values
