"""Pairs with planted shifts, moved into place: what a run then sees is what lay in place from the beginning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from bandbridge.engine.api.config import PairFolders, RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import Adapt, CheckData, LookCloser
from bandbridge.engine.imagery.decoded import decode_images
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.worker.adapt import adapt
from bandbridge.engine.worker.check import check_data
from bandbridge.engine.worker.gather import PairImages, gather_images
from bandbridge.engine.worker.look_closer import look_closer

INPUTS = InputSpec(size_px=32, mean=(0.4,) * 3, std=(0.3,) * 3)


def save(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), values)


def gathered(folders: PairFolders, target: str) -> PairImages:
    config = RunConfig(sources=(), target=target, run="", pairs=(folders,))
    images = gather_images(config, [INPUTS], ("a",), with_pairs=True, emit=lambda event: None, control=Control())
    assert images.pairs is not None
    return images.pairs


@pytest.fixture(scope="module")
def misplaced(shared_data, tmp_path_factory) -> tuple[Path, dict[str, tuple[int, int]]]:
    """40 real pairs whose sensor images lie 4 to 12 pixels off."""
    folder, root = shared_data("sentinel2_rgb_nir_pairs"), tmp_path_factory.mktemp("misplaced")
    random = np.random.default_rng(0)
    planted = {}
    for path in sorted((folder / "rgb").iterdir())[:40]:
        angle, length = random.uniform(0, 2 * np.pi), random.uniform(4, 12)
        right, down = round(length * np.cos(angle)), round(length * np.sin(angle))
        rgb, nir = (cv2.imread(str(folder / side / path.name)) for side in ("rgb", "nir"))
        save(root / "rgb" / f"{path.stem}.png", rgb[12:-12, 12:-12])
        save(root / "nir" / f"{path.stem}.png", nir[12 - down : 116 - down, 12 - right : 116 - right, 0])
        # The same ground, cut out of images that lie on each other.
        rows, columns = (slice(12 + max(0, -by), 116 - max(0, by)) for by in (down, right))
        save(root / "true-rgb" / f"{path.stem}.png", rgb[rows, columns])
        save(root / "true-nir" / f"{path.stem}.png", nir[rows, columns, 0])
        planted[path.stem] = (right, down)
    return root, planted


def decoded(folder: Path, names: tuple[str, ...], stretch: Stretch) -> np.ndarray:
    files = [f"{name}.png" for name in names]
    images, findings = decode_images(
        folder,
        files,
        bands=None,
        stretch=stretch,
        size_px=INPUTS.size_px,
        no_data=None,
        control=Control(),
        emit=print,
    )
    assert not findings
    return images.pixels


def test_what_the_check_measured_is_undone_pixel_by_pixel(misplaced):
    root, _ = misplaced
    folders = PairFolders(rgb=str(root / "rgb"), sensor=str(root / "nir"))
    table = str(root / "shifts.csv")
    report = check_data(CheckData(pairs=(folders,), shifts=(table,)), lambda event: None, Control())
    sure = [shift for shift in report.shifts if shift.sure]
    moved = replace(folders, shifts=table)
    pairs = gathered(moved, folders.sensor)
    assert pairs.moved == len(sure) >= 30, "all of them were planted at least four pixels off"
    as_they_lie = gathered(folders, folders.sensor)
    assert as_they_lie.moved == 0
    # One band, so that the mean and spread of the folder give back the stretch of the images.
    config = RunConfig(sources=(), target=folders.sensor, run="", pairs=(folders,))
    images = gather_images(config, [INPUTS], ("a",), with_pairs=False, emit=lambda event: None, control=Control())
    true_nir = decoded(root / "true-nir", pairs.names, images.stretch)
    true_rgb = decoded(root / "true-rgb", pairs.names, Stretch.eight_bit(3))
    same = np.array(
        [
            np.array_equal(mine, true) and np.array_equal(colours, true_colours)
            for mine, true, colours, true_colours in zip(pairs.sensor, true_nir, pairs.rgb[0], true_rgb, strict=True)
        ]
    )
    assert same.sum() >= 0.9 * len(sure), "measured to the pixel, moved by whole pixels"
    lying = np.array([np.array_equal(mine, true) for mine, true in zip(as_they_lie.sensor, true_nir, strict=True)])
    assert not lying.any()

    again = check_data(CheckData(pairs=(moved,)), lambda event: None, Control())
    assert again.counts.get("shift", 0) == 0, "what a table moves is no fault any more"
    assert again.shifts == report.shifts


def test_a_wrong_table_leaves_the_fault_to_be_named(misplaced):
    root, planted = misplaced
    name = next(iter(planted))
    table = root / "wrong.csv"
    rows = [f"{key}.png,{key}.png,{right},{down}" for key, (right, down) in planted.items() if key != name]
    table.write_text("\n".join(["rgb,sensor,right_px,down_px", *rows, f"{name}.png,{name}.png,-9,20"]))
    folders = PairFolders(rgb=str(root / "rgb"), sensor=str(root / "nir"), shifts=str(table))
    report = check_data(CheckData(pairs=(folders,)), lambda event: None, Control())
    assert [finding.file for finding in report.parts[-1].findings if finding.kind == "shift"] == [f"{name}.png"]


def test_no_data_stays_no_data_and_one_image_may_be_in_several_pairs(tmp_path: Path):
    ground = np.random.default_rng(0).integers(1000, 60000, (1, 48, 48), np.uint16)[0]
    for n, (right, down) in enumerate(((0, 0), (4, 0), (-2, 6))):
        sensor = ground[8 - down : 40 - down, 8 - right : 40 - right].copy()
        sensor[:3] = 0
        save(tmp_path / "nir" / f"{n}.tif", sensor)
    save(tmp_path / "rgb" / "a.png", np.dstack([(ground[8:40, 8:40] >> 8).astype(np.uint8)] * 3))
    (tmp_path / "pairs.csv").write_text("rgb,sensor\n" + "".join(f"a.png,{n}.tif\n" for n in range(3)))
    (tmp_path / "shifts.csv").write_text("rgb,sensor,right_px,down_px\na.png,1.tif,4,0\na.png,2.tif,-2,6\n")
    folders = PairFolders(
        rgb=str(tmp_path / "rgb"),
        sensor=str(tmp_path / "nir"),
        table=str(tmp_path / "pairs.csv"),
        shifts=str(tmp_path / "shifts.csv"),
    )
    config = RunConfig(sources=(), target=folders.sensor, run="", pairs=(folders,), no_data=0.0)
    images = gather_images(config, [INPUTS], ("a",), with_pairs=True, emit=lambda event: None, control=Control())
    pairs = images.pairs
    assert pairs.moved == 2
    assert (pairs.sensor[0, 0, :3] == 0).all()
    assert (pairs.sensor[1, 0, :3] == 0).all(), "cut at the left alone, the rows without data are still there"
    assert len(np.unique(pairs.rgb[0].reshape(3, -1), axis=0)) == 3, "every pair has a cut of its own"
    # Cut to 30 x 26 pixels, of which the first rows with data are those below the sixth.
    expected = ground[8:34, 10:40]
    small = cv2.resize(expected.astype(np.float32), (32, 32), interpolation=cv2.INTER_LINEAR)
    assert np.corrcoef(pairs.sensor[2, 0].ravel(), small.ravel())[0, 1] > 0.99


def test_a_run_moves_its_pairs_and_the_closer_look_shows_them_so(ingredients: Path, tmp_path: Path):
    table = tmp_path / "shifts.csv"
    table.write_text("rgb,sensor,right_px,down_px\n3.png,3.tif,4,-2\n")
    folders = PairFolders(rgb=str(ingredients / "pairs/rgb"), sensor=str(ingredients / "pairs/nir"), shifts=str(table))
    config = RunConfig(
        sources=(str(ingredients / "source.safetensors"),),
        pairs=(folders,),
        target=str(ingredients / "target"),
        run=str(tmp_path / "run"),
        method="pairs-only",
        epochs=1,
        batch_size=8,
        device="cpu",
    )
    report = adapt(Adapt(config=config), lambda event: None, Control())
    assert report.pairs_moved == 1
    seen = look_closer(LookCloser(run=config.run, file="3", kind="pair", device="cpu"), lambda event: None, Control())
    assert (seen.width, seen.height) == (28, 30)
    partner = cv2.imread(str(ingredients / "pairs/rgb/3.png"))[2:, :28, ::-1]
    np.testing.assert_array_equal(seen.rgb, partner)
    whole = look_closer(LookCloser(run=config.run, file="4", kind="pair", device="cpu"), lambda event: None, Control())
    assert (whole.width, whole.height) == (32, 32)
