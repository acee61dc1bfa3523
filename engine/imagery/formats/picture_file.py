"""Writing 8-bit colour pictures of any size, a strip of rows at a time."""

from __future__ import annotations

import errno
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.storage import replacing
from bandbridge.engine.imagery.formats.compressed import PNG_START
from bandbridge.engine.imagery.formats.geotiff import MapPlace, new_tiff, open_tiff
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterWindow

Write = Callable[[NDArray[np.uint8], NDArray[np.bool_]], None]
"""Takes the next rows (h, W, 3), red first, and (h, W) where there is data."""

_BLOCK_PX = 256
_NEARLY_FULL_BYTES = 1 << 20
_PNG_RGB_8 = (8, 2, 0, 0, 0)  # depth, colour, compression, filters, interlacing
_FROM_THE_LEFT = 1  # PNG's filter "Sub": every value as the difference from that of the pixel to the left


@contextmanager
def tiff_picture(path: Path, width: int, height: int, place: MapPlace | None) -> Iterator[Write]:
    """Write a GeoTIFF: three bands, deflated, where there is no data masked out by a mask inside the file.

    The picture appears at `path` when it is complete.

    Raises:
        StorageError: It cannot be written; nothing was changed.
    """
    tiled = width > _BLOCK_PX and height > _BLOCK_PX
    blocks = {"tiled": True, "blockxsize": _BLOCK_PX, "blockysize": _BLOCK_PX} if tiled else {}
    facts = {"width": width, "height": height, "count": 3, "dtype": "uint8", "photometric": "RGB"}
    packing = {"compress": "deflate", "predictor": 2, "interleave": "pixel", "BIGTIFF": "IF_SAFER"}
    written: list[tuple[int, int]] = []  # rows and checksum of every strip

    def write(rows: NDArray[np.uint8], present: NDArray[np.bool_]) -> None:
        window = RasterWindow(0, sum(count for count, _ in written), width, len(rows))
        with _in_words():
            dataset.write_mask(present, window=window)
            dataset.write(rows.transpose(2, 0, 1), window=window)
        written.append((len(rows), _checksum(rows.transpose(2, 0, 1))))

    with replacing(path) as temporary:
        temporary.unlink()
        with _in_words(), new_tiff(temporary, place, **facts, **packing, **blocks) as dataset:
            yield write
        _check(temporary, width, written)


def _check(path: Path, width: int, written: Sequence[tuple[int, int]]) -> None:
    """Read again what was written: on a full disk GDAL ends a file as if nothing had happened."""
    top = 0
    try:
        with open_tiff(path, lambda header: (1, 2, 3)) as tiff:
            for count, checksum in written:
                if _checksum(tiff.read((top, top + count), (0, width)).values) != checksum:
                    raise ImageError("other values than written")
                top += count
    except ImageError as error:
        full = shutil.disk_usage(path.parent).free < _NEARLY_FULL_BYTES
        raise OSError(errno.ENOSPC if full else errno.EIO, "the file does not hold what was written") from error


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except RasterioError as error:  # it wraps the system's error in text
        text = f"{error} {error.__cause__ or ''}"
        raise OSError(errno.ENOSPC if "No space" in text else errno.EIO, text) from error


def _checksum(values: NDArray[np.generic]) -> int:
    return zlib.crc32(np.ascontiguousarray(values).tobytes())


@contextmanager
def png_picture(path: Path, width: int, height: int) -> Iterator[Write]:
    """Write a PNG file; what is no data is whatever the rows hold there.

    The picture appears at `path` when it is complete.

    Raises:
        StorageError: It cannot be written; nothing was changed.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        packer = zlib.compressobj(6)
        file.write(PNG_START)
        _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, *_PNG_RGB_8))

        def write(rows: NDArray[np.uint8], present: NDArray[np.bool_]) -> None:
            flat = rows.reshape(len(rows), 3 * width)
            filtered = np.empty((len(rows), 1 + 3 * width), np.uint8)
            filtered[:, 0] = _FROM_THE_LEFT
            filtered[:, 1:4] = flat[:, :3]
            np.subtract(flat[:, 3:], flat[:, :-3], out=filtered[:, 4:])
            _chunk(file, b"IDAT", packer.compress(filtered.tobytes()))

        yield write
        _chunk(file, b"IDAT", packer.flush())
        _chunk(file, b"IEND", b"")


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    if data or kind == b"IEND":
        file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
