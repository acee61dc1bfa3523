import dataclasses
import json
from pathlib import Path

import pytest
from bandbridge.engine.api.config import PairFolders, RunConfig, StretchRule
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.run_files import RUN_FILE
from bandbridge.engine.worker.config_file import read_config, run_config, train_source_config
from bandbridge.engine.worker.run_folder import RunFolder

WHOLE = RunConfig(
    sources=("/models/a.safetensors", "/models/b.onnx"),
    target="/data/nir",
    run="/runs/1",
    pairs=(PairFolders(rgb="/p/rgb", sensor="/p/nir", table="/p/table.csv"),),
    rgb_bands=(4, 3, 2),
    sensor_bands=(8,),
    stretch=StretchRule(low_percent=1.0, high_percent=99.5),
    no_data=-9999.0,
    method="socket",
    learning_rate=0.003,
    settings={"im_weight": 0.5, "hard_rounds": 2, "as_released": True, "augment": "overhead"},
    exclude=("a/é.tif",),
)
LEAST = {"sources": ["/m"], "target": "/t", "run": "/r", "method": "shot"}


def test_what_a_run_writes_down_is_read_back_equal(tmp_path: Path):
    whole = dataclasses.replace(WHOLE, run=str(tmp_path / "run"))
    RunFolder(whole, resume=False).mark("running")
    assert read_config(tmp_path / "run" / RUN_FILE) == whole


def test_paths_are_relative_to_the_file_and_not_to_where_the_program_runs(tmp_path: Path):
    fields = {**LEAST, "sources": ["m.onnx"], "target": "t", "run": "r", "pairs": [{"rgb": "a", "sensor": "../b"}]}
    (tmp_path / "config.json").write_text(json.dumps(fields))
    config = read_config(tmp_path / "config.json")
    assert config.sources == (str(tmp_path / "m.onnx"),)
    assert config.target == str(tmp_path / "t")
    assert config.run == str(tmp_path / "r")
    assert config.pairs == (PairFolders(rgb=str(tmp_path / "a"), sensor=str(tmp_path / ".." / "b")),)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "not valid JSON"),
        ("[1]", "does not hold"),
        ('{"format": "bandbridge-run-99"}', "'bandbridge-run-99'"),
        ('{"settings": 3}', "'settings'"),
        ('{"epoch": 3}', "no field 'epoch'"),
        ('{"stretch": {"low": 2}}', "no field 'stretch.low'"),
        ('{"pairs": [{"thermal": "x"}]}', "no field 'pairs.thermal'"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(tmp_path: Path, text: str, named: str):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UsageError, match=named):
        read_config(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"epochs": "many"}, "'epochs' cannot be 'many'"),
        ({"learning_rate": float("nan")}, "'learning_rate'"),
        ({"learning_rate": -1}, "'learning_rate'"),
        ({"device": "tpu"}, "'device' cannot be 'tpu'"),
        ({"stretch": {"low_percent": 98, "high_percent": 2}}, "'stretch'"),
        ({"method": "magic"}, "no method 'magic'"),
        ({"settings": {"pairs_weight": 1}}, "no setting 'pairs_weight'"),
        ({"settings": {"im_weight": -1}}, "'im_weight' cannot be -1"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(change: dict[str, object], named: str):
    with pytest.raises(UsageError, match="(?i)" + named):
        run_config({**LEAST, **change})


def test_words_from_a_command_line_become_numbers():
    config = run_config({**LEAST, "batch_size": "8", "no_data": "-1.5", "settings": {"im_weight": "0.25"}})
    assert (config.batch_size, config.no_data) == (8, -1.5)


def test_a_missing_field_is_named():
    with pytest.raises(UsageError, match="'target' is missing"):
        run_config({"sources": ["/m"], "run": "/r"})


def test_a_source_training_is_checked_too():
    with pytest.raises(UsageError, match="size_px"):
        train_source_config({"folder": "/f", "output": "/o", "size_px": 2})
    assert train_source_config({"folder": "/f", "output": "/o", "classes": ["a", "b"]}).classes == ("a", "b")
