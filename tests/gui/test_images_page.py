"""Step 2: folders are scanned, shown, doubted, and read the way the person says."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.config import PROPOSED, PairFolders, StretchRule, TileRule
from bandbridge.engine.api.shift_table import Move, read_shift_table
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


def test_what_is_recognised_is_shown_and_can_be_changed_and_taken_back(
    qtbot: QtBot, page: ImagesPage, model: ProjectModel
) -> None:
    assert "once some are chosen" in page.reading.verdict.text()
    page.set_target("/data/stack")
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    card = page.reading
    assert card.verdict.text() == "Looks like: Sentinel-2, 13 bands in one file (13 bands, 16 bits)."
    assert "Looks like: Sentinel-2" in slot_text(page.target_slot)
    assert "Using band 8 (near infrared)" in slot_text(page.target_slot)
    assert [card.groups.itemText(i) for i in range(card.groups.count())] == [
        "Near infrared (8)",
        "Short-wave infrared (11, 12)",
        "All 13 bands",
        "Own choice…",
    ]
    assert (card.groups.currentIndex(), card.sensor_bands.isHidden(), card.back.isEnabled()) == (0, True, False)
    assert card.no_data.placeholderText() == "0 (proposed)"
    assert model.project.sensor_bands is None
    for place, wanted in ((1, (11, 12)), (2, tuple(range(1, 14))), (0, None)):
        card.groups.setCurrentIndex(place)
        card.groups.activated.emit(place)
        assert model.project.sensor_bands == wanted
        assert card.groups.currentIndex() == place
    card.groups.setCurrentIndex(3)
    card.groups.activated.emit(3)
    assert not card.sensor_bands.isHidden()
    card.sensor_bands.setText("2, 3")
    card.sensor_bands.editingFinished.emit()
    card.sensor.set_value("sar-linear")
    card.sensor.activated.emit(0)
    assert (model.project.sensor_bands, model.project.sensor_profile) == ((2, 3), "sar-linear")
    card.back.click()
    assert (model.project.sensor_bands, model.project.sensor_profile) == (None, "auto")
    assert (card.groups.currentIndex(), card.sensor_bands.isHidden()) == (0, True)


def test_a_speckle_filter_is_offered_where_there_is_speckle(
    qtbot: QtBot, page: ImagesPage, model: ProjectModel
) -> None:
    page.set_target("/data/stack")
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    assert page.reading.speckle.isHidden()
    page.set_target("/data/radar")
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    assert not page.reading.speckle.isHidden()
    page.reading.speckle.set_value("5")
    page.reading.speckle.activated.emit(0)
    assert model.project.stretch == replace(PROPOSED, despeckle_px=5)
    assert page.reading.rule.kind == "log"
    page.reading.low.setValue(1)
    assert model.project.stretch == StretchRule(kind="log", low_percent=1, despeckle_px=5)


def test_the_stretch_can_be_chosen_and_its_ends_dragged_and_the_histogram_follows_at_once(
    qtbot: QtBot, page: ImagesPage, model: ProjectModel
) -> None:
    page.set_target("/data/stack")
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    page.tabs.setCurrentIndex(1)
    panel, card = page._histogram, page.reading
    assert panel is not None
    assert model.project.stretch == PROPOSED
    card.high.setValue(90.0)
    assert model.project.stretch == StretchRule(high_percent=90.0)
    assert panel._limits[1].value() == pytest.approx(921.6), "before anything was looked through anew"
    choose = lambda kind: (card.kind.set_value(kind), card.kind.activated.emit(0))  # noqa: E731
    choose("log")
    assert panel.chart.plot.getAxis("bottom").logMode
    assert panel._limits[1].value() == pytest.approx(np.log10(921.6), abs=0.01)
    choose("range")
    assert (card.low.isHidden(), card.low_value.isHidden()) == (True, False)
    assert model.project.stretch.kind == "range"
    card.low_value.setValue(100)
    card.high_value.setValue(50)  # below black: not taken
    assert (model.project.stretch.low_value, model.project.stretch.high_value) == (100, 1000)
    panel._limits[1].setValue(700)
    panel._limits[1].sigPositionChangeFinished.emit(panel._limits[1])
    assert model.project.stretch.high_value == 700
    assert "100 becomes black and 700 white" in panel.words.text()
    choose("percentile")
    panel._limits[0].setValue(102.4)
    panel._limits[0].sigPositionChangeFinished.emit(panel._limits[0])
    assert model.project.stretch.low_percent == pytest.approx(10.0)
    assert "reflectance counts" in panel.chart._titles["bottom"]
    card.back.click()
    assert model.project.stretch == PROPOSED


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


@pytest.fixture
def checked(qtbot: QtBot, page: ImagesPage, model: ProjectModel) -> ImagesPage:
    """A page whose images the doctor has looked at."""
    model.update(pairs=(PairFolders(rgb="/data/rgb", sensor="/data/nir"),), target="/data/doubtful")
    qtbot.waitUntil(lambda: page.state() == "warning", timeout=10_000)
    assert "Before you train" in page.doctor.words
    page.doctor.button.click()
    qtbot.waitUntil(lambda: page.check.report is not None, timeout=10_000)
    return page


def rows_of(page: ImagesPage) -> list[tuple[str, str]]:
    return [(doubt.finding.kind, doubt.finding.file) for doubt in page.doubts.model.rows]


def test_what_the_doctor_finds_joins_what_the_scan_found(checked: ImagesPage) -> None:
    assert "60 images checked" in checked.doctor.words
    assert "5 findings" in checked.doctor.words
    assert sorted(rows_of(checked)) == [
        ("duplicate", "s5.tif"),
        ("leak", "s3.tif"),
        ("shift", "s1.tif"),
        ("shift", "s2.tif"),
        ("size", "small.tif"),
        ("unreadable", "bad.tif"),
    ]
    assert "20 pairs matched" in checked._pair_notes[0]._words.text()
    assert "0 unmatched" in checked._pair_notes[0]._words.text()


def test_the_list_can_be_narrowed_to_a_kind(checked: ImagesPage) -> None:
    kinds = checked.doubts.kind
    assert [kinds.itemText(i) for i in range(kinds.count())][:2] == ["All kinds (6)", "Damaged (1)"]
    kinds.set_value("shift")
    assert rows_of(checked) == [("shift", "s1.tif"), ("shift", "s2.tif")]
    kinds.set_value("")
    assert len(rows_of(checked)) == 6


def test_shifted_pairs_are_moved_into_place_and_back_and_undone(
    qtbot: QtBot, checked: ImagesPage, model: ProjectModel
) -> None:
    table = checked.doubts
    assert table.move_all_button.text() == "Move 2 pairs into &place"
    table.kind.set_value("shift")
    table.view.selectRow(1)
    table.move_button.click()
    (pair,) = model.project.pairs
    assert read_shift_table(pair.shifts or "") == {("s2.png", "s2.tif"): Move(-9.0, -2.0)}
    assert table.model.data(table.model.index(1, 4)) == "Moved into place."
    assert table.move_all_button.text() == "Move 1 pair into &place"
    assert "4 findings" in checked.doctor.words
    table.move_all_button.click()
    assert set(read_shift_table(model.project.pairs[0].shifts or "")) == {("s1.png", "s1.tif"), ("s2.png", "s2.tif")}
    assert "2 moved into place" in checked._pair_notes[0]._words.text()
    assert table.move_all_button.isHidden()
    assert model.project.to_run_config("/run").pairs == model.project.pairs
    assert not checked.scans.busy, "moving pairs asks for no new look through the folders"
    assert checked.check.report is not None, "and what was found stays true"
    model._last_change = (frozenset(), 0.0)
    table.move_button.click()
    assert set(read_shift_table(model.project.pairs[0].shifts or "")) == {("s1.png", "s1.tif")}
    model.undo()
    assert set(read_shift_table(model.project.pairs[0].shifts or "")) == {("s1.png", "s1.tif"), ("s2.png", "s2.tif")}
    checked._pair_notes[0].back_button.click()
    assert model.project.pairs[0].shifts is None


def test_a_table_of_shifts_that_is_gone_is_named(checked: ImagesPage, model: ProjectModel) -> None:
    checked.doubts.move_all_button.click()
    Path(model.project.pairs[0].shifts or "").unlink()
    checked._drawn = None
    checked._draw()
    assert "cannot be read" in checked.problem.headline
    assert checked.state() == "error"


def test_what_was_dealt_with_counts_no_more(checked: ImagesPage, model: ProjectModel) -> None:
    checked.leave_out("s1.png", True)
    assert "4 findings" in checked.doctor.words, "without its RGB image there is no pair"
    checked.leave_out("s4.tif", True)
    assert "3 findings" in checked.doctor.words, "without the earlier image it is there once"
    checked.leave_out("s3.tif", True)
    checked.leave_out("bad.tif", True)
    checked.doubts.move_all_button.click()
    assert "nothing left to look at" in checked.doctor.words
    assert checked.state() == "ready"


def test_the_list_is_saved_as_a_table(checked: ImagesPage, tmp_path: Path) -> None:
    told: list[str] = []
    checked.told.connect(lambda severity, text, details: told.append(severity))
    checked.save_csv(tmp_path / "doubtful.csv")
    checked.save_csv(tmp_path / "doubtful.csv" / "no.csv")
    assert told == ["good", "error"]
    with (tmp_path / "doubtful.csv").open(newline="") as file:
        rows = {(row["part"], row["kind"], row["file"]): row for row in csv.DictReader(file)}
    assert len(rows) == 6
    shift = rows["pairs", "shift", "s2.tif"]
    assert (shift["folder"], shift["other"], shift["right_px"]) == ("/data/nir", "s2.png", "-9.00")
    assert rows["target", "unreadable", "bad.tif"]["folder"] == "/data/doubtful"


def test_the_worst_cases_are_seen_and_looked_at_large(qtbot: QtBot, checked: ImagesPage, model: ProjectModel) -> None:
    checked.tabs.setCurrentIndex(3)
    worst = checked.worst
    assert [card.doubt.finding.file for card in worst.cards] == ["s2.tif", "s1.tif", "s3.tif", "s5.tif"]
    qtbot.waitUntil(lambda: all(all(card._pictures) for card in worst.cards), timeout=10_000)
    assert worst.cards[0]._reach == pytest.approx((-9 / 64, -2 / 64))
    qtbot.keyClick(worst.cards[0], Qt.Key.Key_Return)
    assert worst.view.isVisible()
    qtbot.waitUntil(lambda: len(worst.view._pixels) == 4, timeout=10_000)
    assert worst.view.two.isVisible()
    worst.view.move_button.click()
    assert model.project.pairs[0].shifts is not None
    assert worst.view.move_button.text() == "Move back"
    qtbot.keyClick(worst.view, Qt.Key.Key_Right)
    qtbot.keyClick(worst.view, Qt.Key.Key_Right)
    assert worst.view.doubt is not None
    assert worst.view.doubt.finding.kind == "leak"
    qtbot.waitUntil(lambda: len(worst.view.row.views) == 2, timeout=10_000)
    assert worst.view.move_button.isHidden()
    worst.view.leave_button.click()
    assert model.project.exclude == ("s3.tif",)
    qtbot.keyClick(worst.view, Qt.Key.Key_Escape)
    assert worst.view.isHidden()
    assert [card._settled for card in worst.cards] == ["✓ Moved into place", "", "✓ Left out", ""]


def test_a_check_can_be_stopped_and_other_images_are_not_yet_checked(
    qtbot: QtBot, page: ImagesPage, model: ProjectModel
) -> None:
    model.update(pairs=(PairFolders(rgb="/data/rgb", sensor="/data/nir"),), target="/data/endless")
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    page.doctor.button.click()
    qtbot.waitUntil(lambda: page.doctor.work.words == "Looking through target images", timeout=10_000)
    assert page.doctor.button.isHidden()
    page.doctor.work.stop_button.click()
    qtbot.waitUntil(lambda: not page.check.busy, timeout=10_000)
    assert "Before you train" in page.doctor.words
    page.set_target("/data/target")
    page.doctor.button.click()
    qtbot.waitUntil(lambda: page.check.report is not None, timeout=10_000)
    model._last_change = (frozenset(), 0.0)  # as after a while
    page.set_target("/data/other")
    assert "Before you train" in page.doctor.words
    model.undo()
    assert "60 images checked" in page.doctor.words
    page.look_again()
    assert page.check.report is None


def test_a_scene_is_told_of_at_once_and_cut_as_the_person_says(
    qtbot: QtBot, page: ImagesPage, model: ProjectModel
) -> None:
    assert page.tiles.isHidden(), "nothing of tiles without scenes"
    page.set_target("/data/scene.tif")
    qtbot.waitUntil(lambda: page.scans.scenes() != [], timeout=10_000)
    assert page.tiles.words.text().replace("\u00a0", " ") == "scene.tif: 378 tiles, each 1280 m wide on the ground."
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    told = slot_text(page.target_slot).replace("\u00a0", " ")
    assert "20 tiles of 128 px, 1280 m wide" in told
    assert "255 in all bands is taken for no data" in told
    page.tiles.side.setValue(64)
    page.tiles.most.setValue(100)
    page.tiles.missing.setValue(25)
    rule = TileRule(size_px=64, most_missing=0.25, most=100)
    assert model.project.tiles == rule
    assert page.tiles.overlap.maximum() == 32
    qtbot.waitUntil(lambda: "100 of them are used" in page.tiles.words.text(), timeout=10_000)
    assert page.scans.target_scan().tiles == rule
    assert model.project.to_run_config("r").tiles == rule
    model.undo()
    assert page.tiles.missing.value() == 50
    page.set_target("/data/target")
    assert page.tiles.isHidden()


def test_a_scene_dropped_on_a_place_goes_there(page: ImagesPage, model: ProjectModel, tmp_path: Path) -> None:
    for name, fits in (("a.tif", True), ("a.png", False)):
        (tmp_path / name).touch()
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(tmp_path / name))])
        slot = page.target_slot
        enter = QDragEnterEvent(
            slot.rect().center(), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0)
        )
        QApplication.sendEvent(slot, enter)
        assert enter.isAccepted() == fits
