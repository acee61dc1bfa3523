"""How far the two images of a pair are shifted against each other, measured on their edges."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_CONFIDENCE = 7.0
"""Height of the peak, in spreads of everything around it, from which a shift is believed."""
LEAST_CONFIDENCE_TOGETHER = 8.0
"""The same for many pairs together, whose chance peaks were below 6."""
LEAST_SHIFT_PX = 1.5
"""A shift of more than one pixel, allowing for the half pixel by which measurements scatter."""

# Wavelengths below some five pixels are noise, and hardly common to two sensors.
_SMOOTHNESS_PX = 0.8
_AROUND_PX = 4
_SMALLEST_PX = 16
_MOST_SPREADS = 4.0


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the second image shows what the first one shows.

    Attributes:
        right_px: So many pixels further right.
        down_px: So many pixels further down.
        confidence: Height of the peak in spreads of everything around it, 0 where nothing could be measured or where
            two measurements disagree.
    """

    right_px: float
    down_px: float
    confidence: float

    @property
    def length_px(self) -> float:
        """Its length in pixels."""
        return float(np.hypot(self.right_px, self.down_px))

    @property
    def is_sure(self) -> bool:
        """Whether it can be believed."""
        return self.confidence >= LEAST_CONFIDENCE

    @property
    def is_misplaced(self) -> bool:
        """Whether the images surely are more than a pixel apart."""
        return self.is_sure and self.length_px >= LEAST_SHIFT_PX


@dataclass(frozen=True, slots=True)
class Correlation:
    """How well two pictures agree for every shift up to a quarter of their sides.

    Attributes:
        even: (2 Y + 1, 2 X + 1) with all edges alike; no shift is in the middle.
        strong: The same with strong, smooth edges.
    """

    even: NDArray[np.float64]
    strong: NDArray[np.float64]

    def shift(self) -> Shift:
        """Where both agree best; nothing is believed where the two kinds of edges disagree."""
        right, down, confidence = _peak(self.even)
        other_right, other_down, _ = _peak(self.strong)
        agree = np.hypot(right - other_right, down - other_down) <= 1
        return Shift(right, down, confidence if agree else 0.0)


class Together:
    """The shift that many pairs have in common, though perhaps none of them can be measured alone.

    Their correlations are added up: what is chance in each cancels out, a common peak grows. No pair counts for more
    than another: its correlation is cut off, so that a few clear pairs do not speak for the rest. Sums are of whole
    numbers, so that their order does not matter.
    """

    def __init__(self) -> None:
        self._even: NDArray[np.int64] | None = None
        self._strong: NDArray[np.int64] | None = None
        self.pairs = 0

    def add(self, correlation: Correlation) -> None:
        """Take a pair in; all pairs have pictures of one size."""
        even, strong = _limited(correlation.even), _limited(correlation.strong)
        if self._even is None or self._strong is None:
            self._even, self._strong = even, strong
        else:
            self._even += even
            self._strong += strong
        self.pairs += 1

    def shift(self) -> Shift:
        """What they have in common; its confidence is to be compared with `LEAST_CONFIDENCE_TOGETHER`."""
        if self._even is None or self._strong is None:
            return Shift(0.0, 0.0, 0.0)
        return Correlation(self._even.astype(np.float64), self._strong.astype(np.float64)).shift()


def correlate(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Correlation | None:
    """Phase correlation of the edges of two grey pictures of a scene.

    Two sensors agree on where edges are, not on which side is brighter.

    Args:
        first: (H, W) in 1..255, 0 where there is nothing.
        second: (H', W'); the first is brought to its size.

    Returns:
        In pixels of `second`; None where there is too little to see.
    """
    height, width = second.shape
    if min(height, width) < _SMALLEST_PX or min(first.shape) < _SMALLEST_PX:
        return None
    if first.shape != second.shape:
        first = cv2.resize(first, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    even = _surface(_edges(first, even=True), _edges(second, even=True))
    strong = _surface(_edges(first, even=False), _edges(second, even=False))
    return None if even is None or strong is None else Correlation(even, strong)


def measure_shift(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Shift:
    """The shift between two grey pictures of a scene, up to a quarter of its sides.

    On 700 real pairs of Sentinel-2 bands with planted shifts, 50 % of the measurements were believed, more on large and
    rich images than on small and plain ones; these were right to 0.2 pixels (median), 2 % of them wrong by more than
    one. Of 1000 pairs of different scenes none was believed.

    Args:
        first: (H, W) in 1..255, 0 where there is nothing.
        second: (H', W'); the first is brought to its size.

    Returns:
        The shift in pixels of `second`.
    """
    correlation = correlate(first, second)
    return Shift(0.0, 0.0, 0.0) if correlation is None else correlation.shift()


def _edges(picture: NDArray[np.uint8], *, even: bool) -> NDArray[np.float32]:
    """(H, W) strength of edges, mean 0; borders of places without data are no edges."""
    missing = picture == 0
    values = picture.astype(np.float32)
    if missing.any():
        values[missing] = values[~missing].mean() if not missing.all() else 0.0
    if not even:
        values = cv2.GaussianBlur(values, (0, 0), 1).astype(np.float32)
    strength = np.hypot(cv2.Sobel(values, cv2.CV_32F, 1, 0), cv2.Sobel(values, cv2.CV_32F, 0, 1))
    if even:
        strength = np.sqrt(strength)
    near = cv2.dilate(missing.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if near.all():
        return np.zeros(picture.shape, np.float32)
    strength -= strength[~near].mean()
    strength[near] = 0
    edges: NDArray[np.float32] = strength.astype(np.float32)
    return edges


def _surface(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Phase correlation for every shift within reach; None without any edges."""
    height, width = first.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    cross = np.conj(np.fft.rfft2(first * window)) * np.fft.rfft2(second * window)
    size = np.abs(cross)
    if not size.max() > 0:
        return None
    cross /= size + 1e-9 * size.max()
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    cross *= np.exp(-((rows**2 + columns**2) * (2 * np.pi * _SMOOTHNESS_PX) ** 2) / 2)
    reach_y, reach_x = height // 4, width // 4
    surface = np.roll(np.fft.irfft2(cross, s=(height, width)), (reach_y, reach_x), (0, 1))
    within: NDArray[np.float64] = surface[: 2 * reach_y + 1, : 2 * reach_x + 1].astype(np.float64)
    return within


def _limited(surface: NDArray[np.float64]) -> NDArray[np.int64]:
    """In spreads from the mean, cut off, as whole numbers."""
    spreads = (surface - surface.mean()) / max(float(surface.std()), np.finfo(np.float64).tiny)
    levels: NDArray[np.int64] = np.rint(np.clip(spreads, -_MOST_SPREADS, _MOST_SPREADS) * 1024).astype(np.int64)
    return levels


def _peak(surface: NDArray[np.float64]) -> tuple[float, float, float]:
    """Right, down and height of the highest peak."""
    y, x = map(int, np.unravel_index(surface.argmax(), surface.shape))
    around = np.ones(surface.shape, bool)
    around[max(0, y - _AROUND_PX) : y + _AROUND_PX + 1, max(0, x - _AROUND_PX) : x + _AROUND_PX + 1] = False
    spread = float(surface[around].std()) if around.any() else 0.0
    sharpness = (float(surface[y, x]) - float(surface[around].mean())) / spread if spread > 0 else 0.0
    right, down = (x - surface.shape[1] // 2, y - surface.shape[0] // 2)
    return right + _between(surface[y], x), down + _between(surface[:, x], y), sharpness


def _between(line: NDArray[np.float64], at: int) -> float:
    """How far the top of a parabola through a peak and its neighbours lies from the peak, -0.5..0.5."""
    if not 0 < at < len(line) - 1:
        return 0.0
    before, peak, after = line[at - 1 : at + 2]
    bend = before - 2 * peak + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0
