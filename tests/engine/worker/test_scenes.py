"""Scenes go through a run as they lie: no tile is written, and every answer lands on the map."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from bandbridge.engine.api.config import PairFolders, RunConfig, TileRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import Adapt, CheckData, Export, LookCloser, Predict
from bandbridge.engine.export.export import export
from bandbridge.engine.imagery.names.tile import tile_name
from bandbridge.engine.worker.adapt import adapt
from bandbridge.engine.worker.apply import predict
from bandbridge.engine.worker.check import check_data
from bandbridge.engine.worker.config_file import read_config
from bandbridge.engine.worker.look_closer import look_closer
from bandbridge.engine.worker.sensor_reading import settled
from rasterio.transform import Affine

SIZE = 32
ROWS, COLUMNS = 4, 6
RULE = TileRule(size_px=SIZE)


def patch(number: int) -> np.ndarray:
    """(S, S) brightness 0..1: bright, dark or striped, never twice the same."""
    noise = 0.1 * np.random.default_rng(number).random((SIZE, SIZE))
    if number % 3 == 2:
        return noise + np.where(np.arange(SIZE) // 4 % 2 == 0, 0.8, 0.1)[None, :]
    return noise + (0.7, 0.2)[number % 3]


def told(event: object) -> None:
    pass


def write(path: Path, values: np.ndarray, metres: float) -> Path:
    bands, height, width = values.shape
    place = Affine(metres, 0, 400_000, 0, -metres, 5_000_000)
    profile = {"width": width, "height": height, "count": bands, "dtype": values.dtype, "crs": "EPSG:32633"}
    with rasterio.open(path, "w", driver="GTiff", transform=place, **profile) as dataset:
        dataset.write(values)
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A target scene, and an RGB scene of twice as fine pixels beside a sensor's scene of the same place."""
    folder = tmp_path_factory.mktemp("scenes")
    blocks = [[patch(100 + COLUMNS * row + column) for column in range(COLUMNS)] for row in range(ROWS)]
    seen = np.block(blocks)
    colours = np.stack([seen, 0.8 * seen, 0.9 * seen]).repeat(2, axis=1).repeat(2, axis=2)
    sensor = (9000 + 30_000 * seen).astype(np.uint16)[None]
    target = 9000 + 30_000 * np.block(
        [[patch(COLUMNS * row + column) for column in range(COLUMNS)] for row in range(ROWS)]
    )
    return {
        "rgb": write(folder / "rgb.tif", (230 * colours).astype(np.uint8), 10),
        "sensor": write(folder / "nir.tif", sensor, 20),
        "target": write(folder / "target.tif", target.astype(np.uint16)[None], 20),
    }


@pytest.fixture(scope="module")
def finished(ingredients: Path, scenes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory):
    config = RunConfig(
        sources=(str(ingredients / "source.safetensors"),),
        pairs=(PairFolders(rgb=str(scenes["rgb"]), sensor=str(scenes["sensor"])),),
        target=str(scenes["target"]),
        run=str(tmp_path_factory.mktemp("runs") / "run"),
        method="socket",
        epochs=1,
        batch_size=8,
        held_out=0.25,
        device="cpu",
        tiles=RULE,
    )
    return config, adapt(Adapt(config=config), told, Control())


def test_a_run_on_scenes_uses_their_tiles_and_writes_none(finished, scenes):
    config, report = finished
    assert report.target_images == ROWS * COLUMNS
    assert report.pairs_used + report.pairs_held_out == ROWS * COLUMNS
    assert [finding.kind for finding in report.set_aside] == ["warped"]
    assert read_config(Path(config.run) / "run.json") == settled(config, told, Control())
    assert {path.name for path in scenes["rgb"].parent.iterdir()} == {"rgb.tif", "nir.tif", "target.tif"}
    with (Path(config.run) / "predictions.csv").open(newline="") as file:
        names = {row["file"] for row in csv.DictReader(file)}
    assert names == {tile_name(SIZE * row, SIZE * column, SIZE) for row in range(ROWS) for column in range(COLUMNS)}


def test_every_answer_has_its_place_on_the_map(finished, scenes, tmp_path):
    config, _ = finished
    table = tmp_path / "map.csv"
    job = Predict(model=config.run, paths=(str(scenes["target"]),), tiles=replace(RULE, most=2), output=str(table))
    report = predict(job, told, Control())
    assert len(report.predictions) == ROWS * COLUMNS, "all of them, however few a run draws"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (float(rows[7]["x"]), float(rows[7]["y"]), rows[7]["crs"]) == (
        400_000 + 1.5 * SIZE * 20,
        5_000_000 - 1.5 * SIZE * 20,
        "EPSG:32633",
    )
    assert rows[7]["file"] == f"{scenes['target']}/{tile_name(SIZE, SIZE, SIZE)}"
    whole = predict(Predict(model=config.run, paths=(str(scenes["target"]),)), told, Control())
    assert [one.file for one in whole.predictions] == [str(scenes["target"])], "a small file is an image"


def test_tiles_that_show_nothing_get_no_answer(finished, tmp_path):
    config, _ = finished
    values = np.full((1, 2 * SIZE, 2 * SIZE), 20_000, np.uint16)
    values[:, :, SIZE:] = np.arange(SIZE)
    values[:, :SIZE, :SIZE] = 7
    with rasterio.open(write(tmp_path / "a.tif", values, 20), "r+") as dataset:
        dataset.nodata = 7
    report = predict(Predict(model=config.run, paths=(str(tmp_path / "a.tif"),), tiles=RULE), told, Control())
    assert len(report.predictions) == 3
    assert [one.what for one in report.set_aside] == [
        "1 of 4 tiles of 'a.tif' show nothing or too little, and are left out."
    ]


def test_a_tile_is_looked_at_closely_with_its_partner(finished, scenes):
    config, _ = finished
    name = tile_name(SIZE, 2 * SIZE, SIZE)
    pair = look_closer(LookCloser(run=config.run, file=name, kind="pair"), told, Control())
    assert (pair.width, pair.height) == (SIZE, SIZE)
    assert pair.rgb is not None
    assert pair.rgb_file == f"{scenes['rgb']}/{name}@nir.tif"
    # What both scenes show there was made from the same picture.
    likeness = np.corrcoef(pair.rgb[..., 0].ravel(), pair.sensor[..., 0].ravel())[0, 1]
    assert likeness > 0.99
    alone = look_closer(LookCloser(run=config.run, file=name, kind="target"), told, Control())
    assert alone.rgb is None, "another scene's tile of this name is another place"


def test_the_doctor_looks_at_scenes_and_sees_that_they_are_one(finished, scenes):
    pairs = (PairFolders(rgb=str(scenes["rgb"]), sensor=str(scenes["sensor"])),)
    report = check_data(CheckData(pairs=pairs, target=str(scenes["sensor"]), tiles=RULE), told, Control())
    assert report.images == 3 * ROWS * COLUMNS
    leaks = [finding for part in report.parts for finding in part.findings if finding.kind == "leak"]
    assert len(leaks) == 1
    assert "the same scene" in leaks[0].what


def test_an_exported_model_is_checked_on_tiles(finished, tmp_path):
    config, _ = finished
    report = export(
        Export(source=config.run, format="safetensors", output=str(tmp_path / "m.safetensors")), Control(), told
    )
    assert report.checked_images == ROWS * COLUMNS
