"""Folders that were moved: told, found again, and everything below the same folder with them, runs included."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bandbridge.engine.api.config import PairFolders
from bandbridge.gui.main_window import MainWindow
from bandbridge.gui.preferences import Preferences
from bandbridge.gui.project import Project, ProjectModel, RunEntry
from bandbridge.gui.relink import Move, places_of, relink_run, relinked
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """All of it on one disk, but for the list of pairs; a run among it."""
    disk = tmp_path / "disk" / "data"
    for name in ("rgb", "nir", "target", "runs/one"):
        (disk / name).mkdir(parents=True)
        (disk / name / "image.png").touch()
    (disk / "model.safetensors").touch()
    (tmp_path / "pairs.csv").touch()
    config = {
        "sources": [str(disk / "model.safetensors")],
        "target": str(disk / "target"),
        "run": str(disk / "runs/one"),
    }
    config |= {"pairs": [{"rgb": str(disk / "rgb"), "sensor": str(disk / "nir"), "table": None}], "epochs": 5}
    (disk / "runs" / "one" / "run.json").write_text(json.dumps({"state": "completed", "config": config}))
    run = RunEntry(
        folder=str(disk / "runs" / "one"), method="shot", seed=0, started="2026-01-01T10:00:00", outcome="completed"
    )
    return Project(
        sources=(str(disk / "model.safetensors"),),
        pairs=(PairFolders(rgb=str(disk / "rgb"), sensor=str(disk / "nir"), table=str(tmp_path / "pairs.csv")),),
        target=str(disk / "target"),
        runs=(run,),
    )


def move_disk(tmp_path: Path) -> Path:
    (tmp_path / "mnt").mkdir()
    shutil.move(tmp_path / "disk", tmp_path / "mnt" / "usb")
    return tmp_path / "mnt" / "usb" / "data"


def test_the_highest_folder_that_differs_is_what_was_moved():
    move = Move.of(Path("/media/disk/data/nir"), Path("/mnt/usb/data/nir"))
    assert (move.old, move.new) == (Path("/media/disk"), Path("/mnt/usb"))
    move = Move.of(Path("/media/disk/nir"), Path("/media/disk/infrared"))
    assert (move.old, move.new) == (Path("/media/disk/nir"), Path("/media/disk/infrared"))
    assert Move.of(Path("/a"), Path("/b/a")).old == Path("/")


def test_one_place_found_finds_the_rest(project: Project, tmp_path: Path):
    new = move_disk(tmp_path)
    moved, count = relinked(project, Move.of(Path(project.pairs[0].sensor), new / "nir"))
    assert count == 5
    assert moved.sources == (str(new / "model.safetensors"),)
    assert moved.pairs == (
        PairFolders(rgb=str(new / "rgb"), sensor=str(new / "nir"), table=str(tmp_path / "pairs.csv")),
    )
    assert (moved.target, moved.runs[0].folder) == (str(new / "target"), str(new / "runs" / "one"))
    assert relink_run(new / "runs" / "one", Move.of(Path(project.target), new / "target"))
    config = json.loads((new / "runs" / "one" / "run.json").read_text())["config"]
    assert config["target"] == str(new / "target")
    assert config["sources"] == [str(new / "model.safetensors")]
    assert config["pairs"][0] == {"rgb": str(new / "rgb"), "sensor": str(new / "nir"), "table": None}
    assert config["epochs"] == 5
    assert not relink_run(new / "runs" / "one", Move.of(Path(project.target), new / "target"))


def test_what_is_not_there_stays_as_it_was(project: Project, tmp_path: Path):
    new = move_disk(tmp_path)
    shutil.rmtree(new / "rgb")
    moved, _ = relinked(project, Move.of(Path(project.target), new / "target"))
    assert moved.pairs[0].rgb == project.pairs[0].rgb
    assert moved.pairs[0].sensor == str(new / "nir")
    # A folder that is still in its old place is not taken from a copy elsewhere.
    shutil.copytree(new, tmp_path / "disk" / "data")
    assert relinked(project, Move.of(Path("/nowhere/data/x"), new / "x"))[0] == project


@pytest.fixture
def window(
    qtbot: QtBot,
    preferences: Preferences,
    theme: Theme,
    scripted_desk: WorkerThread,
    scripted_runner: WorkerThread,
) -> Iterator[MainWindow]:
    window = MainWindow(preferences, theme, scripted_desk, scripted_runner)
    window.show()
    yield window
    window.close()
    window.deleteLater()


def test_a_run_that_ended_before_it_wrote_anything_is_not_missed(project: Project):
    failed = replace(project.runs[0], folder="/nowhere/runs/two", outcome="failed")
    assert places_of(replace(project, runs=(*project.runs, failed))) == places_of(project)


def test_a_project_whose_folders_moved_says_so_and_finds_them(
    qtbot: QtBot, window: MainWindow, project: Project, tmp_path: Path
):
    model = ProjectModel(project, tmp_path / "project")
    model.save()
    model.close()
    new = move_disk(tmp_path)
    assert window.open_project(tmp_path / "project")
    qtbot.waitUntil(lambda: any(bar.property("lost") for bar in window.messages.bars()))
    (bar,) = (bar for bar in window.messages.bars() if bar.property("lost"))
    assert "The source model is not where it was" in bar.text
    assert "4 other things of the project are missing too" in bar.text
    lost = places_of(project)[0]
    window._ask_where(lost)
    dialog = window.findChild(QFileDialog)
    assert dialog is not None
    assert dialog.fileMode() == QFileDialog.FileMode.ExistingFile
    dialog.reject()
    (tmp_path / "empty").mkdir()
    assert not window.relink(places_of(project)[1], tmp_path / "empty")
    assert "does not hold what is looked for" in window.messages.bars()[0].text
    assert window.relink(lost, new / "model.safetensors")
    assert window.model is not None
    assert window.model.project.target == str(new / "target")
    assert "5 paths" in window.messages.bars()[0].text
    qtbot.waitUntil(lambda: not any(bar.property("lost") for bar in window.messages.bars()))
    assert json.loads((new / "runs" / "one" / "run.json").read_text())["config"]["target"] == str(new / "target")


def test_a_project_with_everything_in_place_says_nothing(
    qtbot: QtBot, window: MainWindow, project: Project, tmp_path: Path
):
    ProjectModel(project, tmp_path / "project").save()
    window.open_project(tmp_path / "project")
    check = window._place_check
    assert check is not None
    with qtbot.waitSignal(check.done, raising=False, timeout=500):
        pass
    assert not any(bar.property("lost") for bar in window.messages.bars())
