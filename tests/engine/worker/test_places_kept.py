"""GeoTIFFs as the world writes them, there and back: whatever says where an image lies still says so in its picture.

Silent faults of other programs, each tried here: a shift by half a pixel where coordinates mean pixel centres, a
coordinate system without a number dropped, NaN as the value for no data, windows of one pixel at the edge.
"""

import warnings

import numpy as np
import pytest
import rasterio
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import Translate
from bandbridge.engine.imagery.reader import read_header, read_image
from bandbridge.engine.imagery.scenes.scene import open_scene
from bandbridge.engine.worker.translate import translate
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

NORTH_UP = Affine(5, 0, 792_988, 0, -5, 2_050_382)
UTM = CRS.from_epsg(32618)
OWN_TM = CRS.from_wkt(
    'PROJCS["A mine of its own",GEOGCS["A sphere",DATUM["none",SPHEROID["sphere",6370997,0]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",12.345],'
    'PARAMETER["central_meridian",7.891],PARAMETER["scale_factor",0.99987],PARAMETER["false_easting",123456.5],'
    'PARAMETER["false_northing",-98765.25],UNIT["metre",1]]'
)
FEET = CRS.from_proj4("+proj=lcc +lat_1=33 +lat_2=45.5 +lat_0=39.1 +lon_0=-96 +x_0=10 +datum=NAD83 +units=us-ft")
LOCAL = CRS.from_wkt('LOCAL_CS["a quarry",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]')
PLACES = {
    "north up": {"crs": UTM, "transform": NORTH_UP},
    "no number": {"crs": OWN_TM, "transform": NORTH_UP},
    "feet": {"crs": FEET, "transform": NORTH_UP},
    "local": {"crs": LOCAL, "transform": NORTH_UP},
    "turned": {"crs": UTM, "transform": NORTH_UP @ Affine.rotation(30) @ Affine.shear(5)},
    "south up": {"crs": UTM, "transform": Affine(5, 0, 792_988, 0, 5, 2_050_382)},
    "degrees": {"crs": CRS.from_epsg(4326), "transform": Affine(1e-5, 0, -179.99999, 0, -1e-5, 0.123456789)},
    "no system": {"crs": None, "transform": NORTH_UP},
    "nothing": {"crs": None, "transform": Affine.identity()},
}


def sea(height=40, width=52):
    values = np.random.default_rng(0).integers(200, 1000, (2, height, width)).astype(np.uint16)
    values[:, 10:20, 30:45] = 0  # the run's no-data value
    return values


@pytest.fixture
def write(tmp_path):
    def write(values, *, is_point=False, gcps=None, **profile):
        path = tmp_path / "in.tif"
        count, height, width = values.shape
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            shape = {"width": width, "height": height, "count": count, "dtype": values.dtype}
            with rasterio.open(path, "w", driver="GTiff", **shape, **profile) as file:
                if is_point:
                    file.update_tags(AREA_OR_POINT="Point")
                if gcps:
                    file.gcps = gcps
                file.write(values)
        return path

    return write


@pytest.fixture
def there_and_back(translator, tmp_path):
    def translated(path, **fields):
        job = Translate(run=str(translator), paths=(str(path),), output=str(tmp_path / "out"), device="cpu", **fields)
        [image] = translate(job, lambda event: None, Control()).images
        return tmp_path / "out" / image.picture

    return translated


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("is_point", [False, True], ids=["areas", "points"])
def test_the_place_on_the_map_comes_through_to_the_bit(place, is_point, write, there_and_back):
    path = write(sea(), is_point=is_point, tiled=True, blockxsize=32, blockysize=32, **PLACES[place])
    picture = there_and_back(path, format="tif")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as old, rasterio.open(picture) as new:
            assert (new.transform, new.shape) == (old.transform, old.shape)
            assert new.transform == PLACES[place]["transform"]
            if PLACES[place]["crs"] is None:
                assert new.crs is None
            else:
                assert new.crs.to_wkt() == old.crs.to_wkt()
            np.testing.assert_array_equal(new.dataset_mask() > 0, old.read(2) > 0)
    assert read_header(picture).georeferenced is (place != "nothing")


def test_points_on_the_ground_come_through(write, there_and_back):
    points = [GroundControlPoint(row, column, 7 + column / 1e3, 50 - row / 1e3, 12.5) for row, column in
              ((0, 0), (0, 52), (40, 0), (35, 41.5))]  # fmt: skip
    path = write(sea(), gcps=(points, CRS.from_epsg(4326)))
    with rasterio.open(path) as old, rasterio.open(there_and_back(path)) as new:
        (points, system), (told, told_system) = old.gcps, new.gcps
    assert told_system == system
    assert [(p.row, p.col, p.x, p.y, p.z) for p in told] == [(p.row, p.col, p.x, p.y, p.z) for p in points]


@pytest.mark.parametrize("no_data", [np.nan, -9999.0, None], ids=["NaN", "-9999", "undeclared"])
def test_what_is_no_data_stays_so(no_data, write, there_and_back, translator):
    values = sea().astype(np.float32)
    nothing = values[1] == 0
    values[:, nothing] = np.nan if no_data is None else no_data
    path = write(values, nodata=no_data, **PLACES["north up"])
    assert np.isnan(read_image(path)[1]).sum() == nothing.sum()
    picture = there_and_back(path, stretch="own")
    with rasterio.open(picture) as new:
        assert new.nodata is None, "every value 0 to 255 is a colour; the mask says where there is none"
        np.testing.assert_array_equal(new.dataset_mask() == 0, nothing)
        assert "internal" not in {file.rpartition(".")[2] for file in new.files}
        assert new.files == [str(picture)], "the mask lies inside the file"


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 130), (130, 1), (65, 65), (2, 129)])
@pytest.mark.parametrize("overlap", [0, 32])
def test_edges_of_one_pixel_are_pictured_in_place(height, width, overlap, write, there_and_back):
    values = sea(height, width)
    values[:] = np.maximum(values, 1)
    values[:, height - 1, width - 1] = 0 if height * width > 1 else 500
    path = write(values, **PLACES["no number"])
    picture = there_and_back(path, tile_px=64, overlap_px=overlap)
    with rasterio.open(picture) as new:
        assert (new.height, new.width) == (height, width)
        assert new.transform == NORTH_UP
        np.testing.assert_array_equal(new.dataset_mask() > 0, values[1] > 0)


@pytest.mark.parametrize("is_point", [False, True], ids=["areas", "points"])
@pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}], ids=["strips", "tiles"])
def test_windows_hold_the_pixels_they_name(is_point, layout, write):
    values = sea()
    path = write(values, is_point=is_point, **PLACES["north up"], **layout)
    with open_scene(path, no_data=0) as scene:
        assert scene.place.transform == NORTH_UP
        for rows, columns in (((39, 40), (51, 52)), ((0, 40), (51, 52)), ((39, 40), (0, 52)), ((15, 17), (31, 33))):
            wanted = values[:, slice(*rows), slice(*columns)].astype(np.float32)
            wanted[wanted == 0] = np.nan
            np.testing.assert_array_equal(scene.read(rows, columns), wanted)


def test_more_than_255_values_survive(write):
    """As in a map of more than 255 classes."""
    classes = np.arange(300, dtype=np.uint16).reshape(1, 15, 20)
    np.testing.assert_array_equal(read_image(write(classes, **PLACES["north up"])), classes)
