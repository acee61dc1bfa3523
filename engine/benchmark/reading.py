"""How fast images are read, against the bare decoder."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from bandbridge.engine.api.control import Control
from bandbridge.engine.benchmark.measure import Measurement, of_rounds, ratios, seconds
from bandbridge.engine.imagery.decoded import decode_images
from bandbridge.engine.imagery.sensors.stretch import Stretch

COUNT = 200
SIZE = 256


def decode_rates() -> list[Measurement]:
    """Reading a folder of 8-bit PNG images into memory, ready for training, over OpenCV's bare decoding of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random = np.random.default_rng(0)
        texture = cv2.GaussianBlur(random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8), (0, 0), 3)
        for number in range(COUNT):
            cv2.imwrite(str(folder / f"{number:04d}.png"), np.roll(texture, number, axis=1))
        files = tuple(sorted(path.name for path in folder.iterdir()))

        def whole() -> None:
            decode_images(
                folder,
                files,
                bands=(1, 2, 3),
                stretch=Stretch.eight_bit(3),
                size_px=SIZE,
                no_data=None,
                control=Control(),
                emit=lambda event: None,
                title="",
                anew=True,
            )

        def bare() -> None:
            for file in files:
                cv2.imread(str(folder / file), cv2.IMREAD_UNCHANGED)

        what = f"reading, checking, stretching and packing {COUNT} PNG images of {SIZE} px over bare decoding of them"
        rates = [COUNT / seconds(whole) for _ in range(3)]
        return [
            of_rounds("reading/ratio", what, ratios(whole, bare, 5), "x"),
            of_rounds("reading/rate", "images read into memory in a second", rates, "images/s"),
        ]
