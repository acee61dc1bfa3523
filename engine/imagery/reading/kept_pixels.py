"""Pixels of a first pass over a folder, kept in memory for the second, so that both decode every file once."""

from __future__ import annotations

import threading

import numpy as np
import psutil
from bandbridge.engine.imagery.formats.image_file import Image
from numpy.typing import NDArray

_SHARE = 6


class KeptPixels:
    """A look at every image that a survey decodes; it needs no image decoded that the cache remembers.

    Values are kept in the number type of their file where that holds them, up to a sixth of the free memory; whatever
    is beyond that is decoded once more.

    Args:
        most_bytes: What may be kept, or None for a sixth of the memory that is free now.
    """

    def __init__(self, most_bytes: int | None = None) -> None:
        self._room = psutil.virtual_memory().available // _SHARE if most_bytes is None else most_bytes
        self._values: dict[str, NDArray[np.generic]] = {}
        self._how: tuple[tuple[int, ...] | None, float | None] | None = None
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Nobody needs them any more."""
        self._values.clear()

    def begin(self, bands: tuple[int, ...] | None, no_data: float | None) -> None:
        """How the images that follow are read; they serve nobody who would read them otherwise."""
        self.forget()
        self._how = bands, no_data

    def __call__(self, name: str, image: Image) -> None:
        """Keep an image, if there is room; called by several threads at once."""
        values = _as_stored(image)
        with self._lock:
            if values.nbytes <= self._room:
                self._room -= values.nbytes
                self._values[name] = values

    def find(self, name: str, bands: tuple[int, ...] | None, no_data: float | None) -> NDArray[np.float32] | None:
        """(C, H, W) raw values as the reader gives them, or None if they were not kept, or read in another way."""
        values = self._values.get(name) if self._how == (bands, no_data) else None
        return None if values is None else values.astype(np.float32)


def _as_stored(image: Image) -> NDArray[np.generic]:
    kind = np.dtype(image.header.dtype)
    if kind.kind not in "iu" or kind.itemsize > 2 or np.isnan(image.values.sum(dtype=np.float64)):
        return image.values
    stored: NDArray[np.generic] = image.values.astype(kind)
    return stored
