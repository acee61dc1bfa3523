"""The run folder: never written over, readable by anything, and honest about where it stands."""

import json
from dataclasses import replace

import numpy as np
import pytest
from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.errors import StorageError, UsageError
from bandbridge.engine.worker.run_folder import RunFolder, as_plain, fingerprint


@pytest.fixture
def config(tmp_path):
    return RunConfig(sources=("model",), target="target", run=str(tmp_path / "run"))


def test_what_is_there_is_never_written_over(config, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        RunFolder(config, resume=False)


def test_a_place_that_cannot_be_written_is_told_before_anything_is_read(config, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(StorageError, match="cannot be saved") as caught:
        RunFolder(config, resume=False)
    assert caught.value.do


def test_there_must_be_something_to_go_on_from(config):
    with pytest.raises(UsageError, match="nothing to go on from"):
        RunFolder(config, resume=True)


def test_the_state_is_written_down(config, tmp_path):
    folder = RunFolder(config, resume=False)
    folder.mark("running")
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["state"] == "running"
    assert facts["config"]["sources"] == ["model"]
    folder.mark("failed", "The disk is full.")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["problem"] == "The disk is full."


def test_curves_are_appended_and_a_resume_forgets_what_it_will_do_again(config, tmp_path):
    folder = RunFolder(config, resume=False)
    folder.mark("running")
    folder.append("losses.csv", ("step", "total"), [(1, 0.5), (2, 0.25)])
    folder.append("losses.csv", ("step", "total"), [(3, 0.125)])
    folder.drop_after("losses.csv", 2)
    assert (tmp_path / "run" / "losses.csv").read_text() == "step,total\n1,0.5\n2,0.25\n"


def test_a_line_cut_off_by_a_kill_is_dropped(config, tmp_path):
    folder = RunFolder(config, resume=False)
    folder.mark("running")
    (tmp_path / "run" / "losses.csv").write_text("step,total\n1,0.5\n2,0.")
    folder.drop_after("losses.csv", 1)
    assert (tmp_path / "run" / "losses.csv").read_text() == "step,total\n1,0.5\n"


def test_plain_facts_have_no_numbers_json_does_not_know():
    facts = as_plain({"a": np.float32("nan"), "b": np.arange(2), "c": (np.int64(1), float("inf"))})
    assert json.dumps(facts, allow_nan=False) == '{"a": null, "b": [0, 1], "c": [1, null]}'


def test_the_fingerprint_knows_what_matters(config):
    assert fingerprint(config) == fingerprint(replace(config, run="elsewhere", device="cpu"))
    assert fingerprint(config) != fingerprint(replace(config, seed=1))
    assert fingerprint(config) != fingerprint(replace(config, settings={"im_weight": 0.5}))
