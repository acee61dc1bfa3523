"""The window: opening, dropping, closing, crashing, keys, and that it never asks what need not be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest
from bandbridge.engine.api.cache_folder import CacheFolder
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.errors import StorageError
from bandbridge.engine.api.jobs import ScanFolder
from bandbridge.gui.main_window import IMAGES, METHOD, RUN, SOURCE_MODEL, MainWindow
from bandbridge.gui.preferences import Preferences
from bandbridge.gui.project import PROJECT_FILE, Project, ProjectKind, ProjectModel, RunEntry
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Mode, Theme
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, QSize, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot


@pytest.fixture
def window(
    qtbot: QtBot,
    preferences: Preferences,
    theme: Theme,
    scripted_desk: WorkerThread,
    scripted_runner: WorkerThread,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[MainWindow]:
    for place in ("home", "main_window"):
        module = "bandbridge.gui.pages.home" if place == "home" else "bandbridge.gui.main_window"
        monkeypatch.setattr(f"{module}.projects_folder", lambda: tmp_path / "Bandbridge")
    window = MainWindow(preferences, theme, scripted_desk, scripted_runner)
    window.show()
    yield window
    window._may_close = True
    window.close()
    window.deleteLater()


def drop(window: MainWindow, *paths: Path) -> None:
    """The way the system does it, on the widget under the pointer."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys, action = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    centre = QPoint(window.width() // 2, window.height() - 30)
    enter = QDragEnterEvent(centre, action, mime, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    assert window._overlay.isVisible()
    QApplication.sendEvent(window, QDropEvent(QPointF(centre), action, mime, buttons, keys))
    assert not window._overlay.isVisible()


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def told(window: MainWindow) -> list[str]:
    return [bar.text for bar in window.messages.bars()]


def press(window: MainWindow, message: str, name: str) -> None:
    """Press a button of a message."""
    bar = next(bar for bar in window.messages.bars() if message in bar.text)
    next(button for button in bar.findChildren(QPushButton) if name in button.text()).click()


def test_home_first_and_steps_closed_without_a_project(window: MainWindow) -> None:
    assert window.stack.currentWidget() is window.home
    assert not any(button.isEnabled() for button in window.rail.steps)
    assert not window.save_action.isEnabled()


def test_the_sample_project_is_made_and_opened(qtbot: QtBot, window: MainWindow) -> None:
    window.home.sample_button.click()
    qtbot.waitUntil(lambda: window.model is not None, timeout=10_000)
    assert window.model is not None
    project = window.model.project
    assert project.name == "Sample landscape"
    assert project.sources[0].endswith("m.safetensors")
    assert project.pairs[0].sensor.endswith("nir")
    assert window.current_page() is window.pages[METHOD]
    window.close_project()
    window.home.sample_button.click()
    assert window.model is not None, "made before: opened at once"


def test_the_video_sample_is_filmed_and_opened_with_its_own_steps(qtbot: QtBot, window: MainWindow) -> None:
    window.home.video_sample_button.click()
    assert not window.home.sample_button.isEnabled(), "one after the other"
    qtbot.waitUntil(lambda: window.model is not None, timeout=10_000)
    assert window.model is not None
    project = window.model.project
    assert (project.kind, project.name, project.video.fps) == ("video", "Sample clips", 8.0)
    assert project.video.clips.endswith("data")
    assert [button.text() for button in window.rail.steps] == ["1  Clips", "2  Method", "3  Run", "4  Results"]
    assert window.current_page() is window.pages[1]
    assert [action.isVisible() for action in window.step_actions] == [True] * 4 + [False]
    assert window.step_actions[0].text() == "&1 Clips"
    assert len(window.pages) == 4
    window.close_project()
    window.home.video_sample_button.click()
    assert window.model is not None, "made before: opened at once"
    window.close_project()
    window.create_project(window.home.sample_folder.with_name("Images"))
    assert len(window.rail.steps) == 5


def test_a_project_is_made_changed_closed_and_found_again(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    assert window.create_project(tmp_path / "Harbour")
    assert window.windowTitle() == "Harbour – Bandbridge"
    assert window.current_page() is window.pages[SOURCE_MODEL]
    assert window.model is not None
    window.model.update(seed=4)
    window.undo_action.trigger()
    assert window.model.project.seed == 0
    window.redo_action.trigger()
    window.close_project()
    assert window.stack.currentWidget() is window.home
    assert json.loads((tmp_path / "Harbour" / PROJECT_FILE).read_text())["seed"] == 4
    window._fill_recent()
    assert [action.text() for action in window.recent_menu.actions()] == [str(tmp_path / "Harbour")]
    assert "Not run yet" in "".join(label.text() for label in window.home.findChildren(QLabel))
    assert window.open_project(tmp_path / "Harbour" / PROJECT_FILE)


def test_save_as_goes_on_in_the_new_folder(window: MainWindow, tmp_path: Path) -> None:
    window.create_project(tmp_path / "One")
    assert window.save_as(tmp_path / "Two")
    assert window.model is not None
    assert window.model.folder == tmp_path / "Two"
    assert window.model.project.name == "Two"
    assert not window.save_as(tmp_path / "One"), "never over another project"


def test_a_project_that_cannot_be_saved_is_not_closed_unasked(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window.create_project(tmp_path / "One")
    assert window.model is not None

    def full(path: Path, text: str) -> None:
        raise StorageError("It is full.")

    with monkeypatch.context() as disk:
        disk.setattr("bandbridge.gui.project.write_text", full)
        disk.setattr(type(window.model), "_RETRY_MS", 100)
        window.model.update(seed=5)
        assert not window.close_project()
        window.close()
        assert window.isVisible()
        assert "not saved" in told(window)[0]
    assert ProjectModel.open(tmp_path / "One").project.seed == 0
    qtbot.waitUntil(lambda: not told(window), timeout=5000)  # there is room again, and it saved itself
    assert ProjectModel.open(tmp_path / "One").project.seed == 5
    with monkeypatch.context() as disk:
        disk.setattr("bandbridge.gui.project.write_text", full)
        window.model.update(seed=6)
        assert not window.close_project()
        bar = window.messages.bars()[0]
        next(b for b in bar.findChildren(QPushButton) if "without saving" in b.text()).click()
        assert window.model is None


def test_a_broken_project_is_refused_in_words(window: MainWindow, tmp_path: Path) -> None:
    put(tmp_path / "broken", PROJECT_FILE)
    assert not window.open_project(tmp_path / "broken")
    assert "damaged" in told(window)[0]
    assert not window.open_project(tmp_path / "broken")
    assert "damaged" in told(window)[0]  # the first attempt left no lock behind
    assert not window.open_project(tmp_path / "nothing")


def test_two_windows_never_share_a_project(
    qtbot: QtBot,
    window: MainWindow,
    theme: Theme,
    scripted_desk: WorkerThread,
    scripted_runner: WorkerThread,
    tmp_path: Path,
) -> None:
    window.create_project(tmp_path / "One")
    other = MainWindow(Preferences(tmp_path / "other.ini"), theme, scripted_desk, scripted_runner)
    qtbot.addWidget(other)
    assert not other.open_project(tmp_path / "One")
    assert "another window" in told(other)[0]
    window.close_project()
    assert other.open_project(tmp_path / "One")
    other.close_project()


def test_a_model_dropped_at_home_starts_a_project(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    put(tmp_path, "net.onnx")
    drop(window, tmp_path / "net.onnx")
    assert window.model is not None
    assert window.model.project.name == "Untitled"
    assert window.model.project.sources == (str(tmp_path / "net.onnx"),)
    qtbot.waitUntil(lambda: window.rail.steps[SOURCE_MODEL].state == "ready", timeout=10_000)


def test_a_dropped_parent_folder_is_asked_about_with_our_guess(window: MainWindow, tmp_path: Path) -> None:
    window.create_project(tmp_path / "One")
    data = put(tmp_path / "data", "rgb/a.png", "nir/a.tif", "target/Water/b.tif")
    drop(window, data)
    chooser = window._chooser
    assert chooser is not None
    assert QApplication.activeModalWidget() is None
    assert chooser.buttons["several"].isChecked()
    chooser.use_button.click()
    assert window.model is not None
    project = window.model.project
    assert project.pairs == (PairFolders(rgb=str(data / "rgb"), sensor=str(data / "nir")),)
    assert project.target == str(data / "target")
    assert window._chooser is None
    assert window.current_page() is window.pages[IMAGES]


def test_two_folders_dropped_together_become_a_pair(window: MainWindow, tmp_path: Path) -> None:
    window.create_project(tmp_path / "One")
    data = put(tmp_path / "data", "x_rgb/a.png", "x_thermal/a.tif")
    drop(window, data / "x_rgb", data / "x_thermal")
    assert window._chooser is not None
    window._chooser.use_button.click()
    assert window.model is not None
    assert window.model.project.pairs == (PairFolders(rgb=str(data / "x_rgb"), sensor=str(data / "x_thermal")),)


def test_a_scene_is_asked_about_and_may_be_both_sides(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    window.create_project(tmp_path / "p")
    assert window.model is not None
    (tmp_path / "s2_coast.tif").touch()
    window.show_step(IMAGES)
    window.take_dropped([tmp_path / "s2_coast.tif"])
    chooser = window._chooser
    assert chooser is not None
    qtbot.waitUntil(lambda: chooser.buttons["both"].isChecked(), timeout=10_000)
    assert "2629 × 2201" in chooser.facts.text()
    assert (chooser.rgb_bands.text(), chooser.sensor_bands.text()) == ("4, 3, 2", "8")
    chooser.use_button.click()
    project = window.model.project
    scene = str(tmp_path / "s2_coast.tif")
    assert project.pairs == (PairFolders(rgb=scene, sensor=scene),)
    assert (project.rgb_bands, project.sensor_bands) == ((4, 3, 2), (8,))
    window.take_dropped([tmp_path / "s2_coast.tif"])
    second = window._chooser
    assert second is not None
    second.buttons["target"].click()
    qtbot.waitUntil(lambda: "2629" in second.facts.text(), timeout=10_000)
    assert second.buttons["target"].isChecked(), "what the person chose stays"
    second.use_button.click()
    assert window.model.project.target == scene


def test_two_scenes_dropped_together_become_a_pair(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    window.create_project(tmp_path / "p")
    assert window.model is not None
    for name in ("a_rgb.tif", "b.tif"):
        (tmp_path / name).touch()
    window.take_dropped([tmp_path / "a_rgb.tif", tmp_path / "b.tif"])
    chooser = window._chooser
    assert chooser is not None
    assert chooser.fields["rgb"].value() == "a_rgb.tif"
    qtbot.waitUntil(lambda: chooser.fields["sensor"].value() == "b.tif", timeout=10_000)
    assert not chooser.buttons["target"].isVisible(), "the folder they lie in says nothing"
    chooser.use_button.click()
    (pair,) = window.model.project.pairs
    assert (pair.rgb, pair.sensor) == (str(tmp_path / "a_rgb.tif"), str(tmp_path / "b.tif"))


def test_clips_dropped_anywhere_find_their_project(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    films = put(tmp_path / "films", "rain/1.mp4", "sparks/1.mp4")
    drop(window, films)
    assert window.model is not None
    assert (window.model.project.kind, window.model.project.video.clips) == ("video", str(films))
    assert window.current_page() is window.pages[0]
    (tmp_path / "list.csv").write_text("file,label\nfilms/rain/1.mp4,rain\n")
    drop(window, tmp_path / "list.csv")
    assert window.model.project.video.clips == str(tmp_path / "list.csv")
    drop(window, films / "rain" / "1.mp4")
    assert any("once a run has finished" in text for text in told(window))
    put(tmp_path, "net.onnx")
    drop(window, tmp_path / "net.onnx")
    press(window, "belongs into a project for images", "image project")
    assert window.model.project.sources == (str(tmp_path / "net.onnx"),)
    drop(window, films)
    press(window, "belongs into a project for video", "video project")
    assert window.model.project.video.clips == str(films)


def test_a_single_film_dropped_at_home_is_explained(window: MainWindow, tmp_path: Path) -> None:
    put(tmp_path, "film.mp4")
    drop(window, tmp_path / "film.mp4")
    assert "Drop the folder" in told(window)[0]
    assert window.model is None


def test_what_is_of_no_use_is_named_and_refused(window: MainWindow, tmp_path: Path) -> None:
    put(tmp_path, "thesis.docx")
    drop(window, tmp_path / "thesis.docx")
    assert "thesis.docx" in told(window)[0]
    assert window.model is None


def test_lists_and_pictures_find_their_page(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    window.create_project(tmp_path / "One")
    assert window.model is not None
    (tmp_path / "pairs.csv").write_text("rgb,sensor\na,b\n")
    drop(window, tmp_path / "pairs.csv")
    assert "two folders" in told(window)[0]
    window.model.update(pairs=(PairFolders(rgb="/a", sensor="/b"),), sources=("/net.onnx",))
    drop(window, tmp_path / "pairs.csv")
    assert window.model.project.pairs[0].table == str(tmp_path / "pairs.csv")
    (tmp_path / "names.txt").write_text("A\nB\nC\n")
    drop(window, tmp_path / "names.txt")
    qtbot.waitUntil(lambda: window.model.project.class_names == ("A", "B", "C"), timeout=10_000)
    put(tmp_path, "a.png")
    drop(window, tmp_path / "a.png")
    assert window.steps is not None
    assert window.steps.source_model.top_five.file == str(tmp_path / "a.png")


def test_closing_while_a_run_is_on_asks(qtbot: QtBot, window: MainWindow, scripted_runner: WorkerThread) -> None:
    scripted_runner.submit(ScanFolder(folder="do:wait"))
    window.close()
    assert window.isVisible()
    box = window.findChild(QMessageBox)
    assert box is not None
    keep = next(button for button in box.buttons() if "Keep" in button.text())
    keep.click()
    assert window.isVisible()
    window.close()
    box = next(box for box in window.findChildren(QMessageBox) if box.isVisible())
    next(button for button in box.buttons() if "Stop" in button.text()).click()
    assert not window.isVisible()
    qtbot.waitUntil(scripted_runner.isFinished, timeout=10_000)


def test_after_a_crash_the_project_opens_again_and_offers_to_go_on(
    window: MainWindow, preferences: Preferences, tmp_path: Path
) -> None:
    folder = tmp_path / "Night"
    run = RunEntry(folder=str(folder / "runs" / "1"), method="shot", seed=0, started="", outcome="running")
    ProjectModel(Project(name="Night", runs=(run,)), folder).save()
    preferences.left_open = folder
    window.offer_to_go_on()
    assert window.model is not None
    assert window.model.folder == folder
    assert any("ended unexpectedly" in text for text in told(window))
    assert window.current_page() is window.pages[RUN]


def test_what_a_page_out_of_sight_says_leads_there(window: MainWindow, tmp_path: Path) -> None:
    window.create_project(tmp_path / "One")
    window.show_step(METHOD)
    window.pages[RUN].told.emit("error", "The run has failed.", "details")
    (bar,) = window.messages.bars()
    next(button for button in bar.findChildren(QPushButton) if button.text() == "Sho&w").click()
    assert window.current_page() is window.pages[RUN]
    assert not window.messages.bars()


def test_nothing_is_offered_after_an_orderly_end(window: MainWindow, preferences: Preferences, tmp_path: Path) -> None:
    window.create_project(tmp_path / "One")
    assert preferences.left_open == tmp_path / "One"
    window.close()
    assert preferences.left_open is None


def test_geometry_theme_and_recent_projects_are_remembered(
    window: MainWindow, preferences: Preferences, tmp_path: Path
) -> None:
    window.resize(QSize(1111, 777))
    window.create_project(tmp_path / "One")
    window.set_theme("dark")
    window.close()
    again = Preferences(Path(preferences._settings.fileName()))
    assert not again.geometry.isEmpty()
    assert again.theme == "dark"
    assert again.recent == [tmp_path / "One"]


def test_every_shortcut_is_unambiguous(window: MainWindow) -> None:
    keys = [key.toString() for action in window.actions() for key in action.shortcuts()]
    for menu in window.menuBar().actions():
        keys += [key.toString() for action in menu.menu().actions() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
    for wanted in ("Ctrl+N", "Ctrl+O", "Ctrl+S", "Ctrl+Z", "Ctrl+R", "F1"):
        assert QKeySequence(wanted).toString() in keys


@pytest.mark.parametrize("kind", ["images", "video"])
def test_the_manual_opens_at_the_page_in_sight(window: MainWindow, tmp_path: Path, kind: ProjectKind) -> None:
    window.create_project(tmp_path / "One", kind)
    for page in window.pages:
        window.stack.setCurrentWidget(page)
        window.show_manual()
        assert window._manual.browser.source().fileName() == f"{page.manual_chapter}.md"
        assert "not" not in window._manual.browser.toPlainText()[:1]
        assert window._manual.browser.toPlainText()
    back = next(button for button in window._manual.findChildren(QPushButton) if "Back" in button.text())
    back.click()
    assert window._manual.browser.source().fileName() == f"{window.pages[-2].manual_chapter}.md"
    window._manual.close()


def test_return_presses_the_button_in_focus(window: MainWindow, qtbot: QtBot) -> None:
    pressed = []
    window.home.sample_button.setFocus()
    window.home.sample_button.clicked.disconnect()
    window.home.sample_button.clicked.connect(lambda: pressed.append(True))
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Return)
    assert pressed


@pytest.mark.parametrize(("mode", "kind"), [("light", "images"), ("dark", "images"), ("dark", "video")])
def test_everything_to_press_or_fill_has_a_name_and_fits(
    window: MainWindow, tmp_path: Path, mode: Mode, kind: ProjectKind
) -> None:
    window.set_theme(mode)
    window.resize(1100, 700)
    window.create_project(tmp_path / "One", kind)
    kinds = (QAbstractButton, QLineEdit, QAbstractSpinBox, QComboBox, QAbstractItemView)
    for index, page in enumerate([window.home, *window.pages]):
        window.show_home() if page is window.home else window.show_step(index - 1)
        QApplication.processEvents()
        assert window.width() == 1100, f"{page} is too wide"
        for widget in page.findChildren(QWidget):
            if not widget.isVisibleTo(page) or widget.objectName().startswith("qt_"):
                continue
            if isinstance(widget, kinds) and not isinstance(widget.parent(), kinds):
                name = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")
                assert name, f"{widget} on {page} has no name"
            if isinstance(widget, QLabel) and not widget.wordWrap() and type(widget) is QLabel and widget.text():
                assert widget.width() >= widget.sizeHint().width() - 1, f"'{widget.text()}' is cut off"
            if isinstance(widget, QAbstractButton) and widget.text():
                assert widget.width() >= widget.minimumSizeHint().width(), f"'{widget.text()}' is cut off"


def test_tab_reaches_every_field_of_a_page(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    window.create_project(tmp_path / "One")
    window.show_step(IMAGES)
    assert window.steps is not None
    page = window.steps.images
    wanted = {
        page.reading.rgb_bands,
        page.reading.sensor_bands,
        page.reading.low,
        page.reading.high,
        page.reading.no_data,
        page.primary,
        page.target_slot.browse,
    }
    reached: set[QWidget] = set()
    page.primary.setFocus()
    for _ in range(60):
        QApplication.sendEvent(window.focusWidget(), QEvent(QEvent.Type.None_))
        window.focusNextPrevChild(True)
        if (widget := window.focusWidget()) is not None:
            reached.add(widget)
    assert wanted <= reached


def test_the_image_cache_is_emptied_from_the_menu(window: MainWindow) -> None:
    cache = CacheFolder.within(platformdirs.user_cache_path("bandbridge", appauthor=False))
    cache.path.mkdir(parents=True)
    cache.file("survey").write_bytes(bytes(20_000_000))
    window.empty_cache()
    assert cache.size_bytes() == 0
    assert "0.02 GB were freed" in window.messages.bars()[0].text
