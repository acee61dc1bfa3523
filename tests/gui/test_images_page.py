"""Step 2: folders are scanned, shown, doubted, and read the way the person says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bandbridge.engine.api.config import PairFolders
from bandbridge.gui.pages.images import ImagesPage
from bandbridge.gui.project import THUMBNAIL_FILE, Project, ProjectModel
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot


@pytest.fixture
def model(qapp: object, tmp_path: Path) -> Iterator[ProjectModel]:
    project = ProjectModel(Project(), tmp_path / "project")
    project.save()
    yield project
    project.close()


@pytest.fixture
def page(qtbot: QtBot, model: ProjectModel, scripted_desk: WorkerThread, theme: Theme) -> Iterator[ImagesPage]:
    page = ImagesPage(model, scripted_desk, theme)
    qtbot.addWidget(page)
    page.resize(1000, 800)
    page.show()
    yield page
    page.closing()


def slot_text(slot: object) -> str:
    return "\n".join(label.text() for label in slot.findChildren(QLabel) if label.isVisibleTo(slot))  # type: ignore[attr-defined]


def test_three_places_say_what_belongs_there(page: ImagesPage) -> None:
    assert page.state() == "empty"
    (rgb, sensor), target = page.pair_slots[0], page.target_slot
    assert "RGB images of scenes" in slot_text(rgb)
    assert "same scenes" in slot_text(sensor)
    assert "to be recognised" in slot_text(target)


def test_folders_are_described_and_pairs_put_on_the_wall(qtbot: QtBot, page: ImagesPage, model: ProjectModel) -> None:
    page.set_pair(0, "rgb", "/data/rgb")
    assert page._half_chosen()
    page.set_pair(0, "sensor", "/data/nir")
    page.set_target("/data/target")
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    assert "20 images" in slot_text(page.target_slot)
    assert "64 × 64 px · 16 bit · 1 band" in slot_text(page.target_slot).replace("\u00a0", " ")
    qtbot.waitUntil(lambda: (model.folder / THUMBNAIL_FILE).is_file(), timeout=10_000)
    assert len(page.wall.wall._items) == 12
    assert all(item.rgb is not None and item.sensor is not None for item in page.wall.wall._items)
    before = [item.name for item in page.wall.wall._items]
    page.wall.others_button.click()
    assert [item.name for item in page.wall.wall._items] != before


def test_doubtful_files_are_listed_and_left_out(qtbot: QtBot, page: ImagesPage, model: ProjectModel) -> None:
    page.set_target("/data/doubtful")
    qtbot.waitUntil(lambda: page.state() == "warning", timeout=10_000)
    assert "1 doubtful file" in page.state_in_words()
    table = page.doubts.model
    assert [doubt.finding.file for doubt in table.rows] == ["bad.tif", "small.tif"]
    assert page.doubts._whole.text() == "It ends early. Copy it again.", "the worst in full, without asking"
    assert "1 file cannot be used" in slot_text(page.target_slot)
    table.setData(table.index(1, 0), Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole)
    assert model.project.exclude == ("small.tif",)
    page.leave_out("s3.tif", True)
    assert "19 images" in slot_text(page.target_slot)
    assert "s3.tif" in [doubt.finding.file for doubt in table.rows]
    model.undo()
    model.undo()
    assert model.project.exclude == ()


def test_a_folder_that_cannot_be_used_says_why_in_sight(qtbot: QtBot, page: ImagesPage) -> None:
    page.set_target("/data/empty")
    qtbot.waitUntil(lambda: page.state() == "error", timeout=10_000)
    assert "holds no images" in page.problem.headline
    page.set_target("/data/target")
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    assert page.problem.isHidden()


def test_bands_stretch_and_no_data_go_into_the_project(qtbot: QtBot, page: ImagesPage, model: ProjectModel) -> None:
    page.reading.sensor_bands.setText("8")
    page.reading.sensor_bands.editingFinished.emit()
    page.reading.low.setValue(1.0)
    page.reading.no_data.setText("-9999")
    page.reading.no_data.editingFinished.emit()
    project = model.project
    assert (project.sensor_bands, project.stretch.low_percent, project.no_data) == ((8,), 1.0, -9999.0)
    page.reading.no_data.setText("nothing")
    page.reading.no_data.textEdited.emit("nothing")
    page.reading.no_data.editingFinished.emit()
    assert page.reading.no_data.property("wrong")
    assert model.project.no_data == -9999.0


def test_more_pairs_get_places_of_their_own(qtbot: QtBot, page: ImagesPage, model: ProjectModel) -> None:
    model.update(pairs=(PairFolders(rgb="/a", sensor="/b"), PairFolders(rgb="/c", sensor="/d")))
    assert len(page.pair_slots) == 2
    page.set_pair_table(1, "/list.csv")
    assert model.project.pairs[1].table == "/list.csv"
    page.set_pair(1, "rgb", "")
    page.set_pair(1, "sensor", "")
    assert len(page.pair_slots) == 1


def test_tab_visits_the_slots_as_they_are_seen(qtbot: QtBot, page: ImagesPage, model: ProjectModel) -> None:
    model.update(pairs=(PairFolders(rgb="/a", sensor="/b"), PairFolders(rgb="/c", sensor="/d")), target="/t")
    slots = [slot.browse for row in page.pair_slots for slot in row] + [page.target_slot.browse]
    visited, stop = [], page.nextInFocusChain()
    while stop is not page and stop is not None:
        visited.append(stop)
        stop = stop.nextInFocusChain()
    assert [stop for stop in visited if stop in (*slots, page.reading.rgb_bands)] == [*slots, page.reading.rgb_bands]


def test_the_histogram_shows_the_stretch(qtbot: QtBot, page: ImagesPage) -> None:
    page.set_target("/data/target")
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    page.tabs.setCurrentIndex(1)
    assert page._histogram is not None
    assert "20.0 becomes black" in page._histogram.words.text()
    assert page._histogram.side.currentText() == "Target images"


def test_a_folder_dropped_on_a_place_goes_there(
    qtbot: QtBot, page: ImagesPage, model: ProjectModel, tmp_path: Path
) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    slot = page.target_slot
    centre = slot.rect().center()
    enter = QDragEnterEvent(
        centre, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(slot, enter)
    assert enter.isAccepted()
    drop = QDropEvent(
        QPointF(centre), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(slot, drop)
    assert model.project.target == str(tmp_path)
