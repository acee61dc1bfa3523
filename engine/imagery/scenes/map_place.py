"""Places on the map in words and metres."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
from bandbridge.engine.imagery.formats.geotiff import MapPlace, closed_doors
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.warp import transform

_EARTH_RADIUS_M = 6_371_000.0

_Numbers = TypeVar("_Numbers", float, NDArray[np.float64])


def on_map(transform: Any, columns: _Numbers, rows: _Numbers) -> tuple[_Numbers, _Numbers]:
    """Columns and rows, counted from the corner of the first pixel -> x and y, single numbers or arrays of them."""
    return (
        transform.a * columns + transform.b * rows + transform.c,
        transform.d * columns + transform.e * rows + transform.f,
    )


def moved(transform: Any, column: int, row: int) -> Affine:
    """The transform of a part of an image that begins at a column and a row."""
    x, y = on_map(transform, float(column), float(row))
    return Affine(transform.a, transform.b, x, transform.d, transform.e, y)


def system_in_words(place: MapPlace) -> str:
    """The name of a place's coordinate system, such as "WGS 84 / UTM zone 33N"; "unnamed" if it has none."""
    crs = place.gcps[1] if place.gcps[0] else place.crs
    named = "" if crs is None else crs.to_wkt().partition('["')[2].partition('"')[0]
    return named or "unnamed"


def pixel_on_ground_m(place: MapPlace, width: int, height: int) -> float | None:
    """Side of a pixel in the middle of an image, in metres on the ground; None where that is not known.

    The side of a square as large as the pixel; the earth is taken for a sphere.

    Args:
        place: Of the image.
        width: Of the image, in pixels.
        height: Of the image, in pixels.
    """
    if place.crs is None or place.gcps[0]:
        return None
    column, row = width / 2, height / 2
    corner, right, below = (column, row), (column + 1, row), (column, row + 1)
    points = (on_map(place.transform, *point) for point in (corner, right, below))
    try:
        with closed_doors():
            longitudes, latitudes = transform(place.crs, "EPSG:4326", *zip(*points, strict=True))
    except RasterioError:
        return None
    east, north = (
        [math.radians(value - values[0]) * _EARTH_RADIUS_M for value in values[1:]]
        for values in (longitudes, latitudes)
    )
    area = math.cos(math.radians(latitudes[0])) * abs(east[0] * north[1] - east[1] * north[0])
    return math.sqrt(area) if math.isfinite(area) and area > 0 else None
