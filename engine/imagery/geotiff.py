"""TIFF and GeoTIFF files, read by GDAL through rasterio, behind closed doors.

Only GDAL's GTiff driver may look at a file, only at the file itself (no side files, no other formats, no network).
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.compressed import damaged
from bandbridge.engine.imagery.header import ImageHeader, StoredPixels
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.session import DummySession
from rasterio.transform import IDENTITY

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_CLOSED_DOORS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
    "PROJ_NETWORK": "OFF",
}

# Python's warning filters belong to the process, so threads open files one after another; they decode side by side.
_OPENING = threading.Lock()


def tiff_header(path: Path) -> ImageHeader:
    """Header of a TIFF file.

    Raises:
        ImageError: The file is damaged or of a kind that cannot be read.
    """
    with _opened(path) as dataset:
        return _header(path, dataset)


def read_tiff(path: Path, choose: Callable[[ImageHeader], tuple[int, ...]]) -> StoredPixels:
    """Read the chosen bands of a TIFF file, with its transparency or mask.

    Raises:
        ImageError: The file is damaged, cut short or of a kind that cannot be read.
    """
    with _opened(path) as dataset:
        header = _header(path, dataset)
        bands = choose(header)
        values = dataset.read(list(bands))
        hidden = None
        if header.alpha is not None:
            if header.alpha not in bands:
                hidden = dataset.read(header.alpha) == 0
        elif MaskFlags.per_dataset in dataset.mask_flag_enums[0]:
            hidden = dataset.read_masks(1) == 0
    return StoredPixels(header=header, bands=bands, values=values, hidden=hidden)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with rasterio.Env(session=DummySession(), **_CLOSED_DOORS):
            with _OPENING, warnings.catch_warnings():
                # A picture without a place on the map is an ordinary picture here.
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                # A Path, not a text: rasterio reads no scheme, archive or query into a Path.
                dataset = rasterio.open(path.absolute(), driver="GTiff")
            with dataset:
                yield dataset
    except (RasterioError, UnicodeError, MemoryError) as error:
        raise damaged(path, f"{error} {error.__cause__ or ''}") from error


def _header(path: Path, dataset: Any) -> ImageHeader:
    dtype = str(np.result_type(*dataset.dtypes))
    if np.dtype(dtype).kind == "c":
        raise ImageError(
            f"The image '{path}' holds complex numbers.",
            "Radar data with phase cannot be shown to an image classifier as they are.",
            "Convert them to amplitude or decibels first.",
        )
    alphas = [index for index, kind in enumerate(dataset.colorinterp, start=1) if kind == ColorInterp.alpha]
    alpha = alphas[0] if alphas and dataset.count > 1 else None
    return ImageHeader(
        path=path,
        width=dataset.width,
        height=dataset.height,
        bands=dataset.count - (alpha is not None),
        dtype=dtype,
        no_data=dataset.nodata,
        georeferenced=dataset.crs is not None or dataset.transform != IDENTITY or bool(dataset.gcps[0]),
        alpha=alpha,
        pages=max(1, len(dataset.subdatasets)),
    )
