"""The ten classes of the video sample: what moves how, and the moments at which it sounds.

They come in twos that look alike and move differently: a ball bounces or rolls, a weight swings or bobs, a rotor turns
or ticks on notch by notch, a person walks or hammers, streaks fall or rise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from bandbridge.engine.sample.canvas import WIDTH_PX, Canvas, Colour
from bandbridge.engine.sample.stage import SECONDS, Stage
from bandbridge.engine.sample.things import (
    WOODS,
    Block,
    Posture,
    draw_ball,
    draw_block,
    draw_hanger,
    draw_person,
    draw_rotor,
    pick_colour,
    streak,
)
from numpy.typing import NDArray

Seconds = NDArray[np.float64]
"""(N,) moments from the beginning of the clip."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A moment at which something knocks, ticks or pops; `strength` is 0..1."""

    second: float
    strength: float


@dataclass(frozen=True, slots=True)
class Act:
    """Something going on for three seconds.

    Attributes:
        draw: Draws the moment, in seconds, on a canvas.
        hits: When it knocks, in order.
        drive: What goes on all the time, at the moments asked for: how many arms of a rotor pass in a second, the
            stretch of a spring in -1..1, the density of rain in 0..1, the speed of a ball, 1 being fast.
    """

    draw: Callable[[Canvas, float], None]
    hits: tuple[Hit, ...]
    drive: Callable[[Seconds], Seconds]


ActMaker = Callable[[np.random.Generator, Stage], Act]


def _steady(seconds: Seconds) -> Seconds:
    return np.ones_like(seconds)


def _within(hits: list[Hit]) -> tuple[Hit, ...]:
    """Those that begin in the clip."""
    return tuple(hit for hit in hits if 0.0 <= hit.second < SECONDS - 0.02)


def _bench(rng: np.random.Generator, stage: Stage) -> tuple[Block | None, float]:
    """A bench for a ball to move on, or None for the ground; and the height it moves at."""
    if rng.random() < 0.5:
        return None, stage.ground_y
    height = float(rng.uniform(8.0, 26.0))
    return Block(
        WIDTH_PX / 2, float(rng.uniform(96.0, 124.0)), height, pick_colour(rng, WOODS)
    ), stage.ground_y - height


def bounce(rng: np.random.Generator, stage: Stage) -> Act:
    """A ball jumps up and down, every jump a little different, and thuds when it comes down."""
    ball = draw_ball(rng, stage.size)
    bench, floor = _bench(rng, stage)
    period = float(rng.uniform(0.5, 1.0))
    beats = [-float(rng.uniform(0.0, period))]
    while beats[-1] < SECONDS:
        beats.append(beats[-1] + period * float(rng.uniform(0.85, 1.15)))
    landings = np.array(beats)
    rise = float(rng.uniform(18.0, 40.0))
    drift, spin = float(rng.uniform(-9.0, 9.0)), float(rng.uniform(-3.0, 3.0))

    def draw(canvas: Canvas, second: float) -> None:
        jump = int(np.searchsorted(landings, second, side="right")) - 1
        length = landings[jump + 1] - landings[jump]
        share = (second - landings[jump]) / length
        height = rise * (length / period) ** 2 * 4.0 * share * (1.0 - share)
        squash = max(0.0, 1.0 - min(share, 1.0 - share) * length / 0.05)
        if bench is not None:
            bench.draw(canvas, stage.ground_y)
        x = stage.main_x + drift * (second - SECONDS / 2)
        ball.draw(canvas, x, floor - ball.radius - height, spin * second, floor, squash)

    loud = [Hit(float(second), float(0.7 + 0.3 * rng.random())) for second in landings]
    return Act(draw, _within(loud), _steady)


def roll(rng: np.random.Generator, stage: Stage) -> Act:
    """A ball rolls along, to and fro or straight on, rumbles, and bumps over joints in the floor."""
    ball = draw_ball(rng, stage.size)
    bench, floor = _bench(rng, stage)
    if rng.random() < 0.5:
        reach, pace = float(rng.uniform(20.0, 34.0)), 2 * np.pi / float(rng.uniform(2.4, 4.0))
        phase = float(rng.uniform(0.0, 6.3))

        def place(seconds: Seconds) -> Seconds:
            return stage.main_x + reach * np.sin(pace * seconds + phase)
    else:
        speed = float(rng.uniform(18.0, 32.0)) * float(rng.choice((-1.0, 1.0)))

        def place(seconds: Seconds) -> Seconds:
            return stage.main_x + speed * (seconds - SECONDS / 2)

    def draw(canvas: Canvas, second: float) -> None:
        if bench is not None:
            bench.draw(canvas, stage.ground_y)
        x = float(place(np.array((second,)))[0])
        ball.draw(canvas, x, floor - ball.radius, x / ball.radius, floor)

    times = np.arange(0.0, SECONDS, 0.005)
    joint, start = float(rng.uniform(9.0, 16.0)), float(rng.uniform(0.0, 9.0))
    crossed = np.flatnonzero(np.diff(np.floor((place(times) + start) / joint)))
    bumps = [Hit(float(times[one]), float(rng.uniform(0.3, 0.7))) for one in crossed]

    def drive(seconds: Seconds) -> Seconds:
        return np.abs(np.gradient(place(seconds), seconds)) / 32.0

    return Act(draw, _within(bumps), drive)


def swing(rng: np.random.Generator, stage: Stage) -> Act:
    """A weight swings from side to side and ticks at both ends."""
    hanger = draw_hanger(rng, stage.size, stage.main_x)
    period, reach = float(rng.uniform(1.0, 1.8)), float(rng.uniform(0.35, 0.8))
    phase = float(rng.uniform(0.0, 1.0))

    def draw(canvas: Canvas, second: float) -> None:
        hanger.draw(canvas, reach * float(np.cos(2 * np.pi * (second / period + phase))), 0.0)

    ends = np.arange(-4, 2 * SECONDS / period + 4) * period / 2 - phase * period
    ticks = [Hit(float(second), 0.9 if number % 2 else 0.65) for number, second in enumerate(ends)]
    return Act(draw, _within(ticks), _steady)


def bob(rng: np.random.Generator, stage: Stage) -> Act:
    """A weight bobs on its spring, aslant and swaying slowly, and the spring sings higher the longer it is."""
    hanger = draw_hanger(rng, stage.size, stage.main_x)
    period, reach = float(rng.uniform(0.5, 1.0)), float(rng.uniform(8.0, 14.0))
    phase = float(rng.uniform(0.0, 6.3))
    slant, sway, slow = float(rng.uniform(-0.5, 0.5)), float(rng.uniform(0.0, 0.1)), float(rng.uniform(2.0, 4.0))

    def stretch(seconds: Seconds) -> Seconds:
        return np.sin(2 * np.pi * seconds / period + phase)

    def draw(canvas: Canvas, second: float) -> None:
        angle = slant + sway * float(np.sin(2 * np.pi * second / slow))
        hanger.draw(canvas, angle, reach * float(stretch(np.array((second,)))[0]))

    return Act(draw, (), stretch)


def turn(rng: np.random.Generator, stage: Stage) -> Act:
    """A rotor turns evenly, now faster, now slower, and hums with its speed."""
    rotor = draw_rotor(rng, stage.size, stage.main_x, stage.ground_y)
    # At most about 2.4 arms pass a second: slower pictures than ours still show which way it goes.
    speed = float(rng.uniform(0.8, 2.4)) / rotor.arms
    swing_by, period = float(rng.uniform(0.0, 0.35)), float(rng.uniform(1.5, 3.5))
    phase, way = float(rng.uniform(0.0, 6.3)), float(rng.choice((-1.0, 1.0)))

    def angle(second: float) -> float:
        wave = swing_by * period / (2 * np.pi) * np.cos(2 * np.pi * second / period + phase)
        return float(way * 2 * np.pi * speed * (second - wave) + phase)

    def draw(canvas: Canvas, second: float) -> None:
        rotor.draw(canvas, angle(second), stage.ground_y)

    def drive(seconds: Seconds) -> Seconds:
        return rotor.arms * speed * (1.0 + swing_by * np.sin(2 * np.pi * seconds / period + phase))

    return Act(draw, (), drive)


def ratchet(rng: np.random.Generator, stage: Stage) -> Act:
    """A rotor jerks on notch by notch, and each notch clacks."""
    rotor = draw_rotor(rng, stage.size, stage.main_x, stage.ground_y)
    wait = float(rng.uniform(0.28, 0.6))
    notch = float(rng.uniform(0.22, 0.45)) * 2 * np.pi / rotor.arms
    way, start = float(rng.choice((-1.0, 1.0))), float(rng.uniform(0.0, 6.3))
    beats = [-float(rng.uniform(0.0, wait))]
    while beats[-1] < SECONDS:
        beats.append(beats[-1] + wait * float(rng.uniform(0.92, 1.08)))
    jerks = np.array(beats)

    def draw(canvas: Canvas, second: float) -> None:
        done = np.clip((second - jerks) / 0.07, 0.0, 1.0).sum()
        rotor.draw(canvas, start + way * notch * float(done), stage.ground_y)

    clacks = [Hit(float(second), float(rng.uniform(0.7, 1.0))) for second in jerks]
    return Act(draw, _within(clacks), _steady)


def _block_in_front(rng: np.random.Generator, stage: Stage, x: float, facing: float, height: float) -> Block:
    block = draw_block(rng, stage.size, x + facing * 0.52 * height)
    return Block(block.x, block.width, 0.28 * height, block.paint)


def walk(rng: np.random.Generator, stage: Stage) -> Act:
    """A person walks through the picture; every step is heard."""
    person = draw_person(rng, stage.size)
    stride = float(rng.uniform(0.75, 1.2))  # seconds for two steps
    speed = float(rng.uniform(8.0, 20.0)) * person.facing
    phase = float(rng.uniform(0.0, 1.0))
    block = _block_in_front(rng, stage, stage.main_x + float(rng.uniform(-30, 30)), person.facing, person.height)

    def draw(canvas: Canvas, second: float) -> None:
        cycle = 2 * np.pi * (second / stride + phase)
        wave, lift = float(np.sin(cycle)), float(np.cos(cycle))
        posture = Posture(
            hips=0.03 * abs(lift) - 0.02,
            lean=0.08,
            legs=(0.55 * wave, -0.55 * wave),
            knees=(0.75 * max(lift, 0.0), 0.75 * max(-lift, 0.0)),
            arms=(-0.6 * wave, 0.6 * wave),
            hammer=0.9 + 0.5 * wave,
        )
        block.draw(canvas, stage.ground_y)
        person.draw(canvas, stage.main_x + speed * (second - SECONDS / 2), stage.ground_y, posture)

    # A foot comes down where the legs are furthest apart.
    downs = (np.arange(-2, 2 * SECONDS / stride + 4) / 2 + 0.25 - phase) * stride
    steps = [Hit(float(second), float(rng.uniform(0.6, 1.0))) for second in downs]
    return Act(draw, _within(steps), _steady)


def hammer(rng: np.random.Generator, stage: Stage) -> Act:
    """A person lifts a hammer slowly and brings it down fast on a block, blow after blow."""
    person = draw_person(rng, stage.size)
    period, phase = float(rng.uniform(0.7, 1.25)), float(rng.uniform(0.0, 1.0))
    high = float(rng.uniform(2.0, 2.6))
    block = _block_in_front(rng, stage, stage.main_x, person.facing, person.height)

    def draw(canvas: Canvas, second: float) -> None:
        share = (second / period + phase) % 1.0
        raised = (
            np.sin(0.5 * np.pi * share / 0.78) if share < 0.78 else np.cos(0.5 * np.pi * (share - 0.78) / 0.22) ** 0.7
        )
        raised = float(np.clip(raised, 0.0, 1.0))
        posture = Posture(
            hips=-0.03 * (1.0 - raised),
            lean=0.36 - 0.34 * raised,
            legs=(0.30, -0.28),
            knees=(0.12, 0.05),
            arms=(0.5 - 0.3 * raised, 0.55 + (high - 0.55) * raised),
            hammer=1.25 + (high - 0.35) * raised,
        )
        block.draw(canvas, stage.ground_y)
        person.draw(canvas, stage.main_x, stage.ground_y, posture)

    blows = [Hit((number - phase) * period, float(rng.uniform(0.75, 1.0))) for number in range(8)]
    return Act(draw, _within(blows), _steady)


_LIT: tuple[Colour, ...] = ((255, 176, 92), (255, 214, 150), (255, 236, 206), (206, 222, 244))


def _lit_colour(rng: np.random.Generator, warm: float) -> Colour:
    """Colour of a streak; `warm` is the chance of the warmer two."""
    first = 0 if rng.random() < warm else 2
    return pick_colour(rng, _LIT[first : first + 2])


def rain(rng: np.random.Generator, stage: Stage) -> Act:
    """Drops fall in gusts before a light, and hiss."""
    count = int(rng.integers(50, 110))
    speed, slant = float(rng.uniform(60.0, 110.0)), float(rng.uniform(-0.25, 0.25))
    colour = _lit_colour(rng, 0.35)
    x, y = rng.uniform(-20, WIDTH_PX + 20, count), rng.uniform(0.0, 110.0, count)
    own, rank = rng.uniform(0.75, 1.25, count), rng.random(count)
    period, phase, depth = float(rng.uniform(1.2, 3.0)), float(rng.uniform(0, 6.3)), float(rng.uniform(0.0, 0.5))
    length, glow = float(rng.uniform(2.5, 5.5)), float(rng.uniform(0.0, 0.35))

    def density(seconds: Seconds) -> Seconds:
        return 1.0 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * seconds / period + phase))

    def draw(canvas: Canvas, second: float) -> None:
        shown = rank < density(np.array((second,)))[0]
        for one in np.flatnonzero(shown):
            down = (y[one] + speed * own[one] * second) % 110.0
            way = (slant * length * own[one], length * own[one])
            streak(canvas, float((x[one] + slant * down) % (WIDTH_PX + 40) - 20), float(down - 10.0), way, colour, glow)

    return Act(draw, (), density)


def sparks(rng: np.random.Generator, stage: Stage) -> Act:
    """Sparks rise from a fire below the picture, a cloud of them with every pop."""
    colour = _lit_colour(rng, 0.65)
    rate, wobble = float(rng.uniform(2.5, 6.0)), float(rng.uniform(1.0, 5.0))
    slant, length = float(rng.uniform(-0.25, 0.25)), float(rng.uniform(1.5, 5.0))
    pops = np.cumsum(rng.exponential(1.0 / rate, int(9 * rate) + 9)) - 3.0
    pops = pops[pops < SECONDS]
    force = rng.uniform(0.3, 1.0, len(pops))
    born = np.repeat(pops, np.rint(3 + 7 * force).astype(int))
    count = len(born)
    born = born + rng.uniform(0.0, 0.15, count)
    x, speed = rng.uniform(-6.0, WIDTH_PX + 6.0, count), rng.uniform(26.0, 70.0, count)
    life, phase = rng.uniform(1.2, 3.2, count), rng.uniform(0.0, 6.3, count)

    def draw(canvas: Canvas, second: float) -> None:
        age = second - born
        for one in np.flatnonzero((age > 0.0) & (age < life)):
            up = speed[one] * age[one]
            side = slant * up + wobble * np.sin(3.0 * age[one] + phase[one])
            lean = slant + 3.0 * wobble * np.cos(3.0 * age[one] + phase[one]) / speed[one]
            left = 1.0 - age[one] / life[one]
            way = (lean * length, -length)
            streak(canvas, float(x[one] + side), float(101.0 - up), way, colour, float(0.4 * left))

    cracks = [Hit(float(second), float(strong)) for second, strong in zip(pops, force, strict=True)]
    return Act(draw, _within(cracks), _steady)
