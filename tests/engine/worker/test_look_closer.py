"""Looking at one image of a run: the pictures it saw, and the answers written down for it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from bandbridge.engine.api.config import PairFolders, RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ModelError, UsageError
from bandbridge.engine.api.jobs import Adapt, LookCloser
from bandbridge.engine.worker.adapt import adapt
from bandbridge.engine.worker.look_closer import look_closer
from rasterio.transform import Affine


def look(run, file, kind="target"):
    return look_closer(LookCloser(run=str(run), file=file, kind=kind, device="cpu"), lambda event: None, Control())


@pytest.fixture(scope="module")
def bridged(ingredients: Path, tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """A finished run with a translator; never changed by a test."""
    config = RunConfig(
        sources=(str(ingredients / "source.safetensors"),),
        pairs=(PairFolders(rgb=str(ingredients / "pairs/rgb"), sensor=str(ingredients / "pairs/nir")),),
        target=str(ingredients / "target"),
        run=str(tmp_path_factory.mktemp("bridged") / "run"),
        method="translator-only",
        settings={"bridge_epochs": 2},
        batch_size=8,
        device="cpu",
    )
    adapt(Adapt(config=config), lambda event: None, Control())
    return config


def copy_of(config, folder):
    """The run in another place, which a test may spoil."""
    return Path(shutil.copytree(config.run, folder / "copy"))


def test_the_answers_are_those_the_run_wrote_down(bridged):
    with (Path(bridged.run) / "predictions.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 15
    for line in lines[::4]:
        report = look(bridged.run, line["file"])
        for answers, name in ((report.source_on_sensor, "before"), (report.adapted, "after")):
            assert report.class_names[int(answers.argmax())] == line[name]
            assert answers.max() == pytest.approx(float(line[f"{name}_confidence"]), abs=1e-4)
        # This method's finished model is the translator before the source model.
        np.testing.assert_allclose(report.source_on_translated, report.adapted, atol=1e-5)
        assert report.truth == line["truth"] == line["file"].partition("/")[0]


def test_a_pair_shows_its_partner_and_how_like_the_translation_is(bridged, ingredients):
    report = look(bridged.run, "3", "pair")
    partner = cv2.imread(str(ingredients / "pairs/rgb/3.png"))[:, :, ::-1]
    np.testing.assert_array_equal(report.rgb, partner)
    assert Path(report.rgb_file) == ingredients / "pairs/rgb/3.png"
    assert report.sensor.shape == report.translated.shape == report.rgb.shape == (32, 32, 3)
    assert report.difference.shape == (32, 32)
    # Grey levels are clipped where both are opposites, which seldom occurs, so both say the same.
    assert report.ssim == pytest.approx(1 - report.difference.mean() / 255, abs=0.02)
    assert report.truth == ""


def test_numbered_files_of_other_scenes_are_no_partners(bridged, ingredients, tmp_path):
    """target/Bright/1.tif and pairs/rgb/Bright/1.png: alike by name, yet pair 1 shows another scene."""
    for side in ("rgb", "nir"):
        shutil.copytree(ingredients / "pairs" / side, tmp_path / side / "Bright")
    name = next(path.name for path in (ingredients / "target/Bright").iterdir())
    run = copy_of(bridged, tmp_path)
    facts = (run / "run.json").read_text()
    (run / "run.json").write_text(facts.replace(str(ingredients / "pairs"), str(tmp_path)))
    assert look(run, f"Bright/{name}").rgb is None
    shutil.copy(ingredients / "target/Bright" / name, tmp_path / "nir/Bright" / name)
    assert look(run, f"Bright/{name}").rgb is not None


def test_a_file_with_its_own_rgb_bands_is_its_own_partner(make_config, ingredients, tmp_path):
    for number in range(6):
        image = cv2.imread(str(ingredients / f"pairs/rgb/{number}.png"))
        (tmp_path / "four").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "four" / f"{number}.png"), np.dstack([image, 255 - image[:, :, :1]]))
    four = str(tmp_path / "four")
    config = make_config(
        method="source-only", pairs=(), target=four, rgb_bands=(1, 2, 3), sensor_bands=(4,), run=str(tmp_path / "run")
    )
    adapt(Adapt(config=config), lambda event: None, Control())
    report = look(config.run, "2.png")
    np.testing.assert_array_equal(report.rgb, cv2.imread(f"{four}/2.png")[:, :, ::-1])
    assert report.translated is report.difference is report.ssim is report.source_on_translated is None


def test_without_the_source_model_the_rest_is_shown(bridged, tmp_path):
    run = copy_of(bridged, tmp_path)
    facts = (run / "run.json").read_text()
    (run / "run.json").write_text(facts.replace("source.safetensors", "gone.safetensors"))
    report = look(run, "0", "pair")
    assert report.source_on_sensor is report.source_on_translated is None
    assert report.adapted.sum() == pytest.approx(1, abs=1e-5)
    assert report.translated is not None


def test_missing_pixels_are_black_and_count_for_nothing(bridged, tmp_path, ingredients):
    target = Path(shutil.copytree(ingredients / "target", tmp_path / "target"))
    name = next((target / "Dark").iterdir()).relative_to(target)
    values = cv2.imread(str(target / name), cv2.IMREAD_UNCHANGED)
    values[:10] = 0
    facts = {"width": 32, "height": 32, "count": 1, "dtype": "uint16", "nodata": 0}
    with rasterio.open(target / name, "w", driver="GTiff", transform=Affine(10, 0, 0, 0, -10, 0), **facts) as file:
        file.write(values, 1)
    run = copy_of(bridged, tmp_path)
    facts = (run / "run.json").read_text()
    (run / "run.json").write_text(facts.replace(str(ingredients / "target"), str(target)))
    report = look(run, name.as_posix())
    assert not report.sensor[:10].any()
    assert not report.translated[:10].any()
    assert report.translated[10:].any()


def test_what_is_not_there_is_told(bridged, make_config, tmp_path):
    with pytest.raises(UsageError, match="no target image 'nothing"):
        look(bridged.run, "nothing.tif")
    with pytest.raises(UsageError, match="no pair '99'"):
        look(bridged.run, "99", "pair")
    moved = copy_of(bridged, tmp_path / "moved")
    (moved / "run.json").write_text((moved / "run.json").read_text().replace("/pairs/", "/gone/"))
    assert look(moved, (moved / "predictions.csv").read_text().splitlines()[1].partition(",")[0]).rgb is None
    with pytest.raises(UsageError, match="no run folder"):
        look(tmp_path, "0", "pair")
    run = copy_of(bridged, tmp_path)
    (run / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="holds no model"):
        look(run, "0", "pair")
