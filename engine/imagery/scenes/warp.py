"""Bringing a scene onto the pixels of another one, piece by piece as they are asked for; nothing is written."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.band_files import Extent
from bandbridge.engine.imagery.formats.geotiff import MapPlace, closed_doors, unplaced_is_fine
from bandbridge.engine.imagery.scenes.map_place import moved, on_map
from bandbridge.engine.imagery.scenes.scene_file import SceneFacts, read_part, scene_facts
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.warp import reproject, transform

# Values of the source read at once for a piece: below 128 MiB.
_MOST_VALUES = 1 << 24
# Points along each side of a piece, by which its outline in the other scene is found.
_ALONG = 9
_MARGIN_PX = 3
# Below this distance of all corners two scenes have the same pixels.
_SAME_PX = 0.01
# Where neither scene names a coordinate system, both are taken to be in the same one; which does not matter.
_SOME_SYSTEM = "EPSG:3857"


@dataclass(frozen=True, slots=True)
class Relation:
    """How the pixels of a grid lie in a source scene.

    Attributes:
        source: Place of the source on the map.
        grid: Place of the grid.
        scale: Pixels of the source for one of the grid, along a side, in the middle of the grid.
    """

    source: MapPlace
    grid: MapPlace
    scale: float = 1.0

    @property
    def source_system(self) -> Any:
        """Coordinate system of the source."""
        return self.source.crs or _SOME_SYSTEM

    @property
    def grid_system(self) -> Any:
        """Coordinate system of the grid."""
        return self.grid.crs or _SOME_SYSTEM

    def in_source(self, columns: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the grid as points of the source.

        Args:
            columns: (N,) in pixels from the grid's left edge.
            rows: (N,) in pixels from its upper edge.

        Returns:
            (2, N) columns and rows of the source, infinite where the source's system does not reach.
        """
        xs, ys = on_map(self.grid.transform, columns, rows)
        if self.source.crs != self.grid.crs:
            with closed_doors():
                xs, ys = map(np.asarray, transform(self.grid_system, self.source_system, xs, ys))
        return np.stack(on_map(~self.source.transform, xs, ys))


def relate(source: SceneFacts, grid: SceneFacts) -> Relation | None:
    """How two scenes lie on each other by their places on the map; None if they have the same pixels.

    Without a place on either side, scenes of one size are taken to have the same pixels.

    Raises:
        ImageError: Nothing says how they lie on each other.
    """
    first, second = source.header, grid.header
    is_one_size = (first.width, first.height) == (second.width, second.height)
    if source.place is None or grid.place is None:
        if is_one_size:
            return None
        raise _unrelated(source, grid, "One of them has no place on the map, and their sizes in pixels differ.")
    if source.place.gcps[0] or grid.place.gcps[0]:
        raise _unrelated(source, grid, "One of them has its place on the map by control points alone.")
    if (source.place.crs is None) != (grid.place.crs is None):
        raise _unrelated(source, grid, "One of them does not say which coordinate system it is in.")
    relation = Relation(source.place, grid.place)
    width, height = second.width, second.height
    middle = np.array((width / 2, width / 2 + 1, width / 2)), np.array((height / 2, height / 2, height / 2 + 1))
    corners = np.array((0.0, width, 0.0, width)), np.array((0.0, 0.0, height, height))
    try:
        around, there = relation.in_source(*middle), relation.in_source(*corners)
    except RasterioError as error:
        raise _unrelated(source, grid, f"Their coordinate systems cannot be related: {error}.") from error
    if is_one_size and np.abs(there - corners).max() < _SAME_PX:
        return None
    area = abs(float(np.linalg.det(around[:, 1:] - around[:, :1]))) if np.isfinite(around).all() else 1.0
    return replace(relation, scale=math.sqrt(area))


def read_warped(
    path: Path,
    grid: Path,
    rows: Extent,
    columns: Extent,
    *,
    bands: tuple[int, ...] | None,
    no_data: float | None,
) -> tuple[tuple[int, ...], NDArray[np.float32]]:
    """Raw values of a scene on a piece of another one's grid.

    Finer pixels are averaged over the area of the grid's pixels, coarser ones interpolated bilinearly. What is missing
    takes no part. Whole numbers stay whole.

    Args:
        path: The scene to read.
        grid: The scene whose pixels are counted.
        rows: Of the grid.
        columns: Of the grid.
        bands: 1-based bands of the scene read, as in `scene_file.read_part`.
        no_data: As there.

    Returns:
        The bands read and their values (C, h, w), NaN where the scene shows nothing.

    Raises:
        ImageError: A scene cannot be read, or nothing says how they lie on each other.
    """
    facts = scene_facts(path)
    relation = relate(facts, scene_facts(grid))
    if relation is None:
        return read_part(path, rows, columns, bands=bands, no_data=no_data)
    chosen, values = _warped(path, relation, rows, columns, bands, no_data)
    return chosen, np.rint(values) if np.dtype(facts.header.dtype).kind in "iub" else values


def _warped(
    path: Path,
    relation: Relation,
    rows: Extent,
    columns: Extent,
    bands: tuple[int, ...] | None,
    no_data: float | None,
) -> tuple[tuple[int, ...], NDArray[np.float32]]:
    height, width = rows[1] - rows[0], columns[1] - columns[0]
    header = scene_facts(path).header
    source_rows, source_columns = _outline(relation, rows, columns)
    source_rows = (max(source_rows[0], 0), min(source_rows[1], header.height))
    source_columns = (max(source_columns[0], 0), min(source_columns[1], header.width))
    down, across = source_rows[1] - source_rows[0], source_columns[1] - source_columns[0]
    if down <= 0 or across <= 0:
        # Read nothing, but let a band that is not there be told.
        chosen, nothing = read_part(path, (0, 0), (0, 0), bands=bands, no_data=no_data)
        return chosen, np.full((len(nothing), height, width), np.nan, np.float32)
    if down * across * header.stored_bands > _MOST_VALUES and max(height, width) > 1:
        return _in_halves(path, relation, rows, columns, bands, no_data)
    chosen, values = read_part(path, source_rows, source_columns, bands=bands, no_data=no_data)
    result = np.full((len(chosen), height, width), np.nan, np.float32)
    if np.isnan(values).all():
        return chosen, result
    try:
        # One after another, for rasterio changes the warning filters of the process while it warps.
        with closed_doors(), unplaced_is_fine():
            reproject(
                values,
                result,
                src_transform=moved(relation.source.transform, source_columns[0], source_rows[0]),
                src_crs=relation.source_system,
                src_nodata=np.nan,
                dst_transform=moved(relation.grid.transform, columns[0], rows[0]),
                dst_crs=relation.grid_system,
                dst_nodata=np.nan,
                resampling=Resampling.average if relation.scale > 1 else Resampling.bilinear,
                tolerance=0,
            )
    except RasterioError as error:
        raise ImageError(
            f"The scene '{path}' cannot be brought onto the pixels of another one.",
            f"The map library says: {error}.",
            "Bring both scenes into one coordinate system first.",
        ) from error
    return chosen, result


def _in_halves(
    path: Path,
    relation: Relation,
    rows: Extent,
    columns: Extent,
    bands: tuple[int, ...] | None,
    no_data: float | None,
) -> tuple[tuple[int, ...], NDArray[np.float32]]:
    """The same, in two pieces across the longer side, so that a coarse grid does not ask for all of a fine scene."""
    is_high = rows[1] - rows[0] >= columns[1] - columns[0]
    start, stop = rows if is_high else columns
    middle = (start + stop) // 2
    pieces = [
        _warped(path, relation, part if is_high else rows, columns if is_high else part, bands, no_data)
        for part in ((start, middle), (middle, stop))
    ]
    return pieces[0][0], np.concatenate([values for _, values in pieces], axis=1 if is_high else 2)


def _outline(relation: Relation, rows: Extent, columns: Extent) -> tuple[Extent, Extent]:
    """Rows and columns of the source that a piece of the grid needs."""
    down, along = np.meshgrid(np.linspace(*rows, _ALONG), np.linspace(*columns, _ALONG), indexing="ij")
    points = relation.in_source(along.ravel(), down.ravel())  # (2, N)
    points = points[:, np.isfinite(points).all(axis=0)]
    if not points.size:
        return (0, 0), (0, 0)
    margin = _MARGIN_PX + 2 * relation.scale
    left, top = np.floor(points.min(axis=1) - margin)
    right, bottom = np.ceil(points.max(axis=1) + margin)
    return (int(top), int(bottom)), (int(left), int(right))


def _unrelated(source: SceneFacts, grid: SceneFacts, why: str) -> ImageError:
    first, second = source.header.path, grid.header.path
    return ImageError(
        f"Nothing says how the scenes '{first.name}' and '{second.name}' lie on each other.",
        why,
        "Save both with their place on the map in one coordinate system, as GeoTIFF.",
    )
