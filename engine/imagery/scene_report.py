"""What a scene says about itself, without a pass over its pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import InspectScene
from bandbridge.engine.api.reports import SceneReport
from bandbridge.engine.imagery.formats.bands import RGB_BANDS
from bandbridge.engine.imagery.names.tile import tile_name
from bandbridge.engine.imagery.scenes.map_place import pixel_on_ground_m, system_in_words
from bandbridge.engine.imagery.scenes.scene_file import scene_facts
from bandbridge.engine.imagery.scenes.tiles import check_rule, count_tiles, tile_corners
from bandbridge.engine.imagery.sensors.sensor_profile import recognise

# Enough to tell decibels from a linear scale.
_TILES_LOOKED_AT = 4


def inspect_scene(job: InspectScene, control: Control) -> SceneReport:
    """Look at a scene; a few of its tiles are read where its header leaves the sensor open.

    Raises:
        ImageError: It cannot be opened or cut into tiles.
        Stopped: The person asked to stop.
        UsageError: The rule is none.
    """
    check_rule(job.tiles)
    scene = Path(job.path)
    facts = scene_facts(scene)
    header, place = facts.header, facts.place
    every = count_tiles(header, job.tiles)
    few = replace(job.tiles, most=_TILES_LOOKED_AT)
    names = [tile_name(row, column, few.size_px) for row, column in tile_corners(header, few)]
    proposal = recognise(scene, names, control=control)
    colours = header.colours or proposal.rgb or RGB_BANDS
    others = tuple(band for band in range(1, header.bands + 1) if band not in colours)
    return SceneReport(
        path=job.path,
        width=header.width,
        height=header.height,
        bands=header.bands,
        dtype=header.dtype,
        no_data=header.no_data,
        frame=facts.frame,
        system="" if place is None else system_in_words(place),
        pixel_m=None if place is None else pixel_on_ground_m(place, header.width, header.height),
        tile_px=job.tiles.size_px,
        tiles=every,
        used=min(every, job.tiles.most),
        sensor=proposal.title if proposal.key else "",
        rgb_bands=colours,
        sensor_bands=(proposal.bands or others) if header.bands > len(colours) else (),
    )
