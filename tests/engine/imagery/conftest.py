"""Writers of small image files, each in the way other programs write them."""

import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

# The fuzzer is a program of its own and finds its parts beside it.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def write_tiff(tmp_path):
    """Write (C, H, W) or (H, W) values as a TIFF file; further settings go to GDAL."""

    def write(name, values, *, mask=None, alpha=None, **profile):
        values = np.atleast_3d(values.T).T if values.ndim == 2 else values
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        count, height, width = values.shape
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with (
                rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
                rasterio.open(
                    path, "w", driver="GTiff", width=width, height=height, count=count, dtype=values.dtype, **profile
                ) as dataset,
            ):
                dataset.write(values)
                if mask is not None:
                    dataset.write_mask(mask)
        return path

    return write


@pytest.fixture
def write_picture(tmp_path):
    """Write (H, W), (H, W, 3) RGB or (H, W, 4) RGBA values as PNG or JPEG, by the name's suffix."""

    def write(name, values):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}
        stored = values if values.ndim == 2 else values[..., order[values.shape[2]]]
        path.write_bytes(cv2.imencode(path.suffix, stored)[1].tobytes())
        return path

    return write


@pytest.fixture
def noise():
    """Smooth noise that compresses like a photograph: `noise(shape, dtype, high, seed)`."""

    def make(shape, dtype=np.uint8, high=255, seed=0):
        values = np.random.default_rng(seed).random(shape)
        return (values * high).astype(dtype)

    return make
