"""Images of any size, read in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from bandbridge.engine.imagery.bands import choose_bands
from bandbridge.engine.imagery.depth import is_depth_map
from bandbridge.engine.imagery.envi import is_envi_header, open_envi
from bandbridge.engine.imagery.geotiff import MapPlace, OpenTiff, open_tiff
from bandbridge.engine.imagery.header import ImageHeader
from bandbridge.engine.imagery.raw_values import raw_values
from bandbridge.engine.imagery.reader import is_tiff, load_image, read_header
from numpy.typing import NDArray

Slice = tuple[int, int]
"""The first row (or column) and the one after the last."""


class Scene:
    """An image of which parts can be read, until its context ends.

    Args:
        header: Of its file.
        bands: 1-based numbers of the bands read.
        place: On the map, None without.
        read: Rows and columns -> (C, h, w) raw values, NaN where there is nothing.
    """

    def __init__(
        self,
        header: ImageHeader,
        bands: tuple[int, ...],
        place: MapPlace | None,
        read: Callable[[Slice, Slice], NDArray[np.float32]],
    ) -> None:
        self.header = header
        self.bands = bands
        self.place = place
        self.read = read


@contextmanager
def open_scene(path: Path, *, bands: tuple[int, ...] | None = None, no_data: float | None = None) -> Iterator[Scene]:
    """Open an image to read parts of it.

    Of a TIFF or ENVI image only the parts asked for are decoded, so that its size does not matter; other files,
    and depth maps (of which the whole says how values are stored) are decoded whole, within the limit of
    `reader.LARGEST_IMAGE`.

    Args:
        path: The file.
        bands: 1-based bands by the rule of `bands.choose_bands`; None takes all.
        no_data: A raw value that means "nothing here", besides what the file declares.

    Raises:
        ImageError: The file cannot be read or lacks a band; from inside the context, a part of it is damaged.
    """
    if not (is_tiff(path) or is_envi_header(path)) or is_depth_map(read_header(path)):
        image = load_image(path, bands=bands, no_data=no_data)
        yield Scene(image.header, image.bands, None, partial(_part, image.values))
        return
    opened = open_envi if is_envi_header(path) else open_tiff
    with opened(path, partial(choose_bands, bands)) as tiff:
        yield Scene(tiff.header, tiff.bands, tiff.place, partial(_read, tiff, no_data))


def _part(values: NDArray[np.float32], rows: Slice, columns: Slice) -> NDArray[np.float32]:
    return values[:, slice(*rows), slice(*columns)]


def _read(tiff: OpenTiff, no_data: float | None, rows: Slice, columns: Slice) -> NDArray[np.float32]:
    return raw_values(tiff.read(rows, columns), no_data)
