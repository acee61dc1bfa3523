"""TIFF and GeoTIFF files, read by GDAL through rasterio, behind closed doors.

Only GDAL's GTiff driver may look at a file, only at the file itself (no side files, no other formats, no network); the
ENVI driver sees what `envi` hands it.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.compressed import damaged
from bandbridge.engine.imagery.formats.header import ImageHeader, StoredPixels
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.session import DummySession
from rasterio.transform import IDENTITY
from rasterio.windows import Window as RasterWindow

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

MOST_BANDS = 4096
"""Bands of a file that is read. The finest spectrometers have hundreds; GDAL's time grows with their square."""

_CLOSED_DOORS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
    "PROJ_NETWORK": "OFF",
}

_NO_SYSTEM = 'LOCAL_CS["unnamed",UNIT["unknown",1]'
# GDAL keeps what it has decoded for the whole process; its own limit is a share of the machine's memory. It reads this
# once, when first used.
os.environ.setdefault("GDAL_CACHEMAX", str(256 << 20))

_SILENCE = threading.Lock()
# Whether this thread is in a context of `closed_doors` with its own settings.
_DOORS = threading.local()


@dataclass(frozen=True, slots=True)
class MapPlace:
    """Where an image lies on the map, as GDAL says it.

    Attributes:
        crs: Coordinate system, or None.
        transform: From columns and rows to coordinates.
        gcps: Points on the ground with their coordinate system, instead of a transform; (() , None) without.
    """

    crs: Any
    transform: Any
    gcps: tuple[Any, Any]


class OpenTiff:
    """A TIFF file (or another that GDAL opened) of which windows can be read, until its context ends.

    Args:
        path: The file.
        dataset: Of rasterio.
        choose: The band rule.

    Attributes:
        header: What it says about itself.
        bands: 1-based numbers of the bands that are read.
        place: On the map, None without.
    """

    def __init__(self, path: Path, dataset: Any, choose: Callable[[ImageHeader], tuple[int, ...]]) -> None:
        with _in_words(path):
            self.header = _header(path, dataset)
            place = MapPlace(_system(dataset), dataset.transform, dataset.gcps)
        self.place = place if self.header.georeferenced else None
        self.bands = choose(self.header)
        self._dataset = dataset

    def read(self, rows: tuple[int, int] | None = None, columns: tuple[int, int] | None = None) -> StoredPixels:
        """The chosen bands, with transparency or mask.

        Args:
            rows: First row and the one after the last; None reads all.
            columns: The same for columns.

        Raises:
            ImageError: This part of the file is damaged.
        """
        window = None if rows is None or columns is None else RasterWindow.from_slices(rows, columns)
        hidden = None
        with closed_doors(), _in_words(self.header.path):
            if self.header.alpha is not None:
                if self.header.alpha not in self.bands:
                    hidden = self._dataset.read(self.header.alpha, window=window) == 0
            elif MaskFlags.per_dataset in self._dataset.mask_flag_enums[0]:
                hidden = self._dataset.read_masks(1, window=window) == 0
            values = self._dataset.read(list(self.bands), window=window)
        return StoredPixels(header=self.header, bands=self.bands, values=values, hidden=hidden)


@contextmanager
def open_tiff(path: Path, choose: Callable[[ImageHeader], tuple[int, ...]]) -> Iterator[OpenTiff]:
    """Open a TIFF file to read windows of it.

    Raises:
        ImageError: The file is damaged, cut short or of a kind that cannot be read.
    """
    with opened_by("GTiff", path, path, {}) as dataset:
        yield OpenTiff(path, dataset, choose)


@contextmanager
def new_tiff(path: Path, place: MapPlace | None, **profile: Any) -> Iterator[Any]:
    """Create a TIFF file with its mask inside, behind the same doors.

    Args:
        path: File to write.
        place: On the map, or None.
        **profile: Of the file, in rasterio's words.

    Yields:
        rasterio's dataset, open for writing.

    Raises:
        RasterioError: It cannot be written.
    """
    located = {} if place is None or place.gcps[0] else {"crs": place.crs, "transform": place.transform}
    with rasterio.Env(session=DummySession(), GDAL_TIFF_INTERNAL_MASK="YES", **_CLOSED_DOORS):
        with unplaced_is_fine():
            dataset = rasterio.open(path.absolute(), "w", driver="GTiff", **located, **profile)
        with dataset:
            if place is not None and place.gcps[0]:
                dataset.gcps = place.gcps
            yield dataset


@contextmanager
def opened_by(driver: str, data: Path, path: Path, doors: Mapping[str, str]) -> Iterator[Any]:
    """A file, opened by one driver of GDAL alone.

    Args:
        driver: Its name.
        data: The file to open.
        path: Of the image in errors.
        doors: Settings of GDAL besides or instead of those that keep the doors closed.

    Yields:
        rasterio's dataset.

    Raises:
        ImageError: The driver cannot open it.
    """
    with closed_doors(doors), _in_words(path), unplaced_is_fine():
        # A Path, not a text: rasterio reads no scheme, archive or query into a Path.
        dataset = rasterio.open(data.absolute(), driver=driver)
    # The doors are settings of a thread, and a file may stay open for long: whoever reads closes them anew. Nor does
    # the data set enter a context of its own, for another thread may close it than opened it.
    with closing(dataset):
        yield dataset


@contextmanager
def unplaced_is_fine() -> Iterator[None]:
    """A context without rasterio's warning of images that have no place on the map: here they are ordinary pictures.

    Python's warning filters belong to the process, so threads open and warp one after another, and decode side by side.
    """
    with _SILENCE, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


@contextmanager
def closed_doors(others: Mapping[str, str] | None = None) -> Iterator[None]:
    """A context in which GDAL looks at nothing but the files it is given; within another such it costs nothing.

    Closing the doors for every file would take a quarter of the time it takes to read a small one.

    Args:
        others: Settings of GDAL besides or instead of those.
    """
    closed_before = getattr(_DOORS, "closed", False)
    if closed_before and not others:
        yield
        return
    with rasterio.Env(session=DummySession(), **{**_CLOSED_DOORS, **(others or {})}):
        _DOORS.closed = not others
        try:
            yield
        finally:
            _DOORS.closed = closed_before


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    # Of rasterio's two families of errors the second has no public name; it comes late, with the next thing asked.
    except (RasterioError, CPLE_BaseError, UnicodeError) as error:
        raise damaged(path, f"{error} {error.__cause__ or ''}") from error


def _system(dataset: Any) -> Any:
    """The coordinate system, or None.

    GDAL makes one up for a file that says nothing but that its coordinates mean pixel centres. Written out again, its
    unknown unit would become the metre.
    """
    crs = dataset.crs
    return None if crs is None or crs.to_wkt().startswith(_NO_SYSTEM) else crs


def _header(path: Path, dataset: Any) -> ImageHeader:
    if dataset.count > MOST_BANDS:
        raise ImageError(
            f"The image '{path}' has more bands than any sensor.",
            f"It claims {dataset.count} bands; the limit is {MOST_BANDS}.",
            "Save the bands that matter to a file of their own, or leave it out.",
        )
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
        georeferenced=_system(dataset) is not None or dataset.transform != IDENTITY or bool(dataset.gcps[0]),
        alpha=alpha,
        colours=_colours(dataset),
        pages=max(1, len(dataset.subdatasets)),
    )


def _colours(dataset: Any) -> tuple[int, ...] | None:
    """Bands declared, each once, as red, green and blue, by kind or by name."""
    names = [(name or "").casefold() for name in dataset.descriptions]
    kinds = list(dataset.colorinterp)
    for wanted, found in (
        ((ColorInterp.red, ColorInterp.green, ColorInterp.blue), kinds),
        (("red", "green", "blue"), names),
        (("b04", "b03", "b02"), names),
    ):
        if all(found.count(one) == 1 for one in wanted):
            return tuple(found.index(one) + 1 for one in wanted)
    return None
