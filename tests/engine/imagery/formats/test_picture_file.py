"""Pictures written strip by strip must read as they were given, or not be there at all."""

import cv2
import numpy as np
import pytest
import rasterio
from bandbridge.engine.api.errors import StorageError
from bandbridge.engine.imagery.formats.geotiff import MapPlace
from bandbridge.engine.imagery.formats.picture_file import png_picture, tiff_picture
from bandbridge.engine.imagery.reader import load_image
from bandbridge.engine.imagery.scenes.scene import open_scene
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import IDENTITY, Affine


def in_strips(write, rows, present):
    for top in range(0, len(rows), 37):
        write(rows[top : top + 37], present[top : top + 37])


@pytest.fixture(params=[(300, 260), (5, 1)])
def rows(request, noise):
    return noise((*request.param, 3))


def test_png_holds_every_value(tmp_path, rows):
    with png_picture(tmp_path / "a.png", rows.shape[1], rows.shape[0]) as write:
        in_strips(write, rows, np.ones(rows.shape[:2], np.bool_))
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png"))[:, :, ::-1], rows)
    assert load_image(tmp_path / "a.png").values.shape == (3, *rows.shape[:2])  # checksums included


def test_geotiff_keeps_place_and_mask(tmp_path, rows):
    place = MapPlace(CRS.from_epsg(32618), Affine(5, 0, 792_988, 0, -5, 2_050_382), ((), None))
    present = rows[:, :, 0] > 60
    with tiff_picture(tmp_path / "new" / "a.tif", rows.shape[1], rows.shape[0], place) as write:
        in_strips(write, rows, present)
    with rasterio.open(tmp_path / "new" / "a.tif") as file:
        assert (file.crs, file.transform) == (place.crs, place.transform)
        assert file.dtypes == ("uint8",) * 3
        np.testing.assert_array_equal(file.read().transpose(1, 2, 0), rows)
        np.testing.assert_array_equal(file.dataset_mask() > 0, present)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.tif"]
    np.testing.assert_array_equal(np.isnan(load_image(tmp_path / "new" / "a.tif").values[0]), ~present)


def test_points_on_the_ground_are_kept(tmp_path):
    points = [GroundControlPoint(row, col, x=col * 10.0, y=row * 10.0) for row, col in ((0, 0), (0, 9), (9, 0))]
    place = MapPlace(None, IDENTITY, (points, CRS.from_epsg(4326)))
    with tiff_picture(tmp_path / "a.tif", 10, 10, place) as write:
        write(np.zeros((10, 10, 3), np.uint8), np.ones((10, 10), np.bool_))
    with rasterio.open(tmp_path / "a.tif") as file:
        found, crs = file.gcps
    assert crs == CRS.from_epsg(4326)
    assert [(p.row, p.col, p.x, p.y) for p in found] == [(p.row, p.col, p.x, p.y) for p in points]


CUSTOM = "+proj=tmerc +lat_0=12.34 +lon_0=56.78 +k=0.9995 +x_0=1234 +y_0=5678 +ellps=bessel +units=m +no_defs"


@pytest.mark.parametrize("crs", [CRS.from_epsg(32633), CRS.from_proj4(CUSTOM)], ids=["EPSG", "no EPSG"])
@pytest.mark.parametrize("point", ["Area", "Point"])
@pytest.mark.parametrize("width", [9, 1])
def test_a_scene_and_its_picture_lie_in_the_same_place(tmp_path, crs, point, width):
    place = Affine(10, 0, 500_005, 0, -10, 4_999_995)
    values = np.arange(2 * 7 * width, dtype=np.float32).reshape(2, 7, width)
    values[:, 5] = np.nan
    profile = {"driver": "GTiff", "count": 2, "dtype": "float32", "nodata": np.nan, "crs": crs, "transform": place}
    with rasterio.open(tmp_path / "scene.tif", "w", width=width, height=7, **profile) as file:
        file.update_tags(AREA_OR_POINT=point)
        file.write(values)
    with open_scene(tmp_path / "scene.tif") as scene:
        np.testing.assert_array_equal(scene.read((2, 7), (0, width)), values[:, 2:])
        there = ~np.isnan(scene.read((0, 7), (0, width))[0])
        with tiff_picture(tmp_path / "picture.tif", width, 7, scene.place) as write:
            write(np.ones((7, width, 3), np.uint8), there)
    with rasterio.open(tmp_path / "scene.tif") as file, rasterio.open(tmp_path / "picture.tif") as made:
        assert (made.crs, made.transform, made.bounds) == (file.crs, file.transform, file.bounds)
        assert made.crs == crs
        np.testing.assert_array_equal(made.dataset_mask() > 0, there)


@pytest.mark.parametrize("make", [png_picture, lambda *sizes: tiff_picture(*sizes, None)], ids=["png", "tiff"])
def test_a_picture_cut_short_leaves_nothing(tmp_path, make):
    def write_half():
        with make(tmp_path / "a", 10, 10) as write:
            write(np.zeros((5, 10, 3), np.uint8), np.ones((5, 10), np.bool_))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("make", [png_picture, lambda *sizes: tiff_picture(*sizes, None)], ids=["png", "tiff"])
def test_a_disk_that_takes_no_more_is_told(tmp_path, make, noise):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    rows = noise((600, 600, 3))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        with pytest.raises(StorageError), make(tmp_path / "a", 600, 600) as write:
            in_strips(write, rows, np.ones(rows.shape[:2], np.bool_))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not any(tmp_path.iterdir())
