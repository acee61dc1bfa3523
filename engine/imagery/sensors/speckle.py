"""Taking speckle out of radar images: Lee's filter on the stretched values.

Lee (1980) replaces a value by the mean of its surroundings, the less the more these vary beyond what noise explains:

    out = mean + max(0, 1 - noise / variance) (value - mean)

That is `scipy.signal.wiener` with a known noise. Speckle multiplies, so on a logarithmic scale (decibels, or values
under a logarithmic stretch) it adds, as the formula wants. The noise is measured once over the data set and frozen, as
the stretch is: estimated image by image, it would take a town's own detail for noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bandbridge.engine.imagery.sensors.stretch import Stretch

LEAST_NOISE = 1e-9
"""Variance, so that it may divide."""
MOST_IMAGES = 48
"""Images the noise is measured on, evenly spread."""

_MOST_VARIANCES = 1 << 14  # of an image and band


def lee(images: NDArray[np.float32], size_px: int, noise: tuple[float, ...]) -> NDArray[np.float32]:
    """Filter stretched images.

    Args:
        images: (..., C, H, W) in 0..1, without gaps; at the border the outermost values go on.
        size_px: Side of the surroundings, odd.
        noise: Variance of the noise, per band.

    Returns:
        The same shape, within the range of each surroundings.
    """
    from scipy.signal import wiener  # takes a second to import, and few runs need it

    reach = size_px // 2
    filtered = np.empty_like(images)
    inner = slice(reach, -reach)
    for place in np.ndindex(images.shape[:-2]):
        padded = np.pad(images[place].astype(np.float64), reach, mode="edge")
        with np.errstate(divide="ignore", invalid="ignore"):  # where all are equal; the mean stands there
            filtered[place] = wiener(padded, (size_px, size_px), noise[place[-1]])[inner, inner]
    return filtered


def measured_filter(stretch: Stretch, size_px: int, images: Iterable[NDArray[np.float32]]) -> Stretch:
    """A stretch with the filter, its noise, and the mean and spread of filtered values measured on images.

    The noise is the median of the variances of all surroundings: most are of one thing, and what varies there is noise.

    Args:
        stretch: Without a filter.
        size_px: Side of the surroundings, odd.
        images: (C, H, W) raw values, NaN where there is nothing; a good part of the data set.
    """
    kept = [stretch.apply(image) for image in images if not np.isnan(image).all()]
    bands = len(stretch.low)
    variances: list[list[NDArray[np.float64]]] = [[] for _ in range(bands)]
    for image in kept:
        for band in range(bands):
            found = _variances(image[band], size_px)
            variances[band].append(found[:: max(1, found.size // _MOST_VARIANCES)])
    noise = tuple(max(LEAST_NOISE, float(np.median(np.concatenate(some))) if some else 0.0) for some in variances)
    filtered = replace(stretch, despeckle_px=size_px, noise=noise)
    if not kept:
        return filtered
    values = [np.concatenate([lee(image, size_px, noise)[band].ravel() for image in kept]) for band in range(bands)]
    return replace(
        filtered,
        mean=tuple(float(some.mean(dtype=np.float64)) for some in values),
        std=tuple(float(some.std(dtype=np.float64)) or 1.0 for some in values),
    )


def _variances(band: NDArray[np.float32], size_px: int) -> NDArray[np.float64]:
    """Variances of all surroundings that are neither cut off by the stretch nor without data."""
    from scipy.ndimage import uniform_filter

    values = band.astype(np.float64)
    variance = uniform_filter(values**2, size_px, mode="nearest") - uniform_filter(values, size_px, mode="nearest") ** 2
    inside = uniform_filter(((values > 0) & (values < 1)).astype(np.float64), size_px, mode="nearest") > 0.999
    chosen: NDArray[np.float64] = variance[inside] if inside.any() else variance.ravel()
    return chosen
