"""Which values the bands of a data set take, gathered image by image and in bounded memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from bandbridge.engine.imagery.reading.image_cache import put_array
from numpy.typing import NDArray

SAMPLE_SIZE = 1 << 18
"""Values kept of each band that cannot be counted; percentiles are then right to about 0.03 percent points."""


class BandStatistics:
    """The values of every band, of one image or of all images merged so far.

    Integers of up to 16 bits are counted level by level, so all percentiles are exact; of other numbers a uniform
    random sample is kept, the same one whatever the order of merging.

    Attributes:
        is_integer: Whether values are whole numbers.
        values: Values seen.
        missing: Of these, values without data.
    """

    def __init__(self, image: NDArray[np.float32], dtype: str, number: int) -> None:
        """Of one image; this is the costly part and may run in threads.

        Args:
            image: (C, H, W), NaN where there is nothing.
            dtype: Number type of its file.
            number: Of the image in its data set, which seeds its random draws.
        """
        kind = np.dtype(dtype)
        self.is_integer = kind.kind in "iub"
        self.values = image.size
        self.missing = 0
        self._bands: list[_Tally] = []
        smallest = int(np.iinfo(dtype).min) if kind.kind == "i" else 0
        is_countable = self.is_integer and kind.itemsize <= 2
        random = None if is_countable else np.random.default_rng(number)
        for band in image:
            present = _present(band)
            self.missing += band.size - present.size
            self._bands.append(_LevelCounts(present, smallest) if random is None else _Sample(present, random))

    def merge(self, other: BandStatistics) -> None:
        """Take in further images of the same number type and bands."""
        self.values += other.values
        self.missing += other.missing
        for mine, theirs in zip(self._bands, other._bands, strict=True):
            mine.merge(theirs)

    def levels(self, band: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(L,) values of a band in rising order and (L,) how often each occurs (scaled up where sampled).

        Args:
            band: Index of the band, from 0.
        """
        return self._bands[band].levels()

    def put(self, group: Any) -> None:
        """Write everything into a group of h5py, to be read again by `taken`."""
        group.attrs.update(is_integer=self.is_integer, values=self.values, missing=self.missing)
        for number, band in enumerate(self._bands):
            place = group.create_group(str(number))
            place.attrs["counted"] = isinstance(band, _LevelCounts)
            band.put(place)

    @classmethod
    def taken(cls, group: Any) -> Self:
        """What `put` has written; it goes on as if it had never been away."""
        statistics = cls.__new__(cls)
        statistics.is_integer = bool(group.attrs["is_integer"])
        statistics.values, statistics.missing = int(group.attrs["values"]), int(group.attrs["missing"])
        places = [group[str(number)] for number in range(len(group))]
        statistics._bands = [
            _LevelCounts.taken(place) if place.attrs["counted"] else _Sample.taken(place) for place in places
        ]
        return statistics


def percentile(levels: NDArray[np.float64], counts: NDArray[np.float64], percent: float) -> float:
    """Percentile of values given by their levels and counts; equals `numpy.percentile` of the values themselves."""
    return float(percentiles(levels, counts, np.array([percent]))[0])


def percentiles(
    levels: NDArray[np.float64], counts: NDArray[np.float64], percents: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Several percentiles at once, as `percentile`.

    Args:
        levels: (L,) in rising order.
        counts: (L,) how often each occurs.
        percents: (P,) in 0..100.

    Returns:
        (P,) values.
    """
    up_to = np.cumsum(counts)
    position = percents / 100 * (up_to[-1] - 1)
    below, above = (np.searchsorted(up_to, at, side="right") for at in (np.floor(position), np.ceil(position)))
    low, high = (levels[np.minimum(index, len(levels) - 1)] for index in (below, above))
    found: NDArray[np.float64] = low + (position - np.floor(position)) * (high - low)
    return found


def _present(band: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = band.ravel()
    # A sum is not a number if any value is none, and takes less than looking at each.
    return flat if not np.isnan(flat.sum(dtype=np.float64)) else flat[~np.isnan(flat)]


class _Tally(ABC):
    """The values of one band."""

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Take in further values."""

    @abstractmethod
    def levels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values in rising order and how often each occurs."""

    @abstractmethod
    def put(self, group: Any) -> None:
        """Write everything into a group of h5py."""

    @classmethod
    @abstractmethod
    def taken(cls, group: Any) -> Self:
        """What `put` has written."""


class _LevelCounts(_Tally):
    """How often each level of a small integer type occurs."""

    def __init__(self, values: NDArray[np.float32], smallest: int) -> None:
        self._smallest = smallest
        self._counts = np.bincount(values.astype(np.int32) - smallest)

    def merge(self, other: Self) -> None:
        more = other._counts
        if len(more) > len(self._counts):
            self._counts = np.pad(self._counts, (0, len(more) - len(self._counts)))
        self._counts[: len(more)] += more

    def levels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        present = np.flatnonzero(self._counts)
        return (present + self._smallest).astype(np.float64), self._counts[present].astype(np.float64)

    def put(self, group: Any) -> None:
        group.attrs["smallest"] = self._smallest
        put_array(group, "counts", self._counts)

    @classmethod
    def taken(cls, group: Any) -> Self:
        tally = cls.__new__(cls)
        tally._smallest, tally._counts = int(group.attrs["smallest"]), group["counts"][()]
        return tally


class _Sample(_Tally):
    """A uniform random sample: every value draws a number, and the values with the smallest numbers stay."""

    def __init__(self, values: NDArray[np.float32], random: np.random.Generator) -> None:
        self._seen = values.size
        self._largest_draw = 1.0
        self._kept = [(random.random(values.size), values)]
        self._kept_count = values.size
        self._thin_out()

    def merge(self, other: Self) -> None:
        self._seen += other._seen
        for draws, values in other._kept:
            stay = np.flatnonzero(draws <= self._largest_draw)
            self._kept.append((draws[stay], values[stay]))
            self._kept_count += stay.size
        if self._kept_count > 2 * SAMPLE_SIZE:
            self._thin_out()

    def levels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        self._thin_out()
        values = np.sort(self._kept[0][1]).astype(np.float64)
        return values, np.full(values.size, self._seen / max(values.size, 1))

    def put(self, group: Any) -> None:
        self._thin_out()
        [(draws, values)] = self._kept
        group.attrs.update(seen=self._seen, largest_draw=self._largest_draw)
        put_array(group, "draws", draws)
        put_array(group, "values", values)

    @classmethod
    def taken(cls, group: Any) -> Self:
        tally = cls.__new__(cls)
        tally._seen, tally._largest_draw = int(group.attrs["seen"]), float(group.attrs["largest_draw"])
        tally._kept = [(group["draws"][()], group["values"][()])]
        tally._kept_count = tally._kept[0][1].size
        return tally

    def _thin_out(self) -> None:
        draws = np.concatenate([draws for draws, _ in self._kept])
        values = np.concatenate([values for _, values in self._kept])
        if values.size > SAMPLE_SIZE:
            smallest = np.argpartition(draws, SAMPLE_SIZE)[:SAMPLE_SIZE]
            draws, values = draws[smallest], values[smallest]
            self._largest_draw = float(draws.max())
        self._kept, self._kept_count = [(draws, values)], values.size
