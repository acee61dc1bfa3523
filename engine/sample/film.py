"""Video files of the sample: MPEG-4 picture and AAC sound in an MP4, which any player opens."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
from bandbridge.engine.sample.sounds import SAMPLES_PER_SECOND
from bandbridge.engine.sample.stage import FRAMES_PER_SECOND
from numpy.typing import NDArray

_SOUND_BITS_PER_SECOND = 64_000


def film(frames: NDArray[np.uint8], sound: NDArray[np.float32], quantiser: int) -> bytes:
    """Encode a clip; the same clip gives the same bytes on the same machine.

    Args:
        frames: (T, H, W, 3), red first, 12 a second.
        sound: (N,) in -1..1, 16000 a second.
        quantiser: How coarsely the picture is stored: 2 (fine) to 31.
    """
    target = io.BytesIO()
    with av.open(target, "w", format="mp4", container_options={"fflags": "+bitexact"}) as container:
        picture = container.add_stream("mpeg4", rate=FRAMES_PER_SECOND)
        picture.height, picture.width = frames.shape[1:3]
        picture.pix_fmt = "yuv420p"
        picture.thread_count = 1
        picture.options = {"flags": "+bitexact", "qmin": str(quantiser), "qmax": str(quantiser)}
        voice = container.add_stream("aac", rate=SAMPLES_PER_SECOND, layout="mono")
        voice.bit_rate = _SOUND_BITS_PER_SECOND
        voice.options = {"flags": "+bitexact"}
        for number, pixels in enumerate(frames):
            image = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            image.pts, image.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            container.mux(picture.encode(image))
        container.mux(picture.encode(None))
        wave = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        wave.sample_rate, wave.pts, wave.time_base = SAMPLES_PER_SECOND, 0, Fraction(1, SAMPLES_PER_SECOND)
        container.mux(voice.encode(wave))
        container.mux(voice.encode(None))
    return target.getvalue()
