"""Sound as a picture: how loud each band of pitch is, a hundred times a second."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

SOUND_RATE_HZ = 16000
HOP = 160
"""Samples between two rows: 100 rows a second."""
WINDOW = 400
TRANSFORM = 512
"""Samples of the Fourier transform: those of a window, then zeros."""
BANDS = 64
LOWEST_HZ, HIGHEST_HZ = 50.0, 8000.0
ROWS_PER_S = SOUND_RATE_HZ // HOP
FAINTEST = 1e-6
"""Added to all power, so that it has a logarithm."""
SILENCE = float(np.log(FAINTEST))
"""Value of a band in which there is nothing."""

_ROWS_AT_ONCE = 4096


def log_mel(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Natural logarithm of the power in 64 mel bands (50 to 8000 Hz), windows of 25 ms every 10 ms, plus 1e-6.

    Args:
        wave: (L,) mono at 16 kHz, -1..1.

    Returns:
        (ceil(L / 160), 64); row k is centred on sample 160 k.
    """
    rows = -(-len(wave) // HOP)
    padded = np.zeros((rows - 1) * HOP + WINDOW if rows else 0, np.float32)
    padded[WINDOW // 2 : WINDOW // 2 + len(wave)] = wave[: len(padded) - WINDOW // 2]
    found = np.empty((rows, BANDS), np.float32)
    if rows == 0:
        return found
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]  # (rows, 400)
    bell = np.hanning(WINDOW).astype(np.float32)
    for first in range(0, rows, _ROWS_AT_ONCE):
        spectrum = np.fft.rfft(frames[first : first + _ROWS_AT_ONCE] * bell, TRANSFORM)
        power = (spectrum.real**2 + spectrum.imag**2) / WINDOW
        found[first : first + _ROWS_AT_ONCE] = np.log(power @ _filters() + FAINTEST)
    return found


@functools.cache
def _filters() -> NDArray[np.float64]:
    """(257, 64): triangles of equal width on the mel scale, 2595 log10(1 + f / 700), each of height 1."""
    mels = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 2)
    edges = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    pitches = np.linspace(0.0, SOUND_RATE_HZ / 2, TRANSFORM // 2 + 1)[:, None]
    rising = (pitches - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - pitches) / (edges[2:] - edges[1:-1])
    triangles: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    return triangles


def _mel(pitch_hz: float) -> float:
    return float(2595.0 * np.log10(1.0 + pitch_hz / 700.0))
