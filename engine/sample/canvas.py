"""A picture to draw moving things on: sub-pixel positions, soft edges, round shading and soft shadows.

Places and lengths are in pixels of the finished frame, x to the right and y down from its top left corner. The canvas
itself is twice as fine and reaches `MARGIN_PX` beyond the frame on every side, so that a shaking camera sees no border.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH_PX = 128
HEIGHT_PX = 96
MARGIN_PX = 8
FINENESS = 2

Colour = tuple[float, float, float]
"""Red, green, blue, 0..255."""

Picture = NDArray[np.uint8]
"""(H, W, 3), red first."""

Place = Sequence[float] | NDArray[np.floating]
"""(x, y)."""

_SHIFT = 4  # OpenCV takes positions in sixteenths of a pixel


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two: `share` 0 is the first, 1 the second."""
    red, green, blue = ((1.0 - share) * a + share * b for a, b in zip(first, second, strict=True))
    return red, green, blue


def lighter(colour: Colour, share: float) -> Colour:
    """A colour moved towards white, or towards black where `share` (-1..1) is negative."""
    return mixed(colour, (255.0, 255.0, 255.0) if share > 0 else (0.0, 0.0, 0.0), abs(share))


class Canvas:
    """Draws on `pixels`, (2 (96 + 16), 2 (128 + 16), 3) uint8, in place."""

    def __init__(self, pixels: Picture) -> None:
        self.pixels = pixels

    @staticmethod
    def blank(colour: Colour = (0.0, 0.0, 0.0)) -> Canvas:
        """A canvas of one colour."""
        height, width = ((side + 2 * MARGIN_PX) * FINENESS for side in (HEIGHT_PX, WIDTH_PX))
        return Canvas(np.full((height, width, 3), colour, np.uint8))

    def copy(self) -> Canvas:
        """The same picture, to be drawn on further."""
        return Canvas(self.pixels.copy())

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle."""
        cv2.circle(self.pixels, self._place(x, y), self._length(radius), colour, -1, cv2.LINE_AA, _SHIFT)

    def ball(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A disc shaded as a ball lit from the upper left."""
        for step in range(6):
            share = step / 5.0
            shade = lighter(colour, -0.38 + 0.62 * share)
            self.disc(x - 0.30 * share * radius, y - 0.34 * share * radius, radius * (1.0 - 0.82 * share), shade)

    def ring(self, x: float, y: float, radius: float, thickness: float, colour: Colour) -> None:
        """A circle's outline."""
        width = max(round(thickness * FINENESS), 1)
        cv2.circle(self.pixels, self._place(x, y), self._length(radius), colour, width, cv2.LINE_AA, _SHIFT)

    def line(self, start: Place, end: Place, thickness: float, colour: Colour) -> None:
        """A straight stroke with round ends."""
        width = max(round(thickness * FINENESS), 1)
        places = self._place(start[0], start[1]), self._place(end[0], end[1])
        cv2.line(self.pixels, *places, colour, width, cv2.LINE_AA, _SHIFT)

    def polygon(self, corners: Sequence[Place], colour: Colour) -> None:
        """A filled polygon, corners as (x, y)."""
        places = np.array([self._place(x, y) for x, y in corners], np.int32)
        cv2.fillPoly(self.pixels, [places], colour, cv2.LINE_AA, _SHIFT)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled upright rectangle."""
        self.polygon(((left, top), (right, top), (right, bottom), (left, bottom)), colour)

    def veil(self, x: float, y: float, radius_x: float, radius_y: float, colour: Colour, strength: float) -> None:
        """Blend a soft ellipse over the picture: a shadow, a glow, a cloud. `strength` is 0..1 in its middle."""
        middle_x, middle_y = (x + MARGIN_PX) * FINENESS, (y + MARGIN_PX) * FINENESS
        reach_x, reach_y = radius_x * FINENESS, radius_y * FINENESS
        height, width = self.pixels.shape[:2]
        left, right = max(int(middle_x - reach_x), 0), min(int(middle_x + reach_x) + 2, width)
        top, bottom = max(int(middle_y - reach_y), 0), min(int(middle_y + reach_y) + 2, height)
        if left >= right or top >= bottom:
            return
        across = ((np.arange(left, right, dtype=np.float32) - middle_x) / reach_x) ** 2
        down = ((np.arange(top, bottom, dtype=np.float32) - middle_y) / reach_y) ** 2
        cover = np.clip(1.0 - across[None, :] - down[:, None], 0.0, 1.0)[..., None] * np.float32(strength)
        part = self.pixels[top:bottom, left:right]
        part[...] = np.rint(part + cover * (np.array(colour, np.float32) - part)).astype(np.uint8)

    def shadow(self, x: float, ground_y: float, radius: float, strength: float = 0.45) -> None:
        """What a thing standing or hovering over the ground darkens."""
        self.veil(x, ground_y + 0.5, 1.25 * radius, 0.34 * radius + 1.0, (0.0, 0.0, 0.0), strength)

    @staticmethod
    def _place(x: float, y: float) -> tuple[int, int]:
        scale = FINENESS * (1 << _SHIFT)
        return round((x + MARGIN_PX) * scale), round((y + MARGIN_PX) * scale)

    @staticmethod
    def _length(length: float) -> int:
        return max(round(length * FINENESS * (1 << _SHIFT)), 1)
