"""Land-cover classes: how a forest, an orchard or an industrial estate is laid out, each tile a little differently.

`TASK` are the classes a source model is trained for and the target images show; `OTHER` are the classes the pairs show.
Both are made of the same materials in other arrangements, which is what makes pairs of other scenes useful at all. A
pixel is 2 m wide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from bandbridge.engine.sample.materials import Material
from bandbridge.engine.sample.patterns import (
    Block,
    Field,
    above,
    band,
    inside,
    noise,
    parcels,
    rotated,
    rows,
    scattered,
    turned,
)
from bandbridge.engine.sample.terrain import Terrain
from numpy.typing import NDArray

PIXEL_M = 2.0

ROOFS = (Material.TILE, Material.TILE, Material.SLATE, Material.CONCRETE)


def _patches(rng: np.random.Generator, size: int, scale_px: float) -> Field:
    """Smooth noise, for stands of plants, pools and plots."""
    return noise(rng, size, scale_px, falloff=4.5)


def _angle(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.0, np.pi))


def _pick(rng: np.random.Generator, *materials: Material) -> Material:
    return materials[int(rng.integers(len(materials)))]


def _full(size: int, density: float) -> Field:
    return np.full((size, size), density, np.float32)


def _farmland(rng: np.random.Generator, size: int, count: int) -> Terrain:
    """Fields in strips, each with its own crop and direction of ploughing."""
    land = Terrain(rng, size, Material.GRASS)
    angle = _angle(rng)
    index, border = parcels(rng, size, count, angle=angle, stretch=rng.uniform(1.0, 3.0))
    choices = (Material.CROP, Material.SOIL, Material.STUBBLE, Material.GRASS)
    for parcel in range(count):
        cover = (index == parcel).astype(np.float32)
        land.paint(choices[rng.choice(4, p=(0.38, 0.27, 0.22, 0.13))], cover)
        direction = angle + rng.choice((0.0, 0.0, np.pi / 2)) + rng.normal(0.0, 0.05)
        _, across = turned(size, direction)
        furrows = np.sin(2 * np.pi * across / rng.uniform(3.0, 7.0) + rng.uniform(0, 6))
        land.variation += cover * (rng.uniform(0.1, 1.0) * furrows + rng.normal(0.0, 0.8)).astype(np.float32)
    land.paint(Material.GRASS, above(-border, -rng.uniform(0.3, 1.0), 0.6) * rng.uniform(0.3, 0.9))
    return land


def _hedges(land: Terrain, count: int) -> None:
    """Lines of trees and bushes across the land."""
    for _ in range(count):
        angle, offset = _angle(land.rng), land.rng.uniform(-0.4, 0.4) * land.size
        line = inside(band(land.rng, land.size, 3.0, angle=angle, offset_px=offset, bend_px=1.0))
        land.plant(scattered(land.rng, land.size, 2.6, line * 0.8), (1.0, 2.2), (2.0, 8.0))


def _lone_trees(land: Terrain, density: float, where: Field | None = None) -> None:
    chance = _full(land.size, density) if where is None else where * np.float32(density)
    land.plant(scattered(land.rng, land.size, 5.0, chance), (1.2, 3.0), (4.0, 13.0))


def _road(land: Terrain, width_px: float, angle: float, offset_px: float, bend_px: float, surface: Material) -> Field:
    cover = inside(band(land.rng, land.size, width_px, angle=angle, offset_px=offset_px, bend_px=bend_px))
    land.level(cover)
    land.paint(surface, cover)
    return cover


def _woodland(rng: np.random.Generator, size: int, openness: float) -> Terrain:
    land = Terrain(rng, size, Material.GRASS)
    land.paint(Material.SOIL, rng.uniform(0.0, 0.5))
    gaps = above(_patches(rng, size, 18.0), rng.uniform(1.0, 2.2) - openness, 0.4)
    spacing = rng.uniform(3.2, 5.2)
    mix = above(_patches(rng, size, 22.0), rng.uniform(-1.8, 1.8), 0.3)
    points = scattered(rng, size, spacing, np.clip(1.0 - gaps, 0.0, 0.96))
    if rng.random() < 0.2:
        points = rows(size, (0.8 * spacing, spacing), _angle(rng))
        points = points + rng.normal(0.0, 0.5, points.shape).astype(np.float32)
    land.plant(points, (0.36 * spacing, 0.75 * spacing), (7.0, rng.uniform(10.0, 20.0)), conifers=mix)
    return land


def forest(rng: np.random.Generator, size: int) -> Terrain:
    """Closed canopy of broadleaves and conifers with gaps, sometimes a track or a clearing."""
    land = _woodland(rng, size, 0.0)
    if rng.random() < 0.35:
        _road(land, rng.uniform(1.5, 3.5), _angle(rng), rng.uniform(-15, 15), rng.uniform(0, 6), Material.SOIL)
    if rng.random() < 0.35:
        _, across = turned(size, _angle(rng))
        meadow = above(across + 3 * _patches(rng, size, 14.0), rng.uniform(0.02, 0.4) * size, 2.0)
        land.level(meadow)
        land.paint(_pick(rng, Material.GRASS, Material.CROP, Material.SOIL), meadow)
    return land


def cropland(rng: np.random.Generator, size: int) -> Terrain:
    """Ploughed, growing and harvested fields, here and there a hedge, a track or a lone tree."""
    land = _farmland(rng, size, int(rng.integers(2, 8)))
    _hedges(land, int(rng.choice((0, 0, 1, 2))))
    _lone_trees(land, rng.choice((0.0, 0.01, 0.04)))
    if rng.random() < 0.15:
        x, y = rng.uniform(0.1, 0.9, 2) * size
        shed = Block(x, y, rng.uniform(6, 12), rng.uniform(4, 7), _angle(rng), rng.uniform(3, 5), rng.uniform(0, 3))
        land.build([shed], _pick(rng, Material.TILE, Material.METAL, Material.SLATE))
    if rng.random() < 0.35:
        surface = _pick(rng, Material.SOIL, Material.ASPHALT)
        _road(land, rng.uniform(1.5, 3.0), _angle(rng), rng.uniform(-15, 15), rng.uniform(0, 4), surface)
    return land


def orchard(rng: np.random.Generator, size: int) -> Terrain:
    """Fruit trees in rows over grass or tilled soil; some are missing, some tiles show two plantings."""
    land = Terrain(rng, size, Material.GRASS)
    land.paint(Material.SOIL, rng.choice((0.0, 0.3, 0.7, 1.0)))
    angle = _angle(rng)
    _, across = turned(size, angle + rng.choice((0.0, np.pi / 2)))
    split = above(across, rng.uniform(-0.2, 0.9) * size / 2, 1.0)
    spacing = (rng.uniform(3.0, 4.6), rng.uniform(4.2, 6.8))
    thickness = rng.uniform(0.22, 0.5)
    for part, turn in ((1.0 - split, 0.0), (split, rng.choice((0.0, np.pi / 2)))):
        points = rows(size, spacing, angle + turn, (rng.uniform(0, 4), rng.uniform(0, 4)))
        points = points + rng.normal(0.0, 0.25, points.shape).astype(np.float32)
        column, row = np.clip(points.round().astype(np.intp), 0, size - 1).T
        kept = rng.random(len(points)) < part[row, column] * rng.uniform(0.8, 0.98)
        land.plant(points[kept], (0.8 * thickness * spacing[0], 1.2 * thickness * spacing[0]), (2.0, 5.0))
    if rng.random() < 0.4:
        _road(land, rng.uniform(2.0, 4.0), angle, rng.uniform(-20, 20), 0.0, Material.SOIL)
    return land


def _houses(rng: np.random.Generator, size: int, angle: float, streets: NDArray[np.floating]) -> list[Block]:
    """Houses along both sides of parallel streets, some with the gable to the street."""
    found: list[Block] = []
    spacing = rng.uniform(8.5, 11.0) * rng.uniform(1.0, 1.7)
    for street in streets:
        for side in (-1.0, 1.0):
            u = np.arange(-0.7 * size, 0.7 * size, spacing)
            u = u + rng.uniform(-0.15, 0.15, len(u)) * spacing + rng.uniform(0.0, spacing)
            v = street + side * rng.uniform(6.5, 8.5, len(u))
            for x, y in rotated(np.stack((u, v), axis=1), size, angle):
                if rng.random() < 0.12 or not (-6 < x < size + 6 and -6 < y < size + 6):
                    continue
                turn = angle + rng.choice((0.0, np.pi / 2)) + rng.normal(0.0, 0.03)
                sides = rng.uniform(5.5, 8.5), rng.uniform(4.5, 6.0)
                found.append(Block(x, y, *sides, turn, rng.uniform(3.0, 6.0), rng.uniform(0.0, 4.0)))
    return found


def residential(rng: np.random.Generator, size: int) -> Terrain:
    """Houses with gabled roofs along streets, gardens with trees behind them."""
    land = Terrain(rng, size, Material.GRASS)
    land.paint(Material.SOIL, above(noise(rng, size, 6.0), 1.0, 0.5))
    angle, between = _angle(rng), rng.uniform(24.0, 40.0)
    along, across = turned(size, angle)
    streets = (np.arange(-3, 4) + rng.uniform(-0.5, 0.5)) * between
    houses = _houses(rng, size, angle, streets)
    _lone_trees(land, rng.uniform(0.1, 0.45))
    middles = [np.abs(across - street) for street in streets]
    if rng.random() < 0.6:
        middles.append(np.abs(along - rng.uniform(-20.0, 20.0)))
    for middle in middles:
        road = inside(middle - rng.uniform(1.2, 2.2))
        land.level(road)
        land.paint(Material.ASPHALT, road)
    common = rng.random(len(houses)) < 0.8
    land.build([h for h, usual in zip(houses, common, strict=True) if usual], _pick(rng, *ROOFS))
    land.build([h for h, usual in zip(houses, common, strict=True) if not usual], _pick(rng, *ROOFS))
    return land


def _vehicles(land: Terrain, where: Field, spacing_px: float, density: float, angle: float) -> None:
    points = scattered(land.rng, land.size, spacing_px, where * np.float32(density))
    for roof in (Material.METAL, Material.SLATE):
        chosen = points[land.rng.random(len(points)) < 0.5]
        land.build([Block(float(x), float(y), 2.4, 1.2, angle, 1.6) for x, y in chosen], roof)


def industrial(rng: np.random.Generator, size: int) -> Terrain:
    """Large flat halls on asphalt and concrete yards, with vehicles, stores and little green."""
    yard = _pick(rng, Material.ASPHALT, Material.CONCRETE)
    land = Terrain(rng, size, yard)
    land.paint(
        Material.CONCRETE if yard is Material.ASPHALT else Material.ASPHALT, above(_patches(rng, size, 25.0), 0.6, 0.1)
    )
    land.paint(Material.GRASS, above(_patches(rng, size, 20.0), rng.uniform(0.7, 1.6), 0.2))
    angle = _angle(rng)
    _vehicles(land, _full(size, 1.0), 4.5, rng.uniform(0.05, 0.35), angle)
    index, _ = parcels(rng, size, int(rng.integers(3, 7)), angle=angle, stretch=1.3)
    along, across = turned(size, angle)
    for plot in range(int(index.max()) + 1):
        inner = index == plot
        if inner.sum() < 200 or rng.random() < 0.2:
            continue
        u, v = float(along[inner].mean()), float(across[inner].mean())
        x, y = rotated(np.array([[u, v]]), size, angle)[0]
        reach = float(np.sqrt(inner.sum()))
        hall = Block(x, y, reach * rng.uniform(0.6, 1.0), reach * rng.uniform(0.4, 0.75), angle, rng.uniform(6, 12))
        land.build([hall], _pick(rng, Material.METAL, Material.SLATE, Material.CONCRETE))
    _lone_trees(land, rng.uniform(0.0, 0.06))
    return land


def river(rng: np.random.Generator, size: int) -> Terrain:
    """A winding river through fields or meadows, with sand bars and trees on its banks, sometimes a bridge."""
    land = _farmland(rng, size, int(rng.integers(1, 5)))
    angle = _angle(rng)
    distance = band(
        rng, size, rng.uniform(5.0, 24.0), angle=angle, offset_px=rng.uniform(-12, 12), bend_px=rng.uniform(0.0, 11.0)
    )
    distance = distance + rng.uniform(0.5, 2.0) * _patches(rng, size, 14.0)
    bank = np.clip(1.0 - np.abs(distance - 4.0) / 5.0, 0.0, 1.0)
    land.paint(Material.SAND, inside(distance - rng.uniform(0.0, 3.0)) * above(_patches(rng, size, 16.0), 0.6, 0.3))
    land.plant(scattered(rng, size, 3.6, bank * rng.uniform(0.0, 0.9)), (1.2, 2.8), (4.0, 12.0))
    water = inside(distance)
    land.level(water)
    land.paint(_pick(rng, Material.WATER, Material.SILTY_WATER), water)
    if rng.random() < 0.2:
        crossing = angle + np.pi / 2 + rng.normal(0.0, 0.2)
        _road(land, rng.uniform(2.5, 4.5), crossing, rng.uniform(-15, 15), 0.0, Material.ASPHALT)
    return land


def heath(rng: np.random.Generator, size: int) -> Terrain:
    """Patches of heather and dry grass, sandy paths, single pines and birches."""
    land = Terrain(rng, size, Material.GRASS)
    land.paint(Material.SHRUB, above(_patches(rng, size, rng.uniform(8, 18)), rng.uniform(-0.8, 0.3), 0.5))
    land.paint(Material.SAND, above(_patches(rng, size, 10.0), rng.uniform(1.0, 2.0), 0.3))
    land.plant(scattered(rng, size, 2.6, _full(size, rng.uniform(0.05, 0.4))), (0.6, 1.3), (0.5, 1.8), Material.SHRUB)
    stands = above(_patches(rng, size, 14.0), 0.4, 0.6) * np.float32(rng.uniform(0.05, 0.6))
    conifers = above(_patches(rng, size, 10.0), 0.0, 0.3)
    land.plant(scattered(rng, size, 5.0, stands), (1.2, 2.6), (4.0, 11.0), conifers=conifers)
    _road(land, rng.uniform(1.0, 2.5), _angle(rng), rng.uniform(-15, 15), rng.uniform(0, 8), Material.SAND)
    return land


def wetland(rng: np.random.Generator, size: int) -> Terrain:
    """Pools among reed and wet meadow, with willows on drier spots."""
    land = Terrain(rng, size, Material.GRASS)
    level = _patches(rng, size, rng.uniform(10.0, 24.0))
    edge = rng.uniform(-0.2, 0.9)
    land.paint(Material.REED, above(level, edge - rng.uniform(0.3, 1.0), 0.3))
    land.plant(scattered(rng, size, 4.5, above(-level, 0.5, 0.4) * rng.uniform(0.0, 0.7)), (1.2, 3.0), (3.0, 10.0))
    water = above(level, edge, 0.12)
    land.level(water)
    land.paint(_pick(rng, Material.WATER, Material.SILTY_WATER), water)
    return land


def highway(rng: np.random.Generator, size: int) -> Terrain:
    """Two carriageways with traffic through fields or woods."""
    land = _woodland(rng, size, 0.8) if rng.random() < 0.4 else _farmland(rng, size, int(rng.integers(2, 5)))
    angle = _angle(rng)
    middle = band(rng, size, 0.0, angle=angle, offset_px=rng.uniform(-14, 14), bend_px=rng.uniform(0, 5))
    verge = inside(middle - rng.uniform(8.0, 11.0))
    land.level(verge)
    land.paint(Material.GRASS, verge)
    surface = _pick(rng, Material.ASPHALT, Material.CONCRETE)
    lanes = inside(np.abs(middle - 4.0) - 2.6)
    land.paint(surface, lanes)
    _vehicles(land, lanes, 4.0, rng.uniform(0.05, 0.35), angle)
    return land


def coast(rng: np.random.Generator, size: int) -> Terrain:
    """Sea, beach, and dunes with ripples and marram grass."""
    land = Terrain(rng, size, Material.SAND)
    angle = _angle(rng)
    land.variation += noise(rng, size, rng.uniform(3.0, 6.0), stretch=5.0, angle=angle)
    land.paint(Material.GRASS, above(_patches(rng, size, 7.0), rng.uniform(0.2, 1.2), 0.6))
    land.plant(scattered(rng, size, 3.2, _full(size, rng.uniform(0.0, 0.15))), (0.7, 1.6), (0.5, 2.0), Material.SHRUB)
    _, across = turned(size, angle)
    shore = across + 3.0 * _patches(rng, size, 20.0) - rng.uniform(-0.3, 0.3) * size
    wet = np.clip(1.0 - np.abs(shore + 3.0) / 3.0, 0.0, 1.0)
    land.variation += 2.0 * wet
    sea = inside(-shore)
    land.level(sea)
    land.paint(_pick(rng, Material.WATER, Material.SILTY_WATER), sea)
    return land


def farmstead(rng: np.random.Generator, size: int) -> Terrain:
    """A few barns and a house around a yard, trees beside them, paddocks and fields all round."""
    land = _farmland(rng, size, int(rng.integers(2, 5)))
    angle, middle = _angle(rng), rng.uniform(0.3, 0.7, 2) * size
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    distance = np.hypot(x - middle[0], y - middle[1]) + 3.0 * _patches(rng, size, 16.0)
    yard = inside(distance - rng.uniform(8.0, 14.0))
    land.paint(_pick(rng, Material.CONCRETE, Material.ASPHALT, Material.SOIL), yard)
    ring = np.clip(1.0 - np.abs(distance - 18.0) / 7.0, 0.0, 1.0)
    land.plant(scattered(rng, size, 4.2, ring * rng.uniform(0.2, 0.9)), (1.4, 3.0), (5.0, 14.0))
    for _ in range(int(rng.integers(2, 6))):
        spot = middle + rng.normal(0.0, 8.0, 2)
        turn = angle + rng.choice((0.0, np.pi / 2))
        barn = Block(
            float(spot[0]),
            float(spot[1]),
            rng.uniform(8, 17),
            rng.uniform(5, 8),
            turn,
            rng.uniform(4, 7),
            rng.uniform(1, 4),
        )
        land.build([barn], _pick(rng, Material.TILE, Material.METAL, Material.SLATE))
    _hedges(land, int(rng.choice((0, 1))))
    _road(land, rng.uniform(1.5, 2.5), angle, rng.uniform(-10, 10), rng.uniform(0, 4), Material.ASPHALT)
    return land


LandCover = Callable[[np.random.Generator, int], Terrain]

TASK: Mapping[str, LandCover] = {
    "Cropland": cropland,
    "Forest": forest,
    "Industrial": industrial,
    "Orchard": orchard,
    "Residential": residential,
    "River": river,
}

OTHER: Mapping[str, LandCover] = {
    "Coast": coast,
    "Farmstead": farmstead,
    "Heath": heath,
    "Highway": highway,
    "Wetland": wetland,
}
