"""Direction, method and size of a project for video find their way into the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bandbridge.engine.api.video_catalogue import DEFAULT_VIDEO_METHOD, VIDEO_METHODS
from bandbridge.gui.pages.clip_method import ClipMethodPage, method_groups
from bandbridge.gui.project import ProjectModel
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.run_summary import run_in_words
from made_up_clip_runs import video_project, write_run
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot


@pytest.fixture
def model(qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectModel]:
    monkeypatch.setattr(ProjectModel, "_MERGE_S", 0.0)  # a test is quicker than a hand
    project = ProjectModel(video_project(), tmp_path)
    yield project
    project.close()


@pytest.fixture
def page(qtbot: QtBot, model: ProjectModel, theme: Theme) -> ClipMethodPage:
    page = ClipMethodPage(model, theme)
    qtbot.addWidget(page)
    page.show()
    return page


def test_every_method_has_a_card(page: ClipMethodPage) -> None:
    shown = [info.key for _, infos in method_groups() for info in infos]
    assert sorted(shown) == sorted(page.cards) == sorted(info.key for info in VIDEO_METHODS)
    assert page.cards[DEFAULT_VIDEO_METHOD].button.isChecked()


def test_choices_reach_the_run_and_are_undone(qtbot: QtBot, page: ClipMethodPage, model: ProjectModel) -> None:
    qtbot.mouseClick(page.directions["picture"], Qt.MouseButton.LeftButton)
    page.cards["kd"].chosen.emit()
    page.size_choice.buttons["published"].click()
    page.effort_choice.buttons["quick"].click()
    page.fps.setValue(8.0)
    page.window_length.setValue(8)
    page.seed.setValue(7)
    page.features.setText("/panns.h5")
    page.features.editingFinished.emit()
    config = model.project.to_distill_config("/run")
    assert (config.teacher, config.method, config.width, config.size_px) == ("picture", "kd", 64, 112)
    assert (config.epochs, config.fps, config.window, config.seed) == (20, 8.0, 8, 7)
    assert config.teacher_features == "/panns.h5"
    for _ in range(4):
        model.undo()
    assert page.effort_choice.buttons["quick"].isChecked()
    assert page.fps.value() == 4.0
    page.width_field.setValue(17)
    assert model.project.video.width == 18, "the engine takes even widths alone"
    assert not any(button.isChecked() for button in page.size_choice.buttons.values())
    page.reset()
    assert model.project.video.size == "small"
    assert (model.project.video.method, model.project.video.clips) == ("kd", "/clips")


def test_every_setting_of_every_method_is_kept_and_reset(page: ClipMethodPage, model: ProjectModel) -> None:
    for info in VIDEO_METHODS:
        model.update_video(method=info.key)
        form = page._form
        assert form is not None
        changed = {}
        for setting in info.settings:
            default = setting.default
            value = next((choice for choice in setting.choices if choice != default), None)
            if value is None:
                value = default / 2 if isinstance(default, float) else default + 1
            form._write[setting.key](value)
            changed[setting.key] = value
        form._tell()
        assert info.resolve(model.project.to_distill_config("/run").settings) == changed
        page.reset()
        assert form.values() == {}


def test_the_teacher_comes_first_and_a_method_without_one_takes_no_features(
    page: ClipMethodPage, model: ProjectModel
) -> None:
    assert page._form is not None
    words = [label.text() for label in page._form.findChildren(QLabel)]
    assert words.index("Stage 1: Teacher") < words.index("Stage 2: Student") < words.index("All stages")
    assert "30 epochs of the teacher" in page.effort_choice._note.text()
    model.update_video(method="ce")
    assert not page.features.isEnabled()
    assert "teacher" not in page.effort_choice._note.text()


def test_the_time_is_told_by_the_last_run_of_the_same_size(
    page: ClipMethodPage, model: ProjectModel, tmp_path: Path
) -> None:
    assert "about" not in page.effort_choice.buttons["standard"].text()
    model.update(runs=(write_run(tmp_path / "gone-on", resumed=True),))
    assert "about" not in page.effort_choice.buttons["standard"].text(), "its first part took time too"
    model.update(runs=(write_run(tmp_path / "run"),))
    assert "about 42 min" in page.effort_choice.buttons["standard"].text()  # 25 s an epoch
    page.size_choice.buttons["published"].click()
    assert "about" not in page.effort_choice.buttons["standard"].text()


def test_the_epochs_of_the_teacher_are_told_before_a_run(model: ProjectModel) -> None:
    model.update_video(epochs=8, settings={model.project.video.method: {"teacher_epochs": 4}})
    assert run_in_words(model.project)[-1] == ("Effort", "8 epochs", "after 4 epochs of the teacher, in batches of 16")
    model.update_video(method="ce")
    assert run_in_words(model.project)[-1][2] == "batches of 16"
