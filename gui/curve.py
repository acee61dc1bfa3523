"""A curve of any length in bounded memory: lows, highs and means over spans that double when space runs out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Curve:
    """Values over steps, kept as at most `capacity` spans.

    A span keeps its lowest and highest value, so that no spike is ever lost, and the sum and number of its values,
    so that any average is exact.

    Args:
        capacity: Most spans kept; the number in use stays between half of it and all of it once it was full.
    """

    def __init__(self, capacity: int = 2048) -> None:
        self._capacity = capacity
        self._stride = 1
        self._last_step = -1
        self._latest = float("nan")
        self._keys: IntArray = np.empty(0, dtype=np.int64)
        self._low: FloatArray = np.empty(0)
        self._high: FloatArray = np.empty(0)
        self._sum: FloatArray = np.empty(0)
        self._count: FloatArray = np.empty(0)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def latest(self) -> float:
        """The value added last, NaN while the curve is empty."""
        return self._latest

    @property
    def first(self) -> float:
        """Mean of the first span, NaN while the curve is empty."""
        return float(self._sum[0] / self._count[0]) if len(self) else float("nan")

    @property
    def steps(self) -> FloatArray:
        """(N,) the middle of every span, in steps."""
        middles = self._keys * self._stride + (self._stride - 1) / 2
        steps: FloatArray = np.minimum(middles, float(self._last_step))
        return steps

    @property
    def means(self) -> FloatArray:
        """(N,) the mean of every span."""
        return self._sum / self._count

    def add(self, steps: NDArray[np.int64], values: NDArray[np.floating]) -> None:
        """Append values.

        Args:
            steps: (N,) ascending step numbers, none before those already here.
            values: (N,) values; those that are not finite are left out.
        """
        finite = np.isfinite(values)
        steps, new = np.asarray(steps)[finite], np.asarray(values, dtype=np.float64)[finite]
        if not len(new):
            return
        self._last_step, self._latest = int(steps[-1]), float(new[-1])
        self._keys = np.concatenate((self._keys, steps // self._stride))
        self._low = np.concatenate((self._low, new))
        self._high = np.concatenate((self._high, new))
        self._sum = np.concatenate((self._sum, new))
        self._count = np.concatenate((self._count, np.ones(len(new))))
        self._merge()
        while len(self._keys) > self._capacity:
            self._stride *= 2
            self._keys //= 2
            self._merge()

    def cut(self, step: int) -> None:
        """Forget everything from `step` on: a resumed run starts again there."""
        kept = int(np.searchsorted(self._keys * self._stride, step))
        self._keys, self._low, self._high = self._keys[:kept], self._low[:kept], self._high[:kept]
        self._sum, self._count = self._sum[:kept], self._count[:kept]
        self._last_step = min(self._last_step, step - 1)
        self._latest = float(self.means[-1]) if kept else float("nan")

    def envelope(
        self, first: float = -np.inf, last: float = np.inf, most: int | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Lows and highs in turn: the curve as its values would draw it.

        Args:
            first: Leave out what lies before this step, but for one span.
            last: Leave out what lies after this step, but for one span.
            most: Merge spans until no more than this are left, e.g. one a pixel.

        Returns:
            (2N,) steps and (2N,) values; (N,) each where every span holds a single step.
        """
        steps = self.steps
        part = slice(max(int(np.searchsorted(steps, first)) - 1, 0), int(np.searchsorted(steps, last, "right")) + 1)
        steps, low, high = steps[part], self._low[part], self._high[part]
        merged = 1 if most is None else -(-len(steps) // most)
        if merged > 1:
            starts = np.arange(0, len(steps), merged)
            steps, low, high = steps[starts], np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
        elif self._stride == 1:
            return steps, low
        return np.repeat(steps, 2), np.stack((low, high), axis=1).reshape(-1)

    def smoothed(self, share: float) -> tuple[FloatArray, FloatArray]:
        """Means over a moving window, exact over all values ever added.

        At both ends, where a part of the window is missing, a straight line through the rest stands for the mean: a
        slope goes on, and the last value alone does not look like a turn.

        Args:
            share: Width of the window as a share of the curve, 0..1; 0 gives each span's own mean.

        Returns:
            (N,) steps and (N,) values.
        """
        size = len(self)
        half = round(share * size / 2)
        if half == 0:
            return self.steps, self.means
        place = np.arange(size)
        after, before = np.minimum(place + half + 1, size), np.maximum(place - half, 0)

        def mean(values: FloatArray) -> FloatArray:
            sums, counts = (np.concatenate(([0.0], np.cumsum(of))) for of in (values, self._count))
            found: FloatArray = (sums[after] - sums[before]) / (counts[after] - counts[before])
            return found

        x, y = mean(place * self._count), mean(self._sum)
        spread = mean(place**2 * self._count) - x**2
        slope = (mean(place * self._sum) - x * y) / np.maximum(spread, 1e-9)
        even = after - 1 - place == place - before  # as much of the window on both sides
        return self.steps, np.where(even, y, y + slope * (place - x))

    def _merge(self) -> None:
        starts = np.concatenate(([0], np.flatnonzero(np.diff(self._keys)) + 1))
        if len(starts) == len(self._keys):
            return
        self._keys = self._keys[starts]
        self._low = np.minimum.reduceat(self._low, starts)
        self._high = np.maximum.reduceat(self._high, starts)
        self._sum = np.add.reduceat(self._sum, starts)
        self._count = np.add.reduceat(self._count, starts)
