"""How much translated images resemble the RGB images of the same scenes; on held-out pairs only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Images = NDArray[np.float32]

_SPREAD_PX = 1.5
_STEADY = (0.01**2, 0.03**2)


def ssim_map(first: Images, second: Images) -> NDArray[np.float32]:
    """Structural similarity at every pixel, -1..1, 1 = the same there; mean over channels.

    (2 m_a m_b + c_1)(2 s_ab + c_2) / ((m_a^2 + m_b^2 + c_1)(s_a^2 + s_b^2 + c_2)), means, variances and
    covariance under a Gaussian of 1.5 pixels, c_1 = 0.01^2, c_2 = 0.03^2 for values 0..1.

    Args:
        first: (N, C, H, W), 0..1.
        second: (N, C, H, W), 0..1.

    Returns:
        (N, H, W).

    Source:
        Wang, Bovik, Sheikh and Simoncelli, IEEE Transactions on Image Processing 13, 2004.
    """

    def blurred(values: Images) -> Images:
        return np.asarray(gaussian_filter(values, (0, 0, _SPREAD_PX, _SPREAD_PX), truncate=3.5), np.float32)

    mean_1, mean_2 = blurred(first), blurred(second)
    variance_1 = blurred(first * first) - mean_1 * mean_1
    variance_2 = blurred(second * second) - mean_2 * mean_2
    covariance = blurred(first * second) - mean_1 * mean_2
    light = (2 * mean_1 * mean_2 + _STEADY[0]) / (mean_1**2 + mean_2**2 + _STEADY[0])
    structure = (2 * covariance + _STEADY[1]) / (variance_1 + variance_2 + _STEADY[1])
    return np.asarray((light * structure).mean(axis=1), np.float32)


def ssim(first: Images, second: Images) -> float:
    """Mean structural similarity of two sets of images (N, C, H, W), 0..1 values; 1 = the same."""
    return float(ssim_map(first, second).mean())


def psnr(first: Images, second: Images) -> float:
    """Peak signal-to-noise ratio -10 log10 E|a - b|^2 in dB of two sets of images (N, C, H, W), 0..1 values."""
    return float(-10.0 * np.log10(max(float(np.square(first - second).mean()), 1e-12)))
