"""Shapes of a landscape as pixel fields: noise, parcels, bands, crowns, blocks, and the light that falls on them.

Every function works on a square grid of `size` pixels and returns float32 fields (size, size). Edges are softened over
one pixel, as a sensor's own footprint would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""(size, size) float32."""

Points = NDArray[np.float32]
"""(N, 2) as (x, y) pixel positions."""


def noise(
    rng: np.random.Generator,
    size: int,
    scale_px: float,
    *,
    stretch: float = 1.0,
    angle: float = 0.0,
    falloff: float = 3.0,
) -> Field:
    """Random field with a power-law spectrum, zero mean and unit variance.

    Args:
        rng: Source of randomness.
        size: Side of the field in pixels.
        scale_px: Wavelength in pixels above which the spectrum is flat; larger means coarser.
        stretch: How many times longer the structures are along `angle` than across.
        angle: Direction of the stretch in radians, anticlockwise from the x axis.
        falloff: Exponent of the power spectrum beyond the flat part; larger means smoother.
    """
    frequency_y, frequency_x = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
    along = np.cos(angle) * frequency_x - np.sin(angle) * frequency_y
    across = np.sin(angle) * frequency_x + np.cos(angle) * frequency_y
    squared = (along * scale_px * stretch) ** 2 + (across * scale_px) ** 2
    amplitude = (1.0 + squared) ** (-falloff / 4.0)
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * amplitude
    spectrum[0, 0] = 0.0
    field = np.fft.irfft2(spectrum, s=(size, size))
    return np.asarray(field / field.std(), dtype=np.float32)


def above(field: Field, threshold: float, softness: float = 0.15) -> Field:
    """Cover 0..1 where a field exceeds a threshold, with a soft edge of the given width in the field's units."""
    return np.asarray(np.clip((field - threshold) / softness + 0.5, 0.0, 1.0), dtype=np.float32)


def grid(size: int) -> tuple[Field, Field]:
    """Pixel coordinates (x to the east, y to the south) measured from the middle of the field."""
    axis = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    x, y = np.meshgrid(axis, axis)
    return x, y


def turned(size: int, angle: float) -> tuple[Field, Field]:
    """Coordinates along and across a direction, in pixels from the middle."""
    x, y = grid(size)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cosine - y * sine, x * sine + y * cosine


def band(
    rng: np.random.Generator, size: int, width_px: float, *, angle: float, offset_px: float = 0.0, bend_px: float = 0.0
) -> Field:
    """Signed distance in pixels to a winding band (road, river): negative inside.

    Args:
        rng: Source of randomness for the winding.
        size: Side of the field in pixels.
        width_px: Width of the band.
        angle: Its direction in radians.
        offset_px: Its distance from the middle.
        bend_px: How far it winds to either side.
    """
    along, across = turned(size, angle)
    wavelength = rng.uniform(0.7, 1.6) * size
    phase = rng.uniform(0.0, 2 * np.pi)
    wave = np.sin(2 * np.pi * along / wavelength + phase) + 0.35 * np.sin(4.6 * np.pi * along / wavelength + 2 * phase)
    return np.asarray(np.abs(across - offset_px - bend_px * wave) - width_px / 2, dtype=np.float32)


def inside(distance: NDArray[np.floating]) -> Field:
    """Cover 0..1 of a shape given by its signed distance in pixels (negative inside)."""
    return np.asarray(np.clip(0.5 - distance, 0.0, 1.0), dtype=np.float32)


def parcels(
    rng: np.random.Generator, size: int, count: int, *, angle: float, stretch: float
) -> tuple[NDArray[np.int64], Field]:
    """A mosaic of parcels with straight borders.

    Args:
        rng: Source of randomness.
        size: Side of the field in pixels.
        count: Number of parcels.
        angle: Direction in which the parcels are long, in radians.
        stretch: How many times longer than wide.

    Returns:
        Index of the parcel (size, size), and the distance to the nearest border in pixels (approximate).
    """
    along, across = turned(size, angle)
    reach = 0.6 * size
    seeds = rng.uniform(-reach, reach, (count, 2)).astype(np.float32)
    squared = ((along - seeds[:, :1, None]) / stretch) ** 2 + (across - seeds[:, 1:, None]) ** 2
    nearest = np.sqrt(np.partition(squared, 1, axis=0)[:2]) if count > 1 else np.sqrt(squared.repeat(2, axis=0))
    border = (nearest[1] - nearest[0]) / 2 if count > 1 else np.full_like(along, size)
    return squared.argmin(axis=0), np.asarray(border, dtype=np.float32)


def rotated(points: NDArray[np.floating], size: int, angle: float) -> Points:
    """Positions given along and across a direction (as in `turned`), as (x, y) pixel positions."""
    u, v = points.T
    x = u * np.cos(angle) + v * np.sin(angle)
    y = v * np.cos(angle) - u * np.sin(angle)
    return np.asarray(np.stack((x, y), axis=1) + (size - 1) / 2, dtype=np.float32)


def rows(
    size: int, spacing_px: tuple[float, float], angle: float, offset_px: tuple[float, float] = (0.0, 0.0)
) -> Points:
    """Points (N, 2) as (x, y) pixel positions of a regular planting: distance within a row, distance between rows."""
    reach = 0.75 * size
    along = np.arange(-reach, reach, spacing_px[0]) + offset_px[0]
    across = np.arange(-reach, reach, spacing_px[1]) + offset_px[1]
    u, v = np.meshgrid(along, across)
    points = rotated(np.stack((u.ravel(), v.ravel()), axis=1), size, angle)
    near = np.all((points > -3) & (points < size + 2), axis=1)
    return np.asarray(points[near], dtype=np.float32)


def scattered(rng: np.random.Generator, size: int, spacing_px: float, density: Field) -> Points:
    """Points (N, 2) strewn about `spacing_px` apart, kept with the probability `density` (0..1) at their place."""
    points = rows(size, (spacing_px, spacing_px), rng.uniform(0, np.pi))
    points = points + rng.uniform(-0.45, 0.45, points.shape).astype(np.float32) * np.float32(spacing_px)
    column, row = np.clip(points.round().astype(np.intp), 0, size - 1).T
    kept = rng.random(len(points)) < density[row, column]
    return np.asarray(points[kept], dtype=np.float32)


def crowns(
    size: int, points: Points, radius_px: NDArray[np.float32], height_m: NDArray[np.float32]
) -> tuple[Field, Field]:
    """Round tree crowns.

    Args:
        size: Side of the field in pixels.
        points: (N, 2) as (x, y) pixel positions.
        radius_px: (N,) radii in pixels.
        height_m: (N,) heights in metres.

    Returns:
        Cover 0..1 and height in metres, both (size, size).
    """
    cover = np.zeros((size, size), np.float32)
    height = np.zeros((size, size), np.float32)
    if len(points) == 0:
        return cover, height
    reach = int(np.ceil(radius_px.max())) + 1
    step = np.arange(-reach, reach + 1)
    middle = points.round().astype(np.intp)
    column = middle[:, :1, None] + step[None, None, :]  # (N, 1, W)
    row = middle[:, 1:, None] + step[None, :, None]  # (N, W, 1)
    squared = (column - points[:, :1, None]) ** 2 + (row - points[:, 1:, None]) ** 2
    radius = radius_px[:, None, None]
    dome = height_m[:, None, None] * np.sqrt(np.clip(1.0 - squared / (radius + 0.5) ** 2, 0.0, 1.0))
    disc = np.clip(radius + 0.5 - np.sqrt(squared), 0.0, 1.0)
    column, row = np.broadcast_arrays(column, row)
    visible = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    place = (row[visible], column[visible])
    np.maximum.at(cover, place, disc[visible].astype(np.float32))
    np.maximum.at(height, place, dome[visible].astype(np.float32))
    return cover, height


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangular building: middle (x, y), sides and direction in pixels and radians, eaves and ridge in metres."""

    x: float
    y: float
    length: float
    width: float
    angle: float
    eaves_m: float
    ridge_m: float = 0.0


def blocks(size: int, buildings: Sequence[Block]) -> tuple[Field, Field]:
    """Cover 0..1 and height in metres of buildings; a ridge makes a gabled roof."""
    cover = np.zeros((size, size), np.float32)
    height = np.zeros((size, size), np.float32)
    axis = np.arange(size, dtype=np.float32)
    for building in buildings:
        dx, dy = axis[None, :] - building.x, axis[:, None] - building.y
        cosine, sine = np.cos(building.angle), np.sin(building.angle)
        along = np.abs(dx * cosine - dy * sine) - building.length / 2
        across = np.abs(dx * sine + dy * cosine)
        shape = inside(np.maximum(along, across - building.width / 2))
        roof = building.eaves_m + building.ridge_m * np.clip(1.0 - 2.0 * across / building.width, 0.0, 1.0)
        np.maximum(cover, shape, out=cover)
        np.maximum(height, shape * roof, out=height)
    return cover, height


def shifted(field: Field, right: float, down: float) -> Field:
    """The field moved by whole pixels (rounded), its border repeated where nothing is known."""
    x, y = round(right), round(down)
    size = field.shape[-1]
    columns = np.clip(np.arange(size) - x, 0, size - 1)
    lines = np.clip(np.arange(size) - y, 0, size - 1)
    return field[np.ix_(lines, columns)]


def lit(height_m: Field, pixel_m: float, azimuth: float, elevation: float) -> tuple[Field, Field]:
    """Where a distant source (sun, radar) reaches a surface, and how squarely.

    Args:
        height_m: Heights in metres.
        pixel_m: Side of a pixel in metres.
        azimuth: Direction of the source in radians, anticlockwise from the x axis (east).
        elevation: Its angle above the horizon in radians.

    Returns:
        Share of each pixel in view of the source, 0..1; and the cosine between surface normal and source relative
        to flat ground, >= 0.
    """
    towards_x, towards_y = np.cos(azimuth), -np.sin(azimuth)
    rise = pixel_m * np.tan(elevation)
    shadow = np.zeros_like(height_m)
    steps = int(min(np.ceil(height_m.max() / rise), 16))
    for step in range(1, steps + 1):
        blocker = shifted(height_m, -step * towards_x, -step * towards_y)
        np.maximum(shadow, blocker - height_m - step * rise, out=shadow)
    seen = 1.0 - np.clip(shadow / 1.5, 0.0, 1.0)
    slope_y, slope_x = np.gradient(height_m, pixel_m)
    facing = np.sin(elevation) - np.cos(elevation) * (slope_x * towards_x + slope_y * towards_y)
    cosine = np.clip(facing / np.sqrt(1.0 + slope_x**2 + slope_y**2), 0.0, None) / np.sin(elevation)
    return seen.astype(np.float32), cosine.astype(np.float32)
