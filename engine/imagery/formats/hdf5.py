"""HDF5 and NetCDF 4 files: the one array in them that can be an image.

Nothing outside the file is followed: arrays stored elsewhere and links to other files are left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.compressed import damaged
from bandbridge.engine.imagery.formats.header import ImageHeader, StoredPixels

HDF5_START = b"\x89HDF\r\n\x1a\n"
# Arrays that say where pixels lie, not what they show.
_PLACES = frozenset({"lat", "latitude", "lon", "longitude", "x", "y", "xc", "yc"})
_MISSING = ("_FillValue", "missing_value")
# A stored block may be larger than the array it belongs to, and is unpacked whole.
_LARGEST_BLOCK = 1 << 30


def hdf5_header(path: Path) -> ImageHeader:
    """Header of the image in an HDF5 file.

    Raises:
        ImageError: The file is damaged, or holds no image or several.
    """
    with _image_in(path) as dataset:
        return _header(path, dataset)


def read_hdf5(path: Path, choose: Callable[[ImageHeader], tuple[int, ...]]) -> StoredPixels:
    """Read the chosen bands of the image in an HDF5 file.

    Raises:
        ImageError: The file is damaged, or holds no image or several.
    """
    with _image_in(path) as dataset:
        header = _header(path, dataset)
        bands = choose(header)
        if dataset.chunks and math.prod(dataset.chunks) * dataset.dtype.itemsize > _LARGEST_BLOCK:
            raise damaged(path, f"blocks of {dataset.chunks} values")
        first, is_bands_last = _layout(dataset.shape)
        if header.bands == 1 or len(bands) == header.bands:
            # At once: band by band, blocks that hold several bands would be unpacked for every one of them.
            whole = np.asarray(dataset[first])
            whole = whole[None] if whole.ndim == 2 else whole.transpose(2, 0, 1) if is_bands_last else whole
            values = whole[[band - 1 for band in bands]]
        else:
            planes = (dataset[(*first, ..., b - 1)] if is_bands_last else dataset[(*first, b - 1)] for b in bands)
            values = np.stack(list(planes))
    return StoredPixels(header=header, bands=bands, values=values)


@contextmanager
def _image_in(path: Path) -> Iterator[Any]:
    try:
        import h5py  # here, since few people have such files and it takes a while to load
    except ImportError as error:
        raise ImageError(
            f"The file '{path}' cannot be read by this installation.",
            "It was made before the program could read HDF5 files.",
            "Run installer/start.py again, or leave the file out.",
        ) from error

    try:
        with h5py.File(path, "r") as file:
            found: list[Any] = []
            # Visits what lies in the file itself and follows no link.
            file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
            yield _only(path, [item for item in found if _may_be_image(item)])
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise damaged(path, str(error)) from error


def _may_be_image(dataset: Any) -> bool:
    if dataset.dtype.kind not in "biuf" or dataset.is_virtual or dataset.external:
        return False
    shape = [side for side in dataset.shape if side != 1]
    return len(shape) in (2, 3) and min(shape) > 0 and dataset.name.rpartition("/")[2].casefold() not in _PLACES


def _only(path: Path, images: list[Any]) -> Any:
    if len(images) == 1:
        return images[0]
    if images:
        names = [f"'{image.name.lstrip('/')}' ({' x '.join(map(str, image.shape))})" for image in images]
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        raise ImageError(
            f"The file '{path}' holds {len(images)} arrays that can be images.",
            f"They are {', '.join(names[:6])}{more}.",
            "Save the wanted one as a GeoTIFF, a NumPy array or an HDF5 file of its own.",
        )
    raise ImageError(
        f"The file '{path}' holds no image.",
        "Not one array of real numbers in it has height and width, or height, width and bands.",
        "Save the image as a GeoTIFF or a NumPy array, or leave it out.",
    )


def _layout(shape: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
    """Leading indices that only drop sides of one (time, for instance), and whether bands come last."""
    dropped = 0
    while len(shape) - dropped > 2 and shape[dropped] == 1:
        dropped += 1
    rest = shape[dropped:]
    return (0,) * dropped, len(rest) == 3 and rest[0] >= rest[2]


def _header(path: Path, dataset: Any) -> ImageHeader:
    first, is_bands_last = _layout(dataset.shape)
    sides = dataset.shape[len(first) :]
    bands, height, width = (1, *sides) if len(sides) == 2 else (sides[2], *sides[:2]) if is_bands_last else sides
    missing = next((dataset.attrs[name] for name in _MISSING if name in dataset.attrs), None)
    no_data = None
    if missing is not None and np.asarray(missing).size == 1 and np.asarray(missing).dtype.kind in "biuf":
        no_data = float(np.asarray(missing).ravel()[0])
    return ImageHeader(
        path=path, width=int(width), height=int(height), bands=int(bands), dtype=dataset.dtype.name, no_data=no_data
    )
