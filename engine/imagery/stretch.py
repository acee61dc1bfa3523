"""The stretch: raw sensor values to 0..1, one rule per band for the whole data set, frozen into run and model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, UsageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.reports import BandHistogram
from bandbridge.engine.imagery.band_statistics import BandStatistics, percentile
from bandbridge.engine.imagery.survey import survey
from numpy.typing import NDArray

_BINS = 256


@dataclass(frozen=True, slots=True)
class Stretch:
    """How raw values become 0..1, and how the stretched values are distributed.

    Attributes:
        low: Per band, the raw value that becomes 0.
        high: Per band, the raw value that becomes 1; above `low`.
        mean: Per band, mean of the stretched values (no-data left out).
        std: Per band, standard deviation of the stretched values; 1 where all are equal, so that it may divide.

    Raises:
        ValueError: The bands' numbers differ, or `low`, `high`, `std` are out of order.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.low) == len(self.high) == len(self.mean) == len(self.std) > 0:
            raise ValueError("a stretch needs low, high, mean and std for every band")
        if not all(low < high for low, high in zip(self.low, self.high, strict=True)) or not min(self.std) > 0:
            raise ValueError("a stretch needs low < high and std > 0 in every band")

    @classmethod
    def eight_bit(cls, bands: int) -> Stretch:
        """The stretch of ordinary pictures, 0..255, that standardises nothing."""
        return cls((0.0,) * bands, (255.0,) * bands, (0.0,) * bands, (1.0,) * bands)

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Stretch and clip.

        Args:
            values: (..., C, H, W) raw values, NaN where there is nothing.

        Returns:
            The same shape, in 0..1, 0 where there is nothing.
        """
        low = np.array(self.low, np.float32)[:, None, None]
        span = (np.array(self.high) - np.array(self.low)).astype(np.float32)[:, None, None]
        stretched = np.subtract(values, low, dtype=np.float32)
        stretched /= span
        np.clip(stretched, 0, 1, out=stretched)
        return np.nan_to_num(stretched, copy=False, nan=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandsMeasured:
    """What a pass over a data set says about its bands.

    Attributes:
        stretch: By the rule asked for.
        histograms: One a band.
        constant: Bands (numbers in the file) with one value everywhere.
        nearly_constant: Bands of which the rule's percentiles coincide though other values occur; their stretch
            reaches from the smallest to the largest value instead.
    """

    stretch: Stretch
    histograms: tuple[BandHistogram, ...]
    constant: tuple[int, ...]
    nearly_constant: tuple[int, ...]


def measure_stretch(
    paths: Sequence[str | Path],
    *,
    bands: tuple[int, ...] | None,
    rule: StretchRule,
    no_data: float | None,
    control: Control,
    emit: Callable[[Event], None],
    title: str = "Measuring values",
) -> tuple[Stretch, tuple[BandHistogram, ...]]:
    """Measure the stretch of a data set in one pass, in memory that does not grow with it.

    Files that cannot be read count for nothing here; `decode_images` and `scan_folder` name them. Where number
    types or numbers of bands differ, the commonest kind decides.

    Args:
        paths: Image files.
        bands: 1-based bands by the band rule, or None for all.
        rule: The percentiles.
        no_data: A raw value that means "nothing here".
        control: Pause and stop.
        emit: Takes progress.
        title: Of the progress.

    Raises:
        ImageError: No file holds data.
        Stopped: The person asked to stop.
        UsageError: The rule is no rule.
    """
    found = survey(Path(), list(map(str, paths)), bands=bands, no_data=no_data, control=control, emit=emit, title=title)
    kind = found.commonest_kind()
    if kind is None:
        raise ImageError(
            "The values of these images cannot be measured.",
            "None of the files could be read, or none holds data.",
            "Look at the list of files set aside.",
        )
    numbers = next(image.bands for image in found.images if image.kind == kind)
    measured = measure_bands(found.statistics[kind], numbers, rule)
    return measured.stretch, measured.histograms


def measure_bands(statistics: BandStatistics, bands: tuple[int, ...], rule: StretchRule) -> BandsMeasured:
    """Stretch and histograms from the gathered values.

    Args:
        statistics: Of a data set.
        bands: 1-based numbers of its bands in the files.
        rule: The percentiles.

    Raises:
        ImageError: A band holds no data at all.
        UsageError: The rule's percentiles are out of order.
    """
    if not 0 <= rule.low_percent < rule.high_percent <= 100:
        raise UsageError(
            f"The stretch from {rule.low_percent} to {rule.high_percent} percent is not valid.",
            "The lower percentile must be at least 0, the upper at most 100, and the lower below the upper.",
            "The usual choice is 2 to 98.",
        )
    lows, highs, means, stds = [], [], [], []
    histograms, constant, nearly_constant = [], [], []
    for index, band in enumerate(bands):
        levels, counts = statistics.levels(index)
        if not levels.size:
            raise ImageError(
                f"Band {band} holds no data in any image.",
                "Every value is declared as no-data, transparent or not a number.",
                "Check the no-data value and the choice of bands.",
            )
        low, high = (percentile(levels, counts, percent) for percent in (rule.low_percent, rule.high_percent))
        if not low < high and levels[0] < levels[-1]:
            low, high = float(levels[0]), float(levels[-1])
            nearly_constant.append(band)
        elif not low < high:
            high = low + 1
            constant.append(band)
        stretched = np.clip((levels - low) / (high - low), 0, 1)
        mean = np.average(stretched, weights=counts)
        std = np.sqrt(np.average((stretched - mean) ** 2, weights=counts))
        lows.append(low)
        highs.append(high)
        means.append(float(mean))
        stds.append(float(std) if std > 0 else 1.0)
        histograms.append(_histogram(band, levels, counts, low, high, is_integer=statistics.is_integer))
    return BandsMeasured(
        stretch=Stretch(tuple(lows), tuple(highs), tuple(means), tuple(stds)),
        histograms=tuple(histograms),
        constant=tuple(constant),
        nearly_constant=tuple(nearly_constant),
    )


def _histogram(
    band: int,
    levels: NDArray[np.float64],
    counts: NDArray[np.float64],
    low: float,
    high: float,
    *,
    is_integer: bool,
) -> BandHistogram:
    """A histogram of the stretch and half its width beyond either end; what lies outside is in the end bins."""
    margin = (high - low) / 2
    first, last = max(levels[0], low - margin), min(levels[-1], high + margin)
    if is_integer:
        # Whole numbers of levels in a bin, or the histogram would look like a comb.
        first = np.floor(first) - 0.5
        width = max(1.0, np.ceil((last + 0.5 - first) / _BINS))
    else:
        width = max((last - first) / _BINS, np.finfo(np.float32).tiny)
    bins = np.clip(np.floor((levels - first) / width), 0, _BINS - 1).astype(np.int64)
    return BandHistogram(
        band=band,
        counts=np.round(np.bincount(bins, weights=counts, minlength=_BINS)).astype(np.int64),
        edges=first + width * np.arange(_BINS + 1),
        low=low,
        high=high,
    )
