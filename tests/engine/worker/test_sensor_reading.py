"""What is proposed for a sensor is written into the run, and the run's own file is enough to do it again."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from bandbridge.engine.api.config import PROPOSED, PairFolders, StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.events import Notice
from bandbridge.engine.api.jobs import Adapt, CheckData, Evaluate
from bandbridge.engine.imagery.sensors import sensor_profile
from bandbridge.engine.worker.adapt import adapt
from bandbridge.engine.worker.apply import evaluate, load_model
from bandbridge.engine.worker.check import check_data
from bandbridge.engine.worker.config_file import read_config
from bandbridge.engine.worker.sensor_reading import settled
from safetensors import safe_open

LOG = StretchRule(kind="log")


def content(run):
    with safe_open(str(Path(run) / "model.safetensors"), "np") as file:
        return file.metadata(), {key: file.get_tensor(key).tobytes() for key in file.keys()}  # noqa: SIM118


@pytest.fixture
def radar(make_config, ingredients, tmp_path):
    """A run on linear radar images, of which nothing is said but where they lie."""
    for name in ("target", "pairs/nir"):
        for file in (ingredients / name).rglob("*.tif"):
            counts = cv2.imread(str(file), cv2.IMREAD_UNCHANGED).astype(np.float64)
            place = tmp_path / "sar" / name / file.relative_to(ingredients / name).with_suffix(".npy")
            place.parent.mkdir(parents=True, exist_ok=True)
            np.save(place, (10 ** ((counts - 39_000) / 12_000)).astype(np.float32))
    pairs = PairFolders(rgb=str(ingredients / "pairs/rgb"), sensor=str(tmp_path / "sar/pairs/nir"))
    return make_config(target=str(tmp_path / "sar/target"), pairs=(pairs,), method="bn-adapt")


def test_a_run_keeps_what_was_proposed_and_can_be_done_again_from_its_own_file(radar, tmp_path, monkeypatch):
    said = []
    adapt(Adapt(config=radar), said.append, Control())
    notices = [event.text for event in said if isinstance(event, Notice)]
    (told,) = (text for text in notices if text.startswith("The target images look like"))
    assert "Radar on a linear scale (named 'sar'" in told
    assert told.endswith("They are read as all bands, 2 to 98 %, logarithmic.")
    kept = json.loads((Path(radar.run) / "run.json").read_text())["config"]
    assert (kept["sensor_profile"], kept["stretch"]["kind"], kept["no_data"]) == ("none", "log", 0)
    assert kept["sensor"].startswith("Radar on a linear scale")
    model = load_model(radar.run)
    assert model.inputs.raw_stretch.curve == "log"
    assert model.provenance["sensor"] == kept["sensor"]
    scores = evaluate(Evaluate(model=radar.run, folder=radar.target), [].append, Control()).scores
    # The table may change; the run does not.
    monkeypatch.setattr(sensor_profile, "sensor_profiles", lambda: ())
    again = read_config(Path(radar.run) / "run.json")
    adapt(Adapt(config=replace(again, run=str(tmp_path / "again"))), [].append, Control())
    assert content(tmp_path / "again") == content(radar.run)
    assert scores.images == 15


def test_a_configuration_of_an_earlier_version_is_read_as_it_was(tmp_path, radar):
    facts = {"format": "bandbridge-run-1", "config": {"sources": [], "target": radar.target, "run": "r"}}
    facts["config"]["stretch"] = {"low_percent": 2.0, "high_percent": 98.0}
    (tmp_path / "run.json").write_text(json.dumps(facts))
    config = read_config(tmp_path / "run.json")
    assert (config.sensor_profile, config.stretch) == ("none", StretchRule())
    assert settled(config, [].append, Control()) == config
    (tmp_path / "new.json").write_text(json.dumps(facts["config"] | {"stretch": {"kind": "auto"}}))
    config = read_config(tmp_path / "new.json")
    assert (config.sensor_profile, config.stretch) == ("auto", PROPOSED)
    (tmp_path / "wrong.json").write_text(json.dumps(facts["config"] | {"sensor_profile": "sonar"}))
    with pytest.raises(UsageError, match="sonar"):
        read_config(tmp_path / "wrong.json")


def test_a_filter_is_part_of_the_run_and_its_model(radar):
    adapt(Adapt(config=replace(radar, stretch=replace(PROPOSED, despeckle_px=3))), [].append, Control())
    kept = read_config(Path(radar.run) / "run.json")
    assert kept.stretch == replace(LOG, despeckle_px=3)
    stretch = load_model(radar.run).inputs.raw_stretch
    assert (stretch.curve, stretch.despeckle_px) == ("log", 3)
    assert stretch.noise[0] > 0
    page = (Path(radar.run) / "report.html").read_text()
    assert "2 to 98 %, logarithmic, speckle filter 3 px" in page
    assert "Radar on a linear scale" in page


def test_what_is_typed_goes_before_what_is_proposed(radar):
    mine = StretchRule(low_percent=1, high_percent=99)
    config = settled(replace(radar, stretch=mine, no_data=-1, sensor_bands=(1,)), [].append, Control())
    assert (config.stretch, config.no_data, config.sensor_bands) == (mine, -1, (1,))
    assert settled(replace(radar, sensor_profile="none"), [].append, Control()).stretch == PROPOSED


def test_bands_of_pairs_that_hold_more_than_the_target_are_settled_for_both(make_config, tmp_path, ingredients):
    for number in range(3):
        stack = np.full((13, 16, 16), 100 * number + 1, np.uint16)
        (tmp_path / "scenes").mkdir(exist_ok=True)
        np.save(tmp_path / "scenes" / f"{number}.npy", stack)
    pairs = PairFolders(rgb=str(tmp_path / "scenes"), sensor=str(tmp_path / "scenes"))
    config = settled(make_config(pairs=(pairs,)), [].append, Control())
    assert (config.rgb_bands, config.sensor_bands) == ((4, 3, 2), (8,))


def test_pairs_of_another_sensor_are_told(make_config, tmp_path, radar):
    nir = tmp_path / "nir"
    nir.mkdir()
    np.save(nir / "0.npy", np.ones((1, 32, 32), np.uint16))
    pairs = PairFolders(rgb=radar.pairs[0].rgb, sensor=str(nir))
    said = []
    settled(replace(radar, pairs=(pairs,)), said.append, Control())
    assert any("look like 'Near infrared', the target images like 'Radar" in event.text for event in said)
    report = check_data(CheckData(pairs=(pairs,), target=radar.target), [].append, Control())
    assert report.counts["sensor"] == 1
    assert [part.sensor.key for part in report.parts if part.sensor] == ["sar-linear", "rgb", "near-infrared"]


@pytest.mark.parametrize(("bands", "is_told"), [((8,), False), ((12,), False), ((11, 12), True)])
def test_a_band_of_many_is_what_it_shows(make_config, tmp_path, bands, is_told):
    """Near infrared out of a stack goes with near infrared by itself; what no group names is left open."""
    for name, count in (("stacks", 13), ("nir", 1)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "0.npy", np.arange(count * 256, dtype=np.uint16).reshape(count, 16, 16))
    pairs = PairFolders(rgb=str(tmp_path / "stacks"), sensor=str(tmp_path / "nir"))
    said = []
    settled(make_config(target=str(tmp_path / "stacks"), pairs=(pairs,), sensor_bands=bands), said.append, Control())
    assert any("look like" in event.text and "pairs" in event.text for event in said) is is_told
