"""What moves in the clips of the sample: balls, hanging weights, rotors, people, streaks in the air.

Every look serves two classes (a ball bounces or rolls, a rotor turns or ticks on notch by notch), and still copies of
all of them stand about in other scenes: what is seen in one frame does not tell the class, how it moves does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from bandbridge.engine.sample.canvas import Canvas, Colour, lighter
from numpy.typing import NDArray

PAINTS: tuple[Colour, ...] = (
    (214, 72, 62),
    (232, 140, 52),
    (238, 196, 72),
    (98, 168, 92),
    (62, 150, 168),
    (70, 110, 190),
    (142, 96, 176),
    (216, 120, 150),
    (236, 232, 222),
    (120, 84, 62),
)
"""Colours things are painted in."""

WOODS: tuple[Colour, ...] = ((132, 96, 66), (104, 78, 60), (164, 124, 84), (92, 92, 100), (70, 66, 74))


def pick_colour(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    """One of several colours, a little different every time."""
    red, green, blue = np.clip(np.array(colours[rng.integers(len(colours))]) + rng.normal(0.0, 9.0, 3), 0, 255)
    return float(red), float(green), float(blue)


@dataclass(frozen=True, slots=True)
class Ball:
    """A ball with a pattern that shows how it turns."""

    radius: float
    paint: Colour
    stripe: Colour
    stripes: int

    def draw(self, canvas: Canvas, x: float, y: float, turn: float, ground_y: float, squash: float = 0.0) -> None:
        """Draw it with its middle at (x, y), turned by `turn` radians, flattened at its foot by a share `squash`."""
        height = max(ground_y - y - self.radius, 0.0)
        canvas.shadow(x, ground_y, self.radius * (1.0 + height / 90.0), 0.5 / (1.0 + height / 18.0))
        middle = y + squash * self.radius
        radius = self.radius * (1.0 - 0.35 * squash)
        canvas.ball(x, middle, radius, self.paint)
        for number in range(self.stripes):
            angle = turn + np.pi * number / self.stripes
            way = np.array((np.cos(angle), np.sin(angle))) * radius * 0.86
            canvas.line((x - way[0], middle - way[1]), (x + way[0], middle + way[1]), 0.16 * self.radius, self.stripe)


def draw_ball(rng: np.random.Generator, size: float) -> Ball:
    """A ball of random looks; `size` is about 1."""
    paint = pick_colour(rng, PAINTS)
    stripe = lighter(paint, float(rng.choice((-0.55, 0.65))))
    return Ball(float(rng.uniform(6.0, 10.0)) * size, paint, stripe, int(rng.integers(1, 4)))


@dataclass(frozen=True, slots=True)
class Hanger:
    """A weight on an elastic cord under a bracket."""

    x: float
    y: float
    cord: float
    radius: float
    paint: Colour
    wood: Colour
    round_weight: bool

    def draw(self, canvas: Canvas, angle: float, stretch: float) -> None:
        """Draw it with the cord at `angle` (radians from straight down, to the right) and `stretch` px longer."""
        length = self.cord + stretch
        foot = self.x + length * np.sin(angle), self.y + length * np.cos(angle)
        canvas.box(self.x - 9.0, self.y - 4.0, self.x + 9.0, self.y, self.wood)
        canvas.box(self.x - 1.5, -20.0, self.x + 1.5, self.y - 4.0, lighter(self.wood, -0.2))
        along = np.array((np.sin(angle), np.cos(angle)))
        across = np.array((along[1], -along[0]))
        # The cord is wound, and its windings lie apart as it stretches.
        steps = np.linspace(0.0, 1.0, 19)
        side = 1.4 * np.where(np.arange(19) % 2, 1.0, -1.0) * ((steps > 0.02) & (steps < 0.98))
        knots = np.array((self.x, self.y)) + steps[:, None] * length * along + side[:, None] * across
        for start, end in pairwise(knots):
            canvas.line(start, end, 0.5, lighter(self.wood, 0.25))
        if self.round_weight:
            canvas.ball(foot[0], foot[1], self.radius, self.paint)
        else:
            corners = [(-0.7, -0.8), (0.7, -0.8), (1.0, 0.9), (-1.0, 0.9)]
            places = [np.array(foot) + self.radius * (u * across + v * along) for u, v in corners]
            canvas.polygon(places, self.paint)
            canvas.line(places[3], places[0], 0.12 * self.radius, lighter(self.paint, 0.45))


def draw_hanger(rng: np.random.Generator, size: float, x: float) -> Hanger:
    """A hanging weight of random looks, with its bracket at `x`."""
    return Hanger(
        x=x,
        y=float(rng.uniform(4.0, 16.0)),
        cord=float(rng.uniform(32.0, 46.0)) * min(size, 1.1),
        radius=float(rng.uniform(5.5, 9.0)) * size,
        paint=pick_colour(rng, PAINTS),
        wood=pick_colour(rng, WOODS),
        round_weight=bool(rng.random() < 0.6),
    )


@dataclass(frozen=True, slots=True)
class Rotor:
    """A wheel on a post with arms: a windmill, a fan, a cog, whatever turns."""

    x: float
    y: float
    radius: float
    arms: int
    kind: str
    paint: Colour
    wood: Colour
    rim: bool

    def draw(self, canvas: Canvas, turn: float, ground_y: float) -> None:
        """Draw it turned by `turn` radians."""
        half = 0.10 * self.radius + 1.0
        canvas.shadow(self.x, ground_y, 0.5 * self.radius, 0.4)
        post = ((self.x - half, self.y), (self.x + half, self.y), (self.x + 2 * half, ground_y))
        canvas.polygon((*post, (self.x - 2 * half, ground_y)), self.wood)
        if self.rim:
            canvas.ring(self.x, self.y, self.radius, 0.11 * self.radius, lighter(self.paint, -0.25))
        middle = np.array((self.x, self.y))
        for number in range(self.arms):
            angle = turn + 2 * np.pi * number / self.arms
            along = self.radius * np.array((np.cos(angle), np.sin(angle)))
            across = 0.2 * np.array((-along[1], along[0]))
            if self.kind == "sail":
                canvas.polygon((middle + 0.15 * along, middle + along, middle + 0.95 * along + across,
                                middle + 0.2 * along + across), self.paint)  # fmt: skip
                canvas.line(middle, middle + along, 0.05 * self.radius, lighter(self.wood, -0.3))
            elif self.kind == "leaf":
                canvas.polygon((middle, middle + 0.6 * along + across, middle + along,
                                middle + 0.6 * along - 0.6 * across), self.paint)  # fmt: skip
            else:
                canvas.line(middle, middle + 0.9 * along, 0.10 * self.radius, self.paint)
                knob = middle + 0.92 * along
                canvas.disc(knob[0], knob[1], 0.16 * self.radius, lighter(self.paint, 0.25))
        canvas.ball(self.x, self.y, 0.17 * self.radius, lighter(self.wood, 0.2))


def draw_rotor(rng: np.random.Generator, size: float, x: float, ground_y: float) -> Rotor:
    """A rotor of random looks, its post at `x`."""
    radius = float(rng.uniform(19.0, 27.0)) * size
    return Rotor(
        x=x,
        y=max(ground_y - radius * float(rng.uniform(1.15, 1.6)), radius * 0.75),
        radius=radius,
        arms=int(rng.integers(3, 6)),
        kind=("sail", "leaf", "knob")[rng.integers(3)],
        paint=pick_colour(rng, PAINTS),
        wood=pick_colour(rng, WOODS),
        rim=bool(rng.random() < 0.4),
    )


@dataclass(frozen=True, slots=True)
class Posture:
    """How a person stands, angles in radians from straight down, positive forward.

    Attributes:
        hips: Height of the hips above where they are when standing, in shares of a leg.
        lean: Of the trunk, from upright.
        legs: Left and right thigh.
        knees: How far left and right knee are bent back.
        arms: Left and right arm; the right hand holds the hammer.
        hammer: Direction of the hammer's handle.
    """

    hips: float
    lean: float
    legs: tuple[float, float]
    knees: tuple[float, float]
    arms: tuple[float, float]
    hammer: float


STANDING = Posture(0.0, 0.02, (0.10, -0.10), (0.0, 0.05), (0.08, -0.05), 0.5)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a hammer in hand."""

    height: float
    shirt: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    facing: float
    """1 to the right, -1 to the left."""

    def draw(self, canvas: Canvas, x: float, ground_y: float, posture: Posture) -> None:
        """Draw them with the hips over `x`."""
        leg, trunk, arm, head = (self.height * share for share in (0.46, 0.34, 0.36, 0.095))
        thick = 0.085 * self.height
        canvas.shadow(x, ground_y, 0.28 * self.height)
        hips = np.array((x, ground_y - leg * (1.0 + posture.hips)))
        neck = hips + trunk * self._way(np.pi - posture.lean)
        self._arm(canvas, neck, arm, posture.arms[0], lighter(self.shirt, -0.25))
        for thigh, knee, shade in zip(posture.legs, posture.knees, (-0.3, 0.0), strict=True):
            middle = hips + leg / 2 * self._way(thigh)
            foot = middle + leg / 2 * self._way(thigh - knee)
            colour = lighter(self.trousers, shade)
            canvas.line(hips, middle, thick, colour)
            canvas.line(middle, foot, 0.85 * thick, colour)
            canvas.line(foot, foot + 0.08 * self.height * np.array((self.facing, 0.0)), 0.7 * thick, (40, 36, 36))
        canvas.line(hips, neck, 1.75 * thick, self.shirt)
        skull = neck + 1.25 * head * self._way(np.pi - posture.lean)
        canvas.ball(skull[0], skull[1], head, self.skin)
        canvas.disc(skull[0] - 0.25 * self.facing * head, skull[1] - 0.4 * head, 0.78 * head, self.hair)
        canvas.disc(skull[0] + 0.25 * self.facing * head, skull[1] + 0.18 * head, 0.62 * head, self.skin)
        hand = self._arm(canvas, neck, arm, posture.arms[1], self.shirt)
        tip = hand + 0.30 * self.height * self._way(posture.hammer)
        canvas.line(hand, tip, 0.04 * self.height, (128, 92, 60))
        side = 0.075 * self.height * self._way(posture.hammer + np.pi / 2)
        canvas.line(tip - side, tip + side, 0.075 * self.height, (84, 88, 96))

    def _arm(
        self, canvas: Canvas, neck: NDArray[np.float64], length: float, angle: float, sleeve: Colour
    ) -> NDArray[np.float64]:
        shoulder = neck + np.array((0.0, 0.05 * self.height))
        hand = shoulder + length * self._way(angle)
        canvas.line(shoulder, shoulder + 0.6 * (hand - shoulder), 0.07 * self.height, sleeve)
        canvas.line(shoulder + 0.6 * (hand - shoulder), hand, 0.055 * self.height, self.skin)
        return np.asarray(hand)

    def _way(self, angle: float) -> NDArray[np.float64]:
        """Unit vector at an angle from straight down, positive forward."""
        return np.array((self.facing * np.sin(angle), np.cos(angle)))


def draw_person(rng: np.random.Generator, size: float) -> Person:
    """Somebody of random looks."""
    return Person(
        height=float(rng.uniform(42.0, 54.0)) * size,
        shirt=pick_colour(rng, PAINTS),
        trousers=pick_colour(rng, ((58, 66, 92), (84, 74, 66), (66, 84, 74), (46, 46, 52), (120, 104, 86))),
        skin=pick_colour(rng, ((236, 196, 164), (206, 156, 118), (150, 104, 76), (104, 72, 54))),
        hair=pick_colour(rng, ((52, 40, 34), (112, 78, 48), (196, 160, 92), (150, 150, 150))),
        facing=float(rng.choice((-1.0, 1.0))),
    )


@dataclass(frozen=True, slots=True)
class Block:
    """A block of wood, stone or iron on the ground."""

    x: float
    width: float
    height: float
    paint: Colour

    def draw(self, canvas: Canvas, ground_y: float) -> None:
        """Draw it standing on the ground."""
        left, right, top = self.x - self.width / 2, self.x + self.width / 2, ground_y - self.height
        canvas.shadow(self.x, ground_y, 0.6 * self.width)
        canvas.box(left, top, right, ground_y, self.paint)
        canvas.box(left - 1.0, top, right + 1.0, top + 0.25 * self.height, lighter(self.paint, 0.25))


def draw_block(rng: np.random.Generator, size: float, x: float) -> Block:
    """A block of random looks."""
    width, height = (float(rng.uniform(*span)) * size for span in ((12.0, 18.0), (9.0, 15.0)))
    return Block(x, width, height, pick_colour(rng, WOODS))


def streak(canvas: Canvas, x: float, y: float, way: tuple[float, float], colour: Colour, glow: float) -> None:
    """A short bright stroke in the air from (x, y) along `way`, with a glow 0..1 about it."""
    if glow > 0.05:
        canvas.veil(x, y, 3.6, 3.6, colour, 0.55 * glow)
    canvas.line((x - way[0] / 2, y - way[1] / 2), (x + way[0] / 2, y + way[1] / 2), 0.8, colour)


def still_things() -> tuple[Callable[[np.random.Generator, Canvas, float, float], None], ...]:
    """Ways to put a still copy of a thing into a scene: (rng, canvas, x, ground_y)."""
    return (_still_ball, _still_hanger, _still_rotor, _still_person, _still_block)


def _still_ball(rng: np.random.Generator, canvas: Canvas, x: float, ground_y: float) -> None:
    ball = draw_ball(rng, 0.75)
    lift = float(rng.choice((0.0, 12.0, 24.0)))
    if lift:
        Block(x, 15.0, lift, pick_colour(rng, WOODS)).draw(canvas, ground_y)
    ball.draw(canvas, x, ground_y - lift - ball.radius, float(rng.uniform(0, 6)), ground_y - lift)


def _still_hanger(rng: np.random.Generator, canvas: Canvas, x: float, ground_y: float) -> None:
    draw_hanger(rng, 0.75, x).draw(canvas, float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-6.0, 6.0)))


def _still_rotor(rng: np.random.Generator, canvas: Canvas, x: float, ground_y: float) -> None:
    draw_rotor(rng, 0.62, x, ground_y).draw(canvas, float(rng.uniform(0, 6)), ground_y)


def _still_person(rng: np.random.Generator, canvas: Canvas, x: float, ground_y: float) -> None:
    draw_person(rng, 0.8).draw(canvas, x, ground_y, STANDING)


def _still_block(rng: np.random.Generator, canvas: Canvas, x: float, ground_y: float) -> None:
    draw_block(rng, 0.8, x).draw(canvas, ground_y)
