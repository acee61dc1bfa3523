"""The stretch: raw sensor values to 0..1, one rule per band for the whole data set, frozen into run and model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from bandbridge.engine.api.config import SURROUNDINGS, Curve, StretchRule
from bandbridge.engine.api.errors import ImageError, UsageError
from bandbridge.engine.api.reports import BandHistogram
from bandbridge.engine.imagery.sensors.band_statistics import BandStatistics, percentile, percentiles
from bandbridge.engine.imagery.sensors.curve import shares
from bandbridge.engine.imagery.sensors.speckle import lee
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
        curve: How values rise from 0 to 1; a logarithmic one needs `low` above 0.
        despeckle_px: Side of the surroundings of the speckle filter, 0 for none; it works on the stretched values.
        noise: Per band, variance of the speckle on that scale; () without a filter.

    Raises:
        ValueError: The bands' numbers differ, or `low`, `high`, `std`, `curve` or the filter do not fit.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    curve: Curve = "linear"
    despeckle_px: int = 0
    noise: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.low) == len(self.high) == len(self.mean) == len(self.std) > 0:
            raise ValueError("a stretch needs low, high, mean and std for every band")
        if not all(low < high for low, high in zip(self.low, self.high, strict=True)) or not min(self.std) > 0:
            raise ValueError("a stretch needs low < high and std > 0 in every band")
        if self.curve not in ("linear", "log") or (self.curve == "log" and not min(self.low) > 0):
            raise ValueError("a stretch is linear, or logarithmic between values above zero")
        is_filter = self.despeckle_px in SURROUNDINGS and len(self.noise) == len(self.low) and min(self.noise) > 0
        if not is_filter and (self.despeckle_px or self.noise):
            raise ValueError("a speckle filter needs odd surroundings and the noise of every band")

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
        low, high = (np.array(ends)[:, None, None] for ends in (self.low, self.high))
        stretched = shares(values, low, high, self.curve)
        np.clip(stretched, 0, 1, out=stretched)
        if not self.despeckle_px:
            return np.nan_to_num(stretched, copy=False, nan=0.0)
        gaps = np.isnan(stretched)
        stretched[gaps] = 0
        filtered = lee(stretched, self.despeckle_px, self.noise)
        filtered[gaps] = 0
        return filtered

    def to_json(self) -> dict[str, object]:
        """Plain values that say everything; one stretch has one text, and a plain one that of all versions."""
        facts: dict[str, object] = {key: list(getattr(self, key)) for key in ("low", "high", "mean", "std")}
        if self.curve != "linear":
            facts["curve"] = self.curve
        if self.despeckle_px:
            facts |= {"despeckle_px": self.despeckle_px, "noise": list(self.noise)}
        return facts

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> Stretch:
        """The opposite of `to_json`.

        Raises:
            KeyError: Something is missing.
            TypeError: Something is of another kind.
            ValueError: Something is senseless, or known to later versions only.
        """
        unknown = set(values) - {"low", "high", "mean", "std", "curve", "despeckle_px", "noise"}
        if unknown:
            raise ValueError(f"a stretch with {', '.join(sorted(unknown))}")
        given = {"noise": [], **values}
        low, high, mean, std, noise = (
            tuple(float(value) for value in cast("list[float]", given[key]))
            for key in ("low", "high", "mean", "std", "noise")
        )
        curve, despeckle_px = values.get("curve", "linear"), values.get("despeckle_px", 0)
        return cls(low, high, mean, std, cast("Curve", curve), int(cast("int", despeckle_px)), noise)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandsMeasured:
    """What a pass over a data set says about its bands.

    Attributes:
        stretch: By the rule asked for.
        histograms: One a band.
        constant: Bands (numbers in the file) with one value everywhere.
        nearly_constant: Bands of which the rule's percentiles coincide though other values occur; their stretch
            reaches from the smallest to the largest value instead.
        beyond: Bands of which all values lie beyond one end of the rule's range, though they differ.
    """

    stretch: Stretch
    histograms: tuple[BandHistogram, ...]
    constant: tuple[int, ...]
    nearly_constant: tuple[int, ...]
    beyond: tuple[int, ...] = ()


def measure_bands(statistics: BandStatistics, bands: tuple[int, ...], rule: StretchRule) -> BandsMeasured:
    """Stretch and histograms from the gathered values.

    Args:
        statistics: Of a data set.
        bands: 1-based numbers of its bands in the files.
        rule: What becomes 0 and what becomes 1.

    Raises:
        ImageError: A band holds no data at all, or none that the rule can take.
        UsageError: The rule is none.
    """
    if fault := rule.fault():
        raise UsageError("The stretch is not valid.", fault, "The usual choice is 2 to 98 percent.")
    lows, highs, means, stds = [], [], [], []
    histograms, constant, nearly_constant, beyond = [], [], [], []
    for index, band in enumerate(bands):
        levels, counts = statistics.levels(index)
        if not levels.size:
            raise ImageError(
                f"Band {band} holds no data in any image.",
                "Every value is declared as no-data, transparent or not a number.",
                "Check the no-data value and the choice of bands.",
            )
        low, high, is_nearly_constant = _ends(band, levels, counts, rule)
        if levels[0] == levels[-1]:
            constant.append(band)
        elif is_nearly_constant:
            nearly_constant.append(band)
        stretched = np.clip(shares(levels, low, high, rule.curve), 0, 1).astype(np.float64)
        mean = np.average(stretched, weights=counts)
        std = np.sqrt(np.average((stretched - mean) ** 2, weights=counts))
        lows.append(low)
        highs.append(high)
        means.append(float(mean))
        stds.append(float(std) if std > 0 else 1.0)
        if not std > 0 and levels[0] < levels[-1]:
            beyond.append(band)
        histograms.append(_histogram(band, levels, counts, low, high, rule.curve, is_integer=statistics.is_integer))
    return BandsMeasured(
        stretch=Stretch(tuple(lows), tuple(highs), tuple(means), tuple(stds), rule.curve),
        histograms=tuple(histograms),
        constant=tuple(constant),
        nearly_constant=tuple(nearly_constant),
        beyond=tuple(beyond),
    )


def _ends(
    band: int, levels: NDArray[np.float64], counts: NDArray[np.float64], rule: StretchRule
) -> tuple[float, float, bool]:
    """Raw values that become 0 and 1, and whether the percentiles coincide though other values occur."""
    if rule.low_value is not None and rule.high_value is not None and rule.kind == "range":
        return rule.low_value, rule.high_value, False
    if rule.kind == "log":
        taken = levels > 0
        if not taken.any():
            raise ImageError(
                f"Band {band} holds no value above zero, so a logarithmic stretch cannot show it.",
                "Only values above zero have a logarithm; decibels, for one, are logarithms already.",
                "Choose the stretch by percentiles.",
            )
        levels, counts = levels[taken], counts[taken]
    low, high = (percentile(levels, counts, percent) for percent in (rule.low_percent, rule.high_percent))
    if low < high:
        return low, high, False
    if levels[0] < levels[-1]:
        return float(levels[0]), float(levels[-1]), True
    return low, low + 1, False


def _histogram(
    band: int,
    levels: NDArray[np.float64],
    counts: NDArray[np.float64],
    low: float,
    high: float,
    curve: Curve,
    *,
    is_integer: bool,
) -> BandHistogram:
    """A histogram of the stretch and half its width beyond either end; what lies outside is in the end bins."""
    edges = _log_edges(levels, low, high) if curve == "log" else _even_edges(levels, low, high, is_integer=is_integer)
    if curve == "log" and is_integer:
        edges = np.unique(np.floor(edges) + 0.5)
    bins = np.clip(np.searchsorted(edges, levels, side="right") - 1, 0, len(edges) - 2)
    return BandHistogram(
        band=band,
        counts=np.round(np.bincount(bins, weights=counts, minlength=len(edges) - 1)).astype(np.int64),
        edges=edges,
        low=low,
        high=high,
        curve=curve,
        percentiles=percentiles(levels, counts, np.linspace(0, 100, 1001)),
    )


def _even_edges(levels: NDArray[np.float64], low: float, high: float, *, is_integer: bool) -> NDArray[np.float64]:
    margin = (high - low) / 2
    first, last = min(low, max(levels[0], low - margin)), max(high, min(levels[-1], high + margin))
    if is_integer:
        # Whole numbers of levels in a bin, or the histogram would look like a comb.
        first = np.floor(first) - 0.5
        width = max(1.0, np.ceil((last + 0.5 - first) / _BINS))
    else:
        width = max((last - first) / _BINS, np.finfo(np.float32).tiny)
    return np.asarray(first + width * np.arange(_BINS + 1), np.float64)


def _log_edges(levels: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Bins of one factor."""
    margin = np.sqrt(high / low)
    above_zero = levels[levels > 0]
    first, last = max(above_zero[0], low / margin), max(high, min(levels[-1], high * margin))
    return np.geomspace(first, max(last, first * (1 + 1e-6)), _BINS + 1)
