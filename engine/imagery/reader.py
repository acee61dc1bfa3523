"""The one reader of images: whole files of any kind, see `image_file`, and tiles of scenes, see `tile`."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.band_files import band_files
from bandbridge.engine.imagery.formats.envi import envi_bytes
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.formats.image_file import Image, file_header, load_file
from bandbridge.engine.imagery.names.tile import tile_of
from bandbridge.engine.imagery.reading.in_hand import reading
from bandbridge.engine.imagery.scenes.scene_file import scene_facts
from bandbridge.engine.imagery.scenes.tiles import read_tile, tile_header
from numpy.typing import NDArray

# Bytes in memory, float32 and what comes before it, for a byte in the file; others are taken as barely compressed.
_EXPANSION = {".jpg": 60, ".jpeg": 60, ".png": 20, ".jp2": 30, ".j2k": 30}


def read_header(path: str | Path) -> ImageHeader:
    """What a file says about itself; its content decides the format, not its name.

    Raises:
        ImageError: The file is missing, empty, damaged or no image.
    """
    path = Path(path)
    with reading(path):
        tile = tile_of(path)
        return file_header(path) if tile is None else tile_header(tile, path)


def read_image(
    path: str | Path, *, bands: tuple[int, ...] | None = None, no_data: float | None = None
) -> NDArray[np.float32]:
    """Raw sensor values of a file, as stored: no scaling, no turning, red before blue.

    Args:
        path: The file.
        bands: 1-based bands by the rule of `bands.choose_bands`; None takes all.
        no_data: A raw value that means "nothing here", besides what the file declares.

    Returns:
        (C, H, W), NaN where there is nothing: declared no-data, transparency 0, NaN and infinite values.

    Raises:
        ImageError: The file cannot be read or lacks a band.
    """
    return load_image(path, bands=bands, no_data=no_data).values


def load_image(path: str | Path, *, bands: tuple[int, ...] | None = None, no_data: float | None = None) -> Image:
    """As `read_image`, together with the header, in one go.

    Raises:
        ImageError: The file cannot be read or lacks a band.
    """
    path = Path(path)
    with reading(path):
        tile = tile_of(path)
        if tile is None:
            return load_file(path, bands=bands, no_data=no_data)
        return read_tile(tile, path, bands=bands, no_data=no_data)


def likely_bytes(path: Path) -> int:
    """Roughly the memory that decoding a file takes, from its size and ending alone; 0 if it cannot be looked at."""
    ending = path.suffix.lower()
    if ending == ".hdr":
        return 2 * envi_bytes(path)
    try:
        facts = path.stat()
    except OSError:
        facts = None
    if facts is not None and stat.S_ISREG(facts.st_mode):
        return facts.st_size * _EXPANSION.get(ending, 10)
    try:
        if (tile := tile_of(path)) is not None:
            return tile.size_px**2 * scene_facts(tile.scene).header.stored_bands * 16
        sizes = [file.stat().st_size for file in band_files(path).values()]
    except (OSError, ImageError):
        return 0
    return 10 * len(sizes) * max(sizes, default=0)  # the finest band says how large all of them are in memory
