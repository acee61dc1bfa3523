"""A piece of land: what covers it, how high it stands, how its cover varies. No sensor has looked at it yet."""

from __future__ import annotations

import numpy as np
from bandbridge.engine.sample.materials import Material
from bandbridge.engine.sample.patterns import Block, Field, Points, blocks, crowns, noise
from numpy.typing import NDArray


class Terrain:
    """A square of land that land-cover classes paint on, later paint covering earlier.

    Attributes:
        rng: Source of randomness of this piece of land.
        size: Side in pixels.
        cover: (materials, size, size) shares of each pixel, adding up to 1.
        height_m: (size, size) height above the ground in metres.
        walls: (size, size) cover 0..1 of buildings, whose walls give radar its double bounce.
        variation: (size, size) vigour of plants, moisture of soil, weathering of sealed ground; about unit variance.
    """

    def __init__(self, rng: np.random.Generator, size: int, ground: Material) -> None:
        self.rng = rng
        self.size = size
        self.cover: NDArray[np.float32] = np.zeros((len(Material), size, size), np.float32)
        self.cover[ground] = 1.0
        self.height_m: Field = np.zeros((size, size), np.float32)
        self.walls: Field = np.zeros((size, size), np.float32)
        coarse = noise(rng, size, rng.uniform(16.0, 40.0))
        fine = noise(rng, size, rng.uniform(2.0, 4.0), falloff=2.0)
        self.variation: Field = 0.65 * coarse + 0.5 * fine

    def paint(self, material: Material, cover: Field | float) -> None:
        """Cover the land with a material where `cover` (0..1) says."""
        share = np.broadcast_to(np.asarray(cover, np.float32), (self.size, self.size))
        self.cover *= 1.0 - share
        self.cover[material] += share

    def level(self, cover: Field) -> None:
        """Take away whatever stands where `cover` (0..1) says, as for a road or a river through a wood."""
        self.height_m = self.height_m * (1.0 - cover)
        self.walls = self.walls * (1.0 - cover)

    def plant(
        self,
        points: Points,
        radius_px: tuple[float, float],
        height_m: tuple[float, float],
        material: Material = Material.BROADLEAF,
        conifers: Field | None = None,
    ) -> None:
        """Set trees.

        Args:
            points: (N, 2) as (x, y) pixel positions.
            radius_px: Smallest and largest crown radius.
            height_m: Heights of trees with the smallest and the largest crown.
            material: What the crowns are made of.
            conifers: Share 0..1 of the crowns that is conifer instead, place by place.
        """
        size = self.rng.random(len(points)).astype(np.float32)
        radius = radius_px[0] + size * np.float32(radius_px[1] - radius_px[0])
        tall = height_m[0] + size * np.float32(height_m[1] - height_m[0])
        cover, height = crowns(self.size, points, radius, tall)
        self.paint(material, cover)
        if conifers is not None:
            self.paint(Material.CONIFER, cover * conifers)
        self.height_m = np.maximum(self.height_m, height)

    def build(self, buildings: list[Block], roof: Material) -> None:
        """Set up buildings with one kind of roof."""
        cover, height = blocks(self.size, buildings)
        self.level(cover)
        self.paint(roof, cover)
        self.height_m = np.maximum(self.height_m, height)
        self.walls = np.maximum(self.walls, cover)
