"""Where a clip of the sample takes place, and the camera that films it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from bandbridge.engine.sample.canvas import (
    FINENESS,
    HEIGHT_PX,
    MARGIN_PX,
    WIDTH_PX,
    Canvas,
    Colour,
    Picture,
    lighter,
    mixed,
)
from bandbridge.engine.sample.passers import Passer, draw_passers
from bandbridge.engine.sample.things import PAINTS, WOODS, pick_colour, still_things
from numpy.typing import NDArray

FRAMES_PER_SECOND = 12
SECONDS = 3
FRAMES = FRAMES_PER_SECOND * SECONDS

_LEFT, _RIGHT = -float(MARGIN_PX), float(WIDTH_PX + MARGIN_PX)
_TOP, _BOTTOM = -float(MARGIN_PX), float(HEIGHT_PX + MARGIN_PX)

_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((98, 160, 214), (206, 226, 234)),
    ((120, 150, 180), (214, 214, 208)),
    ((92, 110, 168), (246, 190, 150)),
    ((150, 168, 184), (200, 206, 208)),
    ((84, 96, 140), (240, 160, 128)),
)
_GROUNDS: tuple[Colour, ...] = ((112, 142, 84), (150, 138, 96), (176, 158, 118), (128, 126, 122), (98, 124, 92))
_WALLS: tuple[Colour, ...] = ((206, 196, 178), (176, 192, 196), (196, 178, 170), (186, 194, 168), (150, 158, 174))
_NIGHTS: tuple[tuple[Colour, Colour], ...] = (
    ((16, 20, 42), (44, 52, 84)),
    ((22, 18, 36), (74, 54, 72)),
    ((12, 24, 36), (40, 66, 78)),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A place, empty but for what stands still.

    Attributes:
        background: What is there before anything moves.
        ground_y: Where things stand, in pixels from the top of the frame.
        main_x: Where the act takes place.
        size: How large its things are, about 1.
        passers: What passes behind the act.
    """

    background: Canvas
    ground_y: float
    main_x: float
    size: float
    passers: tuple[Passer, ...]

    def at(self, second: float) -> Canvas:
        """The place at a moment, to draw the act on."""
        canvas = self.background.copy()
        for passer in self.passers:
            passer(canvas, second)
        return canvas


def draw_stage(rng: np.random.Generator, dark: bool) -> Stage:
    """A place of random kind: outdoors, indoors or by night.

    Args:
        rng: Source of randomness.
        dark: Outdoors by night in most cases, for acts that shine.
    """
    canvas = Canvas.blank()
    ground_y = float(rng.uniform(74.0, 86.0))
    kind = rng.choice(("outdoors", "indoors", "night"), p=(0.1, 0.0, 0.9) if dark else (0.45, 0.35, 0.2))
    if kind == "indoors":
        _room(rng, canvas, ground_y)
    else:
        _country(rng, canvas, ground_y, kind == "night")
    main_x = float(rng.uniform(40.0, 88.0))
    ways = still_things()
    for number in rng.permutation(len(ways))[: rng.choice((0, 1, 2, 3), p=(0.15, 0.35, 0.3, 0.2))]:
        # Beside the act rather than in it, and a little further away.
        side = float(rng.uniform(34.0, 60.0)) * float(rng.choice((-1.0, 1.0)))
        x = main_x + side if 6.0 < main_x + side < WIDTH_PX - 6.0 else main_x - side
        ways[number](rng, canvas, x, ground_y - float(rng.uniform(0.0, 5.0)))
    passers = draw_passers(rng, ground_y, kind == "indoors")
    return Stage(canvas, ground_y, main_x, float(rng.uniform(0.65, 1.12)), passers)


def _gradient(canvas: Canvas, top: float, bottom: float, first: Colour, last: Colour) -> None:
    """Fill the width between two heights with colours running into each other."""
    lines = range(round((top + MARGIN_PX) * FINENESS), round((bottom + MARGIN_PX) * FINENESS))
    for place, line in enumerate(lines):
        canvas.pixels[line] = np.rint(mixed(first, last, place / max(len(lines) - 1, 1))).astype(np.uint8)


def _grain(rng: np.random.Generator, canvas: Canvas, strength: float) -> None:
    """Uneven brightness, as of grass, plaster or sky."""
    height, width = canvas.pixels.shape[:2]
    coarse = rng.normal(0.0, strength, (height // 8, width // 8)).astype(np.float32)
    fine = rng.normal(0.0, 0.5 * strength, (height, width)).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) + fine
    canvas.pixels[...] = np.clip(np.rint(canvas.pixels + field[..., None]), 0, 255).astype(np.uint8)


def _country(rng: np.random.Generator, canvas: Canvas, ground_y: float, night: bool) -> None:
    table = _NIGHTS if night else _SKIES
    high, low = table[rng.integers(len(table))]
    _gradient(canvas, _TOP, ground_y, high, low)
    if night:
        for _ in range(int(rng.integers(8, 26))):
            canvas.disc(rng.uniform(_LEFT, _RIGHT), rng.uniform(_TOP, 0.6 * ground_y), 0.4, lighter(high, 0.6))
    if rng.random() < 0.5:
        x, y = float(rng.uniform(10, 118)), float(rng.uniform(8, 34))
        light: Colour = (232, 232, 214) if night else (255, 244, 206)
        canvas.veil(x, y, 20.0, 20.0, light, 0.35)
        canvas.disc(x, y, float(rng.uniform(4.0, 7.0)), light)
    ground = pick_colour(rng, _GROUNDS)
    ground = lighter(ground, -0.62) if night else ground
    for depth in range(int(rng.integers(1, 4))):
        _hills(rng, canvas, ground_y, mixed(low, lighter(ground, -0.25), 0.35 + 0.2 * depth), 22.0 - 6.0 * depth)
    if rng.random() < 0.5:
        _houses(rng, canvas, ground_y, night)
    _gradient(canvas, ground_y - 3.0, _BOTTOM, lighter(ground, 0.08), lighter(ground, -0.22))
    for _ in range(int(rng.integers(0, 5))):
        _tree(rng, canvas, float(rng.uniform(_LEFT, _RIGHT)), ground_y - 2.0, lighter(ground, -0.35))
    _grain(rng, canvas, float(rng.uniform(1.0, 4.0)))


def _hills(rng: np.random.Generator, canvas: Canvas, ground_y: float, colour: Colour, height: float) -> None:
    x = np.linspace(_LEFT, _RIGHT, 48)
    orders = np.array((1.0, 2.0, 4.0))[:, None]
    height_of, phase = rng.uniform(0.2, 1.0, (3, 1)), rng.uniform(0.0, 6.3, (3, 1))
    waves = (height_of / orders * np.sin(orders * x / 34.0 + phase)).sum(axis=0)
    ridge = ground_y - height * (0.55 + 0.35 * waves)
    canvas.polygon([(_LEFT, ground_y), *zip(x, ridge, strict=True), (_RIGHT, ground_y)], colour)


def _houses(rng: np.random.Generator, canvas: Canvas, ground_y: float, night: bool) -> None:
    x = float(rng.uniform(_LEFT, 40.0))
    for _ in range(int(rng.integers(2, 7))):
        width, height = float(rng.uniform(8, 18)), float(rng.uniform(9, 26))
        wall = lighter(pick_colour(rng, _WALLS), -0.72 if night else -0.18)
        top = ground_y - height
        canvas.box(x, top, x + width, ground_y, wall)
        roof = lighter(pick_colour(rng, WOODS), -0.5 if night else 0.0)
        canvas.polygon(((x - 1.0, top), (x + width / 2, top - 5.0), (x + width + 1.0, top)), roof)
        pane: Colour = (244, 206, 120) if night else lighter(wall, -0.4)
        for column in np.arange(x + 2.0, x + width - 3.0, 4.5):
            for line in np.arange(top + 2.5, ground_y - 5.0, 6.0):
                if rng.random() < (0.5 if night else 0.9):
                    canvas.box(column, line, column + 2.0, line + 3.0, pane)
        x += width + float(rng.uniform(0.0, 12.0))


def _tree(rng: np.random.Generator, canvas: Canvas, x: float, ground_y: float, colour: Colour) -> None:
    height = float(rng.uniform(9.0, 24.0))
    canvas.line((x, ground_y), (x, ground_y - 0.5 * height), 1.2, lighter(colour, -0.35))
    if rng.random() < 0.5:
        foot, half = ground_y - 0.2 * height, 0.24 * height
        canvas.polygon(((x - half, foot), (x, ground_y - height), (x + half, foot)), colour)
        return
    for _ in range(5):
        dx, dy = rng.normal(0.0, 0.13, 2) * height
        canvas.disc(
            x + dx, ground_y - 0.68 * height + dy, 0.2 * height, lighter(colour, float(rng.uniform(-0.1, 0.15)))
        )


def _room(rng: np.random.Generator, canvas: Canvas, ground_y: float) -> None:
    wall, floor = pick_colour(rng, _WALLS), pick_colour(rng, WOODS)
    floor_y = ground_y - float(rng.uniform(4.0, 10.0))
    _gradient(canvas, _TOP, floor_y, lighter(wall, 0.08), lighter(wall, -0.14))
    if rng.random() < 0.4:
        for x in np.arange(_LEFT, _RIGHT, float(rng.uniform(7.0, 16.0))):
            canvas.line((x, _TOP), (x, floor_y), 0.6, lighter(wall, -0.1))
    if rng.random() < 0.6:
        left, top = float(rng.uniform(2, 90)), float(rng.uniform(6, 22))
        width, height = float(rng.uniform(18, 32)), float(rng.uniform(16, 28))
        if rng.random() < 0.5:
            canvas.box(left, top, left + width, top + height, (236, 232, 224))
            canvas.box(left + 1.5, top + 1.5, left + width - 1.5, top + height - 1.5, (168, 204, 226))
            canvas.box(left + width / 2 - 0.7, top, left + width / 2 + 0.7, top + height, (236, 232, 224))
        else:
            canvas.box(left, top, left + width, top + height, lighter(pick_colour(rng, WOODS), -0.2))
            canvas.box(left + 2, top + 2, left + width - 2, top + height - 2, lighter(pick_colour(rng, PAINTS), 0.35))
            canvas.disc(left + 0.4 * width, top + 0.5 * height, 0.2 * height, pick_colour(rng, PAINTS))
    _gradient(canvas, floor_y, _BOTTOM, lighter(floor, 0.16), lighter(floor, -0.18))
    canvas.box(_LEFT, floor_y - 2.0, _RIGHT, floor_y, lighter(wall, 0.4))
    if rng.random() < 0.5:
        for x in np.arange(-60.0, 190.0, 14.0):
            middle = WIDTH_PX / 2
            foot = middle + 1.6 * (x - middle)
            canvas.line((x, floor_y), (foot, _BOTTOM), 0.6, lighter(floor, -0.18))
    _grain(rng, canvas, float(rng.uniform(1.0, 3.0)))


@dataclass(frozen=True, slots=True)
class Camera:
    """How one clip was filmed.

    Attributes:
        offset_px: (frames, 2) where the camera points, in pixels of the frame.
        turn: (frames,) how it is held, in radians.
        exposure: (frames, 3) factors on red, green and blue.
        noise: Of the sensor, standard deviation in grey levels.
        blur_px: Of the lens, standard deviation in pixels; 0 is sharp.
        mirrored: Whether left and right are swapped.
    """

    offset_px: NDArray[np.float64]
    turn: NDArray[np.float64]
    exposure: NDArray[np.float64]
    noise: float
    blur_px: float
    mirrored: bool

    def film(self, rng: np.random.Generator, canvas: Canvas, frame: int) -> Picture:
        """One frame, (96, 128, 3)."""
        cosine, sine = np.cos(self.turn[frame]), np.sin(self.turn[frame])
        turned = np.array(((cosine, -sine), (sine, cosine)))
        middle = np.array((WIDTH_PX / 2, HEIGHT_PX / 2))
        seen = middle + MARGIN_PX + self.offset_px[frame]
        shift = FINENESS * (seen - turned @ middle)
        matrix = np.concatenate((turned, shift[:, None]), axis=1)
        size = (WIDTH_PX * FINENESS, HEIGHT_PX * FINENESS)
        view = cv2.warpAffine(canvas.pixels, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        small = cv2.resize(view, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
        if self.blur_px > 0.2:
            small = cv2.GaussianBlur(small, (0, 0), self.blur_px)
        grainy = small * self.exposure[frame].astype(np.float32)
        grainy += rng.standard_normal(small.shape, dtype=np.float32) * np.float32(self.noise)
        picture = np.clip(np.rint(grainy), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(picture[:, ::-1]) if self.mirrored else picture


def draw_camera(rng: np.random.Generator) -> Camera:
    """A steady or a shaking hand, good or bad light, a good or a cheap camera."""
    shake = float(rng.choice((0.0, 0.5, 1.2, 2.2), p=(0.2, 0.3, 0.3, 0.2)))
    walk = np.cumsum(rng.normal(0.0, 1.0, (FRAMES, 3)), axis=0)
    walk = (walk - walk.mean(axis=0)) / max(float(walk.std()), 1e-6) + rng.normal(0.0, 0.35, (FRAMES, 3))
    seconds = np.arange(FRAMES) / FRAMES_PER_SECOND
    flicker = float(rng.choice((0.0, 0.05))) * np.sin(2 * np.pi * float(rng.uniform(0.2, 1.5)) * seconds)
    colour = np.exp(rng.normal(0.0, 0.12) + rng.normal(0.0, 0.05, 3))
    return Camera(
        offset_px=np.clip(shake * walk[:, :2], -0.6 * MARGIN_PX, 0.6 * MARGIN_PX),
        turn=np.clip(0.004 * shake * walk[:, 2] + rng.normal(0.0, 0.012), -0.05, 0.05),
        exposure=colour[None, :] * (1.0 + flicker[:, None]),
        noise=float(rng.uniform(1.0, 6.0)),
        blur_px=float(rng.choice((0.0, 0.5, 0.8))),
        mirrored=bool(rng.random() < 0.5),
    )
