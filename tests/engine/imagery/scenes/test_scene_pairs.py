"""Two scenes of one place become pairs of tiles that show the same ground to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from bandbridge.engine.api.config import PairFolders, TileRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, PairingError
from bandbridge.engine.api.jobs import ScanPairs
from bandbridge.engine.imagery.folder import LEAST_SCENE_PX
from bandbridge.engine.imagery.pairing import SAME_FILE, SAME_PLACE, pair_folders, scan_pairs
from bandbridge.engine.imagery.reader import load_image
from bandbridge.engine.imagery.scenes import warp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine
from rasterio.warp import transform

SIDE = 96
# A sensor's scene of 20 m pixels at 15 degrees east.
SENSOR = ("EPSG:32633", Affine(20, 0, 499_000, 0, -20, 5_486_000))
WEST, NORTH = transform("EPSG:32633", "EPSG:4326", [498_500], [5_486_500])
ZONE_WEST, ZONE_NORTH = transform("EPSG:32633", "EPSG:32632", [498_400], [5_486_700])

SCENES = {
    "finer, in degrees": ("EPSG:4326", Affine(9e-5, 0, WEST[0], 0, -6e-5, NORTH[0]), (420, 560)),
    "coarser, in the next zone": ("EPSG:32632", Affine(50, 0, ZONE_WEST[0], 0, -50, ZONE_NORTH[0]), (80, 80)),
    "finer and turned": ("EPSG:32633", Affine(9, 4, 498_000, 4, -9, 5_486_000), (500, 500)),
    "of the same size, a fraction of a pixel off": ("EPSG:32633", Affine(20, 0, 499_007, 0, -20, 5_485_991), (96, 96)),
    "upside down": ("EPSG:32633", Affine(20, 0, 499_000, 0, 20, 5_484_080), (96, 96)),
}


def ground(crs: str, place: Affine, shape: tuple[int, int]) -> NDArray[np.float32]:
    """(2, H, W) metres east and north of a point, as the pixels of a scene see them in their middle."""
    columns, rows = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    x, y = place.a * columns + place.b * rows + place.c, place.d * columns + place.e * rows + place.f
    if crs != SENSOR[0]:
        x, y = (np.reshape(one, shape) for one in transform(crs, SENSOR[0], x.ravel(), y.ravel()))
    return np.stack([x - 500_000, y - 5_485_000]).astype(np.float32)


@pytest.fixture
def sensor(write_tiff: Callable[..., Path]) -> Path:
    crs, place = SENSOR
    return write_tiff("sensor.tif", ground(crs, place, (SIDE, SIDE)), crs=crs, transform=place)


@pytest.mark.parametrize("kind", SCENES)
def test_a_tile_shows_the_same_ground_in_both_scenes(kind, write_tiff, sensor):
    crs, place, shape = SCENES[kind]
    rgb = write_tiff("rgb.tif", ground(crs, place, shape), crs=crs, transform=place)
    pairing = pair_folders(PairFolders(rgb=str(rgb), sensor=str(sensor)), tiles=TileRule(size_px=32))
    assert pairing.rule == SAME_PLACE
    compared = 0
    for _, one, other in pairing.pairs:
        error = load_image(rgb / one).values - load_image(sensor / other).values
        there = np.isfinite(error)
        # Where half of the pixels around are missing, the rest cannot say where their middle is.
        inner = np.abs(error[there]) if "off" not in kind else np.abs(error[:, 1:-1, 1:-1][there[:, 1:-1, 1:-1]])
        compared += inner.size
        assert inner.max(initial=0.0) < 0.1 * 20
        assert np.sqrt((inner**2).mean()) < 0.03 * 20
    assert compared > 0.6 * 2 * SIDE**2


@given(east=st.floats(-300, 300), south=st.floats(-300, 300), pixel_m=st.floats(5, 60))
@settings(max_examples=15)
def test_any_offset_and_size_of_pixels(tmp_path_factory, east, south, pixel_m):
    folder = tmp_path_factory.mktemp("scenes")
    crs, place = SENSOR
    other = Affine(pixel_m, 0, place.c + east, 0, -pixel_m, place.f - south)
    shape = (round(SIDE * 20 / pixel_m),) * 2
    for name, its_place, its_shape in (("a.tif", other, shape), ("b.tif", place, (SIDE, SIDE))):
        values = ground(crs, its_place, its_shape)
        profile = {"width": its_shape[1], "height": its_shape[0], "count": 2, "dtype": "float32", "crs": crs}
        with rasterio.open(folder / name, "w", driver="GTiff", transform=its_place, **profile) as dataset:
            dataset.write(values)
    pairing = pair_folders(
        PairFolders(rgb=str(folder / "a.tif"), sensor=str(folder / "b.tif")), tiles=TileRule(size_px=32)
    )
    for _, one, two in pairing.pairs:
        error = load_image(folder / "a.tif" / one).values - load_image(folder / "b.tif" / two).values
        inner = error[np.isfinite(error)]
        assert not inner.size or np.median(np.abs(inner)) < 0.05 * 20


def test_tiles_that_only_one_scene_shows_are_no_pairs(write_tiff, sensor):
    crs, place = SENSOR
    half = ground(crs, place, (SIDE, 40))
    rgb = write_tiff("rgb.tif", half, crs=crs, transform=place)
    pairs = pair_folders(PairFolders(rgb=str(rgb), sensor=str(sensor)), tiles=TileRule(size_px=32)).pairs
    assert [key for key, _, _ in pairs] == [
        f"r{row:05d}_c{column:05d}_32px" for row in (0, 32, 64) for column in (0, 32)
    ]
    far = write_tiff("far.tif", half, crs=crs, transform=Affine(20, 0, 800_000, 0, -20, 5_486_000))
    with pytest.raises(ImageError, match="no place in common"):
        pair_folders(PairFolders(rgb=str(far), sensor=str(sensor)))


def test_a_coarse_grid_asks_for_a_fine_scene_piece_by_piece(write_tiff, sensor, monkeypatch):
    crs, place, shape = SCENES["finer, in degrees"]
    rgb = write_tiff("rgb.tif", ground(crs, place, shape), crs=crs, transform=place)
    (_, one, _), *_ = pair_folders(PairFolders(rgb=str(rgb), sensor=str(sensor)), tiles=TileRule(size_px=96)).pairs
    whole = load_image(rgb / one).values
    monkeypatch.setattr(warp, "_MOST_VALUES", 100_000)
    np.testing.assert_allclose(load_image(rgb / one).values, whole, atol=0.01 * 20)


def test_what_is_missing_takes_no_part_and_whole_numbers_stay_whole(write_tiff):
    crs, place = SENSOR
    fine = np.full((1, 256, 256), 1000, np.uint16)
    fine[0, 100:140, 100:140] = 0
    rgb = write_tiff("rgb.tif", fine, nodata=0, crs=crs, transform=Affine(5, 0, 499_001, 0, -5, 5_485_999))
    sensor = write_tiff("sensor.tif", np.ones((1, 64, 64), np.uint8), crs=crs, transform=place)
    ((_, one, _),) = pair_folders(PairFolders(rgb=str(rgb), sensor=str(sensor)), tiles=TileRule(size_px=64)).pairs
    values = load_image(rgb / one).values[0]
    assert set(np.unique(values[np.isfinite(values)])) == {1000}, "never mixed with what stands for nothing"
    assert np.isnan(values[27:33, 27:33]).all()
    assert 40 < np.isnan(values).sum() < 160


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ({}, {"crs": "EPSG:32633", "transform": SENSOR[1]}, "no place on the map"),
        ({"transform": SENSOR[1]}, {"crs": "EPSG:32633", "transform": SENSOR[1]}, "coordinate system"),
        ({"gcps": [GroundControlPoint(0, 0, 1, 2), GroundControlPoint(9, 9, 5, 6), GroundControlPoint(0, 9, 1, 6)]},
         {"crs": "EPSG:32633", "transform": SENSOR[1]}, "control points"),
    ],
)  # fmt: skip
def test_scenes_that_nothing_relates_are_refused_in_words(first, second, why, write_tiff, noise):
    if "gcps" in first:
        first = {**first, "crs": "EPSG:32633"}
    rgb, sensor = write_tiff("rgb.tif", noise((3, 50, 60)), **first), write_tiff("b.tif", noise((1, 50, 61)), **second)
    with pytest.raises(ImageError, match=r"rgb\.tif") as caught:
        pair_folders(PairFolders(rgb=str(rgb), sensor=str(sensor)))
    assert why in caught.value.why
    with pytest.raises(PairingError, match="scene and a folder"):
        pair_folders(PairFolders(rgb=str(rgb), sensor=str(sensor.parent)))


def test_scenes_without_a_place_lie_on_each_other_if_they_are_of_one_size(write_tiff, noise):
    rgb, sensor = write_tiff("rgb.tif", noise((3, 64, 96))), write_tiff("b.tif", noise((1, 64, 96)))
    pairing = pair_folders(PairFolders(rgb=str(rgb), sensor=str(sensor)), tiles=TileRule(size_px=32))
    assert [(one, two) for _, one, two in pairing.pairs] == [(key, key) for key, _, _ in pairing.pairs]
    assert len(pairing.pairs) == 6
    assert [one.kind for one in pairing.findings] == ["place"]


def test_one_file_is_both_scenes(write_tiff, noise):
    scene = str(write_tiff("a.tif", noise((4, 64, 96)), crs=SENSOR[0], transform=SENSOR[1]))
    job = ScanPairs(
        folders=PairFolders(rgb=scene, sensor=scene),
        rgb_bands=(3, 2, 1),
        sensor_bands=(4,),
        exclude=("r00000_c00032_32px",),
        tiles=TileRule(size_px=32),
    )
    report = scan_pairs(job, Control(lambda: None), lambda event: None)
    assert report.rule == SAME_FILE
    assert len(report.pairs) == 5
    assert [len(side.histograms) for side in (report.rgb, report.sensor)] == [3, 1]
    assert not report.findings


def test_scenes_in_two_folders_are_paired_by_name_and_then_cut(tmp_path, write_tiff, noise):
    side = LEAST_SCENE_PX
    crs, place = SENSOR
    finer = Affine(10, 0, place.c, 0, -10, place.f)
    write_tiff("rgb/east_rgb.tif", noise((1, 2 * side, 2 * side)), crs=crs, transform=finer)
    write_tiff("nir/east_nir.tif", noise((1, side, side)), crs=crs, transform=place)
    write_tiff("rgb/small_rgb.tif", noise((1, 30, 30)), crs=crs, transform=place)
    write_tiff("nir/small_nir.tif", noise((1, 30, 30)), crs=crs, transform=place)
    write_tiff("nir/alone.tif", noise((1, side, side)), crs=crs, transform=place)
    job = ScanPairs(
        folders=PairFolders(rgb=str(tmp_path / "rgb"), sensor=str(tmp_path / "nir")),
        rgb_bands=(1,),
        tiles=TileRule(size_px=1024),
    )
    report = scan_pairs(job, Control(lambda: None), lambda event: None)
    assert [pair for pair in report.pairs if "small" not in pair[0]] == [
        (
            f"east_nir.tif/r{row:05d}_c{column:05d}_1024px",
            f"east_rgb.tif/r{row:05d}_c{column:05d}_1024px@..%2Fnir%2Feast_nir.tif",
            f"east_nir.tif/r{row:05d}_c{column:05d}_1024px",
        )
        for row in (0, 1024)
        for column in (0, 1024)
    ]
    assert len(report.pairs) == 5
    assert report.unmatched_sensor == ("alone.tif",)
    assert [one.kind for one in report.findings] == ["unmatched", "warped"]
