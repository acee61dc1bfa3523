"""Small clips made by the tests themselves."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

RATE_HZ = 16000


def write_clip(
    path: Path,
    pictures: np.ndarray,
    *,
    fps: int = 8,
    wave: np.ndarray | None = None,
    times: list[int] | None = None,
    codec: str = "mpeg4",
    sound_codec: str = "pcm_s16le",
    options: dict[str, str] | None = None,
    pixel_shape: Fraction | None = None,
) -> Path:
    """Write (F, H, W, 3) pictures and a (L,) wave at 16 kHz as a video; `times` are in frames, for uneven ones."""
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream(codec, rate=fps)
        video.height, video.width = pictures.shape[1:3]
        video.pix_fmt = "yuv420p"
        video.bit_rate = 4_000_000
        video.codec_context.time_base = Fraction(1, fps)
        if pixel_shape is not None:
            video.codec_context.sample_aspect_ratio = pixel_shape
        rate = max(RATE_HZ, min(av.Codec(sound_codec, "w").audio_rates or [RATE_HZ]))
        sound = container.add_stream(sound_codec, rate=rate, layout="mono") if wave is not None else None
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number if times is None else times[number]
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            sound.bit_rate = 64_000
            values = (32767 * np.clip(wave, -1, 1)).astype(np.int16)[None]
            piece = av.AudioFrame.from_ndarray(values, format="s16", layout="mono")
            piece.rate, piece.pts = RATE_HZ, 0
            resampler = av.AudioResampler(sound.format, "mono", rate, sound.codec_context.frame_size or 1024)
            for part in (*resampler.resample(piece), *resampler.resample(None)):
                container.mux(sound.encode(part))
            container.mux(sound.encode(None))
    return path


def tone(seconds: float, pitch_hz: float = 440.0, loud: float = 0.5) -> np.ndarray:
    return loud * np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


def greys(levels: list[int], side: int = 32) -> np.ndarray:
    """One even picture a level."""
    return np.broadcast_to(np.array(levels, np.uint8)[:, None, None, None], (len(levels), side, side, 3)).copy()


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., Path]:
    return write_clip
