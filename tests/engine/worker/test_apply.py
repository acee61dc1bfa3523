"""Applying a model: what a person is told when images, classes and model do not go together."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ModelError, StorageError, UsageError
from bandbridge.engine.api.jobs import Evaluate, Predict
from bandbridge.engine.worker.apply import evaluate, predict


def run_evaluate(**fields):
    return evaluate(Evaluate(**fields), lambda event: None, Control())


def run_predict(**fields):
    return predict(Predict(**fields), lambda event: None, Control())


@pytest.fixture
def model(ingredients):
    return str(ingredients / "source.safetensors")


@pytest.fixture
def labelled(tmp_path):
    """One RGB image in each of three folders whose names the model does not know."""
    for name in ("Alpha", "Beta", "Gamma"):
        (tmp_path / "labelled" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "labelled" / name / "1.png"), np.full((32, 32, 3), 90, np.uint8))
    return tmp_path / "labelled"


def test_a_folder_without_images_is_named(model, tmp_path):
    for ask in (
        lambda: run_evaluate(model=model, folder=str(tmp_path)),
        lambda: run_predict(model=model, paths=(str(tmp_path),)),
    ):
        with pytest.raises(UsageError, match="no images") as caught:
            ask()
        assert str(tmp_path) in caught.value.what
        assert caught.value.do


def test_a_list_renames_the_models_classes(model, labelled, tmp_path):
    with pytest.raises(UsageError, match="is a class of this model"):
        run_evaluate(model=model, folder=str(labelled))
    names = tmp_path / "names.txt"
    names.write_text("Alpha\nBeta\nGamma\n")
    report = run_evaluate(model=model, folder=str(labelled), class_names=str(names))
    assert report.scores.class_names == ("Alpha", "Beta", "Gamma")
    assert report.scores.images == 3
    image = str(labelled / "Beta" / "1.png")
    assert run_predict(model=model, paths=(image,), class_names=str(names)).class_names == ("Alpha", "Beta", "Gamma")
    names.write_text("Alpha\nBeta\n")
    with pytest.raises(ModelError, match="names 2 classes, but the model has 3"):
        run_predict(model=model, paths=(image,), class_names=str(names))


def test_images_of_another_depth_than_the_models_are_told(model, labelled):
    cv2.imwrite(str(labelled / "Alpha" / "2.png"), np.full((32, 32, 3), 3000, np.uint16))
    report = run_predict(model=model, paths=(str(labelled),))
    assert len(report.predictions) == 4
    [finding] = report.set_aside
    assert "1 image holds numbers of type uint16; the model was made for uint8." in finding.what
    assert finding.do


def test_a_table_that_cannot_be_written_is_told_before_the_work(model, labelled, tmp_path):
    (tmp_path / "file").touch()
    told = []
    job = Predict(model=model, paths=(str(labelled),), output=str(tmp_path / "file" / "p.csv"))
    with pytest.raises(StorageError, match=r"p\.csv"):
        predict(job, told.append, Control())
    assert not told
