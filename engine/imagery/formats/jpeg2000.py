"""JPEG 2000 files, the bands of Sentinel-2 among them, read by GDAL's OpenJPEG driver alone.

Of a file cut short the library hands out whatever lay in memory for tiles that are missing, so a file is decoded only
after its own structure says that it is complete.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from bandbridge.engine.imagery.formats.compressed import cut_short, damaged
from bandbridge.engine.imagery.formats.geotiff import OpenTiff, opened_by
from bandbridge.engine.imagery.formats.header import ImageHeader

_CODE_STREAM_START = b"\xff\x4f\xff\x51"
JPEG2000_STARTS = (b"\0\0\0\x0cjP  \r\n\x87\n", _CODE_STREAM_START)

_TILE_PART, _END = 0xFF90, 0xFFD9
_LEAST_TILE_PART = 14  # bytes
_MOST_TILE_PARTS = 1 << 17
# Sentinel-2 writes 0 where it saw nothing, and says so in the papers that come with it, not in the file.
_SENTINEL_2_BAND = re.compile(r"(?:^|_)t\d\d[a-z]{3}_(?:\d{8}t\d{6}_)?b\d[\da](?:_\d\dm)?\.jp2$", re.IGNORECASE)


@contextmanager
def open_jpeg2000(path: Path, choose: Callable[[ImageHeader], tuple[int, ...]]) -> Iterator[OpenTiff]:
    """Open a JPEG 2000 file to read windows of it.

    Raises:
        ImageError: The file is damaged, cut short or of a kind that cannot be read.
    """
    try:
        with path.open("rb") as file:
            _check(path, file, os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise damaged(path, str(error)) from error
    except struct.error as error:  # a field reaches beyond the end
        raise cut_short(path) from error
    with opened_by("JP2OpenJPEG", path, path, {}) as dataset:
        image = OpenTiff(path, dataset, choose)
        if image.header.no_data is None and _SENTINEL_2_BAND.search(path.name):
            image.header = replace(image.header, no_data=0.0)
        yield image


def _check(path: Path, file: BinaryIO, size: int) -> None:
    """Walk from tile to tile to the end of the code stream; every tile must be there."""
    start, end = _code_stream(path, file, size)
    position, tiles = _tiles(path, file, start)
    seen = set()
    for _ in range(_MOST_TILE_PARTS):
        file.seek(position)
        (mark,) = struct.unpack(">H", file.read(2))
        if mark == _END:
            break
        if mark != _TILE_PART:
            raise damaged(path, f"mark {mark:#x} at byte {position}")
        _, tile, length = struct.unpack(">HHI", file.read(8))
        seen.add(tile)
        if length == 0:  # the last one, up to the end mark
            file.seek(end - 2)
            if file.read(2) != _END.to_bytes(2, "big"):
                raise cut_short(path)
            break
        if length < _LEAST_TILE_PART:
            raise damaged(path, f"a part of {length} bytes at byte {position}")
        position += length
        if position == end:  # some writers leave the end mark out
            break
        if position > end:
            raise cut_short(path)
    if len(seen) != tiles:
        raise cut_short(path)


def _code_stream(path: Path, file: BinaryIO, size: int) -> tuple[int, int]:
    """Where the code stream begins and ends."""
    if file.read(len(_CODE_STREAM_START)) == _CODE_STREAM_START:
        return 0, size
    position = 0
    while position + 8 <= size:
        file.seek(position)
        length, kind = struct.unpack(">I4s", file.read(8))
        content = position + 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            content += 8
        end = position + length if length else size
        if end > size:
            break
        if kind == b"jp2c":
            return content, end
        if end < content:
            raise damaged(path, f"box {kind!r} of {length} bytes")
        position = end
    raise cut_short(path)


def _tiles(path: Path, file: BinaryIO, start: int) -> tuple[int, int]:
    """Where the first part of a tile begins, and how many tiles there are."""
    file.seek(start)
    if file.read(len(_CODE_STREAM_START)) != _CODE_STREAM_START:
        raise damaged(path, f"no code stream at byte {start}")
    length, _, right, bottom, _, _, width, height, left, top = struct.unpack(">HH8I", file.read(36))
    if not width or not height or right <= left or bottom <= top:
        raise damaged(path, f"tiles of {width} x {height}")
    position = start + len(_CODE_STREAM_START) + length
    while True:
        file.seek(position)
        mark, length = struct.unpack(">HH", file.read(4))
        if mark == _TILE_PART:
            return position, -(-(right - left) // width) * -(-(bottom - top) // height)
        if mark < 0xFF00 or length < 2:
            raise damaged(path, f"mark {mark:#x} at byte {position}")
        position += 2 + length
