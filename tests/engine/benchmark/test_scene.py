"""The measured scene must be one, and what is streamed must be what is read barely."""

from __future__ import annotations

import numpy as np
import rasterio
from bandbridge.engine.benchmark.scene import TILE, _write, scene_rates
from bandbridge.engine.imagery.names.tile import tile_name
from bandbridge.engine.imagery.reader import load_image
from rasterio.windows import Window


def test_a_small_scene_is_measured(tmp_path):
    found = {one.name: one for one in scene_rates(side=1000)}
    assert set(found) == {"scene/open", "scene/ratio", "scene/rate"}
    assert found["scene/open"].keeps
    assert found["scene/rate"].value > 0
    assert _write(tmp_path / "a.tif", 1000) == 1000
    with rasterio.open(tmp_path / "a.tif") as dataset:
        bare = dataset.read(window=Window(256, 640, TILE, TILE))
    assert bare.std() > 0
    np.testing.assert_array_equal(load_image(tmp_path / "a.tif" / tile_name(640, 256, TILE)).values, bare)
