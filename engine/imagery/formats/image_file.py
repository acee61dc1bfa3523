"""Images in files of any kind: PNG, JPEG, TIFF, GeoTIFF, JPEG 2000, ENVI, HDF5, NumPy arrays.

An image is a file, or several files with a band each, see `band_files`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.array_file import ARRAY_START, array_header, read_array
from bandbridge.engine.imagery.formats.band_files import band_files, to_grid, together
from bandbridge.engine.imagery.formats.bands import choose_bands
from bandbridge.engine.imagery.formats.compressed import (
    JPEG_START,
    PNG_START,
    jpeg_header,
    png_header,
    read_jpeg,
    read_png,
)
from bandbridge.engine.imagery.formats.depth import turned_back, with_zero_missing
from bandbridge.engine.imagery.formats.envi import ENVI_START
from bandbridge.engine.imagery.formats.geotiff import TIFF_STARTS
from bandbridge.engine.imagery.formats.hdf5 import HDF5_START, hdf5_header, read_hdf5
from bandbridge.engine.imagery.formats.header import ImageHeader, StoredPixels
from bandbridge.engine.imagery.formats.in_parts import open_in_parts
from bandbridge.engine.imagery.formats.jpeg2000 import JPEG2000_STARTS
from bandbridge.engine.imagery.formats.raw_values import raw_values
from numpy.typing import NDArray

LARGEST_IMAGE = 400_000_000
"""Values (width x height x bands read) of the largest image that is read."""

_STARTS = (PNG_START, JPEG_START, ARRAY_START, ENVI_START, HDF5_START, *TIFF_STARTS, *JPEG2000_STARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image in memory.

    Attributes:
        header: Of its file.
        bands: 1-based numbers of the bands read.
        values: (C, H, W) raw sensor values, NaN where there is nothing.
    """

    header: ImageHeader
    bands: tuple[int, ...]
    values: NDArray[np.float32]


def file_header(path: Path) -> ImageHeader:
    """What an image says about itself; its content decides the format, not its name.

    Raises:
        ImageError: A file is missing, empty, damaged or no image.
    """
    if files := band_files(path):
        return together(path, [file_header(file) for file in files.values()], tuple(files))
    return with_zero_missing(_header_of(path))


def load_file(path: Path, *, bands: tuple[int, ...] | None, no_data: float | None) -> Image:
    """Read an image whole.

    Args:
        path: The file, or what the files of the bands have in common.
        bands: 1-based bands by the rule of `bands.choose_bands`; None takes all.
        no_data: A raw value that means "nothing here", besides what the file declares.

    Raises:
        ImageError: It cannot be read or lacks a band.
    """
    if files := band_files(path):
        return _load_bands(path, list(files.values()), bands, no_data)
    stored = turned_back(_read_stored(path, bands))
    return Image(header=stored.header, bands=stored.bands, values=raw_values(stored, no_data))


def _header_of(path: Path) -> ImageHeader:
    start = _start(path)
    if start.startswith(PNG_START):
        return png_header(path, path.read_bytes())
    if start.startswith(JPEG_START):
        return jpeg_header(path, path.read_bytes())
    if start.startswith(ARRAY_START):
        return array_header(path)
    if start.startswith(HDF5_START):
        return hdf5_header(path)
    with open_in_parts(path, lambda header: ()) as image:
        return image.header


def _load_bands(path: Path, files: list[Path], asked: tuple[int, ...] | None, no_data: float | None) -> Image:
    header = file_header(path)
    bands = _choose_within_limit(asked, header)
    is_integer = np.dtype(header.dtype).kind in "iub"
    read = (load_file(files[band - 1], bands=None, no_data=no_data).values[0] for band in bands)
    values = [to_grid(band, header.width, header.height, is_integer=is_integer) for band in read]
    return Image(header=header, bands=bands, values=np.stack(values))


def _read_stored(path: Path, bands: tuple[int, ...] | None) -> StoredPixels:
    choose = partial(_choose_within_limit, bands)
    start = _start(path)
    if start.startswith(PNG_START):
        return read_png(path, path.read_bytes(), choose)
    if start.startswith(JPEG_START):
        return read_jpeg(path, path.read_bytes(), choose)
    if start.startswith(ARRAY_START):
        return read_array(path, choose)
    if start.startswith(HDF5_START):
        return read_hdf5(path, choose)
    with open_in_parts(path, choose) as image:
        return image.read()


def _choose_within_limit(asked: tuple[int, ...] | None, header: ImageHeader) -> tuple[int, ...]:
    bands = choose_bands(asked, header)
    if header.width * header.height * len(bands) > LARGEST_IMAGE:
        raise ImageError(
            f"The image '{header.path}' is too large to be one image of a data set.",
            f"It claims {header.width} x {header.height} pixels with {len(bands)} bands to read; "
            f"the limit is {LARGEST_IMAGE // 1_000_000} million values.",
            "Cut it into tiles first, or leave it out.",
        )
    return bands


def _start(path: Path) -> bytes:
    """The first bytes of a file that may be an image."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise ImageError(
            f"The image '{path}' cannot be opened.",
            f"The system says: {error.strerror or error}.",
            "Check that it exists, is a file and may be read.",
        ) from error
    if not start:
        raise ImageError(
            f"The image '{path}' is empty.",
            "The file has no content at all (zero bytes).",
            "Copy it again from where it came from, or leave it out.",
        )
    if not start.startswith(_STARTS):
        raise ImageError(
            f"The file '{path}' is no image this program reads.",
            "Its content is none of PNG, JPEG, JPEG 2000, TIFF, NumPy array, HDF5 (NetCDF 4) or ENVI header.",
            "Save it in one of these formats, or leave it out.",
        )
    return start
