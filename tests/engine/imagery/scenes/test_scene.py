"""Parts of an image must be what the whole is there, in every format."""

import numpy as np
import pytest
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.reader import load_image
from bandbridge.engine.imagery.scenes.scene import open_scene
from rasterio.transform import Affine

PLACE = {"crs": "EPSG:32632", "transform": Affine(10, 0, 500_000, 0, -10, 5_000_000)}


@pytest.fixture
def files(tmp_path, write_tiff, write_picture, noise):
    values = noise((5, 90, 70), np.uint16, 4000)
    np.save(tmp_path / "a.npy", values)
    float_values = values[:1].astype(np.float32)
    float_values[0, 40:50] = np.nan
    mask = np.full((90, 70), 255, np.uint8)
    mask[20:40, 30:] = 0
    return {
        "array": tmp_path / "a.npy",
        "picture": write_picture("a.png", values[:3].transpose(1, 2, 0)),
        "tiled": write_tiff("tiled.tif", values, nodata=7, tiled=True, blockxsize=32, blockysize=32, **PLACE),
        "masked": write_tiff("masked.tif", values[:2], mask=mask, compress="deflate"),
        "float": write_tiff("float.tif", float_values),
    }


@pytest.mark.parametrize("kind", ["array", "picture", "tiled", "masked", "float"])
def test_windows_are_parts_of_the_whole(kind, files):
    whole = load_image(files[kind], bands=(2, 1) if kind == "tiled" else None, no_data=11)
    with open_scene(files[kind], bands=(2, 1) if kind == "tiled" else None, no_data=11) as scene:
        assert scene.header == whole.header
        assert scene.bands == whole.bands
        for rows, columns in (((0, 90), (0, 70)), ((33, 90), (5, 64)), ((89, 90), (69, 70))):
            np.testing.assert_array_equal(
                scene.read(rows, columns), whole.values[:, slice(*rows), slice(*columns)], strict=True
            )
        assert (scene.place is not None) == (kind == "tiled")


def test_a_part_that_is_damaged_is_told_when_it_is_read(files):
    data = bytearray(files["tiled"].read_bytes())
    files["tiled"].write_bytes(data[: len(data) // 2])
    with open_scene(files["tiled"]) as scene, pytest.raises(ImageError, match="damaged"):
        scene.read((0, 90), (0, 70))
