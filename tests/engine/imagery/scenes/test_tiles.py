"""Tiles are what the scene holds there, nothing of a scene is lost between them, and a name says everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from bandbridge.engine.api.config import PairFolders, TileRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, UsageError
from bandbridge.engine.api.jobs import ScanFolder
from bandbridge.engine.imagery import folder
from bandbridge.engine.imagery.folder import LEAST_SCENE_PX, list_images, rgb_bands, scan_folder
from bandbridge.engine.imagery.formats.band_files import files_of
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.names.labels import class_of
from bandbridge.engine.imagery.names.tile import tile_name, tile_of
from bandbridge.engine.imagery.pairing import pair_folders
from bandbridge.engine.imagery.reader import load_image, read_header
from bandbridge.engine.imagery.scenes.scene_file import scene_facts
from bandbridge.engine.imagery.scenes.tiles import tile_corners, tile_middle
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import Affine

PLACE = {"crs": "EPSG:32633", "transform": Affine(10, 0, 500_000, 0, -10, 5_000_000)}


@given(st.integers(1, 400), st.integers(1, 400), st.integers(8, 90), st.data())
def test_tiles_cover_a_scene_without_a_gap_and_end_with_it(width, height, size, data):
    overlap = data.draw(st.integers(0, size // 2))
    header = ImageHeader(path=Path("a.tif"), width=width, height=height, bands=1, dtype="uint8")
    corners = tile_corners(header, TileRule(size_px=size, overlap_px=overlap, most=10**9))
    seen = np.zeros((height, width), int)
    for row, column in corners:
        seen[row : row + size, column : column + size] += 1
        assert row + size <= max(height, size)
        assert column + size <= max(width, size)
    assert seen.min() == 1 if overlap == 0 and width % size == height % size == 0 else seen.min() >= 1
    assert corners == sorted(set(corners))


@pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}])
def test_a_scene_is_its_tiles_put_together_even_with_an_edge_of_one_pixel(write_tiff, noise, layout):
    values = noise((3, 65, 97), np.uint16, 60_000)
    scene = write_tiff("a.tif", values, **layout, **PLACE)
    again = np.full(values.shape, np.nan)
    names = list_images(scene, tiles=TileRule(size_px=32))
    for name in names:
        tile = tile_of(scene / name)
        image = load_image(scene / name)
        assert image.values.shape == (3, 32, 32)
        assert (image.header.width, image.header.height, image.header.dtype) == (32, 32, "uint16")
        again[:, tile.row : tile.row + 32, tile.column : tile.column + 32] = image.values
    np.testing.assert_array_equal(again, values)
    assert len(names) == 3 * 4


def test_beyond_a_small_scene_there_is_nothing(write_tiff, noise):
    values = noise((2, 20, 50))
    scene = write_tiff("a.tif", values)
    (name, *others) = list_images(scene, tiles=TileRule(size_px=64))
    assert not others
    image = load_image(scene / name, bands=(2,))
    np.testing.assert_array_equal(image.values[:, :20, :50], values[1:])
    assert np.isnan(image.values).sum() == 64 * 64 - 20 * 50


def test_values_that_mean_nothing_mean_it_in_tiles(write_tiff, noise):
    values = noise((1, 64, 64), high=70).astype(np.float32)
    values[0, :5] = np.nan
    values[0, 5:9] = -9999
    values[0, 10] = 77
    # NaN was written while the tag keeps the older value: both are nothing.
    scene = write_tiff("a.tif", values, nodata=-9999)
    image = load_image(scene / tile_name(0, 0, 32), no_data=77)
    assert np.isnan(image.values[0, [0, 4, 5, 8, 10]]).all()
    np.testing.assert_array_equal(image.values[0, 11:], values[0, 11:32, :32])
    assert np.isfinite(image.values[0, 9]).all()


def test_a_frame_is_recognised_by_all_bands_together(write_tiff, noise):
    values = noise((3, 200, 200), high=240)
    values[:, :, :50] = 255
    values[:, 150:] = 255
    values[0, 60:70, 60:70] = 255  # bright in one band alone
    scene = write_tiff("a.tif", values)
    assert scene_facts(scene).frame == 255
    image = load_image(scene / tile_name(40, 40, 64), bands=(1,))
    assert np.isnan(image.values[0, :, :10]).all()
    assert np.isfinite(image.values[0, :, 10:]).all()
    assert image.header.frame == 255
    given_value = load_image(scene / tile_name(40, 40, 64), bands=(1,), no_data=255)
    assert np.isnan(given_value.values[0, 20:30, 20:30]).all(), "what the person says stands alone"
    assert scene_facts(write_tiff("b.tif", values, nodata=0)).frame is None
    assert scene_facts(write_tiff("c.tif", noise((1, 200, 200)))).frame is None
    # One dark corner is a scene's own.
    values[:, 150:] = 9
    values[:, :, :50] = 8
    values[:, :40, :40] = 0
    assert scene_facts(write_tiff("d.tif", values)).frame is None


def test_too_empty_tiles_are_left_out_and_told_once(write_tiff, noise):
    values = noise((1, 128, 128), high=200)
    values[0, :, :80] = 250
    scene = write_tiff("a.tif", values, nodata=250)
    job = ScanFolder(folder=str(scene), tiles=TileRule(size_px=32, most_missing=0.4))
    report = scan_folder(job, Control(lambda: None), lambda event: None)
    assert report.files == tuple(tile_name(row, 96, 32) for row in (0, 32, 64, 96))
    (finding,) = [one for one in report.findings if one.kind == "no-data"]
    assert (finding.severity, finding.file) == ("note", str(scene))
    assert finding.what == "12 of 16 tiles of 'a.tif' show nothing or too little, and are left out."
    sparse = scan_folder(
        ScanFolder(folder=str(scene), tiles=TileRule(size_px=32, most_missing=0.5)),
        Control(lambda: None),
        lambda event: None,
    )
    assert len(sparse.files) == 8


def test_so_many_tiles_are_drawn_the_same_every_time(write_tiff, noise):
    scene = write_tiff("a.tif", noise((1, 256, 256)))
    every = list_images(scene, tiles=TileRule(size_px=16))
    drawn = list_images(scene, tiles=TileRule(size_px=16, most=40))
    assert (len(every), len(drawn)) == (256, 40)
    assert set(drawn) < set(every)
    assert drawn == list_images(scene, tiles=TileRule(size_px=16, most=40))
    rows = [tile_of(scene / name).row for name in drawn]
    assert rows == sorted(rows)
    assert len(set(rows)) > 8, "from everywhere"
    job = ScanFolder(folder=str(scene), tiles=TileRule(size_px=16, most=40))
    report = scan_folder(job, Control(lambda: None), lambda event: None)
    assert "Of the 256 tiles of 'a.tif', 40 drawn at random are used." in [one.what for one in report.findings]
    huge = ImageHeader(path=scene, width=2**31 - 1, height=2**31 - 1, bands=1, dtype="uint8")
    assert len(tile_corners(huge, TileRule(size_px=4096))) == 2000


def test_a_band_that_is_missing_is_told_once_for_a_scene(write_tiff, noise):
    scene = write_tiff("a.tif", noise((2, 64, 64)))
    job = ScanFolder(folder=str(scene), bands=(3,), tiles=TileRule(size_px=16))
    report = scan_folder(job, Control(lambda: None), lambda event: None)
    assert [one.kind for one in report.findings] == ["bands", "empty"]
    assert "lacks band 3. None of its tiles can be read." in report.findings[0].what


def test_large_scenes_among_images_are_cut_too(tmp_path, write_tiff, noise):
    side = LEAST_SCENE_PX
    write_tiff("f/Water/big.tif", noise((1, side, side)), **PLACE)
    write_tiff("f/Water/unplaced.tif", noise((1, side, side)))
    write_tiff("f/Water/small.tif", noise((1, 64, 64)), **PLACE)
    names = list_images(tmp_path / "f", tiles=TileRule(size_px=1024))
    assert names == (
        *(f"Water/big.tif/{tile_name(row, column, 1024)}" for row in (0, 1024) for column in (0, 1024)),
        "Water/small.tif",
        "Water/unplaced.tif",
    )
    assert {class_of(name) for name in names} == {"Water"}
    assert class_of("big.tif/r00000_c00000_64px") is None
    assert list_images(tmp_path / "f") == ("Water/big.tif", "Water/small.tif", "Water/unplaced.tif")


@pytest.mark.parametrize("name", ["T33UUP_20200101T101031_{}", "LC08_L1TP_190024_20200101_20200113_02_T1_{}"])
def test_scenes_whose_bands_are_files_are_cut_too(name, tmp_path, write_tiff, noise, monkeypatch):
    monkeypatch.setattr(folder, "LEAST_SCENE_PX", 100)
    monkeypatch.setattr(folder, "_LEAST_SCENE_BYTES", 1)
    is_landsat = name.startswith("LC")
    for band, metres in (("B2", 10), ("B3", 10), ("B4", 10), ("B5", 20)):
        side = 1280 // metres
        place = {"crs": "EPSG:32633", "transform": Affine(metres, 0, 500_000, 0, -metres, 5_000_000)}
        values = noise((1, side, side), np.uint16, 9000, seed=int(band[1]))
        write_tiff(f"f/{name.format(band if is_landsat else band.replace('B', 'B0'))}.tif", values, nodata=3, **place)
    names = list_images(tmp_path / "f", tiles=TileRule(size_px=64))
    product = name.removesuffix("_{}")
    assert names == tuple(f"{product}/{tile_name(row, column, 64)}" for row in (0, 64) for column in (0, 64))
    whole = load_image(tmp_path / "f" / product).values
    for one in names:
        tile = tile_of(tmp_path / "f" / one)
        image = load_image(tmp_path / "f" / one)
        part = whole[:, tile.row : tile.row + 64, tile.column : tile.column + 64]
        np.testing.assert_array_equal(image.values, part)
        assert image.header.band_names[2] == ("B4" if is_landsat else "B04")
        assert image.header.georeferenced
    assert rgb_bands(None, tmp_path / "f", names) == (3, 2, 1)
    job = ScanFolder(folder=str(tmp_path / "f"), bands=(4,), tiles=TileRule(size_px=64))
    assert scan_folder(job, Control(lambda: None), lambda event: None).files == names
    assert tile_middle(tile_of(tmp_path / "f" / names[3])) == ((500_960.0, 4_999_040.0), "EPSG:32633")
    assert len(files_of(tmp_path / "f" / names[0])) == 4
    pairing = pair_folders(PairFolders(rgb=str(tmp_path / "f"), sensor=str(tmp_path / "f")), tiles=TileRule(size_px=64))
    assert [one for _, _, one in pairing.pairs] == list(names)


def test_a_scene_that_changed_is_read_anew(write_tiff, noise):
    values = noise((1, 64, 64), high=100)
    scene = write_tiff("a.tif", values)
    tile = scene / tile_name(0, 0, 32)
    assert load_image(tile).values.max() <= 100
    write_tiff("a.tif", np.vstack([values + 100, values]))
    assert load_image(tile).values[0].min() >= 100
    assert read_header(tile).bands == 2


def test_what_cannot_be_read_in_parts_is_refused_in_words(write_picture, noise, tmp_path):
    picture = write_picture("a.png", noise((64, 64)))
    for look in (lambda: list_images(picture, tiles=TileRule()), lambda: load_image(picture / tile_name(0, 0, 8))):
        with pytest.raises(ImageError, match="cannot be cut into tiles"):
            look()
    with pytest.raises(ImageError, match="cannot be opened"):
        load_image(tmp_path / "gone.tif" / tile_name(0, 0, 8))


@pytest.mark.parametrize(
    "rule",
    [
        TileRule(size_px=4),
        TileRule(size_px=64, overlap_px=33),
        TileRule(overlap_px=-1),
        TileRule(most_missing=1),
        TileRule(most=0),
    ],
)
def test_rules_that_cut_nothing_are_refused(rule, write_tiff, noise):
    with pytest.raises(UsageError):
        list_images(write_tiff("a.tif", noise((1, 64, 64))), tiles=rule)


CUSTOM = "+proj=tmerc +lat_0=12.34 +lon_0=56.78 +k=0.9995 +x_0=1234 +y_0=5678 +ellps=bessel +units=m +no_defs"


@pytest.mark.parametrize("point", ["Area", "Point"])
@pytest.mark.parametrize("crs", ["EPSG:32633", CUSTOM], ids=["EPSG", "no EPSG"])
def test_tiles_lie_where_their_scene_lies_to_the_last_column(write_tiff, noise, crs, point):
    """What readers get wrong silently: half a pixel, systems without a number, NaN beside an older no-data tag."""
    values = noise((1, 64, 65), high=200).astype(np.float32)
    values[0, 5] = np.nan
    values[0, 6] = -9999
    scene = write_tiff("a.tif", values, crs=crs, transform=PLACE["transform"], nodata=-9999)
    with rasterio.open(scene, "r+") as dataset:
        dataset.update_tags(AREA_OR_POINT=point)
    with rasterio.open(scene) as dataset:
        assert dataset.tags()["AREA_OR_POINT"] == point
        for name in list_images(scene, tiles=TileRule(size_px=32)):
            tile = tile_of(scene / name)
            middle, system = tile_middle(tile)
            assert middle == dataset.xy(tile.row + 16, tile.column + 16, offset="ul")
            assert rasterio.CRS.from_string(system) == dataset.crs
    wanted = np.where(values == -9999, np.nan, values)[:, :32, 33:]
    np.testing.assert_array_equal(load_image(scene / tile_name(0, 33, 32)).values, wanted)
    beyond = load_image(scene / tile_name(0, 64, 32)).values
    np.testing.assert_array_equal(beyond[:, :, 0], wanted[:, :, -1])
    assert np.isnan(beyond[:, :, 1:]).all(), "one column is left of the scene"


def test_the_coast_is_understood_as_it_lies(shared_data):
    scene = shared_data("scenes") / "s2_coast_8band.tif"
    report = scan_folder(ScanFolder(folder=str(scene), bands=(8,)), Control(lambda: None), lambda event: None)
    assert 240 <= len(report.files) <= 255
    assert {one.kind for one in report.findings} == {"no-data"}
    assert report.histograms[0].high < 255
    whole = load_image(scene, bands=(8,)).values
    name = report.files[100]
    tile = tile_of(scene / name)
    part = whole[:, tile.row : tile.row + 128, tile.column : tile.column + 128]
    np.testing.assert_array_equal(np.nan_to_num(load_image(scene / name, bands=(8,)).values, nan=255), part)
