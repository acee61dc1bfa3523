"""What a student has learned: numbers, classes, clips and their like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bandbridge.engine.api.config import DistillConfig
from bandbridge.engine.api.jobs import Export
from bandbridge.engine.api.reports import ClipScores, Finding
from bandbridge.gui.clip_record import ClipPrediction
from bandbridge.gui.clip_verdict import chance_of, judge_clips
from bandbridge.gui.pages.clip_results import ClipResultsPage, _facts_in_words
from bandbridge.gui.project import ProjectModel
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.clip_browser import ClipBrowser
from made_up_clip_runs import report, scores, video_project, write_run
from made_up_runs import QuietWorker
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot


@pytest.fixture
def model(qapp: object, tmp_path: Path) -> Iterator[ProjectModel]:
    runs = tuple(
        write_run(tmp_path / "runs" / str(seed), seed=seed, test=scores(((8 + seed, 2 - seed), (3, 7))))
        for seed in range(2)
    )
    project = ProjectModel(video_project(*runs), tmp_path)
    yield project
    project.close()


@pytest.fixture
def page(qtbot: QtBot, model: ProjectModel, scripted_desk: WorkerThread, theme: Theme) -> Iterator[ClipResultsPage]:
    page = ClipResultsPage(model, scripted_desk, theme)
    qtbot.addWidget(page)
    page.resize(1000, 800)
    page.show()
    yield page
    page.closing()


def plain(rows: list[list[str]]) -> list[list[str]]:
    return [[text.replace("\u202f", " ") for text in row] for row in rows]


def test_numbers_stand_beside_guessing_the_teacher_and_other_seeds(page: ClipResultsPage) -> None:
    assert page.state() == "ready"
    rows = {row[0]: row[1:] for row in plain(page.numbers.texts)}
    assert rows["Accuracy"] == ["50.0 %", "95.0 %", "80.0 %", "77.5 ± 3.5 %"]
    assert rows["R@1"] == ["–", "70.0 %", "70.0 %", "70.0 ± 0.0 %"]
    assert "80.0 %" in page.signs_note.text().replace("\u202f", " ")
    assert plain(page.class_table.texts) == [["rain", "10", "90.0 %"], ["sparks", "10", "70.0 %"]]
    assert [row[5] for row in plain(page.run_table.texts)] == ["80.0 %", "75.0 %"]
    page.run_table.chosen.emit(1)
    assert page._report is not None
    assert page._report.seed == 0


def test_damaged_clips_that_were_used_do_not_count_as_set_aside(tmp_path: Path) -> None:
    kinds = ("broken", "features", "unreadable", "missing")
    aside = tuple(Finding(severity="warning", kind=kind, file=f"{kind}.mp4", what="") for kind in kinds)
    assert "2 clips set aside" in _facts_in_words(replace(report(tmp_path), set_aside=aside))
    assert "set aside" not in _facts_in_words(replace(report(tmp_path), set_aside=aside[:1]))


def test_a_cell_of_the_confusion_opens_its_clips(qtbot: QtBot, page: ClipResultsPage) -> None:
    page.matrix.chosen.emit("sparks", "rain")
    assert page.tabs.currentWidget() is page.browser
    assert [clip.file for clip in page.browser.wall.clips] == [f"sparks/rain{index}.mp4" for index in range(3)]
    assert {clip.mark for clip in page.browser.wall.clips} == {"wrong"}
    page.browser.answer_choice.set_value("")
    page.browser.answer_choice.activated.emit(0)
    assert len(page.browser.wall.clips) == 10


def test_a_clip_is_played_and_its_like_are_found_with_ticks_and_crosses(qtbot: QtBot, page: ClipResultsPage) -> None:
    page.tabs.setCurrentWidget(page.browser)
    browser = page.browser
    assert len(browser.wall.clips) == 20
    browser.wall.chosen.emit(0)
    qtbot.waitUntil(lambda: browser._query is not None and browser.player.screen_area.shown is not None, timeout=10_000)
    assert [clip.mark for clip in browser.found.clips] == ["right", "wrong"] * 3
    assert "3 of 6 have its label" in browser._found_note.text()
    assert "says rain" in browser._said.text()
    player = browser.player
    assert player._timer.isActive()
    player.play_button.click()
    assert not player._timer.isActive()
    player.place.setValue(1)
    assert player.screen_area.at == 1
    browser.found.chosen.emit(1)
    assert browser._chosen == "sparks/0.mp4"
    page.find_like("/elsewhere/film.mp4")
    qtbot.waitUntil(lambda: browser._query is not None, timeout=10_000)
    assert {clip.mark for clip in browser.found.clips} == {""}, "nobody said what it shows"
    browser.film_button.click()
    dialog = page.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit("/elsewhere/other.mp4")
    dialog.reject()
    assert browser._title.text() == "other.mp4"
    page.find_like("/elsewhere/film.mp4")
    assert str(player.file) == "/elsewhere/film.mp4"


def test_similar_clips_are_in_sight_in_a_small_window(qtbot: QtBot, page: ClipResultsPage) -> None:
    page.resize(892, 672)  # what a window of 1100 x 700 pixels leaves
    page.tabs.setCurrentWidget(page.browser)
    browser = page.browser
    page.find_like("/elsewhere/film.mp4")
    qtbot.waitUntil(lambda: bool(browser.found.clips) and browser.player.screen_area.shown is not None, timeout=10_000)

    def end_of_first_pictures() -> int:
        first = browser.found._place(0)
        return browser.found.mapTo(browser.right_area.viewport(), first.topLeft()).y() + first.width()

    qtbot.waitUntil(lambda: end_of_first_pictures() <= browser.right_area.viewport().height(), timeout=5000)
    browser.right_area.verticalScrollBar().setValue(browser.right_area.verticalScrollBar().maximum())
    browser.found.chosen.emit(1)
    assert browser.right_area.verticalScrollBar().value() == 0, "the clip pressed is seen"


def test_the_time_of_a_run_gone_on_with_is_told_as_that_of_its_last_part(
    page: ClipResultsPage, model: ProjectModel, tmp_path: Path
) -> None:
    model.update(runs=(*model.project.runs, write_run(tmp_path / "runs" / "2", seed=2, resumed=True)))
    assert [row[7] for row in page.run_table.texts] == ["> 50 s", "50 s", "50 s"]
    assert "50 s since it went on" in page._facts.text()


def test_training_clips_can_be_looked_at_too(page: ClipResultsPage) -> None:
    page.tabs.setCurrentWidget(page.browser)
    page.browser.split_choice.set_value("train")
    page.browser.split_choice.activated.emit(0)
    assert [clip.file for clip in page.browser.wall.clips] == ["rain/learned.mp4"]
    page.browser.class_choice.set_value("sparks")
    page.browser.class_choice.activated.emit(0)
    assert page.browser.wall.clips == ()


def test_the_student_is_exported(qtbot: QtBot, model: ProjectModel, theme: Theme) -> None:
    desk = QuietWorker()
    page = ClipResultsPage(model, desk, theme)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.on_primary()
    assert page.tabs.currentWidget() is page.export_panel
    page.on_primary()
    (job,) = desk.jobs
    assert isinstance(job, Export)
    assert job.output.endswith("clip_model.onnx")
    page.closing()


def test_the_report_is_opened_where_there_is_one(
    page: ClipResultsPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not page.open_button.isEnabled()
    (tmp_path / "runs" / "0" / "report.html").write_text("<title>Report</title>")
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    page.open_run(str(tmp_path / "runs" / "0"))
    page.open_button.click()
    assert opened == [str(tmp_path / "runs" / "0" / "report.html")]
    page.save_report_to(tmp_path / "copy.html")
    assert (tmp_path / "copy.html").is_file()


def test_tags_have_a_table_and_no_matrix(
    qtbot: QtBot, theme: Theme, scripted_desk: WorkerThread, tmp_path: Path
) -> None:
    tagged = ClipScores(clips=20, tagging={"rain": 0.9, "sparks": 0.7}, measures={"tagging_map": 0.8})
    run = write_run(tmp_path / "run", test=tagged, tags=True)
    project = ProjectModel(video_project(run), tmp_path)
    page = ClipResultsPage(project, scripted_desk, theme)
    qtbot.addWidget(page)
    assert plain(page.numbers.texts)[0][:4] == ["Tagging mAP", "50.0 %", "–", "80.0 %"]
    assert plain(page.class_table.texts) == [["rain", "", "90.0 %"], ["sparks", "", "70.0 %"]]
    assert page.matrix.isHidden()
    assert "Tags" in [page.tabs.tabText(index) for index in range(page.tabs.count())]
    page.closing()
    project.close()


def test_clips_of_unknown_classes_are_told_and_not_judged(
    qtbot: QtBot, theme: Theme, scripted_desk: WorkerThread, tmp_path: Path
) -> None:
    part = replace(scores(), clips=25)
    none = ClipScores(clips=4, measures={"recall_at_1": 0.0})
    runs = (write_run(tmp_path / "none", test=none), write_run(tmp_path / "part", test=part))
    project = ProjectModel(video_project(*runs), tmp_path)
    page = ClipResultsPage(project, scripted_desk, theme)
    qtbot.addWidget(page)
    page.open_run(str(tmp_path / "part"))
    assert "the class of 5 of them" in page._measured_on.text()
    assert "on 20 test clips" in page.verdict.headline
    page.open_run(str(tmp_path / "none"))
    assert page._classes_note.text() == "None of the test clips is of a class that a training clip shows."
    assert page.class_table.texts == []
    assert page.matrix.isHidden()
    page.closing()
    project.close()


def test_answers_are_right_partly_right_wrong_or_none_of_these(
    qtbot: QtBot, theme: Theme, scripted_desk: WorkerThread
) -> None:
    browser = ClipBrowser(scripted_desk, theme)
    qtbot.addWidget(browser)
    said = (("rain", "sparks"), ("rain",), ("rain",), ("rain",), ())
    truths = (("sparks", "rain"), ("rain", "sparks"), ("sparks",), ("fog",), ("rain",))
    clips = [ClipPrediction(f"{n}.mp4", "test", truths[n], said[n], 0.75) for n in range(len(said))]
    config = DistillConfig(clips="/clips", run="/run", teacher="picture")
    browser.set_run(config, clips, ("rain", "sparks"), tags=True)
    assert [clip.mark for clip in browser.wall.clips] == ["right", "partly", "wrong", "", "wrong"]
    assert browser.wall.clips[3].lines == ("rain", "is fog")
    browser.answer_choice.set_value("partly")
    browser.answer_choice.activated.emit(0)
    assert [clip.file for clip in browser.wall.clips] == ["1.mp4"]
    browser.look_at("3.mp4")
    assert "No training clip is fog" in browser._said.text()
    browser.stop()


def test_a_run_that_cannot_be_read_is_told(
    qtbot: QtBot, model: ProjectModel, theme: Theme, scripted_desk: WorkerThread, tmp_path: Path
) -> None:
    (tmp_path / "runs" / "1" / "report.json").write_text("{")
    page = ClipResultsPage(model, scripted_desk, theme)
    qtbot.addWidget(page)
    assert page.state() == "error"
    assert "cannot be read" in page.verdict.headline
    assert not page.can_find
    page.open_run(str(tmp_path / "runs" / "0"))
    assert page.state() == "ready"
    page.closing()


def test_the_verdict_does_not_praise_what_guessing_reaches(tmp_path: Path) -> None:
    poor = judge_clips(report(tmp_path, test=scores(((6, 4), (5, 5)))))
    assert poor.tone == "warning"
    assert "no better than chance" in poor.headline
    good = judge_clips(report(tmp_path))
    assert good.tone == "good"
    assert "20 clips can tell this only roughly" in good.explanation
    assert chance_of(report(tmp_path, test=scores(((9, 6), (0, 5)))), "test") == 0.75
    assert chance_of(report(tmp_path), "validation") is None
