"""Four sensors looking at the same piece of land from an aircraft: RGB camera, near infrared, thermal, radar.

Each turns a `Terrain` into a 64x64 image with its own units, light, noise and blur. Left out on purpose, to stay small:
layover (radar pictures are taken as corrected with a surface model), mutual shading by far terrain, clouds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from bandbridge.engine.sample.land_cover import PIXEL_M
from bandbridge.engine.sample.materials import (
    BACKSCATTER,
    BLUE,
    GREEN,
    INFRARED,
    RED,
    WARMTH,
    Material,
    properties,
    slopes,
)
from bandbridge.engine.sample.patterns import Field, lit, noise
from bandbridge.engine.sample.terrain import Terrain
from numpy.typing import NDArray

TILE_PX = 64
MARGIN_PX = 8
KELVIN_PER_COUNT = 0.04
NOISE_FLOOR_DB = -27.0


@dataclass(frozen=True, slots=True)
class Flight:
    """The circumstances under which one piece of land was seen by all sensors.

    Attributes:
        materials: (materials, 6) as in `materials.properties`, for this place and season.
        sun_azimuth: In radians, anticlockwise from east.
        sun_elevation: In radians.
        haze: Reflectance added in blue, 0..0.1.
        camera_gain: Exposure of the RGB camera, about 1.
        infrared_gain: The same of the infrared camera.
        air_k: Temperature of the air in kelvin.
        heating: How much the sun has warmed the ground, 0..1.2.
        glint: Strength of the sun mirrored by ripples.
        wind: How rough the water is, 0..1.
        radar_azimuth: Direction from the ground to the radar.
        radar_elevation: Its angle above the horizon.
        looks: Independent looks averaged by the radar.
    """

    materials: NDArray[np.float32]
    sun_azimuth: float
    sun_elevation: float
    haze: float
    camera_gain: float
    infrared_gain: float
    air_k: float
    heating: float
    glint: float
    wind: float
    radar_azimuth: float
    radar_elevation: float
    looks: int


def draw_flight(rng: np.random.Generator) -> Flight:
    """Season, hour, weather and settings at random; the air is that of a few days of one campaign."""
    table = properties(float(rng.beta(1.2, 1.8)))
    # No two fields or roofs are of quite the same stuff: brightness varies more than colour.
    brightness = rng.normal(0.0, 0.16, (len(Material), 1))
    colour = rng.normal(0.0, 0.06, (len(Material), 4))
    table[:, : INFRARED + 1] *= np.exp(brightness + colour).astype(np.float32)
    table[:, WARMTH] += rng.normal(0.0, 1.5, len(Material)).astype(np.float32)
    table[:, BACKSCATTER] += rng.normal(0.0, 1.0, len(Material)).astype(np.float32)
    return Flight(
        materials=table,
        sun_azimuth=float(rng.uniform(-np.pi, 0.0)),
        sun_elevation=float(np.radians(rng.uniform(28.0, 62.0))),
        haze=float(rng.uniform(0.0, 0.05)),
        camera_gain=float(np.exp(rng.normal(0.0, 0.15))),
        infrared_gain=float(np.exp(rng.normal(0.0, 0.2))),
        air_k=float(rng.uniform(292.0, 296.0)),
        heating=float(rng.uniform(0.5, 1.2)),
        glint=float(rng.choice((0.0, 0.0, 0.02, 0.06))),
        wind=float(rng.uniform(0.0, 1.0)),
        radar_azimuth=float(rng.choice((np.radians(168.0), np.radians(12.0)))),
        radar_elevation=float(np.radians(rng.uniform(45.0, 55.0))),
        looks=4,
    )


def _blurred(field: Field, sigma_px: float) -> Field:
    return np.asarray(cv2.GaussianBlur(field.astype(np.float32), (0, 0), sigma_px), dtype=np.float32)


def _crop(image: NDArray[Any]) -> NDArray[Any]:
    return image[..., MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]


def _surface(land: Terrain, flight: Flight, columns: slice) -> NDArray[np.float32]:
    """Mean of a property over the materials in every pixel, with the land's own variation (columns, size, size)."""
    mean = np.tensordot(flight.materials[:, columns].T, land.cover, axes=1)
    if columns.start < WARMTH:
        change = np.tensordot((flight.materials * slopes())[:, columns].T, land.cover, axes=1)
    else:
        change = np.tensordot(slopes()[:, columns].T, land.cover, axes=1)
    return np.asarray(mean + change * np.clip(land.variation, -2.5, 2.5), dtype=np.float32)


def _water(land: Terrain) -> Field:
    return np.asarray(land.cover[Material.WATER] + land.cover[Material.SILTY_WATER], dtype=np.float32)


def _sunlight(land: Terrain, flight: Flight) -> Field:
    seen, cosine = lit(land.height_m, PIXEL_M, flight.sun_azimuth, flight.sun_elevation)
    return np.asarray(seen * cosine, dtype=np.float32)


def _reflected(land: Terrain, flight: Flight, columns: slice, sky: NDArray[np.float32]) -> NDArray[np.float32]:
    """Light leaving the ground relative to a white level plate (columns, size, size)."""
    sun = _sunlight(land, flight)
    light = sky[:, None, None] + (1.0 - sky[:, None, None]) * sun
    ripples = noise(land.rng, land.size, 3.0, stretch=3.0, angle=flight.sun_azimuth)
    mirrored = flight.glint * np.clip(ripples, 0.0, None) * _water(land)
    return np.asarray(_surface(land, flight, columns) * light + mirrored, dtype=np.float32)


def rgb(land: Terrain, flight: Flight) -> NDArray[np.uint8]:
    """Colour camera: (3, 64, 64) uint8, red first, gamma 1/1.8, haze strongest in blue."""
    order = [RED - BLUE, GREEN - BLUE, 0]
    sky = np.array([0.20, 0.27, 0.36], np.float32)
    light = _reflected(land, flight, slice(BLUE, RED + 1), sky[::-1])[order]
    light = light + flight.haze * np.array([0.35, 0.6, 1.0], np.float32)[:, None, None]
    bright = np.clip(light * flight.camera_gain / 0.42, 0.0, 1.0) ** (1 / 1.8)
    grainy = bright * 255.0 + land.rng.normal(0.0, 2.5, bright.shape)
    return np.asarray(_crop(np.clip(np.rint(grainy), 0, 255)), dtype=np.uint8)


def nir(land: Terrain, flight: Flight) -> NDArray[np.uint16]:
    """Near-infrared camera at 0.85 um: (1, 64, 64) uint16, reflectance times 10000, softer than RGB."""
    sky = np.array([0.14], np.float32)
    light = _blurred(_reflected(land, flight, slice(INFRARED, INFRARED + 1), sky)[0], 0.8)[None]
    counts = light * flight.infrared_gain * 10_000.0
    counts = counts + land.rng.normal(0.0, 1.0, counts.shape) * (25.0 + 0.01 * counts)
    return np.asarray(_crop(np.clip(np.rint(counts), 1, 65_535)), dtype=np.uint16)


def thermal(land: Terrain, flight: Flight) -> NDArray[np.uint16]:
    """Thermal camera: (1, 64, 64) uint16, 0.04 K a count (14 bits), softer than the others, slight drift."""
    sun = _blurred(_sunlight(land, flight), 1.5)
    warmth = _surface(land, flight, slice(WARMTH, WARMTH + 1))[0]
    # Heat is stored, so shade cools only in part.
    kelvin = flight.air_k + flight.heating * warmth * (0.45 + 0.55 * np.clip(sun, 0.0, 1.3))
    kelvin = _blurred(kelvin, 0.7) + 0.25 * noise(land.rng, land.size, 60.0)
    counts = (kelvin + land.rng.normal(0.0, 0.08, kelvin.shape)) / KELVIN_PER_COUNT
    return np.asarray(_crop(np.clip(np.rint(counts), 0, 16_383)[None]), dtype=np.uint16)


def sar(land: Terrain, flight: Flight) -> NDArray[np.float32]:
    """Radar at X band: (1, 64, 64) float32 sigma nought in dB, with speckle, radar shadow and double bounce."""
    backscatter = _surface(land, flight, slice(BACKSCATTER, BACKSCATTER + 1))[0]
    backscatter = backscatter + _water(land) * (7.0 * flight.wind - 4.0)
    seen, cosine = lit(land.height_m, PIXEL_M, flight.radar_azimuth, flight.radar_elevation)
    power = 10.0 ** (backscatter / 10.0) * seen * np.clip(cosine, 0.15, 2.5)
    slope_y, slope_x = np.gradient(land.walls)
    facing = -(slope_x * np.cos(flight.radar_azimuth) - slope_y * np.sin(flight.radar_azimuth))
    # Walls squarely facing the radar shine far more than oblique ones.
    power = power + 3.0 * np.clip(facing, 0.0, None) ** 2 * np.clip(land.height_m / 6.0, 0.0, 1.5)
    power = _blurred(power, 0.5)
    speckle = land.rng.gamma(flight.looks, 1.0 / flight.looks, power.shape)
    power = power * speckle + 10.0 ** (NOISE_FLOOR_DB / 10.0)
    return np.asarray(_crop(10.0 * np.log10(power)[None]), dtype=np.float32)
