"""What is doubtful about scenes: told once for each of them, however many of its tiles it holds for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from bandbridge.engine.api.config import TileRule
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.imagery.doubts.findings import unreadable
from bandbridge.engine.imagery.names.tile import is_tile_name, tile_of
from bandbridge.engine.imagery.scenes.scene_file import scene_facts
from bandbridge.engine.imagery.scenes.tiles import count_tiles
from bandbridge.engine.imagery.survey import Survey


def scene_findings(folder: str, names: Sequence[str], found: Survey, rule: TileRule) -> Iterator[Finding]:
    """Everything about the scenes of a folder, or about the scene that stands in place of one.

    Args:
        folder: The folder or scene.
        names: All images looked through, relative to it; those that are no tiles are passed over.
        found: What was found.
        rule: How the scenes were cut.
    """
    tiles = _by_scene(folder, names)
    empty = _by_scene(folder, [*found.void, *found.sparse])
    broken = _by_scene(folder, found.unreadable)
    for place, own in tiles.items():
        tile = tile_of(Path(folder) / own[0])
        if tile is None:
            continue
        if broken[place]:
            yield unreadable_tiles(place, len(own), [found.unreadable[name] for name in broken[place]])
        try:
            facts, every = scene_facts(tile.scene), count_tiles(scene_facts(tile.grid).header, rule)
        except ImageError:
            continue  # told by its tiles
        if len(own) == rule.most and every > rule.most:
            yield _drawn(place, tile.scene.name, every, len(own))
        if empty[place]:
            yield empty_tiles(place, tile.scene.name, len(empty[place]), len(own), rule.most_missing)
        if facts.frame is not None:
            yield _framed(place, tile.scene.name, facts.frame)


def but_tiles(names: Iterable[str]) -> Iterator[str]:
    """The images that are no tiles: what is doubtful about them is told one by one."""
    return (name for name in names if not is_tile_name(PurePosixPath(name).name))


def unreadable_tiles(place: str, count: int, errors: Sequence[ImageError]) -> Finding:
    """Tiles of a scene that could not be read; the first error stands for all.

    Args:
        place: The scene, as findings name it.
        count: Its tiles in all.
        errors: One for each of those.
    """
    tiles = "None of its tiles can be read" if len(errors) == count else f"{len(errors)} of {count} tiles are left out"
    return replace(unreadable(place, Path(place), errors[0]), what=f"{errors[0].what} {tiles}.")


def empty_tiles(place: str, name: str, empty: int, count: int, most_missing: float) -> Finding:
    """Tiles of a scene that show nothing or too little.

    Args:
        place: The scene, as findings name it.
        name: Its file's name.
        empty: How many show too little.
        count: Its tiles in all.
        most_missing: Share of a tile that may be missing.
    """
    return Finding(
        severity="note",
        kind="no-data",
        file=place,
        what=f"{empty:,} of {count:,} tiles of '{name}' show nothing or too little, and are left out.",
        why=f"More than {most_missing:.0%} of each is missing: beyond the edge of what was seen, or masked.",
        do="Nothing; or allow a larger share to be missing.",
    )


def _by_scene(folder: str, names: Iterable[str]) -> defaultdict[str, list[str]]:
    """Scene, as findings name it -> its tiles."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        path = PurePosixPath(name)
        if is_tile_name(path.name):
            found[folder if len(path.parts) == 1 else str(path.parent)].append(name)
    return found


def _drawn(place: str, name: str, every: int, used: int) -> Finding:
    return Finding(
        severity="note",
        kind="tiles",
        file=place,
        what=f"Of the {every:,} tiles of '{name}', {used:,} drawn at random are used.",
        why="So many tell what the scene looks like; reading all of them would take longer and hardly teach more.",
        do="Nothing; or allow more tiles a scene.",
    )


def _framed(place: str, name: str, frame: float) -> Finding:
    return Finding(
        severity="note",
        kind="no-data",
        file=place,
        what=f"In '{name}', pixels that are {frame:g} in all bands were taken for 'nothing here'.",
        why="Corners of the scene hold nothing else, and the file does not say what it means.",
        do="Nothing; if that is wrong, give the value that means 'nothing here' as the no-data value.",
    )
