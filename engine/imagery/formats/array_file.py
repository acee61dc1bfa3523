"""NumPy array files (.npy): (H, W), (H, W, C) or (C, H, W)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.compressed import damaged
from bandbridge.engine.imagery.formats.header import ImageHeader, StoredPixels
from numpy.typing import NDArray

ARRAY_START = b"\x93NUMPY"


def array_header(path: Path) -> ImageHeader:
    """Header of an array file.

    Raises:
        ImageError: The file is damaged, or its array is no image.
    """
    return _header(path, _bands_first(path, _map(path)))


def read_array(path: Path, choose: Callable[[ImageHeader], tuple[int, ...]]) -> StoredPixels:
    """Read the chosen bands of an array file.

    Raises:
        ImageError: The file is damaged, or its array is no image.
    """
    stored = _bands_first(path, _map(path))
    header = _header(path, stored)
    bands = choose(header)
    return StoredPixels(header=header, bands=bands, values=np.array(stored[[band - 1 for band in bands]]))


def _map(path: Path) -> NDArray[np.generic]:
    try:
        # Mapped, not loaded: the header is checked before memory is spent; pickled objects are refused by numpy.
        array: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a header is Python source to numpy: what its parser raises has no end
        raise damaged(path, str(error)) from error
    return array


def _bands_first(path: Path, array: NDArray[np.generic]) -> NDArray[np.generic]:
    """(C, H, W): of three dimensions the bands are the smaller of first and last, the last if both are equal."""
    if array.ndim not in (2, 3) or 0 in array.shape or array.dtype.kind not in "biuf":
        raise ImageError(
            f"The array file '{path}' is no image.",
            f"It holds numbers of type {array.dtype} in the shape {array.shape}.",
            "Save real numbers as height x width, height x width x bands, or bands x height x width.",
        )
    if array.ndim == 2:
        return array[None]
    return array if array.shape[0] < array.shape[2] else array.transpose(2, 0, 1)


def _header(path: Path, stored: NDArray[np.generic]) -> ImageHeader:
    bands, height, width = stored.shape
    return ImageHeader(path=path, width=width, height=height, bands=bands, dtype=stored.dtype.name)
