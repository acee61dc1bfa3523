"""What an image file says about itself before its pixels are decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """The facts of one image file.

    Attributes:
        path: The file.
        width: In pixels, as stored.
        height: In pixels, as stored.
        bands: Bands that hold measurements; a band declared as transparency is not counted.
        dtype: Number type as stored, e.g. "uint16".
        no_data: Value the file declares as "nothing here", or None.
        georeferenced: Whether the file knows its place on the map.
        alpha: 1-based number of the band declared as transparency, or None.
        pages: Images in the file; only the first is read.
        band_names: Names of the bands such as "B04", where every band is a file of its own; else ().
        zero_is_missing: Whether `no_data` is 0 because the file is a depth map, not because it says so.
        bits_turned: Whether the bits of a depth map were stored turned, as in SUN RGB-D, and were turned back; known
            once pixels have been read.
        colours: 1-based bands that the file declares as red, green and blue, or None.
        frame: Of a tile: the value that fills all bands of its scene outside the area seen, undeclared; or None.
    """

    path: Path
    width: int
    height: int
    bands: int
    dtype: str
    no_data: float | None = None
    georeferenced: bool = False
    alpha: int | None = None
    pages: int = 1
    band_names: tuple[str, ...] = ()
    zero_is_missing: bool = False
    bits_turned: bool = False
    colours: tuple[int, ...] | None = None
    frame: float | None = None

    @property
    def stored_bands(self) -> int:
        """Bands in the file, transparency included."""
        return self.bands + (self.alpha is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPixels:
    """Pixels as a file stores them.

    Attributes:
        header: Of the file.
        bands: 1-based numbers of the bands read.
        values: (C, H, W) in the file's own number type; red comes before blue.
        hidden: (H, W) True where the file's transparency or mask says "nothing here", or None.
    """

    header: ImageHeader
    bands: tuple[int, ...]
    values: NDArray[np.generic]
    hidden: NDArray[np.bool_] | None = None
