"""What the engine writes into a run folder comes back as it was, and damage is told in words."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.reports import Finding
from bandbridge.gui.prediction_filter import PredictionFilter
from bandbridge.gui.run_record import read_course, read_predictions, read_record, read_report
from made_up_runs import ALARM, BEFORE, CLASSES, adapt_report, project_model, write_run


@pytest.fixture
def folder(tmp_path: Path, qapp: object) -> Path:
    folder = tmp_path / "runs" / "first"
    config = replace(project_model(tmp_path).project.to_run_config(str(folder)), exclude=("bad.tif",))
    finding = Finding(severity="warning", kind="unreadable", file="bad.tif", what="Cut off.")
    write_run(folder, config, adapt_report(folder, set_aside=(finding,), alarms=(ALARM,)))
    return folder


def test_the_report_comes_back(folder: Path) -> None:
    report = read_report(folder)
    assert report.before is not None
    assert np.array_equal(report.before.confusion, np.array(BEFORE))
    assert report.set_aside[0].what == "Cut off."
    assert math.isnan(report.gap_after["probe"])
    assert report.alarms == (ALARM,)
    assert report.label_free_after == adapt_report().label_free_after


def test_a_report_of_an_older_version_comes_back(folder: Path) -> None:
    facts = json.loads((folder / "report.json").read_text())
    for name in ("alarms", "label_free_before", "label_free_after"):
        del facts[name]
    (folder / "report.json").write_text(json.dumps(facts))
    assert read_report(folder).alarms == ()


def test_the_configuration_comes_back_to_the_letter(folder: Path, tmp_path: Path) -> None:
    record = read_record(folder)
    assert record.state == "completed"
    wanted = replace(project_model(tmp_path).project.to_run_config(str(folder)), exclude=("bad.tif",))
    assert record.config == wanted


@pytest.mark.parametrize("name", ["report.json", "run.json", "predictions.csv"])
@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_damage_is_told_in_words(folder: Path, name: str, damage: str) -> None:
    file = folder / name
    if damage == "missing":
        file.unlink()
    else:
        file.write_text(file.read_text()[:60] if damage == "cut" else '["nothing of ours"]')
    read = {"report.json": read_report, "run.json": read_record, "predictions.csv": read_predictions}[name]
    with pytest.raises(UsageError, match=name):
        read(folder)


def test_filters_combine(folder: Path) -> None:
    predictions = read_predictions(folder)
    everything = PredictionFilter().rows(predictions)
    assert everything.tolist() == list(range(30))
    for truth in range(3):
        for before in range(3):
            chosen = PredictionFilter(truth=CLASSES[truth], before=CLASSES[before])
            assert len(chosen.rows(predictions)) == BEFORE[truth][before]
    changed = PredictionFilter(changed=True).rows(predictions)
    assert len(changed) == int((predictions.before != predictions.after).sum()) > 0
    assert len(PredictionFilter(wrong=True).rows(predictions)) == 4
    assert len(PredictionFilter(wrong=True, after="forest").rows(predictions)) == 3
    assert len(PredictionFilter(low=0.6, high=0.7).rows(predictions)) == 11
    assert PredictionFilter(order="most confident").rows(predictions)[0] == 29
    assert len(PredictionFilter(after="class of another run").rows(predictions)) == 0


def test_the_losses_of_every_stage_come_back(folder: Path) -> None:
    lines = ["step,epoch,confidence", "0,0,0.5", "10,1,0.5", "20,2,0.5", "20,0,0.5", "25,1,0.6", "30,2,"]
    (folder / "epochs.csv").write_text("\n".join(lines))
    (folder / "losses-1.csv").write_text("step,total,domain\n1,3.0,1.0\n20,2.0,0.5\n")
    (folder / "losses-2.csv").write_text("step,total,answers\n21,9.0,4.0\n30,8.0,")  # cut off by a crash
    bridge, transfer = read_course(folder, ("Bridge", "Transfer"))
    assert (bridge.training.stage, bridge.steps_per_epoch, bridge.training.terms) == ("Bridge", 10, ("domain",))
    assert bridge.curves["total"].means.tolist() == [3.0, 2.0]
    assert (transfer.training.steps_before, transfer.steps_per_epoch, transfer.training.number) == (20, 5, 1)
    assert transfer.curves["answers"].steps.tolist() == [21.0]
    (folder / "epochs.csv").write_text("\n".join(lines[:5]))
    assert len(read_course(folder, ("Bridge", "Transfer"))) == 1, "how long its epochs are stands nowhere yet"
    clips = ["step,stage,epoch,accuracy,tagging_map", "0,Teacher,0,0.1,", "10,Teacher,1,0.4,", "10,Student,0,0.1,"]
    (folder / "epochs.csv").write_text("\n".join(clips))
    (teacher,) = read_course(folder, ("Teacher", "Student"))
    assert teacher.curves["total"].means.tolist() == [3.0, 2.0]
    assert {key: curve.means.tolist() for key, curve in teacher.measured.items()} == {"accuracy": [0.1, 0.4]}
    (folder / "epochs.csv").write_text("nonsense")
    assert read_course(folder, ("Bridge", "Transfer")) == []
    (folder / "epochs.csv").unlink()
    assert read_course(folder, ("Bridge", "Transfer")) == []
