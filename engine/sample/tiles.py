"""Image files of the sample: georeferenced GeoTIFF tiles and plain PNG."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from rasterio.transform import Affine

CRS_EPSG = 32632  # UTM zone 32 north
ORIGIN_M = (500_000.0, 5_400_000.0)
TILES_A_ROW = 24


def place(number: int, tile_m: float) -> Affine:
    """Where a tile lies on the map: one behind the other, row by row, none overlapping.

    Args:
        number: Of the tile, from 0.
        tile_m: Side of a tile in metres.

    Returns:
        Transform from pixel to map coordinates of a 64x64 tile.
    """
    row, column = divmod(number, TILES_A_ROW)
    pixel_m = tile_m / 64
    return Affine(pixel_m, 0.0, ORIGIN_M[0] + column * tile_m, 0.0, -pixel_m, ORIGIN_M[1] - row * tile_m)


def geotiff(image: NDArray[np.generic], transform: Affine, no_data: float | None) -> bytes:
    """Encode an image (C, H, W) as GeoTIFF in UTM; the same image gives the same bytes."""
    profile = {
        "driver": "GTiff",
        "width": image.shape[2],
        "height": image.shape[1],
        "count": image.shape[0],
        "dtype": image.dtype.name,
        "crs": CRS.from_epsg(CRS_EPSG),
        "transform": transform,
        "nodata": no_data,
        "compress": "deflate",
    }
    if image.shape[0] == 3:
        profile["photometric"] = "RGB"
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(image)
        return bytes(memory.read())


def png(image: NDArray[np.uint8]) -> bytes:
    """Encode an RGB image (3, H, W) as PNG."""
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(image[::-1].transpose(1, 2, 0)))
    assert done
    return encoded.tobytes()
