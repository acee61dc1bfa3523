"""The names of tiles: pieces of a scene that are images like any other, without a file of their own.

A tile goes by the path of its scene, its upper left pixel and its side: `scene.tif/r00512_c01024_128px` begins at row
512 and column 1024 of `scene.tif` and is 128 pixels wide and high. Where the pixels of another scene are counted, that
scene is named as well, relative to the first one's folder: `rgb.tif/r00512_c01024_128px@nir.tif` is what `rgb.tif`
shows where `nir.tif` has these pixels. So a name says everything, and a tile can be read by whoever knows it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

_NAME = re.compile(r"r(?P<row>\d{5,9})_c(?P<column>\d{5,9})_(?P<size>\d{1,5})px(?:@(?P<grid>[^/]+))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """A square piece of a scene; beyond the scene's edge there is nothing.

    Attributes:
        scene: File of the scene, or the path by which an image goes whose bands are files of their own.
        row: Its first row.
        column: Its first column.
        size_px: Its side.
        grid: The scene whose pixels are counted; that of the tile itself, if it is no other.
    """

    scene: Path
    row: int
    column: int
    size_px: int
    grid: Path


def is_tile_name(name: str) -> bool:
    """Whether the last part of a path names a tile."""
    return _NAME.fullmatch(name) is not None


def tile_of(path: Path) -> Tile | None:
    """The tile that a path names; None if it names something else."""
    match = _NAME.fullmatch(path.name)
    if match is None or path.is_file():
        return None
    scene = path.parent
    grid = scene.parent / unquote(match["grid"]) if match["grid"] else scene
    return Tile(scene, int(match["row"]), int(match["column"]), int(match["size"]), grid)


def tile_name(row: int, column: int, size_px: int, grid: str = "") -> str:
    """The name of a tile, without its scene.

    Args:
        row: Its first row.
        column: Its first column.
        size_px: Its side.
        grid: What `grid_word` says of another scene whose pixels are counted, or "".
    """
    return f"r{row:05d}_c{column:05d}_{size_px}px" + (f"@{grid}" if grid else "")


def grid_word(scene: Path, grid: Path) -> str:
    """How the tiles of one scene name another one whose pixels they count."""
    beside = scene.absolute().parent
    try:
        relative = Path(os.path.relpath(grid.absolute(), beside))
        # A folder that is a link has another parent than its name says.
        # An image whose bands are files need not be there itself, but what it lies in is.
        is_found = (beside / relative).parent.samefile(grid.parent)
    except (OSError, ValueError):
        is_found = False
    return quote((relative if is_found else grid.absolute()).as_posix(), safe="")
