"""Step 3: what a method needs is said, and every setting finds its way into the run and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bandbridge.engine.api.catalogue import DEFAULT_METHOD, METHODS
from bandbridge.engine.api.config import PairFolders
from bandbridge.gui.pages.method import MethodPage, method_groups
from bandbridge.gui.project import Project, ProjectModel, RunEntry
from bandbridge.gui.theme import Theme
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot


@pytest.fixture
def model(qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectModel]:
    monkeypatch.setattr(ProjectModel, "_MERGE_S", 0.0)  # a test is quicker than a hand
    pairs = (PairFolders(rgb="/rgb", sensor="/nir"),)
    project = ProjectModel(Project(sources=("/m",), target="/t", pairs=pairs), tmp_path)
    yield project
    project.close()


@pytest.fixture
def page(qtbot: QtBot, model: ProjectModel, theme: Theme) -> MethodPage:
    page = MethodPage(model, theme)
    qtbot.addWidget(page)
    page.show()
    return page


def test_every_method_has_a_card(page: MethodPage) -> None:
    assert set(page.cards) == {info.key for info in METHODS}
    assert page.cards[DEFAULT_METHOD].button.isChecked()
    shown = [info.key for _, infos in method_groups() for info in infos]
    assert sorted(shown) == sorted(info.key for info in METHODS)
    assert shown[0] == DEFAULT_METHOD


def test_missing_needs_grey_a_method_and_say_why(page: MethodPage, model: ProjectModel) -> None:
    model.update(method="socket")
    assert page.state() == "ready"
    model.update(pairs=())
    assert page.state() == "error"
    assert not page.cards["socket"].button.isEnabled()
    assert "pairs" in page.cards["socket"]._needs.text()
    page.cards["shot"].chosen.emit()
    assert model.project.method == "shot"
    assert page.state() == "ready"
    model.update(sources=("/m", "/n"))
    assert "one source model" in page.state_in_words()


def test_a_method_that_was_greyed_looks_free_again(page: MethodPage, model: ProjectModel) -> None:
    card = page.cards["socket"]
    sentence = next(label for label in card.findChildren(QLabel) if label.text() == card.info.sentence)
    free = sentence.palette().windowText().color()
    pairs = model.project.pairs
    model.update(pairs=())
    assert sentence.palette().windowText().color() != free
    model.update(pairs=pairs)
    assert sentence.palette().windowText().color() == free


def test_effort_sets_the_epochs_and_epochs_the_effort(page: MethodPage, model: ProjectModel) -> None:
    page.effort_choice.buttons["thorough"].click()
    assert (model.project.effort, model.project.epochs) == ("thorough", 40)
    page.epochs.setValue(7)
    assert (model.project.effort, model.project.epochs) == ("own", 7)
    assert not any(button.isChecked() for button in page.effort_choice.buttons.values())
    model.undo()
    assert page.effort_choice.buttons["thorough"].isChecked()
    assert page.epochs.value() == 40
    model.update(method="bn-adapt")
    assert not page.effort_choice.buttons["quick"].isEnabled()


def test_every_setting_of_every_method_can_be_changed_kept_and_reset(page: MethodPage, model: ProjectModel) -> None:
    for info in METHODS:
        model.update(method=info.key)
        form = page._form
        assert form is not None
        changed = {}
        for setting in info.settings:
            value = _another(setting)
            form._write[setting.key](value)
            changed[setting.key] = value
        form._tell()
        config = model.project.to_run_config("/run")
        assert info.resolve(config.settings) == changed
        assert type(config.settings) is dict
        page.reset()
        assert form.values() == {}
        assert model.project.to_run_config("/run").settings == {}


def _another(setting: object) -> object:
    default, choices = setting.default, setting.choices  # type: ignore[attr-defined]
    if isinstance(default, bool):
        return not default
    if choices:
        return next(choice for choice in choices if choice != default)
    return default + 1


def test_settings_of_one_method_do_not_leak_into_another(page: MethodPage, model: ProjectModel) -> None:
    model.update(settings={"shot": {"im_weight": 2.0}})
    assert model.project.to_run_config("/run").settings == {}
    assert replace(model.project, method="shot").to_run_config("/run").settings == {"im_weight": 2.0}


def test_the_time_is_told_once_a_run_has_shown_it(
    page: MethodPage, model: ProjectModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.update(method="socket")
    assert "about" not in page.effort_choice.buttons["standard"].text()
    monkeypatch.setattr("bandbridge.gui.pages.method._seconds_an_epoch_of", {"/run": 20.0}.get)
    run = RunEntry(folder="/run", method="shot", seed=0, started="2026-11-02T10:00:00", outcome="completed")
    model.update(runs=(run, replace(run, folder="/other", outcome="failed")))
    assert "about 5 min" in page.effort_choice.buttons["standard"].text()


def test_stages_are_told_and_settings_stand_under_theirs(page: MethodPage, model: ProjectModel) -> None:
    assert "Stages: Bridge, then Transfer." in page.cards["tgkt"]._needs.text()
    assert "Stages" not in page.cards["socket"]._needs.text()
    model.update(method="tgkt")
    assert page._form is not None
    words = [label.text() for label in page._form.findChildren(QLabel)]
    headings = [words.index(title) for title in ("Stage 1: Bridge", "Stage 2: Transfer", "All stages")]
    assert headings == sorted(headings)
    assert headings[0] < words.index("Translator") < headings[1] < words.index("Weight of the pairs") < headings[2]
    assert "Before it 40 epochs of the bridge" in page.effort_choice._note.text()
    model.update(settings={"tgkt": {"bridge_epochs": 7}})
    assert "Before it 7 epochs of the bridge" in page.effort_choice._note.text()
    model.update(method="translator-only")
    assert not page.effort_choice.buttons["quick"].isEnabled(), "its length is the translator's own"
    for info in METHODS:
        assert {setting.stage for setting in info.settings} - {""} <= set(info.stages)


def test_advanced_is_folded_until_asked_for(page: MethodPage) -> None:
    assert not page.advanced.isVisible()
    page.advanced_button.click()
    assert page.advanced.isVisible()
