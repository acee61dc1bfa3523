"""A small record of one image, taken while it is decoded: enough to compare it with ten thousand others afterwards."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from bandbridge.engine.imagery.formats.image_file import Image
from bandbridge.engine.imagery.picture import shrink
from numpy.typing import NDArray

OUTLINE_PX = 32
"""Side of the small picture two images are compared by."""

_HASH_PX = 8
_MOST_SAMPLED = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What is kept of an image.

    Attributes:
        dtype: Number type of its file.
        digest: Of all values read; equal for images that hold the same values, whatever their format.
        smallest: (C,) least value of each band, NaN where a band holds none.
        largest: (C,) greatest.
        at_smallest: (C,) share of the values present that equal the smallest, 0..1.
        at_largest: (C,) share that equal the largest.
        low: (C,) 5th percentile.
        middle: (C,) median.
        high: (C,) 95th percentile.
        outline: (32, 32) mean of the bands, seen small; mean 0 and spread 1, or all 0 in a constant image. In 16 bits,
            since those of 100,000 images are in memory at once.
        perceptual_hash: 64 bits, which hardly change with compression, noise, size, brightness or contrast.
    """

    dtype: str
    digest: bytes
    smallest: NDArray[np.float32]
    largest: NDArray[np.float32]
    at_smallest: NDArray[np.float32]
    at_largest: NDArray[np.float32]
    low: NDArray[np.float32]
    middle: NDArray[np.float32]
    high: NDArray[np.float32]
    outline: NDArray[np.float16]
    perceptual_hash: int

    @property
    def is_constant(self) -> bool:
        """Whether every band holds one value at most."""
        return not bool((self.smallest < self.largest).any())


def take_glimpse(image: Image) -> Glimpse:
    """Look at an image.

    Args:
        image: With (C, H, W) raw values, NaN where there is nothing.
    """
    values = image.values
    facts = np.array([_facts(band) for band in values], np.float32).reshape(len(values), 7).T
    outline = _outline(values)
    digest = hashlib.blake2b(repr(values.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(values).data)
    return Glimpse(
        dtype=image.header.dtype,
        digest=digest.digest(),
        smallest=facts[0],
        largest=facts[1],
        at_smallest=facts[2],
        at_largest=facts[3],
        low=facts[4],
        middle=facts[5],
        high=facts[6],
        outline=outline.astype(np.float16),
        perceptual_hash=_perceptual_hash(outline),
    )


def grey(values: NDArray[np.float32], size_px: int) -> NDArray[np.uint8]:
    """A grey picture of the mean of the bands, for comparing where things are.

    Args:
        values: (C, H, W) raw values, NaN where there is nothing.
        size_px: Longest side of the result; smaller images stay as they are.

    Returns:
        (H', W') in 1..255 between the 1st and 99th percentile; 0 where a band holds nothing.
    """
    mean = shrink(values.mean(axis=0, dtype=np.float32)[None], size_px)[0]
    present = mean[np.isfinite(mean)]
    if not present.size:
        return np.zeros(mean.shape, np.uint8)
    black, white = np.percentile(present, (1, 99))
    levels = np.clip((mean - black) / max(white - black, np.finfo(np.float32).tiny), 0, 1) * 254 + 1
    picture: NDArray[np.uint8] = np.rint(np.nan_to_num(levels, nan=0.0)).astype(np.uint8)
    return picture


def _facts(band: NDArray[np.float32]) -> tuple[float, ...]:
    """Smallest, largest, their shares and three percentiles, these of at most 65536 values."""
    flat = band.ravel()
    if np.isnan(flat.sum(dtype=np.float64)):
        flat = flat[~np.isnan(flat)]
    if not flat.size:
        return (np.nan, np.nan, 0.0, 0.0, np.nan, np.nan, np.nan)
    smallest, largest = flat.min(), flat.max()
    shares = (np.count_nonzero(flat == edge) / flat.size for edge in (smallest, largest))
    # A step that shares no factor with a usual width, so that no column is seen alone.
    step = max(1, flat.size // _MOST_SAMPLED) | 1
    return (smallest, largest, *shares, *np.percentile(flat[::step], (5, 50, 95)))


def _outline(values: NDArray[np.float32]) -> NDArray[np.float32]:
    mean = values.mean(axis=0, dtype=np.float32)
    gaps = np.isnan(mean)
    if gaps.all():
        return np.zeros((OUTLINE_PX, OUTLINE_PX), np.float32)
    if gaps.any():
        mean = np.where(gaps, mean[~gaps].mean(), mean)
    small = cv2.resize(mean, (OUTLINE_PX, OUTLINE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    spread = float(small.std())
    # Rounding alone leaves a trace of spread in a constant image of large values.
    return small / spread if spread > 1e-6 * max(1.0, float(np.abs(mean).max())) else np.zeros_like(small)


def _perceptual_hash(outline: NDArray[np.float32]) -> int:
    """One bit for each of the 64 slowest waves of the cosine transform, constant left out: above the median or not."""
    transform = cv2.dct(outline)
    waves = np.append(transform[:_HASH_PX, :_HASH_PX].ravel()[1:], transform[_HASH_PX, 0])
    return int.from_bytes(np.packbits(waves > np.median(waves)).tobytes(), "big")
