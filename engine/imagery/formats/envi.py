"""ENVI images: a text header `name.hdr` beside a file of bare numbers, read by GDAL's ENVI driver alone.

The image goes by the name of its header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.compressed import cut_short, damaged
from bandbridge.engine.imagery.formats.geotiff import OpenTiff, opened_by
from bandbridge.engine.imagery.formats.header import ImageHeader

ENVI_START = b"ENVI"
_DATA_ENDINGS = ("", ".dat", ".img", ".bsq", ".bil", ".bip", ".raw")
# Files beside the data must not be listed, but the header may be looked for.
_HEADER_MAY_BE_FOUND = {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE"}
# More than any header of some thousand bands takes.
_LARGEST_HEADER = 4 << 20


def is_envi_header(path: Path) -> bool:
    """Whether a file with the ending `.hdr` is of ENVI; other programs use the ending for other things."""
    try:
        with path.open("rb") as file:
            return file.read(len(ENVI_START)) == ENVI_START
    except OSError:
        return False


def envi_bytes(path: Path) -> int:
    """Size of an image's data in bytes, 0 if they are missing."""
    try:
        return _data_of(path).stat().st_size
    except (ImageError, OSError):
        return 0


def envi_files(path: Path) -> tuple[Path, ...]:
    """The files of an image: its header and, if they are there, its data."""
    try:
        return path, _data_of(path)
    except ImageError:
        return (path,)


@contextmanager
def open_envi(path: Path, choose: Callable[[ImageHeader], tuple[int, ...]]) -> Iterator[OpenTiff]:
    """Open an ENVI image to read windows of it.

    Raises:
        ImageError: The data are missing, cut short or of a kind that cannot be read.
    """
    data = _data_of(path)
    stated = _stated(path)
    with opened_by("ENVI", data, path, _HEADER_MAY_BE_FOUND) as dataset:
        image = OpenTiff(path, dataset, choose)
        size = sum(_bytes_of(kind) for kind in dataset.dtypes) * dataset.width * dataset.height
        # GDAL reads zeros where a file of bare numbers ends too early.
        if stated.get("file compression", "0") == "0" and data.stat().st_size < size + _offset(path, stated):
            raise cut_short(data)
        yield image


def _data_of(header: Path) -> Path:
    """`scene.hdr` describes `scene`, `scene.dat` and the like, `scene.img.hdr` describes `scene.img`."""
    for ending in _DATA_ENDINGS:
        data = header.with_name(header.stem + ending)
        if data.is_file():
            return data
    raise ImageError(
        f"The data of the ENVI image '{header}' are missing.",
        f"Beside the header, a file '{header.stem}' with no ending, {', '.join(_DATA_ENDINGS[1:-1])} or "
        f"{_DATA_ENDINGS[-1]} is expected.",
        "Copy both files again, or leave it out.",
    )


def _stated(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_HEADER).decode("latin-1")
    except OSError as error:
        raise damaged(path, str(error)) from error
    return {key.strip().casefold(): value.strip() for key, value in re.findall(r"^([^={}\n]+)=([^{}\n]*)$", text, re.M)}


def _offset(path: Path, stated: dict[str, str]) -> int:
    try:
        return int(stated.get("header offset", "0"))
    except ValueError as error:
        raise damaged(path, f"header offset {stated['header offset']!r}") from error


def _bytes_of(kind: str) -> int:
    return int(re.findall(r"\d+", kind)[0]) // 8
