import pytest
import rasterio
from bandbridge.engine.api.config import TileRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import InspectScene
from bandbridge.engine.imagery.folder import list_images, rgb_bands
from bandbridge.engine.imagery.scene_report import inspect_scene
from rasterio.transform import Affine

PLACE = {"crs": "EPSG:32633", "transform": Affine(10, 0, 500_000, 0, -10, 5_000_000)}


def inspected(job):
    return inspect_scene(job, Control(lambda: None))


def test_a_scene_says_how_large_it_is_on_the_ground(write_tiff, noise):
    report = inspected(InspectScene(path=str(write_tiff("a.tif", noise((2, 100, 300)), **PLACE))))
    assert (report.width, report.height, report.bands, report.tiles, report.used) == (300, 100, 2, 3, 3)
    assert report.system == "WGS 84 / UTM zone 33N"
    assert report.pixel_m == pytest.approx(10, rel=0.005)
    degrees = {"crs": "EPSG:4326", "transform": Affine(0.001, 0, 15, 0, -0.001, 60)}
    report = inspected(InspectScene(path=str(write_tiff("b.tif", noise((1, 10, 10)), **degrees))))
    assert report.pixel_m == pytest.approx(111.2 * 0.5**0.5, rel=0.005), "half as wide as high at 60 degrees north"
    custom = (
        'PROJCS["mine",GEOGCS["x",DATUM["y",SPHEROID["z",6378137,298.25]],PRIMEM["g",0],UNIT["degree",0.0174532925]],'
        'PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",13.37],'
        'PARAMETER["scale_factor",1],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1]]'
    )
    report = inspected(
        InspectScene(path=str(write_tiff("c.tif", noise((1, 9, 9)), crs=custom, transform=PLACE["transform"])))
    )
    assert report.system == "mine"
    report = inspected(InspectScene(path=str(write_tiff("d.tif", noise((1, 9, 9))))))
    assert (report.system, report.pixel_m) == ("", None)


def test_colours_are_proposed_as_declared_else_by_the_profile(write_tiff, noise):
    scene = write_tiff("s2_odd.tif", noise((8, 64, 64)), **PLACE)
    names = list_images(scene, tiles=TileRule(size_px=32))
    assert rgb_bands(None, scene, names) == (4, 3, 2)
    assert rgb_bands((5, 6, 7), scene, names) == (5, 6, 7)
    report = inspected(InspectScene(path=str(scene)))
    assert (report.rgb_bands, report.sensor_bands) == ((4, 3, 2), (8,))
    assert "Sentinel-2" in report.sensor
    with rasterio.open(scene, "r+") as dataset:
        for band, word in ((6, "Red"), (5, "Green"), (1, "Blue")):
            dataset.set_band_description(band, word)
    assert rgb_bands(None, scene, names) == (6, 5, 1)
    assert rgb_bands(None, scene.parent, [scene.name]) == (6, 5, 1), "of an image in a folder too"
    report = inspected(InspectScene(path=str(write_tiff("x.tif", noise((5, 64, 64))))))
    assert (report.sensor, report.rgb_bands, report.sensor_bands) == ("", (1, 2, 3), (4, 5))
    assert inspected(InspectScene(path=str(write_tiff("y.tif", noise((1, 64, 64)))))).sensor_bands == ()
