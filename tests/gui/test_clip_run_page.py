"""A run on clips is started, watched, ended and gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.events import Finished, TrainingStarted
from bandbridge.engine.api.jobs import ClipThumbnails, Distill
from bandbridge.engine.worker.run_folder import as_plain
from bandbridge.gui.pages.clip_run import ClipRunPage
from bandbridge.gui.project import ProjectModel, RunEntry
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.chart import LocaleAxis
from made_up_clip_runs import events, report, signs, video_project
from made_up_runs import QuietWorker
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot


@pytest.fixture
def model(qapp: object, tmp_path: Path) -> Iterator[ProjectModel]:
    project = ProjectModel(video_project(), tmp_path)
    yield project
    project.close()


@pytest.fixture
def worker() -> QuietWorker:
    return QuietWorker()


@pytest.fixture
def desk() -> QuietWorker:
    return QuietWorker()


@pytest.fixture
def page(
    qtbot: QtBot, model: ProjectModel, desk: QuietWorker, worker: QuietWorker, theme: Theme
) -> Iterator[ClipRunPage]:
    page = ClipRunPage(model, desk, worker, theme)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.resize(1100, 900)
    page.show()
    yield page
    page.closing()


def words(page: ClipRunPage) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page))


def test_what_will_run_is_told_and_what_is_missing(page: ClipRunPage, model: ProjectModel) -> None:
    assert page.state() == "ready"
    for part in ("Sound teaches pictures", "MNF + CSC", "4 pictures a second of 64 pixels", "100 epochs (standard)"):
        assert part in words(page)
    model.update_video(method="ce", teacher="picture")
    QApplication.processEvents()  # the new words take their place
    assert "A network for sound" in words(page)
    model.update_video(clips="")
    QApplication.processEvents()
    assert not page.primary.isEnabled()
    assert "Choose the clips" in words(page)


def test_stopping_to_keep_before_there_is_a_student_says_why_nothing_was_kept(
    page: ClipRunPage, worker: QuietWorker
) -> None:
    page.primary.click()
    page.toggle_pause()
    assert page.stop_button.isEnabled(), "pausing may take a while"
    assert not page.pause_button.isEnabled()
    page.stop_button.click()
    assert not page.stop_button.isEnabled()
    worker.say(next(events()), Finished(outcome="stopped"))
    assert "no student to keep" in page.outcome.text


def test_a_run_is_watched_from_its_beginning_to_its_result(
    qtbot: QtBot, page: ClipRunPage, model: ProjectModel, worker: QuietWorker, desk: QuietWorker
) -> None:
    page.primary.click()
    (job,) = worker.jobs
    assert isinstance(job, Distill)
    assert job.config == model.project.to_distill_config(job.config.run)
    assert model.project.runs[0].method == "mnf-csc"
    worker.say(*events())
    page._redraw()
    assert page.story.stages[1].measured["accuracy"].latest == pytest.approx(0.7)
    assert "9.00 clips/s" in words(page)
    assert "Go together best" in words(page)
    assert [clip.file for clip in page.matched.best.clips][:2] == ["rain/0.mp4", "rain/1.mp4"]
    assert page.matched.worst.clips[0].file == "rain/7.mp4"
    assert page.content.minimumSize().width() <= 880, "nothing is cut off in a window of 1100 pixels"
    assert isinstance(desk.jobs[0], ClipThumbnails)
    assert desk.jobs[0].folder == "/", "where the list lies, for it is no folder on this disk"
    progress = page._charts.widget(1)
    assert progress.temperature_chart.isVisible()
    assert "0.4" in progress.temperature_chart._value.text()
    tiles = progress._grid._tiles
    for stage in ("Teacher", "Student"):
        assert tiles[f"{stage}:accuracy"].isVisible()
        assert tiles[f"{stage}:accuracy"].accessibleDescription().replace("\u202f", " ") == "50 % → 70 % better"
    result = report(Path(job.config.run))
    worker.say(Finished(outcome="completed", result=result))
    assert "80" in page.outcome.headline
    assert "Guessing reaches 50" in page.outcome.text
    assert page.state() == "ready"
    assert model.project.runs[0].outcome == "completed"


def test_without_signs_their_places_stay_empty(page: ClipRunPage, worker: QuietWorker) -> None:
    page.start()
    worker.say(*(event for event in events() if not hasattr(event, "temperature")))
    page._redraw()
    assert "Go together best" not in words(page)
    assert "How well picture and sound" not in words(page)


def test_signs_of_one_kind_alone_are_shown(page: ClipRunPage, worker: QuietWorker) -> None:
    page.start()
    worker.say(*(event for event in events() if not hasattr(event, "temperature")))
    worker.say(replace(signs(30), temperature=None))
    page._redraw()
    progress = page._charts.widget(1)
    assert progress.mask_chart.isVisible()
    assert not progress.temperature_chart.isVisible()
    assert progress.correspondence_chart.isVisible()
    assert page.matched.best.clips[0].lines[1] == "0.80"


def test_a_run_that_is_gone_on_with_forgets_what_came_later() -> None:
    story = RunStory()
    for event in events():
        story.take(event)
    assert [seen.step for seen in story.signs] == [31, 41]
    start = next(event for event in events() if isinstance(event, TrainingStarted) and event.number == 1)
    story.take(replace(start, first_step=15))
    assert [seen.step for seen in story.signs] == [31]
    assert np.isclose(story.stages[1].measured["accuracy"].latest, 0.6)


def test_an_interrupted_run_is_offered_again(qtbot: QtBot, worker: QuietWorker, theme: Theme, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "1"
    entry = RunEntry(folder=str(folder), method="mnf-csc", seed=0, started="2026-11-25T10:00:00", outcome="running")
    project = ProjectModel(video_project(entry), tmp_path)
    folder.mkdir(parents=True)
    config = project.project.to_distill_config(str(folder))
    facts = {"format": "bandbridge-distillation-1", "state": "running", "config": as_plain(config)}
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "checkpoint.safetensors").write_bytes(b"x")
    page = ClipRunPage(project, QuietWorker(), worker, theme)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    assert "MNF + CSC) ended unexpectedly" in page.outcome.headline
    page.go_on_button.click()
    assert worker.jobs == [Distill(config=config, resume=True)]
    page.closing()
    project.close()


def test_ticks_close_together_differ_in_what_they_say(qapp: object) -> None:
    axis = LocaleAxis("left")
    assert axis.tickStrings([1.13102, 1.13104, 1.13106], 1.0, 2e-5) == ["1.13102", "1.13104", "1.13106"]
    assert axis.tickStrings([0.0, 0.5], 1.0, 0.5) == ["0.0", "0.5"]
