"""The project: what is chosen comes back as it was, survives moving and crashing, and can be undone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from bandbridge.engine.api.config import PairFolders, StretchRule, TileRule
from bandbridge.engine.api.errors import StorageError, UsageError
from bandbridge.gui.project import (
    PROJECT_FILE,
    Project,
    ProjectModel,
    RunEntry,
    project_as_json,
    project_from_json,
)
from pytestqt.qtbot import QtBot


def full_project(folder: Path) -> Project:
    return Project(
        name="Harbour",
        sources=(str(folder / "model.onnx"), "/elsewhere/other.pth"),
        class_names=("Ship", "Quay"),
        pairs=(PairFolders(rgb=str(folder / "rgb"), sensor="/data/nir", table=str(folder / "list.csv")),),
        target=str(folder / "target"),
        rgb_bands=(4, 3, 2),
        sensor_bands=(8,),
        stretch=StretchRule(low_percent=1.0, high_percent=99.0),
        tiles=TileRule(size_px=96, overlap_px=8, most_missing=0.25, most=70),
        no_data=-9999.0,
        exclude=("a/b.tif",),
        method="shot",
        settings={"shot": {"im_weight": 0.5}, "socket": {"as_released": True}},
        effort="own",
        epochs=7,
        learning_rate=0.01,
        seed=3,
        runs=(RunEntry(folder=str(folder / "runs/1"), method="shot", seed=3, started="2026-11-02", outcome="kept"),),
    )


def test_a_project_comes_back_as_it_was(tmp_path: Path) -> None:
    project = full_project(tmp_path)
    assert project_from_json(project_as_json(project, tmp_path), tmp_path) == project


def test_a_moved_project_finds_what_lies_inside_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    ProjectModel(full_project(old), old).save()
    shutil.move(old, new)
    assert ProjectModel.open(new).project == full_project(new)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        '{"format": "something else"}',
        '{"format": "bandbridge project", "version": 1, "pairs": 3}',
        '{"format": "bandbridge project", "version": 1, "stretch": {"x": 3}}',
        '{"format": "bandbridge project", "version": 1, "epochs": "many"}',
        '{"format": "bandbridge project", "version": 1, "method": "unheard of"}',
        '{"format": "bandbridge project", "version": 1, "settings": {"socket": 3}}',
        '{"format": "bandbridge project", "version": 999}',
    ],
)
def test_a_file_that_is_no_project_is_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / PROJECT_FILE).write_text(text)
    with pytest.raises(UsageError) as refused:
        ProjectModel.open(tmp_path)
    assert refused.value.do


def test_run_config_carries_the_choices_and_only_whole_pairs(tmp_path: Path) -> None:
    project = full_project(tmp_path)
    half = PairFolders(rgb="/data/rgb", sensor="")
    config = Project(**{**_fields(project), "pairs": (*project.pairs, half)}).to_run_config("/runs/x")
    assert config.pairs == project.pairs
    assert config.settings == {"im_weight": 0.5}
    assert (config.run, config.method, config.epochs, config.class_names) == ("/runs/x", "shot", 7, ("Ship", "Quay"))


def _fields(project: Project) -> dict[str, object]:
    return {name: getattr(project, name) for name in project.__dataclass_fields__}


def test_changes_save_themselves_and_can_be_undone(qtbot: QtBot, tmp_path: Path) -> None:
    model = ProjectModel(Project(), tmp_path)
    model.update(epochs=9, effort="own")
    model.update(seed=5)
    model.update(runs=full_project(tmp_path).runs)

    def saved() -> bool:
        return model.file.is_file() and json.loads(model.file.read_text())["seed"] == 5

    qtbot.waitUntil(saved, timeout=5000)
    model.undo()
    assert (model.project.seed, model.project.epochs) == (0, 9)
    model.undo()
    assert model.project.epochs == 15
    assert not model.can_undo
    assert len(model.project.runs) == 1, "a run that was made is not undone"
    model.redo()
    model.redo()
    assert (model.project.seed, model.project.epochs) == (5, 9)
    model.close()
    assert ProjectModel.open(tmp_path).project == model.project


def test_typing_in_one_field_is_one_step_back(qapp: object, tmp_path: Path) -> None:
    model = ProjectModel(Project(), tmp_path)
    for seed in range(1, 6):
        model.update(seed=seed)
    model.undo()
    assert model.project.seed == 0
    model.close()


def test_a_folder_that_cannot_be_written_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    model = ProjectModel(Project(), in_the_way / "project")
    with pytest.raises(StorageError):
        model.save()
    with qtbot.waitSignal(model.save_failed, timeout=5000):
        model.update(seed=1)
    model.close()


def test_run_folders_never_meet(qapp: object, tmp_path: Path) -> None:
    model = ProjectModel(Project(), tmp_path)
    first = model.new_run_folder()
    Path(first).mkdir(parents=True)
    assert model.new_run_folder() != first
