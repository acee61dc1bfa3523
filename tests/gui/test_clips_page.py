"""Clips are looked through, described, doubted, and play on the wall."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from bandbridge.engine.api.jobs import ScanClips
from bandbridge.gui.clip_pictures import ClipPictures
from bandbridge.gui.pages.clips import ClipsPage
from bandbridge.gui.project import THUMBNAIL_FILE, Project, ProjectModel
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.clip_wall import ClipWall, WallClip
from made_up_runs import QuietWorker
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot


@pytest.fixture
def model(qapp: object, tmp_path: Path) -> Iterator[ProjectModel]:
    project = ProjectModel(Project(kind="video"), tmp_path / "project")
    project.save()
    yield project
    project.close()


@pytest.fixture
def page(qtbot: QtBot, model: ProjectModel, scripted_desk: WorkerThread, theme: Theme) -> Iterator[ClipsPage]:
    page = ClipsPage(model, scripted_desk, theme)
    qtbot.addWidget(page)
    page.resize(1000, 800)
    page.show()
    yield page
    page.closing()


def words(page: ClipsPage) -> str:
    return "\n".join(label.text() for label in page.slot.findChildren(QLabel) if label.isVisibleTo(page.slot))


def test_an_empty_page_says_what_belongs_there(page: ClipsPage) -> None:
    assert page.state() == "empty"
    assert "folder of videos" in words(page)
    assert not page.tabs.isTabEnabled(1)


def test_clips_are_described_counted_and_play(qtbot: QtBot, page: ClipsPage, model: ProjectModel) -> None:
    page.set_clips("/clips")
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    assert "8 clips, 2 classes" in words(page)
    assert "training 4 · validation 2 · test 2" in words(page)
    assert "3 s each · 25 pictures/s · 360 × 288 px" in words(page)
    assert page.counts.texts == [["rain", "2", "1", "1", "4"], ["sparks", "2", "1", "1", "4"]]
    wall = page.wall.wall
    qtbot.waitUntil(lambda: all(clip.shown is not None for clip in wall.clips), timeout=10_000)
    assert len(wall.clips) == 8
    assert wall._timer.isActive()
    page.wall.play_button.click()
    assert not wall._timer.isActive()
    assert page.wall.play_button.text() == "&Play"
    page.wall.play_button.click()
    page.hide()
    assert not wall._timer.isActive(), "nothing moves out of sight"
    assert (model.folder / THUMBNAIL_FILE).is_file()


def test_the_wall_has_whole_rows_at_any_width(qtbot: QtBot, page: ClipsPage) -> None:
    page.set_clips("/many")
    wall = page.wall.wall
    qtbot.waitUntil(lambda: bool(wall.clips), timeout=10_000)
    for width in (760, 1000, 1240):
        page.resize(width, 800)
        qtbot.waitUntil(lambda: len(wall.clips) == -(-12 // wall.columns) * wall.columns, timeout=5000)


def test_doubtful_clips_are_named_left_out_and_saved(qtbot: QtBot, page: ClipsPage, model: ProjectModel) -> None:
    page.set_clips("/doubtful")
    qtbot.waitUntil(lambda: page.state() == "warning", timeout=10_000)
    assert "2 doubtful clips" in page.state_in_words()
    assert "silent track 1 · without sound 1" in words(page)
    assert page.tabs.tabText(2) == "Doubtful clips (2)"
    page.leave_out("rain/silent.mp4", True)
    page.leave_out("rain/bad.mp4", True)
    assert page.state() == "ready"
    assert model.project.video.exclude == ("rain/silent.mp4", "rain/bad.mp4")
    assert "1 left out" in words(page)
    page.save_csv(model.folder / "doubtful.csv")
    rows = list(csv.DictReader((model.folder / "doubtful.csv").read_text().splitlines()))
    assert {row["kind"] for row in rows} == {"no-sound", "no-label", "unreadable"}
    model.undo()
    assert page.state() == "warning", "what was left out is back, the clips are still there"
    page.set_clips("/other")
    assert model.project.video.exclude == (), "what was left out was of other clips"


def test_a_class_without_training_clips_is_doubted_until_its_clips_are_left_out(
    qtbot: QtBot, page: ClipsPage, model: ProjectModel
) -> None:
    page.set_clips("/untaught")
    qtbot.waitUntil(lambda: page.state() == "warning", timeout=10_000)
    assert "1 class without a training clip" in page.state_in_words()
    assert [doubt.finding.what for doubt in page.doubts.model.rows] == ["'wind' is shown by no training clip."]
    for number in range(2):
        page.leave_out(f"wind/{number}.mp4", True)
    assert page.state() == "ready"
    for number in range(2):
        page.leave_out(f"rain/{number}.mp4", True)
    assert "'rain' is shown by no training clip." in [doubt.finding.what for doubt in page.doubts.model.rows]


def test_one_class_alone_is_refused_before_a_run(qtbot: QtBot, page: ClipsPage, model: ProjectModel) -> None:
    page.set_clips("/alike")
    qtbot.waitUntil(lambda: page.state() == "error", timeout=10_000)
    assert "Two classes" in page.problem.headline
    model.update_video(task="tags")
    assert page.state() == "ready"
    for number in range(2):
        page.leave_out(f"rain/{number}.mp4", True)
    assert "fewer than two" in page.state_in_words()


def test_drawn_splits_are_told(qtbot: QtBot, page: ClipsPage) -> None:
    page.set_clips("/drawn")
    qtbot.waitUntil(lambda: page.scan.report is not None, timeout=10_000)
    assert "a fifth of every class" in page._split_note.text()


def test_clips_are_looked_through_once_and_again_when_asked(qtbot: QtBot, model: ProjectModel, theme: Theme) -> None:
    desk = QuietWorker()
    page = ClipsPage(model, desk, theme)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.set_clips("/clips")
    qtbot.waitUntil(lambda: len(desk.jobs) == 1, timeout=5000)
    model.update(seed=3)
    assert desk.jobs == [ScanClips(place="/clips", fps=4.0, size_px=64)]
    page.set_clips("/others")
    assert desk.asked == [("stop", 1)]
    qtbot.waitUntil(lambda: len(desk.jobs) == 2, timeout=5000)
    page.scan.look_again()
    qtbot.waitUntil(lambda: len(desk.jobs) == 3, timeout=5000)
    page.closing()


def test_pictures_are_fetched_a_few_at_a_time_and_a_broken_clip_only_once(
    qtbot: QtBot, scripted_desk: WorkerThread
) -> None:
    pictures = ClipPictures(scripted_desk)
    pictures.set_source("/clips", 4.0, 64)
    files = [f"rain/{number}.mp4" for number in range(8)] + ["rain/bad.mp4", "rain/mute.mp4"]
    pictures.want(files)
    qtbot.waitUntil(lambda: pictures.find(files[-1]) is not None, timeout=10_000)
    assert pictures.is_broken("rain/bad.mp4")
    shown = pictures.find("rain/mute.mp4")
    assert shown is not None
    assert shown.loudness is None
    assert len(shown.pictures) == 2
    pictures.want(files)
    assert pictures._errand is None, "nothing is asked for twice"


def test_a_wall_to_press_is_walked_by_keys(qtbot: QtBot, theme: Theme) -> None:
    wall = ClipWall("Clips", theme)
    wall.set_pressable()
    qtbot.addWidget(wall)
    wall.resize(420, 600)
    wall.show()
    wall.show_clips([WallClip(f"{n}.mp4", (f"clip {n}",), mark="right" if n == 1 else "wrong") for n in range(5)])
    pressed: list[int] = []
    wall.chosen.connect(pressed.append)
    qtbot.keyClick(wall, Qt.Key.Key_Right)
    assert wall.accessibleDescription() == "clip 1, right"
    qtbot.keyClick(wall, Qt.Key.Key_Down)
    qtbot.keyClick(wall, Qt.Key.Key_Return)
    assert wall.columns == 3
    assert pressed == [4]
    qtbot.keyClick(wall, Qt.Key.Key_Down)
    qtbot.mouseClick(wall, Qt.MouseButton.LeftButton, pos=wall._place(2).center())
    assert pressed == [4, 2]
