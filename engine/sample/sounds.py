"""What the video sample sounds like: a sound for every class, in time with its act, and sounds that belong to none.

All are made from tones and filtered noise, three seconds of mono at 16 kHz. No two clips have the same ball, bell or
room: pitch, timbre, decay, echo, loudness and the noise of the place are drawn anew every time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from bandbridge.engine.sample.acts import Act, Hit
from bandbridge.engine.sample.stage import SECONDS
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter

SAMPLES_PER_SECOND = 16_000
SAMPLES = SAMPLES_PER_SECOND * SECONDS

Sound = NDArray[np.float32]
"""(48000,) in about -1..1."""

SoundMaker = Callable[[np.random.Generator, Act], Sound]

_TIMES = np.arange(SAMPLES) / SAMPLES_PER_SECOND


def band_noise(
    rng: np.random.Generator, low_hz: float, high_hz: float, count: int = SAMPLES, tilt: float = 0.0
) -> Sound:
    """Noise between two frequencies with soft edges and unit variance.

    Args:
        rng: Source of randomness.
        low_hz: Where it begins.
        high_hz: Where it ends.
        count: Samples.
        tilt: Exponent of the power with falling frequency; 1 is pink.
    """
    frequency = np.fft.rfftfreq(count, 1.0 / SAMPLES_PER_SECOND)
    safe = np.maximum(frequency, 1.0)
    shape = safe ** (-tilt / 2.0) / np.sqrt((1.0 + (low_hz / safe) ** 6) * (1.0 + (safe / high_hz) ** 6))
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * shape, n=count)
    return np.asarray(noise / max(float(noise.std()), 1e-12), dtype=np.float32)


def knocks(hits: Sequence[Hit], make: Callable[[int], NDArray[np.floating]]) -> Sound:
    """Put a short sound at every hit.

    Args:
        hits: When and how strong.
        make: From the number of the hit to its sound, of any length.
    """
    sound = np.zeros(SAMPLES, np.float32)
    for number, hit in enumerate(hits):
        start = round(hit.second * SAMPLES_PER_SECOND)
        knock = hit.strength * make(number)[: SAMPLES - start]
        sound[start : start + len(knock)] += knock.astype(np.float32)
    return sound


def _span(seconds: float) -> NDArray[np.float64]:
    return np.arange(round(seconds * SAMPLES_PER_SECOND)) / SAMPLES_PER_SECOND


def _ringing(
    frequencies: NDArray[np.float64], decays_s: NDArray[np.float64], loud: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Tones that die away together, beginning softly within a millisecond."""
    times = _span(min(5.0 * float(decays_s.max()), 1.5))
    tones = np.sin(2 * np.pi * frequencies[:, None] * times) * np.exp(-times / decays_s[:, None])
    return np.asarray((loud[:, None] * tones).sum(axis=0) * np.minimum(times / 0.001, 1.0), dtype=np.float64)


def _click(rng: np.random.Generator, low_hz: float, high_hz: float, decay_s: float) -> NDArray[np.float64]:
    """A burst of noise that dies away."""
    times = _span(6.0 * decay_s + 0.002)
    noise = band_noise(rng, low_hz, high_hz, len(times))
    return np.asarray(noise * np.exp(-times / decay_s) * np.minimum(times / 0.0007, 1.0), dtype=np.float64)


def thuds(rng: np.random.Generator, act: Act) -> Sound:
    """A ball coming down: a low tone that falls in pitch, and the slap of its skin."""
    pitch, decay = float(rng.uniform(75.0, 190.0)), float(rng.uniform(0.05, 0.13))
    fall, slap = float(rng.uniform(0.2, 0.7)), float(rng.uniform(0.05, 0.35))
    top = float(rng.uniform(900.0, 2600.0))

    def thud(_: int) -> NDArray[np.float64]:
        times = _span(6.0 * decay)
        own = pitch * float(rng.uniform(0.96, 1.04))
        phase = 2 * np.pi * own * (times + fall * 0.03 * (1.0 - np.exp(-times / 0.03)))
        body = np.sin(phase) * np.exp(-times / decay) * np.minimum(times / 0.002, 1.0)
        skin = _click(rng, 200.0, top, 0.012)
        body[: len(skin)] += slap * skin[: len(body)]
        return np.asarray(body, dtype=np.float64)

    return knocks(act.hits, thud)


def rumble(rng: np.random.Generator, act: Act) -> Sound:
    """Rolling: low noise that grows with speed, and dull bumps at joints."""
    speed = act.drive(_TIMES)
    top = float(rng.uniform(140.0, 420.0))
    deep = band_noise(rng, float(rng.uniform(30.0, 70.0)), top)
    rough = band_noise(rng, top, 4.0 * top) * float(rng.uniform(0.05, 0.3))
    pitch, part = float(rng.uniform(60.0, 140.0)), float(rng.uniform(0.3, 1.2))

    def bump(_: int) -> NDArray[np.float64]:
        return _ringing(np.array((pitch, 2.3 * pitch)), np.array((0.04, 0.02)), np.array((1.0, 0.4)))

    rolling = (deep + rough) * np.sqrt(np.clip(speed, 0.0, 2.0))
    return np.asarray(0.5 * rolling + part * knocks(act.hits, bump), dtype=np.float32)


def ticks(rng: np.random.Generator, act: Act) -> Sound:
    """A pendulum: a bright tick at one end, a duller tock at the other, and air between them."""
    pitch, decay = float(rng.uniform(1300.0, 3600.0)), float(rng.uniform(0.008, 0.03))
    lower, wood = float(rng.uniform(0.68, 0.92)), float(rng.uniform(0.1, 0.6))

    def tick(number: int) -> NDArray[np.float64]:
        own = pitch * (lower if number % 2 else 1.0)
        tone = _ringing(own * np.array((1.0, 1.47)), decay * np.array((1.0, 0.6)), np.array((1.0, 0.5)))
        case = _ringing(np.array((0.19 * own,)), np.array((0.03,)), np.array((wood,)))
        longest = max(len(tone), len(case))
        return np.pad(tone, (0, longest - len(tone))) + np.pad(case, (0, longest - len(case)))

    return knocks(act.hits, tick)


def spring(rng: np.random.Generator, act: Act) -> Sound:
    """A spring: a wavering tone, higher the further it is stretched, with the rattle of its windings."""
    stretch = act.drive(_TIMES)
    pitch, depth = float(rng.uniform(150.0, 420.0)), float(rng.uniform(0.12, 0.4))
    phase = 2 * np.pi * np.cumsum(pitch * np.exp2(depth * stretch)) / SAMPLES_PER_SECOND
    parts = rng.uniform(0.1, 0.8, 4) / np.arange(1, 5)
    tone = sum(part * np.sin(order * phase) for order, part in zip((1, 2.01, 3.03, 4.1), parts, strict=True))
    speed = np.abs(np.gradient(stretch))
    moving = 0.35 + 0.65 * speed / max(float(speed.max()), 1e-9)
    rattle = band_noise(rng, 700.0, 2600.0) * float(rng.uniform(0.0, 0.12))
    return np.asarray((0.6 * tone + rattle) * moving, dtype=np.float32)


def hum(rng: np.random.Generator, act: Act) -> Sound:
    """A rotor: a hum whose pitch follows the speed, swelling as every arm passes, in moving air."""
    passing = act.drive(_TIMES)  # arms a second
    pitch = float(rng.uniform(38.0, 80.0))
    phase = 2 * np.pi * np.cumsum(pitch * passing) / SAMPLES_PER_SECOND
    parts = rng.uniform(0.2, 1.0, 6) / np.arange(1, 7) ** float(rng.uniform(0.4, 1.2))
    tone = sum(part * np.sin(order * phase) for order, part in zip(range(1, 7), parts, strict=True))
    swell = 1.0 + float(rng.uniform(0.2, 0.8)) * np.sin(2 * np.pi * np.cumsum(passing) / SAMPLES_PER_SECOND)
    air = band_noise(rng, 200.0, float(rng.uniform(800.0, 2400.0)), tilt=1.0) * float(rng.uniform(0.1, 0.5))
    return np.asarray((0.6 * tone + 0.5 * air) * swell, dtype=np.float32)


def clacks(rng: np.random.Generator, act: Act) -> Sound:
    """A ratchet: a dry clack at every notch, doubled as the pawl falls back."""
    pitch, decay = float(rng.uniform(700.0, 2300.0)), float(rng.uniform(0.008, 0.025))
    spread, again = rng.uniform(1.2, 1.9), float(rng.uniform(0.02, 0.05))
    dry = float(rng.uniform(0.3, 0.9))

    def clack(_: int) -> NDArray[np.float64]:
        sound = np.zeros(round(0.25 * SAMPLES_PER_SECOND))
        for delay, loud in ((0.0, 1.0), (again, 0.6)):
            start = round(delay * SAMPLES_PER_SECOND)
            for part in (
                _ringing(pitch * np.array((1.0, spread)), decay * np.array((1.0, 0.7)), loud * np.array((0.7, 0.5))),
                loud * dry * _click(rng, 600.0, 5000.0, 0.006),
            ):
                length = min(len(part), len(sound) - start)
                sound[start : start + length] += part[:length]
        return sound

    return knocks(act.hits, clack)


def steps(rng: np.random.Generator, act: Act) -> Sound:
    """Footsteps: heel, then sole, on gravel, boards or stone."""
    low, high = float(rng.uniform(120.0, 400.0)), float(rng.uniform(1200.0, 4500.0))
    grit, roll_over = float(rng.uniform(0.015, 0.06)), float(rng.uniform(0.05, 0.11))
    heel_pitch, heel = float(rng.uniform(90.0, 240.0)), float(rng.uniform(0.2, 0.9))

    def step(_: int) -> NDArray[np.float64]:
        sound = np.zeros(round(0.5 * SAMPLES_PER_SECOND))
        first = heel * _ringing(np.array((heel_pitch,)), np.array((0.025,)), np.array((1.0,)))
        sound[: len(first)] += first
        for delay, loud in ((0.0, 0.5), (roll_over, 0.4)):
            start = round(delay * SAMPLES_PER_SECOND)
            part = loud * _click(rng, low, high, grit)
            length = min(len(part), len(sound) - start)
            sound[start : start + length] += part[:length]
        return sound

    return knocks(act.hits, step)


def blows(rng: np.random.Generator, act: Act) -> Sound:
    """A hammer on wood, stone or iron: a hard blow and the block's own ring, out of tune as blocks are."""
    iron = float(rng.random())
    pitch = float(rng.uniform(280.0, 600.0)) * (1.0 + 2.4 * iron)
    tones = pitch * np.array((1.0, 1.58, 2.24, 2.92)) * rng.uniform(0.95, 1.05, 4)
    decays = (0.025 + 0.16 * iron**2) * np.array((1.0, 0.8, 0.6, 0.4))
    loud = rng.uniform(0.2, 0.8, 4)
    dull = float(rng.uniform(0.2, 0.7))

    def blow(_: int) -> NDArray[np.float64]:
        ring = _ringing(tones * float(rng.uniform(0.995, 1.005)), decays, loud)
        for part in (
            0.5 * _click(rng, 300.0, 4500.0, 0.008),
            _ringing(np.array((110.0,)), np.array((0.03,)), np.array((dull,))),
        ):
            length = min(len(part), len(ring))
            ring[:length] += part[:length]
        return ring

    return knocks(act.hits, blow)


def hiss(rng: np.random.Generator, act: Act) -> Sound:
    """Rain: broad noise that swells with the gusts, and drops on something near."""
    density = act.drive(_TIMES)
    low, high = float(rng.uniform(400.0, 1500.0)), float(rng.uniform(4000.0, 7800.0))
    body = band_noise(rng, low, high, tilt=float(rng.uniform(0.0, 1.0)))
    pitch, near = float(rng.uniform(500.0, 2600.0)), float(rng.uniform(0.0, 1.4))
    moments = np.sort(rng.uniform(0.0, SECONDS - 0.05, int(rng.integers(10, 60))))
    drops = [Hit(float(second), float(rng.uniform(0.1, 1.0))) for second in moments]

    def drop(_: int) -> NDArray[np.float64]:
        own = pitch * float(rng.uniform(0.6, 1.6))
        return _ringing(np.array((own,)), np.array((0.008,)), np.array((near,)))

    return np.asarray(0.3 * body * density**2 + knocks(drops, drop), dtype=np.float32)


def crackle(rng: np.random.Generator, act: Act) -> Sound:
    """Fire: a pop with every cloud of sparks, many small ones between, over a low roar."""
    roar = band_noise(rng, 40.0, float(rng.uniform(250.0, 700.0)), tilt=0.6)
    flicker = 1.0 + 0.5 * band_noise(rng, 0.5, 6.0)
    low, high = float(rng.uniform(500.0, 1500.0)), float(rng.uniform(3000.0, 7000.0))
    moments = np.sort(rng.uniform(0.0, SECONDS - 0.03, int(rng.integers(30, 120))))
    small = [Hit(float(second), float(rng.uniform(0.02, 0.4)) ** 1.5) for second in moments]

    def pop(_: int) -> NDArray[np.float64]:
        return _click(rng, low, high, float(rng.uniform(0.002, 0.009)))

    loud = float(rng.uniform(0.04, 0.25))
    return np.asarray(0.6 * knocks(act.hits, pop) + 0.5 * knocks(small, pop) + loud * roar * flicker, dtype=np.float32)


def _melody(rng: np.random.Generator) -> Sound:
    """Music: notes of a scale, with overtones, now and then a chord."""
    root, beat = float(rng.uniform(180.0, 360.0)), float(rng.uniform(0.14, 0.34))
    scale = np.array((0, 2, 4, 7, 9, 12, 14, 16))
    parts = rng.uniform(0.1, 1.0, 5) / np.arange(1, 6)
    decay = float(rng.uniform(0.15, 0.6))
    moments = np.arange(0.0, SECONDS - 0.05, beat)
    hits = [Hit(float(second), float(rng.uniform(0.5, 1.0))) for second in moments if rng.random() < 0.85]

    def note(_: int) -> NDArray[np.float64]:
        pitches = root * 2.0 ** (rng.choice(scale, int(rng.choice((1, 1, 2)))) / 12.0)
        tones = np.outer(pitches, np.arange(1, 6)).ravel()
        return _ringing(tones, np.full(len(tones), decay), np.tile(parts, len(pitches)))

    return knocks(hits, note)


def _chatter(rng: np.random.Generator) -> Sound:
    """Voices: buzzing tones through two gliding resonances, in the rhythm of syllables."""
    sound = np.zeros(SAMPLES)
    for _ in range(int(rng.integers(1, 4))):
        pitch = float(rng.uniform(95.0, 230.0)) * np.exp2(0.25 * band_noise(rng, 0.3, 2.5))
        phase = np.cumsum(pitch) / SAMPLES_PER_SECOND
        buzz = 2.0 * (phase % 1.0) - 1.0
        syllables = np.clip(np.sin(2 * np.pi * float(rng.uniform(2.5, 4.5)) * _TIMES + rng.uniform(0, 6.3)), 0, None)
        talking = band_noise(rng, 0.2, 0.9) > -0.5
        voice = np.zeros(SAMPLES)
        for start in range(0, SAMPLES, 2400):  # another vowel every 0.15 s
            piece = buzz[start : start + 2400]
            for middle, width in ((rng.uniform(300, 850), 90.0), (rng.uniform(900, 2300), 140.0)):
                radius = np.exp(-np.pi * width / SAMPLES_PER_SECOND)
                pole = -2.0 * radius * np.cos(2 * np.pi * middle / SAMPLES_PER_SECOND)
                voice[start : start + 2400] += lfilter((1.0 - radius,), (1.0, pole, radius**2), piece)
        sound += voice * syllables * talking
    return np.asarray(sound, dtype=np.float32)


def _wind(rng: np.random.Generator) -> Sound:
    """Wind in the microphone: low noise in gusts, with a whistle."""
    gusts = np.exp(0.9 * band_noise(rng, 0.2, 1.5))
    low = band_noise(rng, 25.0, float(rng.uniform(180.0, 600.0)), tilt=1.0)
    middle = float(rng.uniform(400.0, 900.0))
    whistle = band_noise(rng, middle, 1.25 * middle) * float(rng.uniform(0.05, 0.4))
    return np.asarray((low + whistle) * gusts, dtype=np.float32)


def _telephone(rng: np.random.Generator) -> Sound:
    """A telephone: two tones in turn, on and off."""
    first, second = float(rng.uniform(700.0, 1500.0)), float(rng.uniform(1.15, 1.5))
    rate = float(rng.uniform(8.0, 22.0))
    upper = (np.floor(_TIMES * rate) % 2).astype(bool)
    phase = 2 * np.pi * np.cumsum(np.where(upper, first * second, first)) / SAMPLES_PER_SECOND
    rings = ((_TIMES + float(rng.uniform(0, 1))) % 1.5) < float(rng.uniform(0.7, 1.2))
    return np.asarray((np.sin(phase) + 0.3 * np.sin(3 * phase)) * rings, dtype=np.float32)


FOREIGN: Mapping[str, Callable[[np.random.Generator], Sound]] = {
    "melody": _melody,
    "chatter": _chatter,
    "wind": _wind,
    "telephone": _telephone,
}
"""Sounds that belong to no class."""


def foreign_sound(rng: np.random.Generator) -> Sound:
    """One of the sounds that belong to no class, at unit level."""
    return levelled(FOREIGN[list(FOREIGN)[rng.integers(len(FOREIGN))]](rng))


def levelled(sound: Sound) -> Sound:
    """The sound at the level 1: the root mean square of its louder half."""
    blocks = np.sqrt(np.mean(sound[: SAMPLES // 800 * 800].reshape(-1, 800) ** 2, axis=1))
    loud = float(np.sort(blocks)[len(blocks) // 2 :].mean())
    return np.asarray(sound / max(loud, 1e-6), dtype=np.float32)


def in_place(rng: np.random.Generator, sound: Sound) -> Sound:
    """The sound as a cheap microphone hears it: echoes of the place, its noise, a level, nothing above full scale."""
    decay = float(rng.uniform(0.05, 0.35))
    times = _span(2.0 * decay)
    echo = rng.standard_normal(len(times)) * np.exp(-3.0 * times / decay)
    echo *= float(rng.uniform(0.05, 0.5)) / max(float(np.sqrt((echo**2).sum())), 1e-9)
    heard = levelled(np.asarray(sound + fftconvolve(sound, echo)[:SAMPLES], dtype=np.float32))
    quiet = 10.0 ** (-float(rng.uniform(14.0, 34.0)) / 20.0)
    heard = heard + quiet * band_noise(rng, 40.0, 7000.0, tilt=float(rng.uniform(0.5, 1.6)))
    level = 10.0 ** (-float(rng.uniform(14.0, 24.0)) / 20.0)
    return np.asarray(np.tanh(level * heard), dtype=np.float32)
