"""Step 1: a model file is looked at, named, tried, refused in words, and removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bandbridge.gui.pages.source_model import SourceModelPage
from bandbridge.gui.project import Project, ProjectModel
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.callout import Callout
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot


@pytest.fixture
def model(qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectModel]:
    monkeypatch.setattr(ProjectModel, "_MERGE_S", 0.0)  # a test is quicker than a hand
    project = ProjectModel(Project(), tmp_path / "project")
    yield project
    project.close()


@pytest.fixture
def page(
    qtbot: QtBot, model: ProjectModel, scripted_desk: WorkerThread, scripted_runner: WorkerThread, theme: Theme
) -> Iterator[SourceModelPage]:
    page = SourceModelPage(model, scripted_desk, theme, scripted_runner)
    qtbot.addWidget(page)
    page.resize(900, 700)
    page.show()
    yield page
    page.closing()


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def test_an_empty_page_says_what_belongs_there(page: SourceModelPage) -> None:
    assert page.state() == "empty"
    assert "Drop a model file here" in words(page)


def test_a_model_is_described_in_plain_words(qtbot: QtBot, page: SourceModelPage, model: ProjectModel) -> None:
    page.add("/models/net.onnx")
    qtbot.waitUntil(lambda: "resnet18" in words(page), timeout=10_000)
    assert page.state() == "ready"
    shown = words(page)
    for expected in ("resnet18", "11.0 million weights", "3 bands, 64 × 64 pixels", "3 classes", "20 × BatchNorm2d"):
        assert expected in shown
    assert model.project.sources == ("/models/net.onnx",)
    assert page.class_table.names() == ("Water", "Forest", "Field")


def test_classes_can_be_named_and_the_picture_uses_the_names(
    qtbot: QtBot, page: SourceModelPage, model: ProjectModel
) -> None:
    page.add("/models/net.onnx")
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)
    table = page.class_table.model()
    table.setData(table.index(1, 0), "Wood", Qt.ItemDataRole.EditRole)
    assert model.project.class_names == ("Water", "Wood", "Field")
    page.show_picture("/pictures/a.png")
    qtbot.waitUntil(lambda: "Wood 70" in page.top_five._rows.accessibleName(), timeout=10_000)
    page.load_names("/lists/names.txt")
    qtbot.waitUntil(lambda: model.project.class_names == ("A", "B", "C"), timeout=10_000)
    model.undo()
    assert page.class_table.names() == ("Water", "Wood", "Field")


def test_a_dangerous_file_is_refused_in_words(qtbot: QtBot, page: SourceModelPage) -> None:
    page.add("/models/bomb.pth")
    qtbot.waitUntil(lambda: page.state() == "error", timeout=10_000)
    (callout,) = page.findChildren(Callout)
    assert "would run code" in callout.headline
    assert "Do not use it." in callout.text
    callout.copy_button.click()
    assert "os.system" in QGuiApplication.clipboard().text()
    next(button for button in callout.findChildren(QPushButton) if "again" in button.text()).click()
    assert "being looked at" in page.state_in_words()
    qtbot.waitUntil(lambda: page.state() == "error", timeout=10_000)
    page.remove("/models/bomb.pth")
    assert page.state() == "empty"


def test_models_that_do_not_go_together_are_told(qtbot: QtBot, page: SourceModelPage, model: ProjectModel) -> None:
    model.update(sources=("/models/net.onnx", "/models/four.onnx"))
    qtbot.waitUntil(lambda: page.state() == "warning", timeout=10_000)
    assert "3 and 4" in page.state_in_words()
    model.update(sources=("/models/unknown.pth",))
    qtbot.waitUntil(lambda: page.state() == "error", timeout=10_000)


def test_a_model_can_be_trained_here(qtbot: QtBot, page: SourceModelPage, model: ProjectModel) -> None:
    page.show_training()
    panel = page.train_panel
    assert not panel.start_button.isEnabled()
    panel.folder.setText("/labelled")
    assert panel.config().output == str(model.folder / "source_model.safetensors")
    assert panel.config().size_px is None
    panel.start_button.click()
    qtbot.waitUntil(lambda: bool(model.project.sources), timeout=10_000)
    assert model.project.sources == (str(model.folder / "source_model.safetensors"),)
    qtbot.waitUntil(lambda: page.state() == "ready", timeout=10_000)


def test_labels_never_read_markup(qtbot: QtBot, theme: Theme) -> None:
    label = text_label("<b>class</b>")
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText
