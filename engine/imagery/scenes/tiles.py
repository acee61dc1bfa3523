"""Cutting scenes into tiles: which there are, by their size alone, and what a tile shows once it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from bandbridge.engine.api.config import TileRule
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.formats.image_file import Image
from bandbridge.engine.imagery.names.tile import Tile
from bandbridge.engine.imagery.scenes.map_place import on_map
from bandbridge.engine.imagery.scenes.scene_file import scene_facts
from bandbridge.engine.imagery.scenes.warp import Relation, read_warped
from numpy.typing import NDArray

LEAST_TILE_PX, MOST_TILE_PX = 8, 4096
_LOOKED_AT_ONCE = 4096
_MOST_SHUFFLED = 1 << 24


def check_rule(rule: TileRule) -> None:
    """Refuse a rule that cuts nothing.

    Raises:
        UsageError: Size, overlap, share or number does not fit.
    """
    if not LEAST_TILE_PX <= rule.size_px <= MOST_TILE_PX:
        raise UsageError(
            f"A tile of {rule.size_px} pixels does not fit.",
            f"It must have {LEAST_TILE_PX} to {MOST_TILE_PX} pixels a side.",
            "Choose the size of the images the source model was trained on, such as 64 or 224.",
        )
    if not 0 <= rule.overlap_px <= rule.size_px // 2:
        raise UsageError(
            f"An overlap of {rule.overlap_px} pixels does not fit.",
            f"It must lie between 0 and half of the tile's {rule.size_px} pixels.",
            "Choose 0 for tiles beside each other.",
        )
    if not 0 <= rule.most_missing < 1:
        raise UsageError(
            f"A share of {rule.most_missing:g} missing does not fit.",
            "It must lie between 0 and 1; a tile of which all is missing shows nothing.",
            "Choose 0.5, for example.",
        )
    if rule.most < 1:
        raise UsageError("There must be at least one tile a scene.", "", "Choose 2000, for example.")


def count_tiles(header: ImageHeader, rule: TileRule) -> int:
    """How many tiles a scene is cut into, before any are drawn or left out."""
    return len(_starts(header.height, rule)) * len(_starts(header.width, rule))


def tile_corners(header: ImageHeader, rule: TileRule) -> list[tuple[int, int]]:
    """First row and column of the tiles of a scene, row by row.

    The last tile of a row or column is moved back, so that it ends with the scene. Of more than `rule.most` so many
    are drawn at random, the same at every call.

    Args:
        header: Of the scene whose pixels are counted.
        rule: The rule.
    """
    return list(_drawn(header, rule, None, None))


def common_corners(
    grid: ImageHeader, source: ImageHeader, relation: Relation | None, rule: TileRule
) -> list[tuple[int, int]]:
    """As `tile_corners`, of those tiles alone in which another scene may show something.

    Args:
        grid: Header of the scene whose pixels are counted.
        source: Of the other one.
        relation: How the former's pixels lie in the latter; None if they have the same pixels.
        rule: The rule.
    """
    return list(_drawn(grid, rule, relation, source))


def read_tile(tile: Tile, path: Path, *, bands: tuple[int, ...] | None, no_data: float | None) -> Image:
    """What a tile shows.

    Args:
        tile: The tile.
        path: By which it goes.
        bands: 1-based bands by the rule of `bands.choose_bands`; None takes all.
        no_data: A raw value that means "nothing here", besides what the scene declares.

    Raises:
        ImageError: The scene cannot be read, lacks a band, or is damaged here.
    """
    rows, columns = (tile.row, tile.row + tile.size_px), (tile.column, tile.column + tile.size_px)
    chosen, values = read_warped(tile.scene, tile.grid, rows, columns, bands=bands, no_data=no_data)
    return Image(header=tile_header(tile, path), bands=chosen, values=values)


def tile_middle(tile: Tile) -> tuple[tuple[float, float], str] | None:
    """Where the middle of a tile lies on the map, with the code or definition of the system; None without a place.

    Raises:
        ImageError: The scene cannot be read.
    """
    place = scene_facts(tile.grid).place
    if place is None or place.gcps[0]:
        return None
    half = tile.size_px / 2
    return on_map(
        place.transform, tile.column + half, tile.row + half
    ), "" if place.crs is None else place.crs.to_string()


def tile_header(tile: Tile, path: Path) -> ImageHeader:
    """The header of a tile: that of its scene, but for its size.

    Raises:
        ImageError: The scene cannot be read.
    """
    facts = scene_facts(tile.scene)
    return replace(facts.header, path=path, width=tile.size_px, height=tile.size_px, frame=facts.frame)


def _starts(length: int, rule: TileRule) -> range | tuple[int, ...]:
    """First pixels of the tiles along one side."""
    last = length - rule.size_px
    if last <= 0:
        return (0,)
    even = range(0, last + 1, rule.size_px - rule.overlap_px)
    return even if even[-1] == last else (*even, last)


def _drawn(
    grid: ImageHeader, rule: TileRule, relation: Relation | None, source: ImageHeader | None
) -> Iterator[tuple[int, int]]:
    check_rule(rule)
    rows, columns = (np.array(_starts(length, rule)) for length in (grid.height, grid.width))
    count = len(rows) * len(columns)
    order = _shuffled(count, rule.most) if count > rule.most else np.arange(count)
    chosen: list[int] = []
    for start in range(0, count, _LOOKED_AT_ONCE):
        some = order[start : start + _LOOKED_AT_ONCE]
        if relation is not None and source is not None:
            some = some[
                _may_show(relation, source, rule.size_px, rows[some // len(columns)], columns[some % len(columns)])
            ]
        chosen += some.tolist()
        if len(chosen) >= rule.most:
            break
    for number in sorted(chosen[: rule.most]):
        yield int(rows[number // len(columns)]), int(columns[number % len(columns)])


def _shuffled(count: int, most: int) -> NDArray[np.int64]:
    """The numbers below `count` in random order; of very many, more than enough of them."""
    chance = np.random.default_rng(0)
    return chance.permutation(count) if count <= _MOST_SHUFFLED else chance.choice(count, 16 * most, replace=False)


def _may_show(
    relation: Relation,
    source: ImageHeader,
    size_px: int,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """(N,) whether the outline of each tile meets that of the source."""
    down, across = (side.ravel() * size_px for side in np.meshgrid((0, 0.5, 1), (0, 0.5, 1), indexing="ij"))
    points = relation.in_source(
        (columns[:, None] + across).ravel().astype(float), (rows[:, None] + down).ravel().astype(float)
    ).reshape(2, len(rows), -1)  # (2, N, 9)
    with np.errstate(invalid="ignore"):
        low, high = points.min(axis=2), points.max(axis=2)
        ends = np.array((source.width, source.height))[:, None]
        meets: NDArray[np.bool_] = ((low < ends) & (high > 0)).all(axis=0)
    return meets
