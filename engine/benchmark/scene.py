"""How fast a scene far larger than memory opens, and how fast its tiles stream, against the bare reading of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
import rasterio
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import InspectScene
from bandbridge.engine.benchmark.measure import Measurement, of_rounds, ratios, seconds
from bandbridge.engine.imagery.names.tile import tile_name
from bandbridge.engine.imagery.reader import likely_bytes, load_image
from bandbridge.engine.imagery.reading.read_ahead import read_ahead
from bandbridge.engine.imagery.scene_report import inspect_scene
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

SIDE = 30_000
BLOCK = 512
TILE = 128
MOST_OPEN_S = 2.0


def scene_rates(side: int = SIDE) -> list[Measurement]:
    """Opening a scene of two bands, and its tiles in a second.

    Args:
        side: Of the scene, in pixels.
    """
    with tempfile.TemporaryDirectory() as name:
        scene = Path(name) / "scene.tif"
        filled = _write(scene, side)
        corners = [(row, column) for row in range(0, filled, TILE) for column in range(0, side - TILE + 1, TILE)]
        corners = corners[:: max(1, len(corners) // 1000)]
        paths = [scene / tile_name(row, column, TILE) for row, column in corners]

        def opened() -> None:
            inspect_scene(InspectScene(path=str(scene)), Control())

        def streamed() -> None:
            for _ in read_ahead(paths, load_image, Control(), likely_bytes):
                pass

        def bare() -> None:
            with rasterio.open(scene) as dataset:
                for row, column in corners:
                    dataset.read(window=RasterWindow(column, row, TILE, TILE))

        size = f"a scene of {side} x {side} pixels and two bands of 16 bits"
        what = f"{len(paths)} tiles of {TILE} px of {size}, as raw values with gaps, over bare reading of them"
        rates = [len(paths) / seconds(streamed) for _ in range(3)]
        return [
            of_rounds("scene/open", f"opening {size}", [seconds(opened) for _ in range(5)], "s", at_most=MOST_OPEN_S),
            of_rounds("scene/ratio", what, ratios(streamed, bare, 5), "x"),
            of_rounds("scene/rate", "its tiles in a second", rates, "images/s"),
        ]


def _write(scene: Path, side: int) -> int:
    """A tiled, deflated scene of which the uppermost rows hold something; returns how many."""
    random = np.random.default_rng(0)
    texture = cv2.GaussianBlur(random.normal(0, 1, (BLOCK, BLOCK)), (0, 0), 2)
    values = (2000 + 4000 * texture).clip(0, 65535).astype(np.uint16)
    layout = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "predictor": 2}
    facts = {"width": side, "height": side, "count": 2, "dtype": "uint16", "BIGTIFF": "YES", "SPARSE_OK": "TRUE"}
    place = {"crs": "EPSG:32633", "transform": Affine(10, 0, 400_000, 0, -10, 5_500_000)}
    rows = min(side, 4 * BLOCK)
    with rasterio.open(scene, "w", driver="GTiff", **facts, **layout, **place) as dataset:
        for row in range(0, rows, BLOCK):
            for column in range(0, side, BLOCK):
                height, width = min(BLOCK, rows - row), min(BLOCK, side - column)
                part = np.roll(values, column // 7 + row, axis=1)[:height, :width]
                dataset.write(np.stack([part, part[::-1]]), window=RasterWindow(column, row, width, height))
    return rows
