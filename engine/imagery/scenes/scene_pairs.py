"""Pairs of tiles from two scenes of one place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bandbridge.engine.api.config import TileRule
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.imagery.names.tile import grid_word, tile_name
from bandbridge.engine.imagery.scenes.scene_file import SceneFacts, scene_facts
from bandbridge.engine.imagery.scenes.tiles import common_corners
from bandbridge.engine.imagery.scenes.warp import relate

Pair = tuple[str, str, str]
"""(key, RGB file, sensor file)"""


def pair_tiles(rgb: Path, sensor: Path, rule: TileRule, beside: tuple[str, str] = ("", "")) -> Iterator[Pair]:
    """The tiles two scenes have in common, counted in the sensor's pixels, row by row.

    Args:
        rgb: The RGB scene.
        sensor: The sensor's scene; may be the same file.
        rule: How they are cut.
        beside: What the names of the tiles of either scene begin with, such as the scene's own name in its folder.

    Raises:
        ImageError: A scene cannot be read, nothing says how they lie on each other, or they have nothing in common.
        UsageError: The rule is none.
    """
    source, grid = scene_facts(rgb), scene_facts(sensor)
    relation = relate(source, grid)
    word = "" if relation is None else grid_word(rgb, sensor)
    corners = common_corners(grid.header, source.header, relation, rule)
    if not corners:
        raise ImageError(
            f"The scenes '{rgb.name}' and '{sensor.name}' have no place in common.",
            "By their places on the map they do not overlap.",
            "Choose two scenes of one place, or correct what the files say about where they lie.",
        )
    for row, column in corners:
        key = tile_name(row, column, rule.size_px)
        yield beside[1] + key, beside[0] + tile_name(row, column, rule.size_px, word), beside[1] + key


def scene_pair_findings(pairs: Iterable[tuple[Path, Path]]) -> Iterator[Finding]:
    """What was taken for granted about pairs of scenes."""
    for rgb, sensor in pairs:
        facts = scene_facts(rgb), scene_facts(sensor)
        if rgb != sensor and any(one.place is None for one in facts):
            yield _taken_for_aligned(rgb, sensor)
        elif rgb != sensor and (finding := _warped(rgb, sensor, *facts)) is not None:
            yield finding


def _taken_for_aligned(rgb: Path, sensor: Path) -> Finding:
    return Finding(
        severity="note",
        kind="place",
        file=str(sensor),
        what=f"'{rgb.name}' and '{sensor.name}' were taken to lie on each other pixel by pixel.",
        why="They have the same size, and at least one of them has no place on the map.",
        do="Look at the pairs; save both with their place on the map if they do not fit.",
    )


def _warped(rgb: Path, sensor: Path, source: SceneFacts, grid: SceneFacts) -> Finding | None:
    relation = relate(source, grid)
    if relation is None:
        return None
    ratio = relation.scale
    size = f"{ratio:.3g} pixels" if ratio >= 1 else f"1/{1 / ratio:.3g} of a pixel"
    way = "averaged over the area of the sensor's pixels" if ratio > 1 else "interpolated between its own pixels"
    return Finding(
        severity="note",
        kind="warped",
        file=str(rgb),
        what=f"'{rgb.name}' is brought onto the pixels of '{sensor.name}' as it is read; nothing is written.",
        why=f"A pixel of the sensor is {size} of the RGB scene wide, which is {way}.",
        do="Nothing.",
    )
