"""Methods for clips are compared on the same pages, and with the same table, as methods for images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bandbridge.engine.api.events import Compared
from bandbridge.engine.api.jobs import Compare
from bandbridge.engine.api.reports import ComparedMethod, CompareReport, Spread
from bandbridge.engine.api.video_catalogue import DEFAULT_VIDEO_METHOD, VIDEO_METHODS
from bandbridge.engine.worker.run_folder import as_plain
from bandbridge.gui.comparison_record import read_comparison
from bandbridge.gui.pages.clip_method import ClipMethodPage
from bandbridge.gui.pages.clip_results import ClipResultsPage
from bandbridge.gui.pages.clip_run import ClipRunPage
from bandbridge.gui.project import ComparisonEntry, ProjectModel, project_as_json, project_from_json
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.comparison_table import ComparisonTable, comparison_in_words
from bandbridge.gui.widgets.run_summary import what_is_missing
from made_up_clip_runs import compared, video_project, write_run
from made_up_runs import QuietWorker
from pytestqt.qtbot import QtBot


@pytest.fixture
def model(qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectModel]:
    monkeypatch.setattr(ProjectModel, "_MERGE_S", 0.0)
    project = ProjectModel(video_project(), tmp_path)
    project.update(comparing=True, compared=("ce", "mnf-csc"), seeds=2)
    yield project
    project.close()


def test_methods_for_clips_are_ticked(qtbot: QtBot, model: ProjectModel, theme: Theme) -> None:
    model.update(comparing=False, compared=())
    page = ClipMethodPage(model, theme)
    qtbot.addWidget(page)
    page.several_button.click()
    assert model.project.compared == tuple(info.key for info in VIDEO_METHODS), "all that fit, to begin with"
    page.cards["kd"].box.click()
    page.seeds.setValue(2)
    model.update_video(settings={"sp": {"similarity_weight": 1.0}, "kd": {"temperature": 2.0}})
    config = model.project.to_compare_config("/out")
    assert config.of_clips
    assert config.methods == tuple(info.key for info in VIDEO_METHODS if info.key != "kd")
    assert (config.seeds, config.settings) == ((0, 1), {"sp": {"similarity_weight": 1.0}})
    assert model.project.video.method == DEFAULT_VIDEO_METHOD, "the single choice is left alone"
    assert page.manual_chapter == "compare"
    model.update_video(teacher_features="/panns.h5")
    assert not page.cards["ce"].box.isEnabled(), "it has no teacher"
    assert "ce" not in model.project.to_compare_config("/out").methods
    model.update(compared=("sp",))
    assert page.state() == "error"
    assert what_is_missing(model.project) == ["Tick two methods or more to compare (step 2)."]
    assert project_from_json(project_as_json(model.project, model.folder), model.folder) == model.project


def test_the_table_grows_on_the_run_page(qtbot: QtBot, model: ProjectModel, theme: Theme) -> None:
    worker = QuietWorker()
    page = ClipRunPage(model, QuietWorker(), worker, theme)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.show()
    assert "comparison" in page.primary.text()
    page.on_primary()
    (job,) = worker.jobs
    assert isinstance(job, Compare)
    assert job.config == model.project.to_compare_config(job.config.output)
    assert "comparison" in job.config.output
    assert job.config.of_clips
    worker.say(Compared(report=compared(job.config, completed=1)))
    page._redraw()
    assert page.table.cell("ce", "Accuracy").startswith("60.0")
    assert not page._lower.isVisible(), "matched clips are of one run"
    assert [(run.method, run.seed) for run in model.project.runs] == [("ce", 0)]
    worker.answer(compared(job.config))
    assert "Highest accuracy: MNF + CSC" in page.outcome.text
    assert "Guessing reaches 50.0" in page.outcome.text
    assert page.table.cell("", "Method") == "Guessing"
    page.closing()


def test_a_comparison_is_read_back_and_its_runs_are_opened(
    qtbot: QtBot, model: ProjectModel, theme: Theme, scripted_desk: WorkerThread, tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / "c"
    config = model.project.to_compare_config(str(folder))
    assert config.of_clips
    report = compared(config)
    folder.mkdir(parents=True)
    facts = {"format": "x", "state": "completed", "config": as_plain(config), "report": as_plain(report)}
    (folder / "comparison.json").write_text(json.dumps(facts))
    runs = tuple(write_run(Path(run.folder), seed=run.seed) for run in report.runs)
    entry = ComparisonEntry(folder=str(folder), started="2026-11-25T11:00:00", outcome="completed")
    model.update(runs=runs, comparisons=(entry,))
    record = read_comparison(folder)
    assert (record.config, record.report) == (config, report)
    page = ClipResultsPage(model, scripted_desk, theme)
    qtbot.addWidget(page)
    page.show()
    assert page.tabs.currentWidget() is page.comparison
    assert page.verdict.isHidden(), "it is of one run"
    assert page.comparison.table.cell("mnf-csc", "Accuracy") == "80.0\u202f% best ± 1.0"
    assert "its clips" in page.comparison.note.text()
    assert "20 test clips" in page.comparison.note.text()
    page.comparison.table.chosen.emit(report.runs[1].folder)
    assert page.tabs.currentWidget() is page._overview
    assert page._folder == report.runs[1].folder
    assert not page.verdict.isHidden()
    page.closing()


def test_tags_lead_where_there_are_no_classes(model: ProjectModel) -> None:
    config = model.project.to_compare_config("/out")
    assert config.of_clips
    assert comparison_in_words(compared(config, tagged=True)).startswith("Highest tagging mAP: MNF + CSC")


def test_every_number_of_clips_fits_into_a_narrow_window(qtbot: QtBot, theme: Theme) -> None:
    found = {
        "accuracy": 0.719,
        "balanced_accuracy": 0.7034,
        "recall_at_1": 0.8123,
        "retrieval_map": 0.5567,
        "correspondence_separation": 0.98,
        "seconds": 742.0,
        "clips_per_second": 184.0,
        "peak_memory_mb": 1480.0,
    }
    values = {key: Spread(mean=value, deviation=0.04 * value, runs=3) for key, value in found.items()}
    methods = tuple(
        ComparedMethod(method=info.key, state="completed", completed=3, runs=3, values=values) for info in VIDEO_METHODS
    )
    table = ComparisonTable(theme)
    qtbot.addWidget(table)
    table.resize(844, 400)  # what a window of 1100 pixels leaves
    table.show_report(CompareReport(folder="/c", methods=methods, runs=(), measures=tuple(found)))
    table.show()
    assert table.columnCount() == 2 + len(found)
    assert table.header().length() <= table.viewport().width()
    assert table.header().sectionSize(0) >= table.sizeHintForColumn(0), "no method's name is cut off"
