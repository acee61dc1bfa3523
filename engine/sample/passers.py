"""What passes through the scenes of the video sample and means nothing: balloons, carts, birds, clouds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from bandbridge.engine.sample.canvas import WIDTH_PX, Canvas, Colour, lighter
from bandbridge.engine.sample.things import PAINTS, pick_colour

Passer = Callable[[Canvas, float], None]
"""Draws the moment, in seconds, on a canvas."""


def draw_passers(rng: np.random.Generator, ground_y: float, indoors: bool) -> tuple[Passer, ...]:
    """None, one or two that pass behind the act.

    Args:
        rng: Source of randomness.
        ground_y: Where the ground is, in pixels from the top of the frame.
        indoors: Whether there is no sky.
    """
    kinds = (_balloon, _cart) if indoors else (_balloon, _cart, _birds, _cloud)
    count = int(rng.choice((0, 1, 2), p=(0.3, 0.45, 0.25)))
    return tuple(kinds[kind](rng, ground_y) for kind in rng.permutation(len(kinds))[:count])


def _crossing(rng: np.random.Generator, slowest: float, fastest: float) -> tuple[float, float]:
    """Where something is in the middle of the clip, and how many pixels it goes in a second."""
    speed = float(rng.uniform(slowest, fastest)) * float(rng.choice((-1.0, 1.0)))
    return float(rng.uniform(12.0, WIDTH_PX - 12.0)) - 1.5 * speed, speed


def _cloud(rng: np.random.Generator, ground_y: float) -> Passer:
    x, speed = _crossing(rng, 3.0, 16.0)
    y, strength = float(rng.uniform(4.0, 0.5 * ground_y)), float(rng.uniform(0.25, 0.5))

    def draw(canvas: Canvas, second: float) -> None:
        for aside, down, size in ((-11.0, 2.0, 0.6), (0.0, 0.0, 1.0), (12.0, 1.5, 0.7)):
            canvas.veil(x + speed * second + aside, y + down, 19.0 * size, 9.0 * size, (236, 238, 240), strength)

    return draw


def _balloon(rng: np.random.Generator, ground_y: float) -> Passer:
    x, speed = _crossing(rng, 2.0, 12.0)
    y, rise = float(rng.uniform(14.0, 0.7 * ground_y)), float(rng.uniform(-9.0, 9.0))
    paint, radius = pick_colour(rng, PAINTS), float(rng.uniform(3.5, 6.0))
    pace, phase = float(rng.uniform(1.5, 4.0)), float(rng.uniform(0.0, 6.3))

    def draw(canvas: Canvas, second: float) -> None:
        across = x + speed * second + 2.0 * np.sin(pace * second + phase)
        down = y + rise * (second - 1.5)
        canvas.line((across, down), (across - 0.15 * speed, down + 2.6 * radius), 0.5, lighter(paint, -0.45))
        canvas.ball(across, down, radius, paint)

    return draw


def _cart(rng: np.random.Generator, ground_y: float) -> Passer:
    x, speed = _crossing(rng, 8.0, 34.0)
    floor = ground_y - float(rng.uniform(1.0, 5.0))
    paint, long = pick_colour(rng, PAINTS), float(rng.uniform(14.0, 22.0))
    dark: Colour = (44, 42, 46)

    def draw(canvas: Canvas, second: float) -> None:
        left = x + speed * second - long / 2
        canvas.shadow(left + long / 2, floor, 0.6 * long)
        canvas.box(left, floor - 8.0, left + long, floor - 2.5, paint)
        canvas.box(left + 0.2 * long, floor - 12.0, left + 0.8 * long, floor - 8.0, lighter(paint, 0.3))
        for wheel in (0.22, 0.78):
            middle = left + wheel * long
            turn = (left + wheel * long) / 2.6
            canvas.disc(middle, floor - 2.2, 2.6, dark)
            spoke = 2.0 * np.array((np.cos(turn), np.sin(turn)))
            canvas.line((middle - spoke[0], floor - 2.2 - spoke[1]), (middle + spoke[0], floor - 2.2 + spoke[1]),
                        0.7, lighter(dark, 0.5))  # fmt: skip

    return draw


def _birds(rng: np.random.Generator, ground_y: float) -> Passer:
    x, speed = _crossing(rng, 10.0, 30.0)
    y, colour = float(rng.uniform(6.0, 0.5 * ground_y)), lighter((40, 42, 52), float(rng.uniform(0.0, 0.4)))
    flock = rng.normal(0.0, 1.0, (int(rng.integers(2, 6)), 2)) * (14.0, 5.0)
    pace, phase = float(rng.uniform(6.0, 11.0)), rng.uniform(0.0, 6.3, len(flock))

    def draw(canvas: Canvas, second: float) -> None:
        for (aside, down), own in zip(flock, phase, strict=True):
            flap = 1.6 * float(np.sin(pace * second + own))
            middle = x + speed * second + aside, y + down
            for side in (-3.2, 3.2):
                canvas.line(middle, (middle[0] + side, middle[1] - 0.8 - flap), 0.6, colour)

    return draw
